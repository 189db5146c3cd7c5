/**
 * "Is it me or them?" The two routers' views of the services are compared (rule B10 of balancing): a standby that sees strictly
 * more of them alive than the active, for long enough, is a reason to warn, or to hand over where that is wanted.
 */
import { firstNames } from "../../lib/first-names.ts";
import type { ServiceSight } from "../../model/service-sight.ts";
import { VIEWS_WINDOW, type ViewsReport } from "../../wire/heartbeat/heartbeat.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";
import { isPeerAlive } from "./peer.ts";

/** At most one move in this time is made because of the views. */
const MOVE_GAP_MS = 600_000;

/** The part of this router's views that goes with the next heartbeats: with very many services, others each time. */
export function viewsReport({ views, sendNumber }: State): ViewsReport | undefined {
  if (views.length === 0) return undefined;
  const windows = Math.ceil(views.length / VIEWS_WINDOW);
  const from = (sendNumber % windows) * VIEWS_WINDOW;
  return { total: views.length, from, sights: views.slice(from, from + VIEWS_WINDOW) };
}

/** The balancer told how it sees the services. */
export function onViews(turn: Turn, sights: readonly ServiceSight[]): void {
  turn.set({ views: sights });
}

/** Puts what the peer says of some services to what it has said of the others. */
export function hearViews(turn: Turn, report: ViewsReport | undefined): void {
  if (report === undefined) {
    turn.set({ peerViews: [] });
    return;
  }
  const before = turn.state.peerViews;
  const known = before.length === report.total ? before : new Array<ServiceSight>(report.total).fill("unknown");
  turn.set({ peerViews: known.map((sight, index) => report.sights[index - report.from] ?? sight) });
}

/**
 * The services that `mine` sees dead and `theirs` alive, by their places, when there is none the other way round. A
 * service that either does not know says nothing.
 */
export function missedServices(mine: readonly ServiceSight[], theirs: readonly ServiceSight[]): readonly number[] {
  if (mine.length !== theirs.length) return [];
  const missed: number[] = [];
  for (const [index, sight] of mine.entries()) {
    if (sight === "alive" && theirs[index] !== "alive") return [];
    if (sight === "dead" && theirs[index] === "alive") missed.push(index);
  }
  return missed;
}

function comparable({ peer, settings }: State): boolean {
  // With different configurations a place in the list means different services.
  return peer?.says.configFingerprint === settings.configFingerprint;
}

/** What the active misses and the standby sees, seen from either of them. */
export function missedByActive(state: State, nowMs: number): readonly number[] {
  const { phase, peer, views, peerViews } = state;
  if (!isPeerAlive(state, nowMs) || !comparable(state)) return [];
  if (phase.kind === "active" && peer?.says.role === "standby") return missedServices(views, peerViews);
  if (phase.kind === "standby" && peer?.says.role === "active") return missedServices(peerViews, views);
  return [];
}

/** This active sees services that its peer does not: the role stays where they are seen. */
export function seesMore(state: State): boolean {
  return comparable(state) && missedServices(state.peerViews, state.views).length > 0;
}

/** The names of services, in words: `web, mail and 3 more`. */
export function namedServices({ settings }: State, places: readonly number[]): string {
  return firstNames(places.map((place) => settings.services[place]?.name ?? `number ${place}`));
}

/** When what is seen has lasted for long enough: three times what a verdict takes, of the slowest one. */
function believedAtMs({ settings, missed }: State): number {
  if (missed === undefined) return Infinity;
  const patienceMs = Math.max(0, ...missed.places.map((place) => settings.services[place]?.patienceMs ?? 0));
  return missed.sinceMs + patienceMs;
}

/** It has lasted for long enough. */
export function areViewsWorse(state: State, nowMs: number): boolean {
  return nowMs >= believedAtMs(state);
}

/** Follows the difference, and warns once when it has lasted. */
export function judgeViews(turn: Turn): void {
  const places = missedByActive(turn.state, turn.now);
  const { missed, phase } = turn.state;
  if (places.length === 0) {
    if (missed?.told === true)
      turn.notice("info", "views-agree", "no router sees more services than the other any more");
    turn.clear("missed");
    return;
  }
  turn.set({ missed: { sinceMs: missed?.sinceMs ?? turn.now, places, told: missed?.told ?? false } });
  if (missed?.told === true || !areViewsWorse(turn.state, turn.now)) return;
  turn.set({ missed: { sinceMs: missed?.sinceMs ?? turn.now, places, told: true } });
  const names = namedServices(turn.state, places);
  const who =
    phase.kind === "active"
      ? "the standby sees what this active does not"
      : "this standby sees what the active does not";
  turn.notice("warn", "views-differ", `${who}: real servers of ${names} are up`);
}

/** A hand-over because of the views is wanted, and allowed. */
export function wantsMoveForViews(state: State, nowMs: number): boolean {
  const { settings, phase, viewsMovedAtMs = -Infinity } = state;
  if (settings.views !== "act" || phase.kind !== "active" || nowMs - viewsMovedAtMs < MOVE_GAP_MS) return false;
  return areViewsWorse(state, nowMs);
}

export function addViewsDeadlines(soonest: Soonest, state: State): void {
  if (state.missed !== undefined) soonest.add(believedAtMs(state));
  if (state.viewsMovedAtMs !== undefined) soonest.add(state.viewsMovedAtMs + MOVE_GAP_MS);
}
