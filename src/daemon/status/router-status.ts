/** `StatusReport` made from the state of the failover machine. */
import type { CheckReport } from "../../balance/servers/check-report.ts";
import type { ConfiguredService } from "../../config/keys/config.ts";
import { differences } from "../../failover/evidence/config-drift.ts";
import { currentConflicts } from "../../failover/evidence/conflict.ts";
import { isVipAskable, isVipBlind } from "../../failover/evidence/fitness.ts";
import { isPeerAlive } from "../../failover/evidence/peer.ts";
import { unreadiness } from "../../failover/evidence/takeover-readiness.ts";
import type { Transition } from "../../failover/machine/history.ts";
import { vipKey } from "../../failover/machine/lease.ts";
import { pathUp } from "../../failover/machine/session.ts";
import type { State } from "../../failover/machine/state.ts";
import { type IpAddress, sameAddress } from "../../model/address.ts";
import { otherRouter, PATHS, type PathName, type Role } from "../../model/pair.ts";
import { type RealServer, realServerKey } from "../../model/real-server.ts";
import type { Vip } from "../../model/vip.ts";
import { formatServiceKey } from "../../model/virtual-service.ts";
import type { SideInterfaces } from "../settings/failover-settings.ts";
import { currentAlarms } from "./alarms.ts";
import { unfitnessOf } from "./fitness-warnings.ts";
import { keptStatus } from "./kept-status.ts";
import { outlook, pendingFailback, transitionWhy } from "./next-step.ts";
import type {
  GateStatus,
  KeptStatus,
  PathStatus,
  PeerStatus,
  RouterStatus,
  ServerStatus,
  ServiceStatus,
  StatusReport,
  TransitionStatus,
  VipStatus,
} from "./status-report.ts";
import { syncText } from "./sync-status.ts";
import { currentAdvice, type WarningFacts } from "./warnings.ts";

/** What the status is made from besides the failover machine's state. */
export interface StatusFacts extends WarningFacts {
  readonly pid: number;
  /** Wall-clock time of `nowMs`, to print. */
  readonly at: Date;
}

function ago(nowMs: number, atMs: number | undefined): number | null {
  return atMs === undefined ? null : Math.max(0, Math.round(nowMs - atMs));
}

function roleOf(state: State): Role {
  return state.phase.kind === "active" ? "active" : "standby";
}

/** What the router is doing, as a clause for people. */
function doing(state: State): string {
  const { phase, query, move, stopping } = state;
  if (stopping !== undefined) return "stopping";
  if (move !== undefined) return `handing over (${move.reason})`;
  if (phase.kind === "starting") return "starting: listening for the peer";
  if (phase.kind === "taking") return "taking the VIPs over";
  if (phase.kind === "stopped") return "stopped";
  if (query?.standoff) return "standing off: the peer is silent, but its kernel still answers for the VIPs";
  if (query !== undefined && phase.kind === "standby") return "asking whether the peer's kernel still has the VIPs";
  if (state.abstaining) return "released: takes nothing by itself";
  return phase.kind;
}

/** Since when it has been doing that; undefined: not known. */
function doingSinceMs(state: State): number | undefined {
  const { phase, query, move, stopping } = state;
  if (stopping !== undefined) return stopping.sinceMs;
  if (move !== undefined) return move.sinceMs;
  if (phase.kind !== "standby") return phaseSinceMs(state);
  if (query?.standoff === true) return query.firstAnswerAtMs ?? query.sinceMs;
  if (query !== undefined) return query.sinceMs;
  return state.abstaining ? undefined : phase.sinceMs;
}

function phaseSinceMs(state: State): number {
  switch (state.phase.kind) {
    case "active":
    case "standby":
      return state.phase.sinceMs;
    case "taking":
      return state.phase.taking.sinceMs;
    default:
      return state.startedAtMs;
  }
}

function routerStatus(state: State, facts: StatusFacts): RouterStatus {
  const { router } = state.settings;
  return {
    id: router,
    name: facts.config.pair[router].name,
    role: roleOf(state),
    doing: doing(state),
    sinceMs: Math.round(facts.nowMs - phaseSinceMs(state)),
    doingSinceMs: ago(facts.nowMs, doingSinceMs(state)),
    term: state.term,
    held: state.hold,
    notReady: unreadiness(state, facts.nowMs) ?? null,
    next: outlook(state, facts.config, facts.nowMs),
    failback: pendingFailback(state),
    pid: facts.pid,
    uptimeMs: Math.round(facts.nowMs - state.startedAtMs),
    configFingerprint: state.settings.configFingerprint,
  };
}

/** The peer as last heard. */
export function peerStatus(state: State, facts: Pick<StatusFacts, "config" | "nowMs">): PeerStatus {
  const id = otherRouter(state.settings.router);
  const says = state.peer?.says;
  const differing = differences(state);
  return {
    id,
    name: facts.config.pair[id].name,
    alive: isPeerAlive(state, facts.nowMs),
    role: says?.role ?? "unknown",
    term: says?.term ?? 0,
    heardMsAgo: ago(facts.nowMs, state.peer?.heardAtMs),
    software: says?.software ?? null,
    sameConfig: says === undefined ? null : says.configFingerprint === state.settings.configFingerprint,
    differingKeys: differing?.names ?? null,
    missingKeys: differing?.missing ?? null,
  };
}

/** One path as this router sees it. */
export function pathStatus(state: State, path: PathName, interfaces: SideInterfaces, nowMs: number): PathStatus {
  const session = state.session.paths[path];
  const peerAge = state.peer?.says.heardAgeMs[path];
  return {
    path,
    interface: interfaces[path] ?? "?",
    up: pathUp(state.session, path, nowMs, state.settings.deadAfterMs),
    carrier: state.sides[path].carrier,
    heardMsAgo: ago(nowMs, session.acceptedAtMs),
    peerHeardMsAgo: peerAge === undefined ? null : Math.round(peerAge + (nowMs - (state.peer?.heardAtMs ?? nowMs))),
    sent: session.sent,
    accepted: session.accepted,
    peerSent: session.heard,
    roundTripMs: session.roundTripMs === undefined ? null : Math.round(session.roundTripMs * 10) / 10,
    refused: { ...session.refused },
  };
}

function has(vips: Iterable<Vip>, address: IpAddress): boolean {
  return [...vips].some((vip) => sameAddress(vip.prefix.address, address));
}

/**
 * Who has a VIP. What the peer last said may be older than a move, so that in an agreed one the newer owner counts from
 * the moment it has it, and what is being removed here is gone; two owners beyond that are `both`.
 */
function ownerOf(state: State, address: IpAddress, nowMs: number): VipStatus["owner"] {
  const { addresses, settings, peer, phase, acceptance, move } = state;
  const self = settings.router;
  const other = otherRouter(self);
  const removed = addresses.removals.flatMap((removal) => removal.vips);
  const mine = has(addresses.possible.values(), address) && !(phase.kind === "standby" && has(removed, address));
  if (peer === undefined || !isPeerAlive(state, nowMs)) return mine ? self : "unknown";
  const theirs = peer.says.vips.some((report) => report.held && sameAddress(report.address, address));
  if (!theirs) return mine ? self : "nobody";
  if (!mine) return other;
  if (acceptance !== undefined) return phase.kind === "active" ? self : other;
  return move?.offeredAtMs !== undefined ? other : "both";
}

function vipStatus(state: State, vip: Vip, facts: StatusFacts): VipStatus {
  const address = vip.prefix.address;
  const owner = ownerOf(state, address, facts.nowMs);
  const mine = has(state.addresses.possible.values(), address);
  const left = (state.addresses.confirmedUntilMs ?? facts.nowMs) - facts.nowMs;
  const sided = state.settings.vips.find((each) => each.vip === vip);
  const isBlind = sided === undefined || isVipBlind(state, sided, facts.nowMs);
  const by = isBlind ? undefined : state.confirmations.get(vip.interface);
  const rival = currentConflicts(state, facts.nowMs).find((conflict) => sameAddress(conflict.address, address));
  return {
    address: `${address.text}/${vip.prefix.prefixLength}`,
    interface: vip.interface,
    label: vip.label ?? null,
    owner,
    leaseLeftMs: mine ? Math.max(0, Math.round(left)) : null,
    confirmable: sided !== undefined && isVipAskable(state, sided),
    contestedBy: rival?.mac ?? null,
    unfit: unfitnessOf(state, vip, facts.nowMs),
    unprovable: state.calibration.unprovable.get(vipKey(vip)) ?? null,
    // Who follows this router today may follow the other machine tomorrow.
    confirmed:
      mine && by !== undefined && rival === undefined ? `${by.by.text} after ${Math.round(by.elapsedMs)} ms` : null,
  };
}

function serverStatus(report: CheckReport, kept: ServerStatus["kept"], nowMs: number): ServerStatus {
  const state = report.drained ? "drained" : report.kind === undefined ? "unchecked" : report.verdict;
  return {
    address: report.server,
    forward: report.forward,
    weight: report.weight ?? 0,
    state,
    kept,
    sinceMs: ago(nowMs, report.sinceMs),
    reason: report.last?.outcome.reason ?? (report.kind === undefined ? "no check configured" : "not probed yet"),
    activeConnections: report.activeConnections ?? null,
  };
}

/** A server of the configuration of which the balancer says nothing. */
function silentStatus(server: RealServer, isRemoved: boolean): ServerStatus {
  return {
    address: realServerKey(server),
    forward: server.forward,
    weight: isRemoved ? 0 : server.weight,
    state: isRemoved ? "removed" : "unknown",
    kept: isRemoved ? "removed" : null,
    sinceMs: null,
    reason: isRemoved ? "by an operator" : "the balancer has not told yet",
    activeConnections: null,
  };
}

function serviceStatus(service: ConfiguredService, facts: StatusFacts, allKept: readonly KeptStatus[]): ServiceStatus {
  const listen = service.listen.map((virtual) => formatServiceKey(virtual.key));
  const reports = new Map(
    facts.checks
      .filter((report) => report.service === service.name && report.listen === listen[0])
      .map((report) => [report.server, report]),
  );
  const kept = new Map(
    allKept.filter((one) => one.service === listen[0]).map(({ server, change }) => [server, change]),
  );
  const configured = service.servers.map(({ server }) => {
    const name = realServerKey(server);
    const report = reports.get(name);
    reports.delete(name);
    const change = kept.get(name);
    if (report === undefined) return silentStatus(server, change === "removed");
    return serverStatus(report, change ?? null, facts.nowMs);
  });
  const added = [...reports.values()]
    .filter(({ server }) => kept.has(server))
    .map((report) => serverStatus(report, "added", facts.nowMs));
  const scheduler = service.listen[0]?.scheduler ?? "";
  return { name: service.name, listen, scheduler, servers: [...configured, ...added] };
}

function gateStatuses({ config, gates, nowMs }: StatusFacts): readonly GateStatus[] {
  const times = new Map(config.gates.map(({ name, when }) => [name, when]));
  return gates.map(({ name, state, sinceMs, effect, detail }) => ({
    name,
    state,
    sinceMs: Math.max(0, Math.round(nowMs - sinceMs)),
    effect,
    when: times.get(name) ?? "always",
    reason: detail ?? null,
  }));
}

/** A transition with times that a person can read: `at` by this machine's wall clock. */
export function transitionStatus(transition: Transition, nowMs: number, at: Date): TransitionStatus {
  const agoMs = Math.max(0, Math.round(nowMs - transition.atMs));
  return {
    at: new Date(at.getTime() - agoMs).toISOString(),
    agoMs,
    from: transition.from,
    to: transition.to,
    term: transition.term,
    reason: transition.reason,
    why: transitionWhy(transition),
    chain: transition.causes.map((cause) => ({
      beforeMs: Math.max(0, Math.round(transition.atMs - cause.atMs)),
      what: cause.text,
    })),
  };
}

/** The whole status as `tandem status --json` prints it. */
export function statusReport(state: State, facts: StatusFacts): StatusReport {
  const router = routerStatus(state, facts);
  const peer = peerStatus(state, facts);
  const { sync } = facts;
  const kept = keptStatus(state.shared, facts.config);
  const advice = currentAdvice(state, facts);
  return {
    version: 1,
    software: facts.software,
    at: facts.at.toISOString(),
    router,
    peer,
    paths: PATHS.map((path) => pathStatus(state, path, facts.interfaces, facts.nowMs)),
    vips: state.settings.vips.map(({ vip }) => vipStatus(state, vip, facts)),
    services: facts.config.services.map((service) => serviceStatus(service, facts, kept)),
    gates: gateStatuses(facts),
    transitions: state.history.map((transition) => transitionStatus(transition, facts.nowMs, facts.at)).toReversed(),
    sync: sync === undefined ? null : { ...sync, text: syncText(sync, router, peer) },
    reload: facts.reload,
    alarms: currentAlarms(state, facts),
    ...facts.upkeep,
    warnings: advice.map(({ text }) => text),
    advice: advice.filter(({ mend }) => mend !== undefined),
  };
}
