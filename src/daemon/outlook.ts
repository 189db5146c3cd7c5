import type { Config } from "../config/config.ts";
import { failbackAtMs, failbackPause } from "../failover/failback.ts";
import type { TransitionReason } from "../failover/history.ts";
import { isPeerAlive } from "../failover/peer.ts";
import type { State } from "../failover/state.ts";
import { formatSpan } from "../model/duration.ts";
import { otherRouter, type Role } from "../model/pair.ts";

/** What would happen next if nothing new happened, as a sentence for people; rule 13 wants the time left shown. */
export function outlook(state: State, config: Config, nowMs: number): string {
  const { phase, settings, abstaining, stopping, move, query } = state;
  const peer = config.pair[otherRouter(settings.router)].name;
  const alive = isPeerAlive(state, nowMs);
  if (stopping !== undefined || phase.kind === "stopped") return "this daemon ends";
  if (phase.kind === "starting" || phase.kind === "taking") return "this router becomes active, unless the peer is";
  if (move !== undefined) return `${peer} takes the VIPs as soon as it is ready`;
  if (phase.kind === "active") return activeOutlook(state, peer, nowMs);
  if (abstaining) return "this router stays standby until `tandem failover take`";
  const after = formatSpan(settings.deadAfterMs);
  if (alive && state.peer?.says.role === "active")
    return `takes over when ${peer} is silent on both paths for ${after}`;
  if (query?.standoff === true) return `takes over when ${peer}'s kernel no longer answers for the VIPs`;
  return alive ? "one of the routers becomes active as soon as it can" : "takes over as soon as it may";
}

function activeOutlook(state: State, peer: string, nowMs: number): string {
  const { settings } = state;
  const says = isPeerAlive(state, nowMs) ? state.peer?.says : undefined;
  if (says === undefined) return `stays active; ${peer} is not there to take over`;
  if (settings.router === "primary") {
    return says.ready
      ? `stays active; ${peer} is ready to take over`
      : `stays active; ${peer} is not ready to take over`;
  }
  const pause = failbackPause(state);
  if (pause !== undefined) return `stays active: ${pause}; \`tandem failover switch\` gives the VIPs back to ${peer}`;
  const atMs = failbackAtMs(state);
  if (atMs === undefined) return `gives the VIPs back to ${peer} once that is ready and stable`;
  const left = formatSpan(Math.max(0, atMs - nowMs));
  return `gives the VIPs back to ${peer} in ${left}, if it stays ready until then`;
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

/** Why a role changed, in words. */
export function transitionWords(reason: TransitionReason, to: Role): string {
  const words = REASONS[reason];
  return typeof words === "string" ? words : words[to];
}
