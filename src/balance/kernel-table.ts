import { formatEndpoint } from "../model/address.ts";
import type { IpvsChange, ObservedService } from "../model/ipvs-table.ts";
import { realServerKey } from "../model/real-server.ts";
import { formatServiceKey, type ServiceKey } from "../model/virtual-service.ts";
import type { BalancerEffect } from "./balancer-input.ts";
import { checkOwnership, checkPlan } from "./health/balance-invariants.ts";
import type { LogLevel } from "./servers/check-report.ts";
import { noteChange } from "./table/apply-change.ts";
import { type PlannedService, planService } from "./table/table-plan.ts";

/**
 * Brings the kernel's table to the wanted one, level-triggered: reads it, compares, changes it, and reads it again every
 * few seconds. All in slices, since a call to the kernel holds up the probes: one effect is out at a time.
 */

/** How often the table is read again. */
export const RECONCILE_INTERVAL_MS = 5_000;
/** After a failed call; doubled with each further one up to the last. */
export const RETRY_FIRST_MS = 500;
export const RETRY_LAST_MS = 10_000;
/** Services per read: some 0.1 ms each … */
export const READ_SLICE = 50;
/** … but no more than have so many servers together, as far as is known: in the lab kernel 2,000 took over 100 ms. */
export const READ_SERVERS = 200;
/** Servers that are compared with what is wanted before probes have their turn. */
export const COMPARE_SERVERS = 500;
/** Changes per write: 11,000 took 1.0 s in the lab kernel, so 20 ms. */
export const APPLY_SLICE = 200;
/** Reasons of failures that are remembered, so that each is logged once. */
const REMEMBERED_FAILURES_MAX = 1_000;

type Phase =
  /** Nothing configured, nothing of ours in the kernel: IPVS is not touched. */
  | { readonly kind: "unneeded" }
  | { readonly kind: "waiting"; readonly untilMs: number }
  | { readonly kind: "listing" }
  | { readonly kind: "reading"; readonly left: readonly ServiceKey[] }
  | { readonly kind: "idle" }
  | { readonly kind: "applying"; readonly changes: readonly IpvsChange[] };

export interface TableLog {
  readonly level: LogLevel;
  readonly message: string;
}

function describeChange(change: IpvsChange): string {
  switch (change.kind) {
    case "add-service":
    case "edit-service":
      return `${change.kind} ${formatServiceKey(change.service.key)}`;
    case "delete-service":
      return `${change.kind} ${formatServiceKey(change.key)}`;
    case "add-server":
    case "edit-server":
      return `${change.kind} ${realServerKey(change.server)} of ${formatServiceKey(change.key)}`;
    case "delete-server":
      return `${change.kind} ${formatEndpoint(change.endpoint)} of ${formatServiceKey(change.key)}`;
    case "zero":
      return "zero";
  }
}

function serviceOf(change: IpvsChange): string | undefined {
  switch (change.kind) {
    case "add-service":
    case "edit-service":
      return formatServiceKey(change.service.key);
    case "zero":
      return undefined;
    default:
      return formatServiceKey(change.key);
  }
}

/** Doubles from the first to the last pause between attempts. */
class Pause {
  #ms = RETRY_FIRST_MS;

  next(): number {
    const ms = this.#ms;
    this.#ms = Math.min(ms * 2, RETRY_LAST_MS);
    return ms;
  }

  reset(): void {
    this.#ms = RETRY_FIRST_MS;
  }
}

export class KernelTable {
  readonly #observed = new Map<string, ObservedService>();
  #wanted: ReadonlyMap<string, ServiceKey> = new Map();
  #retired = new Map<string, ServiceKey>();
  readonly #dirty = new Set<string>();
  readonly #failures = new Map<string, string>();
  #phase: Phase = { kind: "unneeded" };
  #readAgainMs = 0;
  readonly #retryPause = new Pause();
  readonly #troublePause = new Pause();
  /** Services with a refused change; they are left alone until the retry, so that they hold up no others. */
  readonly #refused = new Set<string>();
  #retryAtMs: number | undefined;
  #wantsRead = false;
  /** What the kernel refuses of a trial, and of nothing before it; undefined: there is no trial. */
  #trial: { readonly known: ReadonlySet<string>; readonly refusals: string[] } | undefined;

  /** What the kernel had when it was last read, with our changes since. */
  get observed(): ReadonlyMap<string, ObservedService> {
    return this.#observed;
  }

  /** What it is at, for a report. */
  get stage(): string {
    return this.#phase.kind;
  }

  /** Services that were ours and have yet to be deleted. */
  get retired(): ReadonlyMap<string, ServiceKey> {
    return this.#retired;
  }

  /** Whether the kernel has all that is wanted, as far as is known. */
  get complete(): boolean {
    if (this.#phase.kind === "unneeded") return true;
    const waits = this.#wantsRead || this.#dirty.size + this.#retired.size + this.#refused.size > 0;
    return this.#phase.kind === "idle" && !waits;
  }

  /** Sets which services are ours; those that were and are no more will be deleted. */
  configure(wanted: ReadonlyMap<string, ServiceKey>, owned: ReadonlyMap<string, ServiceKey>): void {
    for (const [name, key] of [...this.#wanted, ...owned]) {
      if (!wanted.has(name)) this.#retired.set(name, key);
    }
    for (const name of wanted.keys()) this.#retired.delete(name);
    this.#wanted = wanted;
    // What was refused may be another thing by now.
    this.#refused.clear();
    if (this.#phase.kind === "unneeded" && (wanted.size > 0 || this.#retired.size > 0)) this.#phase = { kind: "idle" };
    this.readAgain();
  }

  /** From now on the kernel's refusals are noted, but for those that it has said already. */
  beginTrial(): void {
    this.#trial = { known: new Set(this.#failures.keys()), refusals: [] };
  }

  /**
   * What the kernel refused in the trial, once all was asked of it; undefined: it is not at its end.
   * A kernel that cannot be asked at all refuses nothing: that is said elsewhere, and is no fault of what is tried.
   */
  trialRefusals(): readonly string[] | undefined {
    if (this.#trial === undefined) return undefined;
    const isAsked = this.#phase.kind === "idle" && !this.#wantsRead && this.#dirty.size === 0;
    if (!isAsked && this.#phase.kind !== "waiting" && this.#phase.kind !== "unneeded") return undefined;
    const { refusals } = this.#trial;
    this.#trial = undefined;
    return refusals;
  }

  /** Something about this service may have to change. */
  touch(name: string): void {
    if (this.#wanted.has(name)) this.#dirty.add(name);
  }

  /** Reads the table at the next opportunity. */
  readAgain(): void {
    if (this.#phase.kind !== "unneeded") this.#wantsRead = true;
    if (this.#phase.kind === "waiting") this.#phase = { kind: "idle" };
  }

  /** When `next` should be called although nothing happened. */
  nextMs(): number | undefined {
    if (this.#phase.kind === "waiting") return this.#phase.untilMs;
    if (this.#phase.kind !== "idle") return undefined;
    // More to compare than one turn could take.
    if (this.#dirty.size > 0) return 0;
    return Math.min(this.#readAgainMs, this.#retryAtMs ?? this.#readAgainMs);
  }

  /** Whether `next` could have something to do. */
  isDue(nowMs: number): boolean {
    const { kind } = this.#phase;
    // Without a service wanted it is to find out that IPVS is needed no more.
    const waits = this.#wantsRead || this.#dirty.size + this.#retired.size > 0 || this.#wanted.size === 0;
    if (kind === "idle" && waits) return true;
    const nextMs = this.nextMs();
    return nextMs !== undefined && nextMs <= nowMs;
  }

  /** The next call to the kernel, if there is one to be made now. */
  next(
    wantedOf: (name: string) => PlannedService | undefined,
    nowMs: number,
    log: TableLog[],
  ): BalancerEffect | undefined {
    if (this.#phase.kind === "waiting" && nowMs >= this.#phase.untilMs) {
      this.#phase = { kind: "idle" };
      this.#wantsRead = true;
    }
    if (this.#phase.kind !== "idle") return undefined;
    const retries = this.#retryAtMs !== undefined && nowMs >= this.#retryAtMs;
    if (this.#wantsRead || retries || nowMs >= this.#readAgainMs) {
      this.#wantsRead = false;
      if (retries) {
        this.#retryAtMs = undefined;
        this.#refused.clear();
      }
      this.#phase = { kind: "listing" };
      return { kind: "list-services" };
    }
    return this.#applyNext(wantedOf, log);
  }

  /** The kernel has these services. */
  listed(names: readonly string[], nowMs: number): BalancerEffect | undefined {
    if (this.#phase.kind !== "listing") return undefined;
    const present = new Set(names);
    const left: ServiceKey[] = [];
    for (const [name, key] of [...this.#wanted, ...this.#retired]) {
      if (present.has(name)) left.push(key);
      else this.#observed.delete(name);
    }
    for (const name of this.#observed.keys()) {
      if (!this.#wanted.has(name) && !this.#retired.has(name)) this.#observed.delete(name);
    }
    return this.#readNext(left, nowMs);
  }

  /** The kernel has these services so. */
  read(services: ReadonlyMap<string, ObservedService | undefined>, nowMs: number): BalancerEffect | undefined {
    if (this.#phase.kind !== "reading") return undefined;
    for (const [name, service] of services) {
      if (service === undefined) this.#observed.delete(name);
      else this.#observed.set(name, service);
    }
    return this.#readNext(this.#phase.left, nowMs);
  }

  /** What came of the changes. */
  applied(failures: readonly (string | undefined)[], nowMs: number, log: TableLog[]): void {
    if (this.#phase.kind !== "applying") return;
    const failed = new Set<string>();
    for (const [index, change] of this.#phase.changes.entries()) {
      const reason = failures[index];
      if (reason === undefined) this.#noteSuccess(change);
      else this.#noteFailure(change, reason, failed, log);
    }
    this.#phase = { kind: "idle" };
    if (failed.size > 0) {
      for (const name of failed) this.#refused.add(name);
      this.#retryAtMs = nowMs + this.#retryPause.next();
    } else if (this.#refused.size === 0) this.#retryPause.reset();
  }

  /** The kernel could not be asked at all. */
  failed(reason: string, nowMs: number, log: TableLog[]): void {
    if (this.#phase.kind === "unneeded") return;
    if (this.#failures.get("kernel") !== reason) log.push({ level: "error", message: `the kernel's table: ${reason}` });
    this.#failures.set("kernel", reason);
    this.#phase = { kind: "waiting", untilMs: nowMs + this.#troublePause.next() };
  }

  #readNext(keys: readonly ServiceKey[], nowMs: number): BalancerEffect | undefined {
    if (keys.length > 0) {
      const count = this.#readable(keys);
      this.#phase = { kind: "reading", left: keys.slice(count) };
      return { kind: "read-services", keys: keys.slice(0, count) };
    }
    this.#readAgainMs = nowMs + RECONCILE_INTERVAL_MS;
    this.#failures.delete("kernel");
    this.#troublePause.reset();
    for (const name of this.#wanted.keys()) this.#dirty.add(name);
    this.#phase = { kind: "idle" };
    return undefined;
  }

  /** How many of these services are read at once: one at least. */
  #readable(keys: readonly ServiceKey[]): number {
    let servers = 0;
    for (const [index, key] of keys.entries()) {
      servers += this.#serversOf(formatServiceKey(key));
      if (index === READ_SLICE || (index > 0 && servers > READ_SERVERS)) return index;
    }
    return keys.length;
  }

  #serversOf(name: string): number {
    return this.#observed.get(name)?.servers.length ?? 0;
  }

  #applyNext(wantedOf: (name: string) => PlannedService | undefined, log: TableLog[]): BalancerEffect | undefined {
    const changes: IpvsChange[] = [];
    let compared = 0;
    for (const name of this.#dirty) {
      if (changes.length >= APPLY_SLICE || compared >= COMPARE_SERVERS) break;
      this.#dirty.delete(name);
      compared += this.#serversOf(name);
      // The retry reads the table again, which makes every service a candidate.
      if (this.#refused.has(name)) continue;
      const wanted = wantedOf(name);
      if (wanted !== undefined) changes.push(...this.#plan(wanted, this.#observed.get(name)));
    }
    if (changes.length < APPLY_SLICE) changes.push(...this.#deletions(APPLY_SLICE - changes.length));
    if (changes.length > 0) {
      checkOwnership(changes, this.#wanted, this.#retired);
      log.push({ level: "info", message: describeChanges(changes) });
      this.#phase = { kind: "applying", changes };
      return { kind: "apply", changes };
    }
    if (this.#retired.size === 0 && this.#wanted.size === 0) this.#phase = { kind: "unneeded" };
    return undefined;
  }

  #plan(wanted: PlannedService, observed: ObservedService | undefined): readonly IpvsChange[] {
    const changes = planService(wanted, observed);
    checkPlan(wanted, observed, changes);
    return changes;
  }

  #deletions(room: number): IpvsChange[] {
    const changes: IpvsChange[] = [];
    for (const [name, key] of this.#retired) {
      if (changes.length >= room) break;
      if (this.#refused.has(name)) continue;
      if (this.#observed.has(name)) changes.push({ kind: "delete-service", key });
      else this.#retired.delete(name);
    }
    return changes;
  }

  #noteSuccess(change: IpvsChange): void {
    noteChange(this.#observed, change);
    this.#failures.delete(describeChange(change));
    if (change.kind === "delete-service") this.#retired.delete(formatServiceKey(change.key));
  }

  #noteFailure(change: IpvsChange, reason: string, failed: Set<string>, log: TableLog[]): void {
    const service = serviceOf(change);
    const name = describeChange(change);
    // When the service itself could not be made, what its servers say is no news.
    const news = service === undefined || !failed.has(service);
    if (news && this.#failures.get(name) !== reason) log.push({ level: "error", message: reason });
    if (news && this.#trial?.known.has(name) === false) this.#trial.refusals.push(reason);
    if (this.#failures.size < REMEMBERED_FAILURES_MAX) this.#failures.set(name, reason);
    if (service !== undefined) failed.add(service);
  }
}

/** A few changes in full, many as a number. */
function describeChanges(changes: readonly IpvsChange[]): string {
  return changes.length <= 5
    ? `kernel table: ${changes.map(describeChange).join(", ")}`
    : `kernel table: ${changes.length} changes, from ${describeChange(changes[0] ?? { kind: "zero" })}`;
}
