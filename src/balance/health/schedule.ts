import { ProbePace } from "../servers/probe-pace.ts";
import { checkProbes } from "./balance-invariants.ts";
import { DueQueue } from "./due-queue.ts";

/** Which probe is due when. Probes keep their beat: a late one shifts none after it, and no probe overlaps itself. */

/** Connections take a descriptor each; the usual limit of a service is over 500,000 (systemd.exec, LimitNOFILE). */
export const NETWORK_PROBES_MAX = 4_096;
/** Programs take a process and two pipes each. */
export const PROGRAM_PROBES_MAX = 64;
/**
 * Probes that begin in one turn of the event loop: after them what they came to, the kernel's table and whoever asks
 * have their turn. An overloaded processor would do nothing else for seconds: 2,000 at once took the lab's 4 s.
 */
export const BEGIN_MAX = 100;
/** First probes follow each other at this distance, until they fill an interval: 500 a second at the most. */
const FIRST_PROBE_SPACING_MS = 2;
/**
 * Where there are more probes than this a second, those of so many milliseconds begin together, and wake the process
 * once: a wake costs as much as some connections.
 */
const TOGETHER_RATE = 200;
const TOGETHER_MS = 10;
/** No probe waits for others longer than this part of its interval. */
const TOGETHER_PART = 50;

export interface ScheduledProbe {
  readonly key: string;
  readonly intervalMs: number;
  /** A program, which counts against another limit. */
  readonly program: boolean;
}

interface Entry extends ScheduledProbe {
  dueMs: number;
}

/** The first moment from `timeMs` on at which probes of this interval begin together; `timeMs` itself with few probes. */
function togetherMs(timeMs: number, intervalMs: number, perSecond: number): number {
  if (perSecond <= TOGETHER_RATE) return timeMs;
  const stepMs = Math.min(TOGETHER_MS, intervalMs / TOGETHER_PART);
  return Math.ceil(timeMs / stepMs) * stepMs;
}

/** FNV-1a, 32 bits (draft-eastlake-fnv): spreads keys evenly; the seed keeps two routers out of step. */
function spread(key: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let index = 0; index < key.length; index += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  // Final mixing of MurmurHash3, since FNV leaves the high bits of like keys alike.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000;
}

export class ProbeSchedule {
  readonly #entries = new Map<string, Entry>();
  readonly #queue = new DueQueue();
  /** Due, but the limit of probes in flight is reached. */
  readonly #waiting: { readonly network: Set<string>; readonly program: Set<string> } = {
    network: new Set(),
    program: new Set(),
  };
  readonly #inFlight = new Map<string, "network" | "program">();
  #programsInFlight = 0;
  #perSecond = 0;
  readonly pace = new ProbePace();

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /**
   * Replaces the probes by these. Known ones keep their beat, new ones start at jittered times within their interval.
   * @param seed a random number of this process
   */
  replace(probes: readonly ScheduledProbe[], seed: number, nowMs: number): void {
    const known = new Map(this.#entries);
    this.#entries.clear();
    const fresh = probes.filter((probe) => !known.has(probe.key)).length;
    this.#perSecond = probes.reduce((sum, { intervalMs }) => sum + 1_000 / intervalMs, 0);
    for (const probe of probes) {
      const before = known.get(probe.key);
      if (before !== undefined) {
        this.#entries.set(probe.key, before);
        continue;
      }
      const windowMs = Math.min(probe.intervalMs, fresh * FIRST_PROBE_SPACING_MS);
      const dueMs = togetherMs(nowMs + spread(probe.key, seed) * windowMs, probe.intervalMs, this.#perSecond);
      this.#entries.set(probe.key, { ...probe, dueMs });
      this.#queue.push(dueMs, probe.key);
    }
  }

  /** The probes to begin now, `BEGIN_MAX` at the most; each is in flight until `finished`. */
  takeDue(nowMs: number): string[] {
    const begun = this.#takeDue(nowMs);
    checkProbes({
      network: this.#inFlight.size - this.#programsInFlight,
      networkMax: NETWORK_PROBES_MAX,
      programs: this.#programsInFlight,
      programsMax: PROGRAM_PROBES_MAX,
    });
    return begun;
  }

  #takeDue(nowMs: number): string[] {
    const begun: string[] = [];
    for (const kind of ["network", "program"] as const) {
      const waiting = this.#waiting[kind];
      for (const key of waiting) {
        if (begun.length >= BEGIN_MAX) return begun;
        if (!this.#hasRoom(kind)) break;
        waiting.delete(key);
        this.#begin(key, begun);
      }
    }
    while (begun.length < BEGIN_MAX) {
      const head = this.#queue.peek();
      if (head === undefined || head.dueMs > nowMs) break;
      this.#queue.pop();
      this.#turn(head.key, head.dueMs, nowMs, begun);
    }
    return begun;
  }

  /** A probe in flight has ended. */
  finished(key: string): void {
    if (this.#inFlight.get(key) === "program") this.#programsInFlight -= 1;
    this.#inFlight.delete(key);
  }

  /** The probe begins at another distance from now on, first after one of it. */
  changeInterval(key: string, intervalMs: number, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.intervalMs === intervalMs) return;
    const dueMs = togetherMs(nowMs + intervalMs, intervalMs, this.#perSecond);
    this.#entries.set(key, { ...entry, intervalMs, dueMs });
    this.#queue.push(dueMs, key);
  }

  /** When the next probe is due: at once when one that waited for room has it. */
  nextMs(): number | undefined {
    const { network, program } = this.#waiting;
    const waits = (network.size > 0 && this.#hasRoom("network")) || (program.size > 0 && this.#hasRoom("program"));
    return waits ? 0 : this.#queue.peek()?.dueMs;
  }

  #turn(key: string, dueMs: number, nowMs: number, begun: string[]): void {
    const entry = this.#entries.get(key);
    // Dropped by a reload, or replaced by a probe with a beat of its own.
    if (entry === undefined || entry.dueMs !== dueMs) return;
    this.pace.note(nowMs - dueMs);
    const missed = Math.floor((nowMs - dueMs) / entry.intervalMs);
    entry.dueMs = dueMs + (missed + 1) * entry.intervalMs;
    this.#queue.push(entry.dueMs, key);
    const kind = entry.program ? "program" : "network";
    if (this.#inFlight.has(key) || this.#waiting[kind].has(key)) return;
    if (this.#hasRoom(kind)) this.#begin(key, begun);
    else this.#waiting[kind].add(key);
  }

  #hasRoom(kind: "network" | "program"): boolean {
    return kind === "program"
      ? this.#programsInFlight < PROGRAM_PROBES_MAX
      : this.#inFlight.size - this.#programsInFlight < NETWORK_PROBES_MAX;
  }

  #begin(key: string, begun: string[]): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#inFlight.has(key)) return;
    this.#inFlight.set(key, entry.program ? "program" : "network");
    if (entry.program) this.#programsInFlight += 1;
    begun.push(key);
  }
}
