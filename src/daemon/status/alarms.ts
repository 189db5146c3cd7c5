/** What is wrong for clients now: two owners, none, services without servers. */
import type { ServiceView } from "../../balance/servers/check-report.ts";
import { currentConflicts } from "../../failover/evidence/conflict.ts";
import { unfitClause, unfitness } from "../../failover/evidence/fitness.ts";
import { isPeerAlive, peerFitness } from "../../failover/evidence/peer.ts";
import type { SidedVip } from "../../failover/machine/settings.ts";
import type { State } from "../../failover/machine/state.ts";
import { isSecondOwnerSeen } from "../../failover/rules/owner-watch.ts";
import { formatAddressPrefix, sameAddress } from "../../model/address.ts";
import { otherRouter } from "../../model/pair.ts";
import type { Vip } from "../../model/vip.ts";
import type { Unfitness, VipReport } from "../../wire/heartbeat/heartbeat.ts";
import { type Advice, advise, mendOn, unfitMend } from "./advice.ts";
import type { WarningFacts } from "./warnings.ts";

/** Kinds of an alarm, for scripts; kinds are added, never renamed. */
export type AlarmKind = "two-owners" | "no-owner" | "unservable-vip" | "unserved-service";

/** What clients notice now: `tandem status` ends with 3 while there is one. */
export interface Alarm extends Advice {
  readonly kind: AlarmKind;
}

/**
 * Two own a VIP, nobody owns one, nobody could serve one, or a service has nobody left to serve it, as far as this router
 * knows.
 */
export function currentAlarms(state: State, facts: WarningFacts): readonly Alarm[] {
  const lost = ownerless(state, facts.nowMs);
  return [
    ...twoOwners(state, facts),
    ...foreignOwners(state, facts.nowMs),
    ...lost.map(({ vip }) => ownerlessAlarm(state, facts, vip)),
    ...onlyThere(state, facts),
    ...unservableVips(state, facts.nowMs)
      .filter(({ sided }) => !lost.includes(sided))
      .map((each) => unservable(state, facts, each)),
    ...unserved(facts.views),
  ];
}

function twoOwners(state: State, { config, nowMs }: WarningFacts): Alarm[] {
  const { foreign, phase, peer, settings, acceptance, move, rival } = state;
  const name = config.pair[otherRouter(settings.router)].name;
  const alarms: Advice[] = [];
  if (isSecondOwnerSeen(state))
    alarms.push({ text: `${name} is not heard, but its kernel has VIPs too: both routers have them` });
  const isMoving = acceptance !== undefined || move?.offeredAtMs !== undefined;
  if (phase.kind === "active" && rival && !isMoving && isPeerAlive(state, nowMs)) {
    const held = peer?.says.vips.filter((vip) => vip.held).map(({ address }) => address.text) ?? [];
    if (held.length > 0) alarms.push({ text: `both routers have ${held.join(", ")}` });
  }
  for (const text of phase.kind === "standby" ? foreign.left : []) {
    const vip = foreign.found.find((found) => found.text === text)?.vip;
    const mend =
      vip === undefined ? undefined : `ip address del ${formatAddressPrefix(vip.prefix)} dev ${vip.interface}`;
    const what = `this standby has ${text}, which somebody set: it was left, and answers beside the active`;
    alarms.push(advise(what, mend));
  }
  return alarms.map((advice) => ({ kind: "two-owners", ...advice }));
}

/** A machine that is neither router has a VIP as well. */
function foreignOwners(state: State, nowMs: number): Alarm[] {
  return currentConflicts(state, nowMs).map(({ address, mac }) => ({
    kind: "two-owners",
    text: `another machine (${mac}) answered for ${address.text}: find it and take it away`,
    mend: `tandem vip list --ask   # ${mac}: who it is tell \`ip neigh\` and the switch's table`,
  }));
}

/** All VIPs of a peer that is heard, where a heartbeat has room for them: what is not among them it does not have. */
function wholeListOf(state: State, nowMs: number): readonly VipReport[] | undefined {
  const says = isPeerAlive(state, nowMs) ? state.peer?.says : undefined;
  return says !== undefined && says.vips.length >= says.vipCount ? says.vips : undefined;
}

function ownerlessAlarm(state: State, { config, nowMs }: WarningFacts, vip: Vip): Alarm {
  const { address } = vip.prefix;
  const text = `no router has ${address.text} (${vip.interface})`;
  const listed = wholeListOf(state, nowMs);
  if (
    state.phase.kind === "active" ||
    listed === undefined ||
    listed.some((one) => sameAddress(one.address, address))
  ) {
    return { kind: "no-owner", text };
  }
  const peer = config.pair[otherRouter(state.settings.router)].name;
  const why = `${peer}, the active, does not have it in its configuration`;
  return { kind: "no-owner", ...advise(`${text}: ${why}`, mendOn(peer, "tandem reload")) };
}

/** VIPs that the standby alone is configured to have: nobody has them before this router is, too. */
function onlyThere(state: State, { config, nowMs }: WarningFacts): readonly Alarm[] {
  if (state.phase.kind !== "active" || !isPeerAlive(state, nowMs) || state.peer?.says.role !== "standby") return [];
  const peer = config.pair[otherRouter(state.settings.router)].name;
  const isOurs = ({ address }: VipReport) =>
    state.settings.vips.some(({ vip }) => sameAddress(vip.prefix.address, address));
  return state.peer.says.vips
    .filter((report) => !report.held && !isOurs(report))
    .map(({ address }) => {
      const text = `no router has ${address.text}: only ${peer}, the standby, has it in its configuration`;
      return { kind: "no-owner", ...advise(text, "tandem reload   # with the file of both") };
    });
}

/** VIPs of a pair with an active that are on neither router. */
function ownerless(state: State, nowMs: number): readonly SidedVip[] {
  const { phase, peer, addresses, move, acceptance } = state;
  if (move !== undefined || acceptance !== undefined) return [];
  const isAlive = isPeerAlive(state, nowMs);
  if (phase.kind !== "active" && !(isAlive && peer?.says.role === "active")) return [];
  const isHeldHere = ({ vip }: SidedVip) =>
    [...addresses.possible.values()].some((own) => sameAddress(own.prefix.address, vip.prefix.address));
  const isHeldThere = ({ vip }: SidedVip) => {
    const report = peer?.says.vips.find((entry) => sameAddress(entry.address, vip.prefix.address));
    // With very many VIPs a heartbeat does not list each.
    const mayHave = wholeListOf(state, nowMs) === undefined && peer?.says.role === "active";
    return isAlive && (report === undefined ? mayHave : report.held);
  };
  return state.settings.vips.filter((sided) => sided.optional !== true && !isHeldHere(sided) && !isHeldThere(sided));
}

/** A VIP that its owner could not serve, and that nobody else could either. */
export interface UnservableVip {
  readonly sided: SidedVip;
  readonly here: Unfitness;
  /** Absent: the peer is not heard. */
  readonly there?: Unfitness;
}

/** Those that are missing for clients, whoever has them; not those that count for nothing. */
export function unservableVips(state: State, nowMs: number): readonly UnservableVip[] {
  const isAlive = isPeerAlive(state, nowMs);
  if (state.phase.kind !== "active" && !(isAlive && state.peer?.says.role === "active")) return [];
  return state.settings.vips.flatMap((sided) => {
    const here = sided.optional === true ? undefined : unfitness(state, sided, nowMs);
    if (here === undefined) return [];
    if (!isAlive) return [{ sided, here }];
    const there = peerFitness(state, sided.vip)?.unfit;
    return there === undefined ? [] : [{ sided, here, there }];
  });
}

function unservable(state: State, { config }: WarningFacts, { sided: { vip }, here, there }: UnservableVip): Alarm {
  const { router } = state.settings;
  const self = config.pair[router].name;
  const peer = config.pair[otherRouter(router)].name;
  const thereToo = there === undefined ? `${peer} is not heard` : `${peer}: ${unfitClause(vip, there)}`;
  const text = `no router could serve ${vip.prefix.address.text} (${vip.interface}): ${self}: ${unfitClause(vip, here)}; ${thereToo}`;
  const mend = unfitMend(vip, here, state.surroundings?.settingsLost);
  const other = there === undefined ? undefined : mendOn(peer, unfitMend(vip, there));
  return { kind: "unservable-vip", ...advise(text, mend ?? other) };
}

function unserved(views: readonly ServiceView[]): Alarm[] {
  return views
    .filter(({ work }) => work === "none")
    .map(({ service }) => ({
      kind: "unserved-service",
      text: `${service}: no real server is up, and nothing takes its place`,
      mend: "tandem check list",
    }));
}
