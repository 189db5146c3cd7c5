/** All warnings of `tandem status`, in their order. */
import type { CheckReport, ServiceView } from "../../balance/servers/check-report.ts";
import type { Config } from "../../config/keys/config.ts";
import { isPeerAlive, isPeerSilent, silentSinceMs } from "../../failover/evidence/peer.ts";
import { areViewsWorse, namedServices } from "../../failover/evidence/service-views.ts";
import { isBlind, peerHasCarrier, vipSides } from "../../failover/evidence/side-evidence.ts";
import { STRAY_SHOWN_MS } from "../../failover/evidence/strays.ts";
import { unreadiness } from "../../failover/evidence/takeover-readiness.ts";
import { reportOf } from "../../failover/machine/interfaces.ts";
import { pathUp } from "../../failover/machine/session.ts";
import { GUARD_WINDOW_MS } from "../../failover/machine/settings.ts";
import type { State } from "../../failover/machine/state.ts";
import type { GateReport } from "../../failover/machine/surroundings.ts";
import { verificationState } from "../../failover/rules/announce.ts";
import { firstNames } from "../../lib/first-names.ts";
import { formatSpan } from "../../model/duration.ts";
import { otherRouter, PATHS, type PathName } from "../../model/pair.ts";
import { type Upkeep, upkeepWarnings } from "../host/upkeep.ts";
import type { ReloadStatus } from "../reload/reload-result.ts";
import type { SideInterfaces } from "../settings/failover-settings.ts";
import { type Advice, advise, linkMend, mendOn } from "./advice.ts";
import { currentAlarms } from "./alarms.ts";
import { driftWarning } from "./drift-warning.ts";
import { fitnessWarnings } from "./fitness-warnings.ts";
import { keptStatus, keptWarnings } from "./kept-status.ts";
import { peerObstacle } from "./peer-obstacle.ts";
import type { SyncStatus } from "./sync-status.ts";

/** What the warnings are made from besides the failover machine's state. */
export interface WarningFacts {
  readonly config: Config;
  readonly interfaces: SideInterfaces;
  readonly software: string;
  /** What the configuration's file itself gave rise to. */
  readonly configWarnings: readonly string[];
  /** What the services lack of the kernel's IPVS; absent where there are none. */
  readonly ipvsWarnings?: readonly string[];
  /** What the host's packet filter drops of what the router needs, when last looked at; absent: not looked at. */
  readonly firewallWarnings?: readonly string[];
  readonly checks: readonly CheckReport[];
  readonly views: readonly ServiceView[];
  /** Those of this router, in the order of the configuration. */
  readonly gates: readonly GateReport[];
  /** False: the balancer's process is gone or does not answer. Undefined: no services, no gates, no balancer. */
  readonly balancerAnswers: boolean | undefined;
  /** It ends again and again: how often, and how the last time. */
  readonly balancerRestlessness?: string | undefined;
  /** Absent: connections are not synchronised. */
  readonly sync?: SyncStatus | undefined;
  readonly upkeep: Upkeep;
  readonly reload: ReloadStatus;
  readonly nowMs: number;
}

interface Look {
  readonly state: State;
  readonly facts: WarningFacts;
  /** The peer's name. */
  readonly peer: string;
  readonly alive: boolean;
}

/** Everything that is not as it should be at this moment, as sentences for people, the gravest first. */
export function currentWarnings(state: State, facts: WarningFacts): readonly string[] {
  return currentAdvice(state, facts).map(({ text }) => text);
}

function plain(texts: readonly string[]): Advice[] {
  return texts.map((text) => ({ text }));
}

/** The same, each with the command that mends it where there is one. */
export function currentAdvice(state: State, facts: WarningFacts): readonly Advice[] {
  const peer = facts.config.pair[otherRouter(state.settings.router)].name;
  const look: Look = { state, facts, peer, alive: isPeerAlive(state, facts.nowMs) };
  return [
    ...currentAlarms(state, facts),
    ...plain(roleWarnings(look)),
    ...plain(peerWarnings(look)),
    ...fitnessWarnings(state, facts),
    ...sideWarnings(look),
    ...plain(ownerWarnings(look)),
    ...operatorWarnings(look),
    ...plain(viewsWarnings(look)),
    ...plain(facts.ipvsWarnings ?? []),
    ...plain(facts.firewallWarnings ?? []),
    ...gateWarnings(facts),
    ...plain(serviceWarnings(facts)),
    ...plain(keptWarnings(keptStatus(state.shared, facts.config), facts.config)),
    ...plain(syncWarnings(look)),
    ...plain(upkeepWarnings(facts.upkeep)),
    ...reloadWarnings(facts.reload),
    ...plain(facts.configWarnings),
  ];
}

/** Findings that a warning names; the status has all of them. */
const FINDINGS_NAMED_MAX = 3;

/** A refused reload is on nobody's screen any more, and the next start would read the same file. */
function reloadWarnings({ outcome, by, agoMs, text, findings }: ReloadStatus): Advice[] {
  if (outcome !== "refused") return [];
  const what = by === "start" ? "at the start" : `${formatSpan(agoMs)} ago a reload`;
  const shown = findings.slice(0, FINDINGS_NAMED_MAX);
  const more = findings.length - shown.length;
  const named = shown.length === 0 ? "" : `: ${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
  const said = by === "start" ? `${what} the configuration was refused` : `${what} was refused`;
  return [advise(`${said}: ${text}${named}`, "tandem reload --dry-run")];
}

function roleWarnings({ state, facts, peer, alive }: Look): string[] {
  const { phase, query, settings } = state;
  const says = alive ? state.peer?.says : undefined;
  if (settings.vips.length === 0) return ["the configuration has no [[vip]]: there is nothing to move"];
  if (query?.standoff === true && !alive) {
    const since = formatSpan(facts.nowMs - (query.firstAnswerAtMs ?? query.sinceMs));
    return [
      `${peer} is silent, but its kernel has answered for the VIPs for ${since}: heartbeats filtered, another key, or VIPs that are no leases; \`tandem failover take --force\` takes them all the same`,
    ];
  }
  if (phase.kind === "active") {
    return says?.role === "active" ? [`both routers are active: ${peer} says so too, in term ${says.term}`] : [];
  }
  if (says?.role === "active") return [];
  const why = alive ? unreadiness(state, facts.nowMs) : undefined;
  const reason = why === undefined ? "" : `; this one cannot: ${why}`;
  return [
    alive ? `no router is active${reason}` : `no router is known to be active, and ${peer} is not heard${reason}`,
  ];
}

function peerWarnings(look: Look): string[] {
  const { state, facts, peer, alive } = look;
  if (!alive) return silenceWarnings(look);
  const says = state.peer?.says;
  if (says === undefined) return [];
  const warnings = driftWarning(state, peer);
  if (says.software !== facts.software) {
    warnings.push(`${peer} runs tandem ${says.software}, this router ${facts.software}`);
  }
  if (says.leaving) warnings.push(`${peer} is stopping`);
  else if (!says.ready && !says.abstaining && says.role === "standby") {
    const why = peerObstacle(state, facts.nowMs);
    warnings.push(`${peer} could not take over now${why === undefined ? "" : `: ${why}`}`);
  }
  return warnings;
}

function silenceWarnings({ state, facts, peer }: Look): string[] {
  const { nowMs } = facts;
  if (state.peer === undefined && !isPeerSilent(state, nowMs)) return [];
  const since = formatSpan(nowMs - silentSinceMs(state));
  const refused = [...new Set(PATHS.flatMap((path) => refusalHints(state, path, nowMs)))];
  const hint = refused.length === 0 ? "" : `; heartbeats rejected: ${refused.join("; ")}`;
  return state.peer === undefined
    ? [`${peer} was never heard by this daemon${hint}`]
    : [`${peer} has been silent on all paths for ${since}: there is nobody to take over${hint}`];
}

/** Refusals that tell of a pair that is set up wrongly, in words. */
const TELLING_REFUSALS: Readonly<Record<string, string>> = {
  "bad-mac": "bad signature (another key_file?)",
  "bad-version": "they are of another version of tandem",
  "wrong-pair": "they are of another pair, or the pair's addresses or port differ",
  "own-role": "they have this router's own role: both configurations or --router make the same router of it",
  "stale-echo": "the peer does not hear this router",
};

/** What came longer ago says nothing about why the peer is not heard now. */
const REFUSALS_SHOWN_MS = 10_000;

function refusalHints(state: State, path: PathName, nowMs: number): string[] {
  const { refusedAtMs } = state.session.paths[path];
  const isLate = (atMs: number) => nowMs - atMs < REFUSALS_SHOWN_MS;
  return Object.entries(TELLING_REFUSALS)
    .filter(([reason]) => Object.entries(refusedAtMs).some(([name, atMs]) => name === reason && isLate(atMs)))
    .map(([, words]) => words);
}

function sideWarnings(look: Look): Advice[] {
  return PATHS.flatMap((side) => {
    const { state, facts } = look;
    const name = facts.interfaces[side];
    const isCut = !state.sides[side].carrier;
    const mend = isCut && name !== undefined ? linkMend(name, reportOf(state, name)?.link?.up === false) : undefined;
    return sideWarning(look, side).map((text) => advise(text, mend));
  });
}

function sideWarning({ state, facts, peer, alive }: Look, side: PathName): string[] {
  const { nowMs } = facts;
  const { bothWaysAtMs, acceptedAtMs } = state.session.paths[side];
  const { deadAfterMs } = state.settings;
  const where = `${side} path (${facts.interfaces[side] ?? "no interface"})`;
  if (!state.sides[side].carrier) {
    const since = formatSpan(nowMs - state.sides[side].carrierSinceMs);
    return [`no carrier on the ${side} side (${facts.interfaces[side] ?? "no interface"}) for ${since}`];
  }
  const blind = isBlind(state, side, nowMs)
    ? [
        `nobody is seen on the ${side} side (${facts.interfaces[side] ?? "no interface"}): no frame, no neighbour's answer`,
      ]
    : [];
  if (!alive || pathUp(state.session, side, nowMs, deadAfterMs)) return blind;
  if (acceptedAtMs !== undefined && nowMs - acceptedAtMs < deadAfterMs) {
    return [...blind, `the ${where} works one way only: ${peer} is heard there, but does not hear this router`];
  }
  const last =
    bothWaysAtMs === undefined ? "has not been up yet" : `has been down for ${formatSpan(nowMs - bothWaysAtMs)}`;
  const cut = peerHasCarrier(state, side) ? "" : `; ${peer} has no carrier there`;
  return [...blind, `the ${where} ${last}${cut}`];
}

function ownerWarnings({ state, facts, peer, alive }: Look): string[] {
  const { verification, phase, addresses } = state;
  const warnings: string[] = [];
  if (phase.kind === "active" && verification !== undefined) {
    if (verificationState(verification) === "unanswered") {
      warnings.push("takeover not verified: no neighbour answered an echo request from the VIPs");
    } else if (verificationState(verification) === "verified") {
      const silent = vipSides(state.settings).filter((side) => verification.missing.includes(side));
      warnings.push(...silent.map((side) => `takeover not verified on the ${side} side: no neighbour answered there`));
    }
  }
  const removals = addresses.guardedAtMs.filter((atMs) => facts.nowMs - atMs < GUARD_WINDOW_MS).length;
  if (removals > 0) {
    const times = removals === 1 ? "once" : `${removals} times`;
    warnings.push(`somebody else removed VIPs ${times} within the last minute; they were put back`);
  }
  const { stray } = state;
  if (phase.kind === "standby" && stray !== undefined && facts.nowMs - stray.atMs < STRAY_SHOWN_MS) {
    warnings.push(`${stray.mac} still sends frames for ${stray.address.text} to this router, which gave it up`);
  }
  const says = alive ? state.peer?.says : undefined;
  const missing = says?.role === "active" ? says.vips.filter((vip) => !vip.held) : [];
  if (missing.length > 0) {
    warnings.push(`${peer} is active without ${missing.map(({ address }) => address.text).join(", ")}`);
  }
  return warnings;
}

function operatorWarnings({ state, peer, alive }: Look): Advice[] {
  const says = alive ? state.peer?.says : undefined;
  const warnings: Advice[] = [];
  const take = "tandem failover take";
  if (state.hold || says?.hold === true) {
    const mend = "tandem failover hold --end";
    warnings.push({ text: `fail-back is held by an operator; \`${mend}\` on either router ends that`, mend });
  }
  if (state.abstaining) {
    const text = `this router was released by an operator: it takes nothing by itself until \`${take}\``;
    warnings.push({ text, mend: take });
  }
  if (says?.abstaining === true) {
    const text = `${peer} was released by an operator: it takes nothing by itself until \`${take}\` there`;
    warnings.push(advise(text, mendOn(peer, take)));
  }
  return warnings;
}

/** Below this share of the active's connections a failover would break some that somebody has open (rule 10). */
const WARM_SHARE = 0.99;

function syncWarnings({ state, facts, peer, alive }: Look): string[] {
  const { sync } = facts;
  if (sync === undefined) return [];
  if (sync.failure !== null) return [`connections cannot be read or told to ${peer}: ${sync.failure}`];
  const { wanted, present, fullSync } = sync;
  const isTold = state.phase.kind === "active" && alive && fullSync && !sync.working;
  if (!isTold || wanted === null || present === null || present >= wanted * WARM_SHARE) return [];
  const { group, port } = facts.config.sync;
  const lack = `${peer} knows only ${present} of ${wanted} connections, though it was told of all`;
  return [`${lack}: a failover breaks the rest; is UDP to ${group}, port ${port}, filtered there?`];
}

function viewsWarnings({ state, facts, peer }: Look): string[] {
  if (state.missed === undefined || !areViewsWorse(state, facts.nowMs)) return [];
  const names = namedServices(state, state.missed.places);
  return state.phase.kind === "active"
    ? [`${peer}, the standby, finds real servers of ${names} up that this router does not reach`]
    : [`this standby finds real servers of ${names} up that ${peer}, the active, does not reach`];
}

/** An unknown gate is none: without its balancer that is said of all of them together. */
function gateWarnings({ gates, nowMs }: WarningFacts): Advice[] {
  return gates
    .filter(({ state }) => state === "failing")
    .map(({ name, sinceMs, detail = "no reason known" }) => ({
      text: `gate ${name} has failed for ${formatSpan(Math.max(0, nowMs - sinceMs))}: ${detail}`,
      mend: `tandem check run --gate ${name}`,
    }));
}

const WORKS: Readonly<Record<ServiceView["work"], string | undefined>> = {
  normal: undefined,
  "last-good": "all its servers failed at once, so those that were good last keep the work",
  sorry: "no real server is up: traffic goes to the sorry server",
  drained: "its real servers that are up are all drained: new clients are refused",
  // An alarm says that.
  none: undefined,
};

function balancerWarnings({ config, balancerAnswers, balancerRestlessness }: WarningFacts): string[] {
  if (balancerRestlessness !== undefined) {
    return [
      `the balancer ended ${balancerRestlessness}: checks begin anew each time, what is in the kernel's table stays`,
    ];
  }
  if (balancerAnswers !== false) return [];
  if (config.services.length === 0) return ["the balancer does not answer: until it is back no gate is known"];
  return ["the balancer does not answer: the kernel's table goes on as it is, without checks, until it is back"];
}

function serviceWarnings(facts: WarningFacts): string[] {
  const { config, checks, views } = facts;
  const warnings = balancerWarnings(facts);
  for (const { name } of config.services) {
    const own = checks.filter((check) => check.service === name);
    const work = WORKS[views.find((view) => view.service === name)?.work ?? "normal"];
    if (work !== undefined) warnings.push(`${name}: ${work}`);
    const drained = own.filter((check) => check.drained).map((check) => check.server);
    const down = own.filter((check) => !check.drained && check.verdict === "down").map((check) => check.server);
    if (down.length > 0) warnings.push(`${name}: ${firstNames(down)} ${isOrAre(down)} down`);
    if (drained.length > 0) warnings.push(`${name}: ${firstNames(drained)} ${isOrAre(drained)} drained by an operator`);
  }
  return warnings;
}

function isOrAre(servers: readonly string[]): string {
  return new Set(servers).size === 1 ? "is" : "are";
}
