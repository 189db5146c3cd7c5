/** Why the peer could not take the VIPs. */
import { compare } from "../../failover/evidence/comparison.ts";
import { unfitText } from "../../failover/evidence/fitness.ts";
import { isDeciding, peerGate } from "../../failover/evidence/gate-evidence.ts";
import { peerFitness } from "../../failover/evidence/peer.ts";
import { peerHasCarrier } from "../../failover/evidence/side-evidence.ts";
import type { State } from "../../failover/machine/state.ts";
import { PATHS } from "../../model/pair.ts";

/**
 * Why a peer that says that it is not ready could not take the VIPs, as far as its heartbeats tell, as a clause. Its gates
 * travel as digests of their names: those that this router has too are known by name.
 */
export function peerObstacle(state: State, nowMs: number): string | undefined {
  const comparison = compare(state, nowMs);
  if (comparison.better === "here") return comparison.text;
  const lost = PATHS.find((side) => !peerHasCarrier(state, side));
  if (lost !== undefined) return `no carrier on its ${lost} side`;
  for (const { vip } of state.settings.vips) {
    const why = peerFitness(state, vip)?.unfit;
    if (why !== undefined) return unfitText(vip, why);
  }
  const failing = state.gates.filter((gate) => isDeciding(gate) && peerGate(state, gate.name)?.state === "failing");
  return failing.length === 0 ? undefined : `its gate ${failing.map(({ name }) => name).join(", ")} fails`;
}
