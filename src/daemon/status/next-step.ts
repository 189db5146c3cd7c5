/** What would happen next, and why the last transition did. */
import type { Config } from "../../config/keys/config.ts";
import { isPeerAlive } from "../../failover/evidence/peer.ts";
import type { Cause, Transition, TransitionReason } from "../../failover/machine/history.ts";
import { FAILBACK_STABLE_LIMIT_MS } from "../../failover/machine/settings.ts";
import type { Move, State } from "../../failover/machine/state.ts";
import { WORSE_PLACE } from "../../failover/rules/disadvantage.ts";
import { failbackAtMs, failbackPause } from "../../failover/rules/failback.ts";
import { OFFERED_MOVE } from "../../failover/rules/offer-acceptance.ts";
import { PLANNED_MOVE, waitsFor } from "../../failover/rules/planned-move.ts";
import { formatSpan } from "../../model/duration.ts";
import { otherRouter, type Role } from "../../model/pair.ts";
import type { MoveReason } from "../../wire/heartbeat/heartbeat.ts";
import { peerObstacle } from "./peer-obstacle.ts";
import type { FailbackStatus } from "./status-report.ts";
import { stayReason } from "./stay-reasons.ts";

/** What would happen next if nothing new happened, as a sentence for people; rule 13 wants the time left shown. */
export function outlook(state: State, config: Config, nowMs: number): string {
  const { phase, settings, abstaining, stopping, move, query } = state;
  const peer = config.pair[otherRouter(settings.router)].name;
  const alive = isPeerAlive(state, nowMs);
  if (stopping !== undefined || phase.kind === "stopped") return "this daemon ends";
  if (phase.kind === "starting" || phase.kind === "taking") return "this router becomes active, unless the peer is";
  if (move !== undefined) return moveOutlook(state, move, peer, nowMs);
  if (phase.kind === "active") return activeOutlook(state, config, nowMs);
  if (abstaining) return "this router stays standby until `tandem failover take`";
  const after = formatSpan(settings.deadAfterMs);
  if (alive && state.peer?.says.role === "active")
    return `takes over when ${peer} is silent on both paths for ${after}`;
  if (query?.standoff === true) return `takes over when ${peer}'s kernel no longer answers for the VIPs`;
  return alive ? "one of the routers becomes active as soon as it can" : "takes over as soon as it may";
}

function moveOutlook(state: State, move: Move, peer: string, nowMs: number): string {
  const why = move.offeredAtMs === undefined ? waitsFor(state, move, nowMs) : undefined;
  if (why === undefined) return `${peer} takes the VIPs now`;
  const left = formatSpan(Math.max(0, move.sinceMs + move.limitMs - nowMs));
  return `${peer} takes the VIPs as soon as it can: ${why}; that is waited for, for ${left} more at most`;
}

function activeOutlook(state: State, config: Config, nowMs: number): string {
  const peer = config.pair[otherRouter(state.settings.router)].name;
  const { settings } = state;
  const says = isPeerAlive(state, nowMs) ? state.peer?.says : undefined;
  if (says === undefined) return `stays active; ${peer} is not there to take over`;
  const reason = stayReason(state, config, nowMs);
  if (reason !== undefined) return reason;
  const why = says.ready ? undefined : peerObstacle(state, nowMs);
  if (settings.router === "primary") {
    if (says.ready) return `stays active; ${peer} is ready to take over`;
    return `stays active; ${peer} is not ready to take over${why === undefined ? "" : `: ${why}`}`;
  }
  const pause = failbackPause(state);
  if (pause !== undefined) return `stays active: ${pause}; \`tandem failover switch\` gives the VIPs back to ${peer}`;
  const atMs = failbackAtMs(state);
  const grown = failbackGrowth(state);
  if (atMs === undefined) {
    const obstacle = why === undefined ? "" : `, which it is not: ${why}`;
    return `gives the VIPs back to ${peer} once that is ready and stable${obstacle}${grown}`;
  }
  const left = formatSpan(Math.max(0, atMs - nowMs));
  return `gives the VIPs back to ${peer} in ${left}, if it stays ready until then${grown}`;
}

/** Whether the VIPs go back to the primary by themselves; unknown where only the other router can tell. */
export function pendingFailback(state: State): FailbackStatus {
  const { settings, phase, hold } = state;
  if (settings.router === "backup") {
    return phase.kind === "active" && failbackPause(state) === undefined ? "pending" : "none";
  }
  const isAway = phase.kind === "standby" && state.peer?.says.role === "active";
  return isAway && settings.failback === "automatic" && !hold ? "unknown" : "none";
}

/** The wait doubles with each move back that did not last (rule 13). */
function failbackGrowth({ failback, settings }: State): string {
  const moves = Math.round(Math.log2(failback.stableMs / settings.failbackStableMs));
  if (moves < 1) return "";
  const count = failback.stableMs >= FAILBACK_STABLE_LIMIT_MS ? `at least ${moves}` : `${moves}`;
  const what = count === "1" ? "a move back" : `${count} moves back`;
  return `; that wait has grown from ${formatSpan(settings.failbackStableMs)} to ${formatSpan(failback.stableMs)} by ${what} that did not last`;
}

type Words = string | { readonly [R in Role]: string };

const REASONS: Readonly<Record<TransitionReason, Words>> = {
  adopted: "a restarted daemon found its VIPs here",
  "peer-silent": "the peer was silent on all paths",
  "peer-left": "the peer was leaving",
  "peer-lapsed": "the peer's kernel had dropped the VIPs, unrenewed",
  "nobody-active": "no router was active",
  "handed-over": { active: "the peer handed over", standby: "handed over to the peer" },
  operator: "an operator wanted it",
  "higher-term": "the peer was active in a higher term",
  "lease-lost": "the leases ended before a renewal",
  "lease-failed": "the kernel refused to renew the leases",
  alone: "this router saw nobody",
  "second-owner": "the unheard peer's kernel had the VIPs too, perhaps for longer",
  stopped: "the daemon was stopped",
  released: "an operator released it",
};

const MOVE_REASONS: Readonly<Record<MoveReason, string>> = {
  operator: "an operator wanted it",
  failback: "the primary had been ready for long enough",
  stopping: "its daemon was stopped",
  "carrier-lost": "a carrier was lost",
  "side-blind": "nobody answered on a side",
  "address-removed": "somebody removed VIPs again and again",
  views: "real servers were seen by the peer only",
  "interface-lost": "an interface was down or gone",
  "address-lost": "an own address was gone",
  refused: "the kernel refused a VIP",
  "no-ipvs": "the kernel had no IPVS",
  "settings-lost": "kernel settings were changed",
  "route-lost": "the default route was gone",
  gate: "a gate failed",
};

/** What led to a hand-over, as its chain tells it; undefined: it does not. */
function moveWords(causes: readonly Cause[]): string | undefined {
  const isMove = ({ text }: Cause) => [PLANNED_MOVE, OFFERED_MOVE].some((lead) => text.startsWith(`${lead}: `));
  const move = causes.findLast(isMove);
  const reason = move?.text.slice(move.text.indexOf(": ") + 2);
  const known = Object.entries(MOVE_REASONS).find(([name]) => name === reason);
  // The line before it says more.
  const before = move === undefined ? undefined : causes[causes.indexOf(move) - 1];
  if (before?.name === "worse-place") return before.text.slice(`${WORSE_PLACE}: `.length);
  return known?.[1];
}

/** Why this role changed, in words, with what its chain knows of the cause. */
export function transitionWhy({ reason, to, causes }: Transition): string {
  const words = transitionWords(reason, to);
  const more = reason === "handed-over" ? moveWords(causes) : undefined;
  return more === undefined ? words : `${words}: ${more}`;
}

/** Why a role changed, in words. */
export function transitionWords(reason: TransitionReason, to: Role): string {
  const words = REASONS[reason];
  return typeof words === "string" ? words : words[to];
}
