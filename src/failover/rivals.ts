/** Two routers that are active and hear each other (rule 5), and obeying a higher term (rule 7). */
import type { HeartbeatPayload } from "../wire/heartbeat.ts";
import { startAnnouncing } from "./announce.ts";
import { wantedVips } from "./lease.ts";
import { isAgreedOverlap } from "./move.ts";
import { abortTaking, becomeStandby } from "./role.ts";
import type { State } from "./state.ts";
import type { Turn } from "./turn.ts";

/** Whether the peer, being active, is right and I am not. */
function peerPrevails(state: State, says: HeartbeatPayload): boolean {
  return says.term > state.term || (says.term === state.term && state.settings.router === "backup");
}

/**
 * The first reaction to what the peer says. Terms only rise, so that a packet held back on its way, or one from a peer
 * that is deaf to me, is obeyed as well when its term is higher: it was true when it was said.
 */
export function obeyTerm(turn: Turn, says: HeartbeatPayload): void {
  const { phase, term } = turn.state;
  if (says.role === "active" && phase.kind === "active" && !isAgreedOverlap(turn.state, turn.now)) {
    if (peerPrevails(turn.state, says)) {
      turn.cause("two-actives", `the peer is active in term ${says.term}, I am in term ${term}`);
      becomeStandby(turn, "higher-term");
    }
  }
  if (says.term > term) {
    turn.set({ term: says.term });
    turn.persist();
  }
}

/** The rest of it, for packets that count: a rival is told of, and outlived. */
export function judgeRival(turn: Turn): void {
  const { phase, peer, rival, acceptance, term } = turn.state;
  if (peer === undefined) return;
  const peerActive = peer.says.role === "active";
  if (phase.kind === "taking" && peerActive && acceptance === undefined && !phase.taking.force) {
    abortTaking(turn, "the peer is active");
  } else if (phase.kind === "active" && peerActive && !rival && !isAgreedOverlap(turn.state, turn.now)) {
    turn.set({ rival: true });
    if (acceptance === undefined) {
      turn.notice("warn", "two-actives", `the peer is active too, in term ${peer.says.term}; mine is ${term}: I stay`);
    }
  } else if (phase.kind === "active" && rival && !peerActive) {
    // The neighbours may have learnt the rival's MAC last.
    turn.set({ rival: false });
    turn.cause("rival-gone", "the peer gave the VIPs up: they are announced again");
    if (acceptance === undefined) startAnnouncing(turn);
    else turn.emit({ kind: "announce", vips: wantedVips(turn.state), unicast: true });
  }
}
