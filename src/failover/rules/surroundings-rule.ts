/** Changes of this machine around the VIPs, as they happen (rule 21). */
import type { MacAddress } from "../../model/mac-address.ts";
import { noteRoutes, unfitness, unfitText } from "../evidence/fitness.ts";
import { reportOf } from "../machine/interfaces.ts";
import { confirmedVips, judgeRenewal, leasableVips, setAddresses, vipKey } from "../machine/lease.ts";
import type { Evidence, State } from "../machine/state.ts";
import type { InterfaceReport, Surroundings } from "../machine/surroundings.ts";
import type { Turn } from "../machine/turn.ts";
import { startAnnouncing } from "./announce.ts";
import { forgetRefused } from "./refusals.ts";

function isSame(a: InterfaceReport | undefined, b: InterfaceReport | undefined): boolean {
  return a?.link?.up === b?.link?.up && a?.link?.carrier === b?.link?.carrier && a?.ownAddress === b?.ownAddress;
}

/** The whole picture is taken over; what became worse or better for a VIP is said, and what can be leased now is. */
export function onSurroundings(turn: Turn, surroundings: Surroundings): void {
  // The turn's state changes under it.
  const before: State = { ...turn.state };
  const changed = surroundings.interfaces.filter((report) => !isSame(reportOf(before, report.name), report));
  const linkSinceMs = new Map(before.linkSinceMs);
  for (const { name } of changed) linkSinceMs.set(name, turn.now);
  turn.set({ surroundings, linkSinceMs });
  noteRoutes(turn, false);
  noticeFitness(turn, before);
  const names = new Set(changed.map(({ name }) => name));
  const touched = turn.state.settings.vips.map(({ vip }) => vip).filter((vip) => names.has(vip.interface));
  if (touched.length > 0) {
    forgetRefused(turn, touched);
    if (turn.state.phase.kind === "standby") {
      turn.clear("retryTakeAtMs");
      turn.set({ refusals: 0 });
    }
  }
  leaseMissing(turn);
}

/** While the configuration changes the picture may lack an interface that the VIPs have, or had: nothing is known then. */
function isReported(state: State, name: string): boolean {
  return state.surroundings === undefined || reportOf(state, name) !== undefined;
}

/** Says what this router could serve no longer, or again. */
function noticeFitness(turn: Turn, before: State): void {
  if (before.surroundings === undefined) turn.tell = true;
  for (const sided of turn.state.settings.vips) {
    const was = before.surroundings === undefined ? undefined : unfitness(before, sided, turn.now);
    const is = unfitness(turn.state, sided, turn.now);
    if (was === is) continue;
    turn.tell = true;
    const { vip } = sided;
    if (is !== undefined) turn.notice("warn", "unfit", unfitText(vip, is));
    else if (isReported(before, vip.interface) && isReported(turn.state, vip.interface)) {
      turn.notice("info", "fit", `${vip.prefix.address.text} on ${vip.interface} could be served again`);
    }
  }
}

/** An active leases at once what an event made possible. */
function leaseMissing(turn: Turn): void {
  const { phase, addresses } = turn.state;
  if (phase.kind !== "active") return;
  const isMissing = leasableVips(turn.state, turn.now).some((vip) => !addresses.confirmed.has(vipKey(vip)));
  if (!isMissing) return;
  setAddresses(turn, { renewAtMs: turn.now });
  judgeRenewal(turn);
}

/** A changed MAC is told to the peer and to all neighbours at once. */
export function onOwnMacs(turn: Turn, macs: readonly { readonly interface: string; readonly mac: MacAddress }[]): void {
  const { ownMacs, phase } = turn.state;
  const changed = macs.filter(({ interface: name, mac }) => ownMacs.has(name) && ownMacs.get(name) !== mac);
  turn.set({ ownMacs: new Map(macs.map((entry) => [entry.interface, entry.mac])) });
  if (changed.length === 0) return;
  turn.tell = true;
  const names = changed.map((entry) => entry.interface);
  turn.notice("info", "mac-changed", `the MAC of ${names.join(", ")} changed`);
  const isShown = confirmedVips(turn.state).some((vip) => names.includes(vip.interface));
  if (phase.kind === "active" && isShown) startAnnouncing(turn);
}

/** As the evidence of a side, for an interface that is neither's. */
export function onThirdEvidence(turn: Turn, name: string, evidence: Evidence): void {
  turn.set({ thirdEvidence: new Map([...turn.state.thirdEvidence, [name, evidence]]) });
}

/** Whether this kernel can balance at all. */
export function onIpvs(turn: Turn, missing: string | undefined): void {
  const before = turn.state.ipvsMissing;
  if (before === missing) return;
  turn.tell = true;
  if (missing === undefined) {
    turn.clear("ipvsMissing");
    turn.cause("fit", "this kernel has IPVS now");
  } else {
    turn.set({ ipvsMissing: missing });
    turn.cause("unfit", `this kernel has no IPVS: ${missing}`);
  }
}
