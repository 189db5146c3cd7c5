import type { Gate, GateState } from "../model/gate.ts";
import type { ProbeOutcome, Verdict } from "../model/health-check.ts";
import type { Role } from "../model/pair.ts";
import { ProbeSchedule } from "./health/schedule.ts";
import { type Health, judgeOutcome, UNKNOWN_HEALTH } from "./health/verdict.ts";
import type { TableLog } from "./kernel-table.ts";
import type { GateRecord, GateView } from "./servers/check-report.ts";
import { ProbeRecord } from "./servers/probe-record.ts";

/** The gates of a configuration: when each is checked, and how it stands. By the health model of the real servers. */

/** One attempt at a gate. */
export interface GateProbe {
  readonly key: string;
  readonly gate: Gate;
}

const STATES: Readonly<Record<Verdict, GateState>> = { up: "passing", down: "failing", unknown: "unknown" };
/** What is said of a gate that is not checked in the role that this router has. */
const ASLEEP = "not checked: it is only while this router is active";

interface Entry {
  readonly gate: Gate;
  /** What is looked at, and when: while it stays the same, what was found holds. */
  readonly subject: string;
  /** Of the attempts that count: those of an earlier configuration or role have another one. */
  readonly key: string;
  readonly record: ProbeRecord;
  health: Health;
  /** Since when it has been as it is. */
  sinceMs: number;
  /** Why it fails. */
  reason?: string;
  /** Why this machine could not even try. */
  trouble?: string;
  /** What it warns of although it passes: a certificate that ends soon. */
  warning?: string;
}

/** Whether an attempt that this machine could not even make counts: programs and files fail closed. */
function failsClosed({ subject }: Gate): boolean {
  return subject.kind === "file" || (subject.kind === "check" && subject.method.kind === "external");
}

export class GateKeeper {
  /** Of their own, so that no flood of servers' checks holds up a gate. */
  readonly #schedule = new ProbeSchedule();
  readonly #seed: number;
  readonly #entries = new Map<string, Entry>();
  #role: Role = "standby";
  #keys = 0;
  /** Something may differ from what was told last. */
  #isNews = false;
  #told = "[]";

  /** @param seed a random number of this process */
  constructor(seed: number) {
    this.#seed = seed;
  }

  get inFlight(): number {
    return this.#schedule.inFlight;
  }

  /** Replaces the gates by these; one that looks at the same thing goes on as it stands. */
  configure(gates: readonly Gate[], nowMs: number): void {
    const known = new Map(this.#entries);
    this.#entries.clear();
    this.#isNews = true;
    for (const gate of gates) {
      const subject = JSON.stringify([gate.subject, gate.when]);
      const before = known.get(gate.name);
      const same = before?.subject === subject ? before : undefined;
      // Another interval begins a beat of its own.
      const isUnchanged = same !== undefined && JSON.stringify(same.gate) === JSON.stringify(gate);
      const key = isUnchanged ? same.key : this.#nextKey(gate);
      this.#entries.set(gate.name, { ...(same ?? fresh(nowMs)), gate, subject, key });
    }
    this.#reschedule(nowMs);
  }

  /** Gates that are checked only on an active router begin anew with each role. */
  setRole(role: Role, nowMs: number): void {
    if (role === this.#role) return;
    this.#role = role;
    this.#isNews = true;
    for (const [name, { gate, subject }] of this.#entries) {
      if (gate.when !== "active") continue;
      this.#entries.set(name, { ...fresh(nowMs), gate, subject, key: this.#nextKey(gate) });
    }
    this.#reschedule(nowMs);
  }

  /** The attempts to be made now. */
  takeDue(nowMs: number): readonly GateProbe[] {
    return this.#schedule.takeDue(nowMs).flatMap((key): GateProbe[] => {
      const entry = this.#find(key);
      if (entry !== undefined) return [{ key, gate: entry.gate }];
      this.#schedule.finished(key);
      return [];
    });
  }

  /** When an attempt is due. */
  nextMs(): number | undefined {
    return this.#schedule.nextMs();
  }

  /** What came of an attempt. */
  probed(key: string, outcome: ProbeOutcome, nowMs: number, log: TableLog[]): void {
    this.#schedule.finished(key);
    const entry = this.#find(key);
    if (entry === undefined) return;
    if (outcome.result === "failure" && outcome.failure === "local" && !failsClosed(entry.gate)) {
      noteTrouble(entry, outcome.reason, log);
      this.#isNews = true;
      return;
    }
    if (entry.trouble !== undefined) this.#isNews = true;
    delete entry.trouble;
    const before = entry.health;
    entry.health = judgeOutcome(before, outcome, entry.gate, nowMs);
    if (outcome.result === "success") {
      entry.record.addTime(outcome.elapsedMs);
      noteWarning(entry, outcome.warning, log);
    }
    const { verdict } = entry.health;
    if (verdict === before.verdict) return;
    this.#isNews = true;
    entry.sinceMs = nowMs;
    entry.reason = outcome.reason;
    entry.record.addChange({ to: verdict, atMs: nowMs, reason: outcome.reason });
    const { downIntervalMs, intervalMs } = entry.gate;
    this.#schedule.changeInterval(key, (verdict === "down" ? downIntervalMs : undefined) ?? intervalMs, nowMs);
  }

  /** How all gates stand, if that differs from what was told last. */
  takeNews(): readonly GateView[] | undefined {
    if (!this.#isNews) return undefined;
    this.#isNews = false;
    const views = [...this.#entries.values()].map((entry) => this.#view(entry));
    const text = JSON.stringify(views);
    if (text === this.#told) return undefined;
    this.#told = text;
    return views;
  }

  /** How all gates stand, for people. */
  records(nowMs: number): readonly GateRecord[] {
    return [...this.#entries.values()].map((entry) => {
      const { health, record } = entry;
      const times = record.times();
      const changes = record.changes.map(({ to, atMs, reason }) => ({ to, agoMs: nowMs - atMs, reason }));
      return {
        ...this.#view(entry),
        forMs: nowMs - entry.sinceMs,
        ...(health.last === undefined ? {} : { last: health.last }),
        ...(times === undefined ? {} : { times }),
        ...(changes.length === 0 ? {} : { changes }),
      };
    });
  }

  #view(entry: Entry): GateView {
    const { gate, health, sinceMs, reason, trouble } = entry;
    const { name } = gate;
    if (this.#isAsleep(gate)) return { name, state: "passing", sinceMs, detail: ASLEEP };
    const state = STATES[health.verdict];
    const detail = state === "passing" ? undefined : state === "failing" ? reason : trouble;
    return { name, state, sinceMs, ...(detail === undefined ? {} : { detail }) };
  }

  #isAsleep({ when }: Gate): boolean {
    return when === "active" && this.#role !== "active";
  }

  #find(key: string): Entry | undefined {
    for (const entry of this.#entries.values()) if (entry.key === key) return entry;
    return undefined;
  }

  #nextKey({ name }: Gate): string {
    this.#keys += 1;
    return `${name} ${this.#keys}`;
  }

  #reschedule(nowMs: number): void {
    const awake = [...this.#entries.values()].filter(({ gate }) => !this.#isAsleep(gate));
    const probes = awake.map(({ key, gate, health }) => ({
      key,
      intervalMs: (health.verdict === "down" ? gate.downIntervalMs : undefined) ?? gate.intervalMs,
      program: gate.subject.kind === "check" && gate.subject.method.kind === "external",
    }));
    this.#schedule.replace(probes, this.#seed, nowMs);
  }
}

function fresh(nowMs: number): Pick<Entry, "record" | "health" | "sinceMs"> {
  return { record: new ProbeRecord(), health: UNKNOWN_HEALTH, sinceMs: nowMs };
}

/** This machine could not even try: that says nothing about what is looked at. */
function noteTrouble(entry: Entry, reason: string, log: TableLog[]): void {
  const trouble = `cannot be checked: ${reason}`;
  if (entry.trouble === trouble) return;
  entry.trouble = trouble;
  log.push({ level: "warn", message: `gate ${entry.gate.name} ${trouble}` });
}

function noteWarning(entry: Entry, warning: string | undefined, log: TableLog[]): void {
  if (entry.warning === warning) return;
  if (warning === undefined) {
    delete entry.warning;
    return;
  }
  entry.warning = warning;
  log.push({ level: "warn", message: `gate ${entry.gate.name}: ${warning}` });
}
