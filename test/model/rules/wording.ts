/** The rules about a silent peer and a second owner, as they are built and as they might have been worded. */
export interface Wording {
  /** Nothing answers any more, but its kernel had answered after its daemon fell silent: the end of every lease is waited for. */
  readonly waitsForLeases: boolean;
  /** An active that does not hear its peer and sees that its kernel has VIPs too gives way … */
  readonly givesWay: "never" | "without proof" | "if it took by silence" | "if it is the backup and took by silence";
  /** Proof that the peer had no VIP is from this very tenure. */
  readonly provesEachTenure: boolean;
  /** Of two that both have proof the backup gives way after three seconds. */
  readonly hasPatience: boolean;
  /** Who gave way, or saw nobody, lets its peer go first; a backup lets a primary go first that may be standby too. */
  readonly letsPeerGoFirst: boolean;
}

export const AS_BUILT: Wording = {
  waitsForLeases: true,
  givesWay: "without proof",
  provesEachTenure: true,
  hasPatience: true,
  letsPeerGoFirst: true,
};
