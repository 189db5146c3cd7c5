/** The rules about a silent peer and a second owner, as they are built, and as they might have been worded. */
export interface Wording {
  /** Nothing answers any more, but its kernel had answered after its daemon fell silent: the end of every lease is waited for. */
  readonly waitsForLeases: boolean;
  /** An active that sees VIPs in the kernel of a peer whose heartbeats have not settled it gives way … */
  readonly givesWay: "never" | "without proof" | "if it took by silence" | "if it is the backup and took by silence";
  /** It also looks for them while it hears that its peer is active too. */
  readonly watchesHeardRival: boolean;
  /** Proof that the peer had no VIP is from this very tenure. */
  readonly provesEachTenure: boolean;
  /** Of two that both have proof the backup gives way after three seconds. */
  readonly hasPatience: boolean;
  /** A backup that gave way, and whoever saw nobody, lets its peer go first. */
  readonly yields: boolean;
  /** A backup lets a primary go first that may be standby too. */
  readonly backupWaits: boolean;
}

export const AS_BUILT: Wording = {
  waitsForLeases: true,
  givesWay: "without proof",
  watchesHeardRival: true,
  provesEachTenure: true,
  hasPatience: true,
  yields: true,
  backupWaits: true,
};
