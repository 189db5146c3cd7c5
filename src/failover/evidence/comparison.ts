/** Which of two living routers is the better place for the VIPs (rule 16). Equal or unknown: they stay where they are. */
import { PATHS } from "../../model/pair.ts";
import type { MoveReason, Unfitness } from "../../wire/heartbeat/heartbeat.ts";
import type { SidedVip } from "../machine/settings.ts";
import type { State } from "../machine/state.ts";
import type { Disadvantage } from "../machine/state-parts.ts";
import { fineSides, unfitness, unfitText } from "./fitness.ts";
import { gateBalance } from "./gate-evidence.ts";
import { peerFitness } from "./peer.ts";

export type Comparison =
  | { readonly better: "neither" }
  /** Why the peer is the worse place, a clause. */
  | { readonly better: "here"; readonly text: string }
  | { readonly better: "there"; readonly why: Disadvantage };

const NEITHER: Comparison = { better: "neither" };

interface Pairing {
  readonly sided: SidedVip;
  readonly here: Unfitness | undefined;
  readonly there: Unfitness | undefined;
}

const REASONS: Readonly<Record<Unfitness, MoveReason>> = {
  "no-interface": "interface-lost",
  "link-down": "interface-lost",
  "no-carrier": "carrier-lost",
  "no-address": "address-lost",
  refused: "refused",
  silent: "side-blind",
  "no-ipvs": "no-ipvs",
  settings: "settings-lost",
  "no-route": "route-lost",
};
const CERTAIN: ReadonlySet<Unfitness> = new Set(["no-interface", "link-down", "no-carrier", "no-address"]);

/** A lost default route counts only against a router that has one now. */
function counted(why: Unfitness | undefined, other: readonly string[], family: string): Unfitness | undefined {
  return why === "no-route" && !other.includes(family) ? undefined : why;
}

/** The VIPs that both configurations have and that count, with both routers' fitness for them. */
function pairings(state: State, nowMs: number): readonly Pairing[] {
  const { peer, settings, surroundings } = state;
  const fitness = peer?.says.fitness;
  if (fitness === undefined) return [];
  return settings.vips.flatMap((sided) => {
    const { address } = sided.vip.prefix;
    const theirs = peerFitness(state, sided.vip);
    if (sided.optional === true || theirs === undefined) return [];
    const here = counted(unfitness(state, sided, nowMs), fitness.defaultRoutes, address.family);
    const there = counted(theirs.unfit, surroundings?.defaultRoutes ?? [], address.family);
    return [{ sided, here, there }];
  });
}

function fitCount(all: readonly Pairing[], side: "here" | "there"): number {
  return all.filter((pairing) => pairing[side] === undefined).length;
}

/** What speaks against this router, of those VIPs that the peer could serve: the certain first. */
function disadvantage(all: readonly Pairing[]): Disadvantage | undefined {
  const lost = all.flatMap(({ sided, here, there }) =>
    here !== undefined && there === undefined ? [{ sided, here }] : [],
  );
  const worst = lost.find(({ here }) => CERTAIN.has(here)) ?? lost[0];
  if (worst === undefined) return undefined;
  const { sided, here } = worst;
  return { reason: REASONS[here], text: unfitText(sided.vip, here), certain: CERTAIN.has(here) };
}

/** What speaks against the peer, of those VIPs that this router could serve. */
function peerText(all: readonly Pairing[]): string {
  const worst = all.find(({ here, there }) => here === undefined && there !== undefined);
  return worst?.there === undefined ? "it could serve fewer VIPs" : unfitText(worst.sided.vip, worst.there);
}

function compareVips(all: readonly Pairing[]): Comparison {
  const carrying = all.filter(({ sided }) => sided.carriesServices === true);
  for (const part of [carrying, all]) {
    const difference = fitCount(part, "here") - fitCount(part, "there");
    const why = difference < 0 ? disadvantage(part) : undefined;
    if (why !== undefined) return { better: "there", why };
    if (difference > 0) return { better: "here", text: peerText(part) };
  }
  return NEITHER;
}

/** Sides that carry no VIP count as well: the real servers may be there. */
function compareSides(state: State, nowMs: number): Comparison {
  const { peer } = state;
  if (peer === undefined) return NEITHER;
  const here = fineSides(state, nowMs);
  const lost = PATHS.find((side) => !here.includes(side) && peer.says.sides[side].carrier);
  const worseThere = PATHS.find((side) => state.sides[side].carrier && !peer.says.sides[side].carrier);
  if (worseThere !== undefined) {
    return lost === undefined ? { better: "here", text: `no carrier on its ${worseThere} side` } : NEITHER;
  }
  if (lost === undefined) return NEITHER;
  const isCut = !state.sides[lost].carrier;
  const text = isCut
    ? `no carrier on the ${lost} side`
    : `nobody answers on the ${lost} side, but the peer gets answers there`;
  return { better: "there", why: { reason: isCut ? "carrier-lost" : "side-blind", text, certain: isCut } };
}

function compareGates(state: State): Comparison {
  const { here, there } = gateBalance(state, state.peer?.says.fitness?.gates ?? []);
  if (here.length === there.length) return NEITHER;
  if (here.length < there.length)
    return { better: "here", text: `gate ${there.join(", ")} fails there and passes here` };
  const text = `gate ${here.join(", ")} fails here and passes there`;
  return { better: "there", why: { reason: "gate", text, certain: false } };
}

/** Which router is the better place by what both say; the peer must be alive for the answer to mean anything. */
export function compare(state: State, nowMs: number): Comparison {
  const verdicts = [
    () => compareVips(pairings(state, nowMs)),
    () => compareSides(state, nowMs),
    () => compareGates(state),
  ];
  for (const verdict of verdicts) {
    const comparison = verdict();
    if (comparison.better !== "neither") return comparison;
  }
  return NEITHER;
}
