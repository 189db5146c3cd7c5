/** Why a VIP could not be served, in words. */
import { hasLostRoute, unfitText, unfitVips } from "../../failover/evidence/fitness.ts";
import { isPeerAlive, peerFitness } from "../../failover/evidence/peer.ts";
import { unreadiness } from "../../failover/evidence/takeover-readiness.ts";
import { hasTwin } from "../../failover/evidence/twin.ts";
import { vipKey } from "../../failover/machine/lease.ts";
import type { State } from "../../failover/machine/state.ts";
import { otherRouter, type RouterId } from "../../model/pair.ts";
import type { Vip } from "../../model/vip.ts";
import { type Advice, advise, mendOn, unfitMend } from "./advice.ts";
import type { WarningFacts } from "./warnings.ts";

/** Why each router could not serve a VIP, in words; null: it could, or is not known. */
export type UnfitnessByRouter = Readonly<Record<RouterId, string | null>>;

/** What is known of both routers' fitness for a VIP. */
export function unfitnessOf(state: State, vip: Vip, nowMs: number): UnfitnessByRouter {
  const self = state.settings.router;
  const here = unfitVips(state, nowMs).find(({ sided }) => sided.vip === vip);
  const there = isPeerAlive(state, nowMs) ? peerUnfitness(state, vip) : undefined;
  const words = (why: string | undefined) => why ?? null;
  const mine = words(here === undefined ? undefined : unfitText(vip, here.why));
  const theirs = words(there);
  return self === "primary" ? { primary: mine, backup: theirs } : { primary: theirs, backup: mine };
}

function peerUnfitness(state: State, vip: Vip): string | undefined {
  const why = peerFitness(state, vip)?.unfit;
  return why === undefined ? undefined : unfitText(vip, why);
}

/** What speaks against each router as a place for the VIPs. */
export function fitnessWarnings(state: State, facts: WarningFacts): readonly Advice[] {
  const { nowMs, config } = facts;
  const { router } = state.settings;
  const self = config.pair[router].name;
  const peer = config.pair[otherRouter(router)].name;
  return [
    ...twinWarnings(state, nowMs),
    ...unfitVips(state, nowMs).map(({ sided: { vip }, why }) =>
      advise(`${self} could not serve ${unfitText(vip, why)}`, unfitMend(vip, why, state.surroundings?.settingsLost)),
    ),
    ...(isPeerAlive(state, nowMs)
      ? state.settings.vips.flatMap(({ vip }) => {
          const why = peerFitness(state, vip)?.unfit;
          if (why === undefined) return [];
          return [advise(`${peer} could not serve ${unfitText(vip, why)}`, mendOn(peer, unfitMend(vip, why)))];
        })
      : []),
    ...readinessWarnings(state, nowMs, self).map((text) => ({ text })),
    ...provabilityWarnings(state, peer).map((text) => ({ text })),
    ...routeWarnings(state, nowMs, { self, peer }).map((text) => ({ text })),
  ];
}

function twinWarnings(state: State, nowMs: number): Advice[] {
  const { twin } = state;
  if (twin === undefined || !hasTwin(state, nowMs)) return [];
  const text = `another machine (${twin.mac}) has this router's own ${twin.side} address: find it and take it away`;
  return [{ text, mend: `ip neigh   # and the switch's table: where ${twin.mac} is` }];
}

function readinessWarnings(state: State, nowMs: number, self: string): string[] {
  if (state.phase.kind !== "standby" || !isPeerAlive(state, nowMs) || state.peer?.says.role !== "active") return [];
  const why = unreadiness(state, nowMs);
  return why === undefined ? [] : [notReadyText(self, why)];
}

/** The doctor says it in other words, and as an error. */
export function notReadyText(router: string, why: string): string {
  return `${router} is not ready to take over: ${why}`;
}

const UNPROVABLE: Readonly<Record<"silent" | "answers", string>> = {
  silent: "does not answer for it while it has it",
  answers: "answers for it while it does not have it",
};

function provabilityWarnings({ calibration, settings }: State, peer: string): string[] {
  return settings.vips.flatMap(({ vip }) => {
    const how = calibration.unprovable.get(vipKey(vip));
    return how === undefined ? [] : [unprovableText(vip.prefix.address.text, peer, how)];
  });
}

/** The doctor says it in other words, and as an error. */
export function unprovableText(address: string, peer: string, how: "silent" | "answers"): string {
  return `who has ${address} cannot be proven by asking: ${peer}'s kernel ${UNPROVABLE[how]}`;
}

/** A default route that only one router ever had is shown, and decides nothing. */
function routeWarnings(state: State, nowMs: number, names: { readonly self: string; readonly peer: string }): string[] {
  const { surroundings, peer } = state;
  const theirs = peer?.says.fitness?.defaultRoutes;
  if (surroundings === undefined || theirs === undefined || !isPeerAlive(state, nowMs)) return [];
  return (["inet", "inet6"] as const).flatMap((family) => {
    const here = surroundings.defaultRoutes.includes(family);
    if (here === theirs.includes(family) || hasLostRoute(state, family)) return [];
    const [has, lacks] = here ? [names.self, names.peer] : [names.peer, names.self];
    return [`only ${has} has a default route for ${family === "inet" ? "IPv4" : "IPv6"}, ${lacks} has none`];
  });
}
