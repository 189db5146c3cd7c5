/**
 * VIPs that somebody else set in this kernel (rule 20): on a standby each is a second owner, and goes; an active says it and
 * keeps its own. Nothing is said to be removed before the kernel has done it.
 */
import type { Vip } from "../../model/vip.ts";
import type { RemoveResult } from "../machine/failover-input.ts";
import { remove, setAddresses, vipKey } from "../machine/lease.ts";
import { GUARD_LIMIT, GUARD_WINDOW_MS } from "../machine/settings.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { Foreign, State } from "../machine/state.ts";
import type { ForeignVip } from "../machine/surroundings.ts";
import type { Turn } from "../machine/turn.ts";

export const NOTHING_FOREIGN: Foreign = { found: [], removedAtMs: new Map(), leaving: new Set(), left: new Set() };

function setForeign(turn: Turn, change: Partial<Foreign>): void {
  turn.set({ foreign: { ...turn.state.foreign, ...change } });
}

function without<T>(set: ReadonlySet<T>, values: readonly T[]): ReadonlySet<T> {
  return new Set([...set].filter((value) => !values.includes(value)));
}

/** The whole list, as it is in the kernel. */
export function onForeignVips(turn: Turn, found: readonly ForeignVip[]): void {
  const { foreign, phase } = turn.state;
  const texts = new Set(found.map(({ text }) => text));
  const isGone = (text: string) => !texts.has(text);
  const isNew = ({ text }: ForeignVip) => !foreign.found.some((known) => known.text === text);
  if (phase.kind === "active") {
    for (const { text } of found.filter(isNew)) {
      turn.notice("warn", "address-added", `somebody set ${text} on this active router besides its own`);
    }
  }
  // The kernel's event may come before the answer to the removal.
  const removed = [...foreign.leaving].filter(isGone);
  noticeRemoved(turn, removed);
  setForeign(turn, {
    found,
    left: without(foreign.left, [...foreign.left].filter(isGone)),
    leaving: without(foreign.leaving, removed),
  });
  judgeForeign(turn);
}

function noticeRemoved(turn: Turn, texts: readonly string[]): void {
  for (const text of texts) {
    turn.notice("warn", "address-added", `somebody had set ${text} on this standby: it was removed`);
  }
}

/** How often this one was removed within the last minute, and when. */
function removals({ foreign }: State, text: string, nowMs: number): readonly number[] {
  return (foreign.removedAtMs.get(text) ?? []).filter((atMs) => nowMs - atMs < GUARD_WINDOW_MS);
}

/** A standby removes what is there, each as it is there; what comes back again and again it leaves. */
export function judgeForeign(turn: Turn): void {
  const { phase, foreign } = turn.state;
  if (phase.kind !== "standby") return;
  for (const { vip, text, fixed } of foreign.found) {
    if (turn.state.foreign.leaving.has(text) || turn.state.foreign.left.has(text)) continue;
    const times = removals(turn.state, text, turn.now);
    if (fixed || times.length >= GUARD_LIMIT) leave(turn, text, fixed);
    else removeForeign(turn, vip, text, times);
  }
}

function leave(turn: Turn, text: string, isFixed: boolean): void {
  setForeign(turn, { left: new Set([...turn.state.foreign.left, text]) });
  const why = isFixed ? "it is left there" : "it was removed five times within a minute and is left now";
  turn.notice("error", "foreign-vip", `somebody set ${text} on this standby: ${why}`);
}

function removeForeign(turn: Turn, vip: Vip, text: string, times: readonly number[]): void {
  const { foreign, addresses } = turn.state;
  const recent = [...foreign.removedAtMs].filter(([, at]) => at.some((atMs) => turn.now - atMs < GUARD_WINDOW_MS));
  setForeign(turn, {
    removedAtMs: new Map([...recent, [text, [...times, turn.now]]]),
    leaving: new Set([...foreign.leaving, text]),
  });
  setAddresses(turn, { possible: new Map([...addresses.possible, [vipKey(vip), vip]]) });
  remove(turn, [vip]);
  turn.tell = true;
}

/** What came of removals: what is verified to be gone is said to be gone. */
export function noteForeignRemoved(turn: Turn, results: readonly RemoveResult[]): void {
  const { foreign, addresses } = turn.state;
  if (foreign.found.length === 0) return;
  const absent = new Set(results.filter(({ result }) => result !== "failed").map(({ vip }) => vipKey(vip)));
  const gone = foreign.found.filter(({ vip, text }) => !foreign.left.has(text) && absent.has(vipKey(vip)));
  noticeRemoved(
    turn,
    gone.map(({ text }) => text),
  );
  const found = foreign.found.filter((entry) => !gone.includes(entry));
  // What was not removed is tried again: only what is being removed is on its way out.
  const busy = new Set(addresses.removals.flatMap(({ vips }) => vips.map(vipKey)));
  const leaving = found.filter(({ vip, text }) => foreign.leaving.has(text) && busy.has(vipKey(vip)));
  setForeign(turn, { found, leaving: new Set(leaving.map(({ text }) => text)) });
}

export function addForeignDeadline(soonest: Soonest, { foreign }: State): void {
  for (const times of foreign.removedAtMs.values()) {
    const [oldest] = times;
    if (oldest !== undefined) soonest.add(oldest + GUARD_WINDOW_MS);
  }
}
