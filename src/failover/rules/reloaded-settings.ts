/** A new configuration: only what changed is touched. */
import { leasableVips, lease, remove, setAddresses, vipKey, wantedOnly, wantedVips } from "../machine/lease.ts";
import { type FailoverSettings, timingOf } from "../machine/settings.ts";
import type { Turn } from "../machine/turn.ts";

/** Takes the settings over; a changed label or prefix is a new VIP that comes before the old one goes (rule 3). */
export function onReload(turn: Turn, settings: FailoverSettings): void {
  const { failback, settings: before } = turn.state;
  const kept = failback.stableMs === before.failbackStableMs ? settings.failbackStableMs : failback.stableMs;
  turn.set({ settings, timing: timingOf(settings), failback: { ...failback, stableMs: kept } });
  turn.clear("drift", "settingDigests");
  turn.tell = true;
  askForOthers(turn, before);
  const { possible, confirmed } = turn.state.addresses;
  setAddresses(turn, { confirmed: wantedOnly(turn.state, confirmed) });
  const wanted = wantedVips(turn.state);
  const keys = new Set(wanted.map(vipKey));
  // What the kernel refused may be possible as it is configured now.
  turn.set({ refused: new Map() });
  const leasable = leasableVips(turn.state, turn.now);
  const isNew = leasable.some((vip) => !possible.has(vipKey(vip)));
  if (turn.state.phase.kind === "active" && (isNew || settings.leaseMs !== before.leaseMs)) {
    // A renewal on its way has the old list: it does no harm, and this one follows it.
    lease(turn, "renew", leasable, settings.leaseMs);
    setAddresses(turn, { renewAtMs: turn.now + turn.state.timing.renewEveryMs });
  }
  const gone = [...possible.values()].filter((vip) => !keys.has(vipKey(vip)));
  if (turn.state.phase.kind !== "starting" && gone.length > 0) remove(turn, gone);
}

/**
 * Who else has a VIP that is new here, before it is set: a machine that nobody remembered, say. All are asked, from the own
 * address. A standby does not ask: the peer may have it already, at a MAC that is not known yet.
 */
function askForOthers(turn: Turn, before: FailoverSettings): void {
  const { phase, settings } = turn.state;
  if (phase.kind !== "active") return;
  const known = new Set(before.vips.map(({ vip }) => vip.prefix.address.text));
  const questions = settings.vips.flatMap(({ vip }) => (known.has(vip.prefix.address.text) ? [] : [{ vip }]));
  if (questions.length > 0) turn.emit({ kind: "ask-owner", attempt: 1, questions, peer: [] });
}
