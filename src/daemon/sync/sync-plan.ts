/**
 * What a router does so that the other kernel knows its connections, and how it finds out whether that one does (rule
 * 10). No I/O and no clock: the daemon asks what to do next, and tells what became of it.
 *
 * The active sends all its connections when the standby joins, when the standby is found to lack some, and before each
 * planned move. Then it asks: it has the keys of its established connections, puts a number into its heartbeats, and
 * the standby, once it has heard the number, reads its own table and answers with the keys of one slice after another.
 * What of the slices is missing there is missing in the whole, but for the connections that have ended meanwhile: where
 * much seems to be missing, the active reads its own table again before it believes it. Before the VIPs are offered it
 * sends once more what came meanwhile, and the old owner does so again after it has handed over.
 */
import type { SyncAnswer as AnswerWord, WarmthReport } from "../../wire/heartbeat/heartbeat.ts";
import { hasKey, keysOfSlice } from "../../wire/sync/sync-key.ts";
import type { SyncAnswer } from "./sync-thread-protocol.ts";

/** Rule 10: this share of the connections has to be known there. */
const WARM_SHARE = 0.99;
/** So many of the active's connections looked for tell a share of 99 % from one of 95 %, but for 1 in 20,000. */
const SAMPLE_KEYS = 400;
/**
 * So many slices have to do where the standby has far more connections than the active: two paths carry ten a second.
 * What was looked for in them stands for the whole; where that is nothing, what was sent does.
 */
const SLICES_ENOUGH = 40;
/** Between two looks at a small table; a larger one is read less often, for this share of the time. */
const COUNT_EVERY_MS = 5_000;
/** A connection counts from the second look at it on: where none did, the next ones would be unknown for ten seconds. */
const QUIET_COUNT_EVERY_MS = 1_000;
const READING_SHARE = 0.05;
/** A standby that lacks connections gets all of them again after this, doubled each time up to the second. */
const REPAIR_AFTER_MS = 2_000;
const REPAIR_LIMIT_MS = 60_000;
/** While a planned move waits. */
const HURRIED_REPAIR_MS = 1_000;
/** A table that takes longer to read is not read once more before the VIPs are offered. */
const LAST_ROUND_LIMIT_MS = 2_000;
/** The standby starts its sync daemon after its table is complete, which it tells first. */
const JOIN_DELAY_MS = 500;
/** The receiving kernel takes a message within 50 ms (tried); the number that asks is sent after that. */
const ASK_DELAY_MS = 100;
/** A standby that has not answered after this, and after twice the time of the own reading, does not answer. */
const ANSWER_LIMIT_MS = 5_000;

/** What the plan has to know at each look. */
export interface SyncFacts {
  /** Since when this router has been active. */
  readonly tenureSinceMs: number;
  /** Since when the standby has been heard without a pause, and whether its table of services is complete. */
  readonly standby: { readonly sinceMs: number; readonly hasTable: boolean } | undefined;
  /** The planned move that waits for the standby to know all. */
  readonly moveId: number | undefined;
}

export type SyncOrder = { readonly kind: "send"; readonly scope: "all" | "new" } | { readonly kind: "count" };

/** What is known of the other kernel's connections. */
export interface SyncView {
  readonly warmth: WarmthReport;
  /** The planned move before which the standby was told of everything. */
  readonly toldFor: number | undefined;
}

interface Question {
  readonly number: number;
  readonly wanted: Uint32Array;
  readonly sinceMs: number;
  readonly limitMs: number;
  readonly moveId: number | undefined;
  /** What was done before it was asked. */
  readonly kind: SyncOrder["kind"];
  /** Slices that were answered, while all have the same width. */
  readonly slices: Set<number>;
  bits: number;
  found: number;
  /** Looked for and not found. */
  missing: number[];
}

interface Work {
  readonly order: SyncOrder;
  readonly moveId: number | undefined;
  readonly epoch: string;
  /** The answered question whose missing connections are looked for in the own table. */
  readonly doubt: Question | undefined;
}

export interface FullSync {
  readonly entries: number;
  readonly elapsedMs: number;
  readonly endedAtMs: number;
}

/** Nothing looked for is all found. */
function share(found: number, missing: number): number {
  return found + missing === 0 ? 1 : found / (found + missing);
}

/** The active's side of it; one for each tenure or none, it notices a new one by itself. */
export class SyncPlan {
  #epoch = "";
  #work: Work | undefined;
  #question: Question | undefined;
  /** Much was not found of what this one asked for; that it is missing is not believed yet. */
  #doubt: Question | undefined;
  /** Numbers of before a restart, which somebody might replay, must not be heard as answers. */
  #lastNumber: number;
  #view: SyncView = { warmth: { wanted: 0, present: 0, fullSync: false }, toldFor: undefined };
  #sendAllAtMs = 0;
  #repairMs = REPAIR_AFTER_MS;
  #countAtMs = Number.POSITIVE_INFINITY;
  #readingMs = 0;
  /** What failed is not tried again at once, whoever waits for it. */
  #pauseUntilMs = 0;
  /** The move for which everything but the last moments was told. */
  #settledMove: number | undefined;
  #lastFullSync: FullSync | undefined;
  #failure: string | undefined;

  /** @param firstNumber drawn at random, 32 bits. */
  constructor(firstNumber: number) {
    this.#lastNumber = firstNumber;
  }

  get view(): SyncView {
    return this.#view;
  }

  get lastFullSync(): FullSync | undefined {
    return this.#lastFullSync;
  }

  /** Why the last reading or sending went wrong. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** The number that the active's heartbeats ask by; 0: nothing is asked. */
  asks(nowMs: number): number {
    const question = this.#question;
    return question === undefined || nowMs < question.sinceMs + ASK_DELAY_MS ? 0 : question.number;
  }

  /** What to do now, if anything and if it can be done; `finished` tells what became of it. */
  next(facts: SyncFacts, nowMs: number, isBusy = false): SyncOrder | undefined {
    this.#notice(facts, nowMs);
    if (isBusy || this.#work !== undefined || facts.standby?.hasTable !== true) return undefined;
    if (nowMs < this.#pauseUntilMs) return undefined;
    const question = this.#question;
    // A move does not wait for an answer to what was asked before it.
    const outdated = question !== undefined && facts.moveId !== undefined && question.moveId !== facts.moveId;
    if (question !== undefined && !outdated) {
      if (nowMs < question.sinceMs + question.limitMs) return undefined;
      this.#unanswered(question, nowMs);
    }
    this.#question = undefined;
    // What was asked before a move began says nothing of what is sent for it.
    const doubt = this.#doubt?.moveId === facts.moveId ? this.#doubt : undefined;
    this.#doubt = undefined;
    const order: SyncOrder | undefined = doubt === undefined ? this.#order(facts, nowMs) : { kind: "count" };
    if (order !== undefined) this.#work = { order, moveId: facts.moveId, epoch: this.#epoch, doubt };
    return order;
  }

  /** What the last order came to. */
  finished(answer: SyncAnswer, nowMs: number): void {
    const work = this.#work;
    this.#work = undefined;
    // A standby that joined meanwhile has not got all of it.
    if (work === undefined || work.epoch !== this.#epoch) return;
    const { order, moveId, doubt } = work;
    this.#readingMs = answer.elapsedMs;
    const isQuiet = answer.failure === undefined && answer.keys.length === 0;
    const everyMs = isQuiet ? QUIET_COUNT_EVERY_MS : COUNT_EVERY_MS;
    this.#countAtMs = nowMs + Math.max(everyMs, answer.elapsedMs / READING_SHARE);
    this.#failure = answer.failure;
    if (answer.failure !== undefined) {
      this.#pauseUntilMs = nowMs + HURRIED_REPAIR_MS;
      this.#sendAllAtMs = nowMs + this.#repairMs;
      return;
    }
    if (doubt !== undefined) {
      const missing = doubt.missing.filter((key) => hasKey(answer.keys, key));
      this.#conclude(doubt, share(doubt.found, missing.length), nowMs);
      return;
    }
    if (order.kind === "send" && order.scope === "new") {
      this.#view = { ...this.#view, toldFor: moveId };
      return;
    }
    if (order.kind === "send") {
      this.#lastFullSync = { entries: answer.sent, elapsedMs: answer.elapsedMs, endedAtMs: nowMs };
      this.#view = { ...this.#view, warmth: { ...this.#view.warmth, fullSync: true } };
      this.#sendAllAtMs = Number.POSITIVE_INFINITY;
    }
    this.#ask(answer.keys, work, nowMs);
  }

  /** A part of what the standby's kernel has. @returns whether it completed the answer. */
  hear(word: AnswerWord, nowMs: number): boolean {
    const question = this.#question;
    if (question === undefined || word.to !== question.number) return false;
    if (word.bits !== question.bits) {
      question.slices.clear();
      Object.assign(question, { bits: word.bits, found: 0, missing: [] });
    }
    if (question.slices.has(word.slice)) return false;
    question.slices.add(word.slice);
    const there = new Set(word.keys);
    for (const key of keysOfSlice(question.wanted, word)) {
      if (there.has(key)) question.found += 1;
      else question.missing.push(key);
    }
    const isEnough = question.slices.size >= Math.min(SLICES_ENOUGH, 2 ** question.bits);
    if (!isEnough && question.found + question.missing.length < SAMPLE_KEYS) return false;
    this.#judge(question, nowMs);
    return true;
  }

  #notice({ tenureSinceMs, standby }: SyncFacts, nowMs: number): void {
    const epoch = standby?.hasTable === true ? `${tenureSinceMs} ${standby.sinceMs}` : `${tenureSinceMs}`;
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#question = undefined;
    this.#doubt = undefined;
    this.#settledMove = undefined;
    this.#repairMs = REPAIR_AFTER_MS;
    this.#sendAllAtMs = nowMs + JOIN_DELAY_MS;
    this.#countAtMs = Number.POSITIVE_INFINITY;
    const { wanted } = this.#view.warmth;
    this.#view = { warmth: { wanted, present: 0, fullSync: false }, toldFor: undefined };
  }

  #order({ moveId }: SyncFacts, nowMs: number): SyncOrder | undefined {
    if (moveId !== undefined && this.#view.toldFor !== moveId) {
      if (this.#settledMove === moveId) return this.#lastRound(moveId);
      return nowMs >= Math.min(this.#sendAllAtMs, this.#hurriedAtMs(nowMs))
        ? { kind: "send", scope: "all" }
        : undefined;
    }
    if (nowMs >= this.#sendAllAtMs) return { kind: "send", scope: "all" };
    return nowMs >= this.#countAtMs ? { kind: "count" } : undefined;
  }

  /** What came meanwhile is told too, where that takes no longer than it takes others to come. */
  #lastRound(moveId: number): SyncOrder | undefined {
    if (this.#readingMs <= LAST_ROUND_LIMIT_MS) return { kind: "send", scope: "new" };
    this.#view = { ...this.#view, toldFor: moveId };
    return undefined;
  }

  /** Not without a pause, where the standby keeps lacking connections. */
  #hurriedAtMs(nowMs: number): number {
    const last = this.#lastFullSync;
    return last === undefined || this.#repairMs === REPAIR_AFTER_MS ? nowMs : last.endedAtMs + HURRIED_REPAIR_MS;
  }

  #ask(wanted: Uint32Array, { moveId, order }: Work, nowMs: number): void {
    // Numbers are 32 bits, and 0 asks for nothing.
    this.#lastNumber = (this.#lastNumber % 0xffff_ffff) + 1;
    const limitMs = ANSWER_LIMIT_MS + 2 * this.#readingMs;
    const count = { slices: new Set<number>(), bits: 0, found: 0, missing: [] };
    const question = { number: this.#lastNumber, wanted, sinceMs: nowMs, limitMs, moveId, kind: order.kind, ...count };
    this.#question = question;
    if (wanted.length === 0) this.#judge(question, nowMs);
  }

  #judge(question: Question, nowMs: number): void {
    this.#question = undefined;
    const found = share(question.found, question.missing.length);
    if (found < WARM_SHARE) this.#doubt = question;
    else this.#conclude(question, found, nowMs);
  }

  #conclude({ wanted, moveId, kind }: Question, found: number, nowMs: number): void {
    const { fullSync } = this.#view.warmth;
    this.#view = {
      ...this.#view,
      warmth: { wanted: wanted.length, present: Math.round(wanted.length * found), fullSync },
    };
    if (found >= WARM_SHARE) {
      this.#repairMs = REPAIR_AFTER_MS;
      this.#sendAllAtMs = Number.POSITIVE_INFINITY;
      this.#settledMove = moveId;
      return;
    }
    this.#sendAllAtMs = Math.min(this.#sendAllAtMs, nowMs + this.#repairMs);
    if (kind === "send") this.#repairMs = Math.min(REPAIR_LIMIT_MS, this.#repairMs * 2);
  }

  /** A standby of an older version, or one that cannot read its table: that all was sent has to do. */
  #unanswered({ moveId, wanted }: Question, nowMs: number): void {
    const { fullSync } = this.#view.warmth;
    this.#view = { ...this.#view, warmth: { wanted: wanted.length, present: 0, fullSync } };
    this.#countAtMs = nowMs + REPAIR_LIMIT_MS;
    if (fullSync) this.#settledMove = moveId;
  }
}
