/**
 * Machines that are neither router and answer for a VIP (rule 4). They are told of, never a reason not to take; and asked
 * again and again, since what nobody says any more may still be there.
 */
import { type IpAddress, sameAddress } from "../../model/address.ts";
import type { MacAddress } from "../../model/mac-address.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { Conflict, State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";

/** One or two frames to that machine alone. */
const ASK_EVERY_MS = 10_000;
/** An answer comes within this. */
const ANSWER_MS = 1_000;
/** After two questions without an answer it is gone, as a twin is. */
const MEMORY_MS = 25_000;
/** Whoever makes up MACs does not fill the memory with them. */
const CONFLICTS_MAX = 16;

interface Claim {
  readonly address: IpAddress;
  readonly mac: MacAddress;
}

function isSame(a: Claim, b: Claim): boolean {
  return a.mac === b.mac && sameAddress(a.address, b.address);
}

/** Those that were seen lately, and have not turned out to be one of the two routers with a MAC that was not known yet. */
export function currentConflicts(state: State, nowMs: number): readonly Conflict[] {
  return state.conflicts.filter(({ mac, seenAtMs }) => nowMs - seenAtMs < MEMORY_MS && !isRouter(state, mac));
}

function isRouter({ peerMacs, ownMacs }: State, mac: MacAddress): boolean {
  return [...peerMacs.values(), ...ownMacs.values()].includes(mac);
}

/** A third machine says that it has a VIP; the log has it once for as long as it goes on. */
export function noteConflict(turn: Turn, { address, mac }: Claim): void {
  const claim = { address, mac };
  const known = turn.state.conflicts.find((conflict) => isSame(conflict, claim));
  const others = turn.state.conflicts.filter((conflict) => conflict !== known);
  const conflict: Conflict = { ...(known ?? { ...claim, sinceMs: turn.now }), seenAtMs: turn.now };
  turn.set({ conflicts: [...others, conflict].slice(-CONFLICTS_MAX) });
  if (known !== undefined) return;
  turn.notice("error", "address-conflict", `${mac}, which is not the peer, answers for ${address.text}`);
}

/** Its answer to a question of this file: it is there still, and no neighbour has learnt anything new. */
export function isConflictAnswer({ conflicts }: State, claim: Claim, nowMs: number): boolean {
  return conflicts.some((conflict) => isSame(conflict, claim) && nowMs - (conflict.askedAtMs ?? -Infinity) < ANSWER_MS);
}

function askAtMs({ sinceMs, askedAtMs = sinceMs }: Conflict): number {
  return askedAtMs + ASK_EVERY_MS;
}

/** Asks those machines whether they are still there, and forgets those that are not. */
export function judgeConflicts(turn: Turn): void {
  const { conflicts, phase, settings } = turn.state;
  if (conflicts.length === 0) return;
  const vipOf = ({ address }: Claim) => settings.vips.find(({ vip }) => sameAddress(vip.prefix.address, address))?.vip;
  const here = currentConflicts(turn.state, turn.now).filter((conflict) => vipOf(conflict) !== undefined);
  for (const { mac, address } of conflicts.filter((conflict) => !here.includes(conflict))) {
    const text = isRouter(turn.state, mac)
      ? `${mac}, which answered for ${address.text}, is a router of this pair`
      : `${mac} answers for ${address.text} no longer`;
    turn.notice("info", "conflict-over", text);
  }
  const due = here.filter((conflict) => turn.now >= askAtMs(conflict));
  if (here.length === conflicts.length && due.length === 0) return;
  turn.set({
    conflicts: here.map((conflict) => (due.includes(conflict) ? { ...conflict, askedAtMs: turn.now } : conflict)),
  });
  if (due.length === 0 || phase.kind === "stopped") return;
  const questions = due.flatMap((conflict) => {
    const vip = vipOf(conflict);
    return vip === undefined ? [] : [{ vip, mac: conflict.mac }];
  });
  turn.emit({ kind: "ask-owner", attempt: 1, questions, peer: [] });
}

export function addConflictDeadlines(soonest: Soonest, { conflicts }: State): void {
  for (const conflict of conflicts) {
    soonest.add(conflict.seenAtMs + MEMORY_MS);
    soonest.add(askAtMs(conflict));
  }
}
