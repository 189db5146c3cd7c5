import type { ConfiguredService } from "../config/keys/config.ts";
import { unreachable } from "../lib/assert.ts";
import type { Verdict } from "../model/health-check.ts";
import { formatServiceKey, type ServiceKey, serviceFamily } from "../model/virtual-service.ts";
import type { BalancerEffect, BalancerInput, KeepInput } from "./balancer-input.ts";
import { GateKeeper } from "./gate-checks.ts";
import { checkHealths, checkKernelCalls } from "./health/balance-invariants.ts";
import { serverHealth } from "./health/combined-health.ts";
import { FirstVerdicts } from "./health/first-verdicts.ts";
import { ProbeSchedule } from "./health/schedule.ts";
import { type Health, judgeOutcome, UNKNOWN_HEALTH } from "./health/verdict.ts";
import { KernelTable, type TableLog } from "./kernel-table.ts";
import { checkReports, drainProgress, serviceViews } from "./reports.ts";
import { restoredHealths, restoredServices, type SavedState, savedVerdict } from "./saved/saved-state.ts";
import { giveOrder, type Order } from "./server-orders.ts";
import type { BalancerReport, ServiceWork } from "./servers/check-report.ts";
import { type Drains, drainsOf } from "./servers/drains.ts";
import { type Kept, keep, keptOf, routesAnswers } from "./servers/kept-servers.ts";
import { ProbeRecord } from "./servers/probe-record.ts";
import { type Probe, resolvePort, type Unit, type Units, unitsOf } from "./servers/service-units.ts";
import type { PlannedService } from "./table/table-plan.ts";
import { type BalancedService, wantedService } from "./wanted-table.ts";

/**
 * The balancer as a state machine: inputs and the time go in, effects come out; no I/O, no clock, no chance. It keeps
 * tables of thousands of servers, so it changes them in place instead of copying them at each of some thousand inputs a
 * second: one machine is one line of time.
 */

/** State is saved at most this often. */
export const SAVE_INTERVAL_MS = 1_000;
/** Views are told at most this often: the failure of a thousand servers is a few messages. */
export const VIEWS_INTERVAL_MS = 100;
/** Takeovers that wait for the table; more than a few would be a fault of the router. */
const WAITING_MAX = 64;

const KERNEL_CALLS: ReadonlySet<BalancerEffect["kind"]> = new Set(["list-services", "read-services", "apply"]);
const KERNEL_ANSWERS: ReadonlySet<BalancerInput["kind"]> = new Set([
  "services-listed",
  "services-read",
  "applied",
  "kernel-failed",
]);

/** How a server stands in a service, over all its checks. */
interface ServerVerdict {
  readonly service: string;
  readonly server: string;
  readonly verdict: Verdict;
}

type ServerVerdicts = ReadonlyMap<string, ServerVerdict>;

export interface BalancerOptions {
  /** What an earlier process saved. */
  readonly saved?: SavedState;
  readonly bootId: string;
  /** A random number, so that the probes of two routers do not keep step. */
  readonly seed: number;
}

function isSame(one: Kept, other: Kept): boolean {
  return JSON.stringify([...one.values()]) === JSON.stringify([...other.values()]);
}

export class Balancer {
  readonly #bootId: string;
  readonly #seed: number;
  readonly #restored: Map<string, Health>;
  readonly #kernel = new KernelTable();
  readonly #schedule = new ProbeSchedule();
  readonly #gates: GateKeeper;
  readonly #firstVerdicts = new FirstVerdicts();
  readonly #healths = new Map<string, Health>();
  readonly #works = new Map<string, ServiceWork>();
  readonly #slowStarts = new Map<string, number>();
  #owned: Map<string, ServiceKey>;
  #units: Units = unitsOf([]);
  /** A configuration is tried beside the one before it. */
  #trial: { readonly id: number; readonly before: Units; readonly healths: ReadonlyMap<string, Health> } | undefined;
  #services: readonly ConfiguredService[] = [];
  #drains: Drains;
  #kept: Kept;
  #configured = false;
  #waiting: number[] = [];
  readonly #localTroubles = new Map<string, string>();
  /** What servers that are up warn of: a certificate that ends soon. */
  readonly #warnings = new Map<string, string>();
  readonly #records = new Map<string, ProbeRecord>();
  /** The services that have lost their quorum. */
  readonly #inquorate: Set<string>;
  #viewsText = "";
  #viewsAtMs: number | undefined;
  #viewedMs = Number.NEGATIVE_INFINITY;
  #saveAtMs: number | undefined;
  #savedMs = Number.NEGATIVE_INFINITY;
  #effects: BalancerEffect[] = [];
  /** Calls to the kernel that were not answered yet. */
  #callsOut = 0;

  constructor(options: BalancerOptions) {
    this.#bootId = options.bootId;
    this.#seed = options.seed;
    this.#gates = new GateKeeper(options.seed);
    this.#restored = options.saved === undefined ? new Map() : restoredHealths(options.saved, options.bootId);
    this.#owned = options.saved === undefined ? new Map() : restoredServices(options.saved);
    this.#drains = drainsOf(options.saved?.drains ?? []);
    this.#kept = keptOf(options.saved?.kept ?? []);
    this.#inquorate = new Set(options.saved?.inquorate ?? []);
  }

  get probesInFlight(): number {
    return this.#schedule.inFlight + this.#gates.inFlight;
  }

  /**
   * Takes one input.
   * @param nowMs monotonic, never less than before
   * @returns the effects to be done, in order
   * @throws InvariantError where the code itself is wrong; nothing else.
   */
  step(input: BalancerInput, nowMs: number): readonly BalancerEffect[] {
    this.#effects = [];
    this.#take(input, nowMs);
    this.#proceed(nowMs);
    // Only once in a turn of the event loop: what each of a thousand outcomes began would come before all else.
    if (input.kind === "tick") this.#beginProbes(nowMs);
    this.#checkInvariants(input);
    return this.#effects;
  }

  /** Its state, for the report of a defect; without what checks send, since they may send passwords. */
  describe(): unknown {
    const probes = [...this.#units.probes.values()].map(({ key, target, check }) => ({
      target: `${target.address.text}:${target.port}`,
      kind: check.method.kind,
      health: this.#healths.get(key),
    }));
    return {
      isConfigured: this.#configured,
      probesInFlight: this.probesInFlight,
      kernel: { stage: this.#kernel.stage, isComplete: this.#kernel.complete, callsOut: this.#callsOut },
      services: [...this.#units.units.keys()],
      retired: [...this.#kernel.retired.keys()],
      inquorate: this.#inquorate,
      slowStarts: this.#slowStarts,
      drains: [...this.#drains.values()],
      kept: [...this.#kept.values()],
      probes,
      observed: this.#kernel.observed,
    };
  }

  #checkInvariants({ kind }: BalancerInput): void {
    if (KERNEL_ANSWERS.has(kind)) this.#callsOut = 0;
    for (const effect of this.#effects) if (KERNEL_CALLS.has(effect.kind)) this.#callsOut += 1;
    checkKernelCalls(this.#callsOut);
    checkHealths(this.#units.probes.size, this.#healths.size);
  }

  /** When a `tick` is due although nothing happens. */
  nextDeadline(): number | undefined {
    const none = Number.POSITIVE_INFINITY;
    // Some thousand times a second: no lists are made.
    let next = Math.min(this.#schedule.nextMs() ?? none, this.#kernel.nextMs() ?? none);
    next = Math.min(next, this.#saveAtMs ?? none, this.#viewsAtMs ?? none, this.#gates.nextMs() ?? none);
    next = Math.min(next, this.#firstVerdicts.nextMs() ?? none);
    for (const time of this.#slowStarts.values()) next = Math.min(next, time);
    return next === none ? undefined : next;
  }

  #take(input: BalancerInput, nowMs: number): void {
    const log: TableLog[] = [];
    switch (input.kind) {
      case "configure":
        this.#trial = undefined;
        for (const key of input.config.former ?? []) this.#owned.set(formatServiceKey(key), key);
        this.#configure(input, nowMs);
        break;
      case "try":
        this.#try(input, nowMs);
        break;
      case "orders":
        this.#replaceOrders(input, nowMs);
        break;
      case "drain":
      case "undrain":
      case "weight":
        this.#order(input, nowMs);
        break;
      case "keep":
        this.#keep(input, nowMs);
        break;
      case "table-needed":
        this.#waiting = [...this.#waiting, input.id].slice(-WAITING_MAX);
        this.#kernel.readAgain();
        break;
      case "query":
        this.#answer(input, nowMs);
        break;
      case "stop":
        this.#save(nowMs);
        break;
      case "probed":
        this.#judge(input, nowMs);
        break;
      case "gate-probed":
        this.#gates.probed(input.key, input.outcome, nowMs, log);
        break;
      case "services-listed":
        this.#push(this.#kernel.listed(input.keys, nowMs));
        break;
      case "services-read":
        this.#push(this.#kernel.read(input.services, nowMs));
        break;
      case "applied":
        this.#kernel.applied(input.failures, nowMs, log);
        break;
      case "kernel-failed":
        this.#kernel.failed(input.reason, nowMs, log);
        break;
      case "role":
        this.#gates.setRole(input.role, nowMs);
        break;
      case "tick":
        break;
      default:
        unreachable(input);
    }
    this.#log(log);
  }

  #beginProbes(nowMs: number): void {
    for (const probe of this.#gates.takeDue(nowMs)) this.#effects.push({ kind: "probe-gate", probe });
    for (const key of this.#schedule.takeDue(nowMs)) {
      const probe = this.#units.probes.get(key);
      if (probe === undefined) this.#schedule.finished(key);
      else this.#effects.push({ kind: "probe", probe });
    }
  }

  /** What follows from any input: the kernel's next call, what waits to be told or saved. */
  #proceed(nowMs: number): void {
    for (const [key, dueMs] of this.#slowStarts) {
      if (dueMs > nowMs) continue;
      this.#slowStarts.delete(key);
      this.#kernel.touch(key);
    }
    if (this.#kernel.isDue(nowMs)) {
      const log: TableLog[] = [];
      this.#push(this.#kernel.next((name) => this.#planned(name, nowMs), nowMs, log));
      this.#log(log);
    }
    this.#tellTrial();
    const isEveryoneTried = this.#firstVerdicts.isOver(nowMs);
    if (this.#configured && this.#kernel.complete && isEveryoneTried) {
      for (const id of this.#waiting) this.#report({ kind: "table-complete", id });
      this.#waiting = [];
    }
    const gates = this.#gates.takeNews();
    if (gates !== undefined) this.#report({ kind: "gates", gates });
    if (this.#viewsAtMs !== undefined && this.#viewsAtMs <= nowMs) this.#tellViews(nowMs);
    if (this.#saveAtMs !== undefined && this.#saveAtMs <= nowMs) this.#save(nowMs);
  }

  #try({ id, config }: Extract<BalancerInput, { kind: "try" }>, nowMs: number): void {
    const before = this.#units;
    this.#trial = { id, before, healths: this.#healthsBySubject() };
    this.#kernel.beginTrial();
    this.#configure({ config }, nowMs);
  }

  #tellTrial(): void {
    const refusals = this.#trial === undefined ? undefined : this.#kernel.trialRefusals();
    if (this.#trial === undefined || refusals === undefined) return;
    const { id } = this.#trial;
    const [first] = refusals;
    const more = refusals.length > 1 ? `, and ${refusals.length - 1} more` : "";
    this.#report(first === undefined ? { kind: "done", id } : { kind: "refused", id, reason: `${first}${more}` });
  }

  #configure(
    input: Pick<Extract<BalancerInput, { kind: "configure" }>, "config" | "drains" | "kept">,
    nowMs: number,
  ): void {
    this.#services = input.config.services;
    if (input.drains !== undefined) this.#drains = drainsOf(input.drains);
    if (input.kept !== undefined) this.#kept = keptOf(input.kept);
    this.#gates.configure(input.config.gates ?? [], nowMs);
    this.#localTroubles.clear();
    this.#configured = true;
    this.#rebuild(nowMs);
    this.#report({ kind: "drains-changed", drains: [...this.#drains.values()] });
    this.#report({ kind: "kept-changed", kept: [...this.#kept.values()] });
  }

  #healthsBySubject(): Map<string, Health> {
    const bySubject = new Map([...this.#restored, ...(this.#trial?.healths ?? [])]);
    for (const [key, probe] of this.#units.probes) {
      const health = this.#healths.get(key);
      if (health !== undefined) bySubject.set(probe.subject, health);
    }
    return bySubject;
  }

  /** Makes the services anew from the configuration and what is kept beside it; verdicts stay. */
  #rebuild(nowMs: number): void {
    const bySubject = this.#healthsBySubject();
    this.#units = unitsOf(this.#services, this.#kept);
    this.#healths.clear();
    for (const [key, probe] of this.#units.probes) {
      this.#healths.set(key, bySubject.get(probe.subject) ?? UNKNOWN_HEALTH);
    }
    this.#firstVerdicts.begin(this.#units.units.values(), this.#healthOf, nowMs);
    this.#forgetOldProbes();
    const probes = [...this.#units.probes.values()].map((probe) => ({
      key: probe.key,
      intervalMs: this.#intervalMs(probe),
      program: probe.check.method.kind === "external",
    }));
    this.#schedule.replace(probes, this.#seed, nowMs);
    this.#slowStarts.clear();
    const before = this.#trial?.before.units ?? new Map<string, Unit>();
    const wanted = new Map([...before, ...this.#units.units].map(([name, unit]) => [name, unit.service.key]));
    this.#kernel.configure(wanted, this.#owned);
    this.#owned = wanted;
    this.#viewsText = "";
    this.#tellViews(nowMs);
    this.#saveSoon(nowMs);
  }

  #forgetOldProbes(): void {
    for (const key of this.#records.keys()) {
      if (!this.#units.probes.has(key)) this.#records.delete(key);
    }
    for (const key of this.#warnings.keys()) {
      if (!this.#units.probes.has(key)) this.#warnings.delete(key);
    }
    for (const key of this.#inquorate) {
      if (!this.#units.units.has(key)) this.#inquorate.delete(key);
    }
  }

  #intervalMs({ key, check }: Probe): number {
    const isDown = this.#healths.get(key)?.verdict === "down";
    return (isDown ? check.downIntervalMs : undefined) ?? check.intervalMs;
  }

  #replaceOrders({ drains, kept }: Extract<BalancerInput, { kind: "orders" }>, nowMs: number): void {
    this.#drains = drainsOf(drains);
    const before = this.#kept;
    this.#kept = keptOf(kept);
    // Until the first configuration there is nothing that it could change.
    if (this.#configured && !isSame(before, this.#kept)) this.#rebuild(nowMs);
    for (const name of this.#units.units.keys()) this.#kernel.touch(name);
    this.#report({ kind: "drains-changed", drains: [...this.#drains.values()] });
    this.#viewsSoon(nowMs);
    this.#saveSoon(nowMs);
  }

  #order(order: Order, nowMs: number): void {
    const ordered = giveOrder(order, this.#drains, this.#units.units.values());
    if (!ordered.ok) {
      this.#report({ kind: "refused", id: order.id, reason: ordered.problem });
      return;
    }
    this.#drains = ordered.value.drains;
    const { touched, made } = ordered.value;
    for (const name of touched) this.#kernel.touch(name);
    this.#report({ kind: "drains-changed", drains: [...this.#drains.values()], made });
    this.#report({ kind: "done", id: order.id });
    this.#viewsSoon(nowMs);
    this.#save(nowMs);
  }

  #keep({ id, service, server, order }: KeepInput, nowMs: number): void {
    const key = formatServiceKey(service);
    const current = this.#units.units.get(key);
    const own = this.#services.filter(({ listen }) => listen.some((each) => formatServiceKey(each.key) === key));
    const configured = unitsOf(own).units.get(key);
    const hasNat = routesAnswers(this.#services, serviceFamily(service));
    const context = current === undefined || configured === undefined ? undefined : { configured, current, hasNat };
    const kept = keep(order, { service, server: resolvePort(server, service) }, context, this.#kept);
    if (!kept.ok) {
      this.#report({ kind: "refused", id, reason: kept.problem });
      return;
    }
    const { made } = kept.value;
    if (made !== undefined) {
      this.#kept = kept.value.kept;
      this.#rebuild(nowMs);
      this.#report({ kind: "kept-changed", kept: [...this.#kept.values()], made });
      this.#save(nowMs);
    }
    this.#report({ kind: "done", id });
  }

  #judge(input: Extract<BalancerInput, { kind: "probed" }>, nowMs: number): void {
    this.#schedule.finished(input.key);
    const probe = this.#units.probes.get(input.key);
    const before = this.#healths.get(input.key);
    if (probe === undefined || before === undefined) return;
    const { outcome } = input;
    const program = probe.check.method.kind === "external";
    if (outcome.result === "failure" && outcome.failure === "local" && !program) {
      this.#noteLocalTrouble(input.key, `cannot check ${probe.target.address.text}: ${outcome.reason}`);
      return;
    }
    this.#localTroubles.delete(input.key);
    const after = judgeOutcome(before, outcome, probe.check, nowMs);
    const isChanged = after.verdict !== before.verdict;
    const verdictsBefore = isChanged ? this.#serverVerdicts(input.key) : undefined;
    this.#healths.set(input.key, after);
    this.#firstVerdicts.tried(this.#units.unitsOfProbe.get(input.key) ?? [], this.#healthOf);
    const record = this.#record(input.key);
    if (outcome.result === "success") {
      record.addTime(outcome.elapsedMs);
      this.#noteWarning(probe, outcome.warning);
    }
    if (isChanged || after.weightPercent !== before.weightPercent) {
      for (const unit of this.#units.unitsOfProbe.get(input.key) ?? []) this.#kernel.touch(unit.key);
      this.#saveSoon(nowMs);
    }
    if (verdictsBefore === undefined) return;
    record.addChange({ to: after.verdict, atMs: nowMs, reason: outcome.reason });
    this.#schedule.changeInterval(input.key, this.#intervalMs(probe), nowMs);
    this.#tellVerdicts(input.key, verdictsBefore, outcome.reason, nowMs);
    this.#viewsSoon(nowMs);
  }

  #record(key: string): ProbeRecord {
    const known = this.#records.get(key);
    if (known !== undefined) return known;
    const fresh = new ProbeRecord();
    this.#records.set(key, fresh);
    return fresh;
  }

  /** A server that is up may still have something to say, once. */
  #noteWarning({ key, target }: Probe, warning: string | undefined): void {
    if (this.#warnings.get(key) === warning) return;
    if (warning === undefined) {
      this.#warnings.delete(key);
      return;
    }
    this.#warnings.set(key, warning);
    this.#report({ kind: "log", level: "warn", message: `${target.address.text}: ${warning}` });
  }

  /** This machine could not even try: that says nothing about the server. (Programs fail closed.) */
  #noteLocalTrouble(key: string, message: string): void {
    if (this.#localTroubles.get(key) === message) return;
    this.#localTroubles.set(key, message);
    this.#report({ kind: "log", level: "warn", message });
  }

  /** The verdicts, over all their checks, of the servers that a probe is about; by the names of service and server. */
  #serverVerdicts(key: string): ServerVerdicts {
    const verdicts = new Map<string, ServerVerdict>();
    for (const { unit, server } of this.#units.serversOfProbe.get(key) ?? []) {
      const service = unit.config.name;
      const verdict = serverHealth(server, this.#healthOf)?.verdict ?? "up";
      verdicts.set(`${service} ${server.name}`, { service, server: server.name, verdict });
    }
    return verdicts;
  }

  #tellVerdicts(key: string, before: ServerVerdicts, reason: string, nowMs: number): void {
    for (const [label, { service, server, verdict: to }] of this.#serverVerdicts(key)) {
      const from = before.get(label)?.verdict ?? to;
      if (from === to) continue;
      this.#report({ kind: "verdict-changed", change: { service, server, from, to, reason, sinceMs: nowMs } });
    }
  }

  #answer(input: Extract<BalancerInput, { kind: "query" }>, nowMs: number): void {
    const units = this.#units.units.values();
    const { observed } = this.#kernel;
    if (input.what.kind === "drains") {
      const drains = drainProgress(units, this.#drains, observed);
      this.#report({ kind: "answer", id: input.id, answer: { kind: "drains", drains } });
      return;
    }
    const known = { healthOf: this.#healthOf, recordOf: (key: string) => this.#records.get(key), nowMs };
    const checks = checkReports(units, (unit) => this.#balanced(unit, nowMs), known, this.#drains, observed);
    const pace = this.#schedule.pace.report(this.#schedule.inFlight);
    const records = this.#gates.records(nowMs);
    const gates = records.length === 0 ? {} : { gates: records };
    this.#report({ kind: "answer", id: input.id, answer: { kind: "checks", checks, ...gates, pace } });
  }

  readonly #healthOf = (key: string): Health | undefined => this.#healths.get(key);

  /** In a trial nothing is taken away: servers that are not wanted any more stay as they are. */
  #planned(name: string, nowMs: number): PlannedService | undefined {
    const unit = this.#units.units.get(name);
    if (unit === undefined) return undefined;
    const balanced = this.#balanced(unit, nowMs);
    const before = this.#trial?.before.units.get(name);
    if (before === undefined) return balanced;
    const known = new Set(unit.servers.map((server) => server.name));
    const left = before.servers.filter((server) => !known.has(server.name)).map(({ server }) => server);
    const sorry = before.sorry === undefined ? [] : [before.sorry];
    return { ...balanced, undecided: [...balanced.undecided, ...left, ...sorry] };
  }

  #balanced(unit: Unit, nowMs: number): BalancedService {
    const wasQuorate = !this.#inquorate.has(unit.key);
    const balanced = wantedService(unit, this.#healthOf, this.#drains, nowMs, wasQuorate);
    if (balanced.quorate !== wasQuorate) this.#noteQuorum(unit, balanced.quorate, nowMs);
    if (balanced.changesMs !== undefined) this.#slowStarts.set(unit.key, balanced.changesMs);
    return balanced;
  }

  #noteQuorum(unit: Unit, quorate: boolean, nowMs: number): void {
    if (quorate) this.#inquorate.delete(unit.key);
    else this.#inquorate.add(unit.key);
    this.#saveSoon(nowMs);
    const change = { service: unit.config.name, listen: unit.key, quorate };
    this.#report({ kind: "quorum-changed", change });
  }

  #viewsSoon(nowMs: number): void {
    this.#viewsAtMs ??= Math.max(nowMs, this.#viewedMs + VIEWS_INTERVAL_MS);
  }

  #tellViews(nowMs: number): void {
    this.#viewsAtMs = undefined;
    this.#viewedMs = nowMs;
    const units = [...this.#units.units.values()];
    const balanced = new Map(units.map((unit) => [unit, this.#balanced(unit, nowMs)]));
    const balancedOf = (unit: Unit) => balanced.get(unit) ?? this.#balanced(unit, nowMs);
    const services = serviceViews(units, balancedOf, this.#healthOf);
    const text = JSON.stringify(services);
    if (text !== this.#viewsText) this.#report({ kind: "views", services });
    this.#viewsText = text;
    for (const [unit, { work }] of balanced) this.#noteWork(unit, work);
  }

  #noteWork(unit: Unit, work: ServiceWork): void {
    const before = this.#works.get(unit.key) ?? "normal";
    this.#works.set(unit.key, work);
    if (work === before) return;
    const name = `${unit.config.name} (${unit.key})`;
    const message = {
      normal: `${name}: its real servers get traffic again`,
      "last-good": `${name}: all its real servers died at once without refusing; the last good ones stay in work`,
      sorry: `${name}: no real server is left; traffic goes to the sorry server`,
      drained: `${name}: its real servers that are up are all drained; new clients are refused`,
      none: `${name}: no real server is left, no server gets traffic`,
    }[work];
    const level = work === "normal" ? "info" : work === "drained" ? "warn" : "error";
    this.#report({ kind: "log", level, message });
  }

  #saveSoon(nowMs: number): void {
    this.#saveAtMs ??= Math.max(nowMs, this.#savedMs + SAVE_INTERVAL_MS);
  }

  #save(nowMs: number): void {
    this.#saveAtMs = undefined;
    if (!this.#configured) return;
    this.#savedMs = nowMs;
    const verdicts = [...this.#units.probes.values()].flatMap(({ key, subject }) => {
      const saved = savedVerdict(subject, this.#healths.get(key) ?? UNKNOWN_HEALTH);
      return saved === undefined ? [] : [saved];
    });
    // What is yet to be deleted is still ours.
    const owned = new Map([...this.#owned, ...this.#kernel.retired]);
    this.#effects.push({
      kind: "save",
      saved: {
        version: 1,
        bootId: this.#bootId,
        verdicts,
        drains: [...this.#drains.values()],
        ...(this.#kept.size === 0 ? {} : { kept: [...this.#kept.values()] }),
        owned: [...owned.values()],
        ...(this.#inquorate.size === 0 ? {} : { inquorate: [...this.#inquorate] }),
      },
    });
  }

  #push(effect: BalancerEffect | undefined): void {
    if (effect !== undefined) this.#effects.push(effect);
  }

  #log(lines: readonly TableLog[]): void {
    for (const { level, message } of lines) this.#report({ kind: "log", level, message });
  }

  #report(report: BalancerReport): void {
    this.#effects.push({ kind: "report", report });
  }
}
