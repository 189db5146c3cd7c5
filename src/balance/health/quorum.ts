import type { Quorum } from "../../config/keys/config.ts";

/** A server as far as the quorum is concerned. */
export interface QuorumServer {
  readonly isUp: boolean;
  /** The configured weight. */
  readonly weight: number;
}

/**
 * Whether a service has its quorum: lost below `needed - hysteresis`, there again from `needed + hysteresis`, but at most
 * what all its servers together are.
 * @param before whether it had it until now
 */
export function hasQuorum(quorum: Quorum | undefined, servers: readonly QuorumServer[], before: boolean): boolean {
  if (quorum === undefined) return true;
  const count = (counted: readonly QuorumServer[]): number =>
    quorum.by === "servers" ? counted.length : counted.reduce((sum, server) => sum + server.weight, 0);
  const up = count(servers.filter((server) => server.isUp));
  if (before) return up >= quorum.needed - quorum.hysteresis;
  // With more than all wanted, a quorum once lost could never return.
  return up >= Math.max(quorum.needed, Math.min(quorum.needed + quorum.hysteresis, count(servers)));
}
