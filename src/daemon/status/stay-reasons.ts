/** Why an active router that is not well does not hand over. */
import type { Config } from "../../config/keys/config.ts";
import { GATE_TRUSTED_MS, unfitClause } from "../../failover/evidence/fitness.ts";
import { isDeciding, peerGate } from "../../failover/evidence/gate-evidence.ts";
import type { State } from "../../failover/machine/state.ts";
import { disadvantageAtMs } from "../../failover/rules/disadvantage.ts";
import { formatSpan } from "../../model/duration.ts";
import { otherRouter } from "../../model/pair.ts";
import { unservableVips } from "./alarms.ts";
import { peerObstacle } from "./peer-obstacle.ts";

/**
 * Why an active that is not well, with a peer that is alive, does not hand over yet, or not at all, as a sentence that
 * follows a router's name; undefined: it is well, or nothing of it is known.
 */
export function stayReason(state: State, config: Config, nowMs: number): string | undefined {
  const peer = config.pair[otherRouter(state.settings.router)].name;
  return worseReason(state, peer, nowMs) ?? unservableReason(state, peer, nowMs) ?? gateReason(state, peer, nowMs);
}

/** The peer is the better place: the move waits for something, or is about to begin. */
function worseReason(state: State, peer: string, nowMs: number): string | undefined {
  const { worse, damping, retryMoveAtMs = -Infinity } = state;
  const atMs = disadvantageAtMs(state);
  if (worse === undefined || atMs === undefined) return undefined;
  const { text, certain } = worse.why;
  const isDamped = !certain && damping !== undefined && atMs === damping.movedAtMs + damping.pauseMs;
  if (isDamped && atMs > nowMs) {
    const waits = `it waits ${formatSpan(atMs - nowMs)} more, since the VIPs moved for a reason of this kind`;
    return `hands over to ${peer}: ${text}; ${waits} ${formatSpan(nowMs - damping.movedAtMs)} ago`;
  }
  const leftMs = Math.max(atMs, retryMoveAtMs) - nowMs;
  if (leftMs > 0) return `hands over to ${peer} in ${formatSpan(leftMs)}: ${text}`;
  if (state.peer?.says.ready === true) return `hands over to ${peer} now: ${text}`;
  const why = peerObstacle(state, nowMs);
  return `hands over to ${peer} as soon as that could take over: ${text}${why === undefined ? "" : `; there, ${why}`}`;
}

/** Moving the VIP would help nobody. */
function unservableReason(state: State, peer: string, nowMs: number): string | undefined {
  const [first, ...more] = unservableVips(state, nowMs);
  if (first?.there === undefined) return undefined;
  const { vip } = first.sided;
  const rest = more.length === 0 ? "" : ` and ${more.length} more`;
  const why = `${unfitClause(vip, first.here)} here, and on ${peer} ${unfitClause(vip, first.there)}`;
  return `stays active; ${peer} could not serve ${vip.prefix.address.text}${rest} either: ${why}; it waits for one of the two to be mended`;
}

/** A gate fails here, and not the peer's word but something else keeps the VIPs from moving for it. */
function gateReason(state: State, peer: string, nowMs: number): string | undefined {
  const failing = state.gates.filter((gate) => isDeciding(gate) && gate.state === "failing");
  const [gate] = failing;
  if (gate === undefined) return undefined;
  const { name } = gate;
  const trusted = formatSpan(GATE_TRUSTED_MS);
  const theirs = peerGate(state, name);
  switch (theirs?.state) {
    case undefined:
      return `stays active though gate ${name} fails: ${peer} has no gate of that name`;
    case "failing":
      return `stays active though gate ${name} fails: it fails on ${peer} as well; it waits for that to pass for ${trusted}`;
    case "unknown":
      return `stays active though gate ${name} fails: ${peer} does not know yet whether its own passes`;
    case "recovering": {
      const left = formatSpan(Math.max(0, (theirs.sinceMs ?? nowMs) + GATE_TRUSTED_MS - nowMs));
      return `hands over to ${peer} when gate ${name}, which fails here, has passed there for ${trusted}: in ${left} at the latest, if it goes on`;
    }
    case "passing":
      return `stays active though gate ${name} fails: otherwise ${peer} is not the better place`;
  }
}
