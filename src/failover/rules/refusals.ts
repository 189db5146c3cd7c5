/** VIPs that the kernel refuses: they never take the others with them (rule 16). */
import { formatVip, type Vip } from "../../model/vip.ts";
import type { LeaseResult } from "../machine/failover-input.ts";
import { remove, vipKey } from "../machine/lease.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";

/** An active tries them again this often, besides at each event around them. */
const RETRY_MS = 2_000;
/**
 * A standby does not try: what was refused so long ago may be possible by now. Where it is not, a planned move finds that out
 * before the old owner drops anything.
 */
const FORGOTTEN_AFTER_MS = 10_000;

/** Some VIPs of a lease could not be set: each is told of once, and what a half-done try may have left is removed. */
export function noteRefused(turn: Turn, failed: readonly LeaseResult[]): void {
  if (failed.length === 0) return;
  const refused = new Map(turn.state.refused);
  for (const { vip, error = "the kernel gave no answer" } of failed) {
    const known = refused.get(vipKey(vip));
    if (known?.why !== error) turn.notice("error", "lease-failed", `cannot lease ${formatVip(vip)}: ${error}`);
    refused.set(vipKey(vip), { why: error, atMs: turn.now });
  }
  turn.set({ refused, retryRefusedAtMs: turn.now + RETRY_MS });
  turn.tell = true;
  const unset = failed.map(({ vip }) => vip).filter((vip) => !turn.state.addresses.confirmed.has(vipKey(vip)));
  remove(turn, unset);
}

/** These could be set. */
export function forgetRefused(turn: Turn, vips: readonly Vip[]): void {
  if (!vips.some((vip) => turn.state.refused.has(vipKey(vip)))) return;
  const set = new Set(vips.map(vipKey));
  turn.set({ refused: new Map([...turn.state.refused].filter(([key]) => !set.has(key))) });
}

/** What was refused long ago is not held against a standby for ever. */
export function judgeRefused(turn: Turn): void {
  const { refused, phase } = turn.state;
  if (refused.size === 0 || phase.kind === "active") return;
  const kept = [...refused].filter(([, { atMs }]) => turn.now - atMs < FORGOTTEN_AFTER_MS);
  if (kept.length < refused.size) turn.set({ refused: new Map(kept) });
}

export function addRefusedDeadlines(soonest: Soonest, { refused, phase, retryRefusedAtMs }: State): void {
  if (refused.size === 0) return;
  if (phase.kind === "active") soonest.add(retryRefusedAtMs);
  else for (const { atMs } of refused.values()) soonest.add(atMs + FORGOTTEN_AFTER_MS);
}
