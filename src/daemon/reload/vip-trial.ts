import { currentConflicts } from "../../failover/evidence/conflict.ts";
import { vipKey } from "../../failover/machine/lease.ts";
import type { FailoverSettings } from "../../failover/machine/settings.ts";
import type { State } from "../../failover/machine/state.ts";
import { sameAddress } from "../../model/address.ts";
import { formatVip, type Vip } from "../../model/vip.ts";

/** VIPs of a new configuration, set beside those of the one in force. */

/** The kernel sets an address within a millisecond; a netlink lock may be held for seconds. */
const LIMIT_MS = 5_000;
const LOOK_EVERY_MS = 5;

/**
 * Whether the kernel can have one of them only: it tells addresses of an interface apart by their prefixes, and those of
 * IPv6 not even by that.
 */
function excludes({ prefix: one, ...here }: Vip, { prefix: other, ...there }: Vip): boolean {
  if (here.interface !== there.interface || !sameAddress(one.address, other.address)) return false;
  return one.address.family === "inet6" || one.prefixLength === other.prefixLength;
}

/**
 * The settings of a new configuration with the VIPs that it takes away: those stay until the new ones are set. One whose
 * label changes is changed at once, since the two cannot stand side by side.
 */
export function settingsBeside(wanted: FailoverSettings, before: FailoverSettings): FailoverSettings {
  const going = before.vips.filter(({ vip }) => !wanted.vips.some((one) => excludes(one.vip, vip)));
  return { ...wanted, vips: [...wanted.vips, ...going] };
}

/** A neighbour's answer comes within some milliseconds; so much longer takes a reload that adds VIPs. */
const ANSWER_WAIT_MS = 100;

/** VIPs that the one configuration has and the other has not. */
function addedVips(before: FailoverSettings, after: FailoverSettings): readonly Vip[] {
  const known = new Set(before.vips.map(({ vip }) => vipKey(vip)));
  return after.vips.flatMap(({ vip }) => (known.has(vipKey(vip)) ? [] : [vip]));
}

/** Waits for what other machines say that were asked for new VIPs; not at all where there are none. */
export async function awaitRivals(before: FailoverSettings, after: FailoverSettings): Promise<void> {
  if (addedVips(before, after).length > 0) await Bun.sleep(ANSWER_WAIT_MS);
}

/** The machines that answer for VIPs of this router beside it, a sentence each. */
export function rivalTexts(state: State, nowMs: number): readonly string[] {
  return currentConflicts(state, nowMs).map(({ address, mac }) => {
    return `another machine (${mac}) answers for ${address.text} too: find it and take it away`;
  });
}

/**
 * Waits until no VIP that the settings do not want may be in the kernel.
 * @param isRestGone whether nothing else of another configuration is
 * @returns whether that is so
 */
export async function awaitRemoval(state: () => State, isRestGone: () => boolean, now: () => number): Promise<boolean> {
  const endMs = now() + LIMIT_MS;
  for (;;) {
    const { settings, addresses } = state();
    const wanted = new Set(settings.vips.map(({ vip }) => vipKey(vip)));
    if (isRestGone() && [...addresses.possible.keys()].every((key) => wanted.has(key))) return true;
    if (now() >= endMs) return false;
    await Bun.sleep(LOOK_EVERY_MS);
  }
}

/**
 * Waits until the kernel has said of each VIP whether it takes it.
 * @returns the first one that it refused, with the reason; undefined: none, or this router has stopped being active
 */
export async function awaitVips(state: () => State, now: () => number): Promise<string | undefined> {
  const endMs = now() + LIMIT_MS;
  for (;;) {
    const { phase, settings, addresses, refused } = state();
    if (phase.kind !== "active") return undefined;
    const open = settings.vips.filter(({ vip }) => !addresses.confirmed.has(vipKey(vip)));
    const refusal = open.flatMap(({ vip }) => {
      const why = refused.get(vipKey(vip))?.why;
      return why === undefined ? [] : [`the kernel refused ${formatVip(vip)}: ${why}`];
    })[0];
    if (refusal !== undefined || open.length === 0) return refusal;
    if (now() >= endMs) return `the kernel has not answered for ${open.map(({ vip }) => formatVip(vip)).join(", ")}`;
    await Bun.sleep(LOOK_EVERY_MS);
  }
}
