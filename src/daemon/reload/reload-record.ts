/** What came of the last reload, for the log and for status. */
import type { LogRecord } from "../../log/logger.ts";
import type { ReloadCause, ReloadResult, ReloadStatus } from "./reload-result.ts";

/** A log is no place for a file of mistakes; the answer and `config check` have all. */
const FINDINGS_LOGGED_MAX = 20;

const CAUSES: Readonly<Record<ReloadCause, string>> = {
  start: "the start",
  signal: "the reload by a signal",
  operator: "the reload",
};

/** What came of the last reading of the configuration. */
export class ReloadRecord {
  #result: ReloadResult;
  #by: ReloadCause = "start";
  #atMs: number;
  #at: Date;
  #appliedAt: Date;

  /** @param atStart what came of the first reading */
  constructor(atStart: ReloadResult, nowMs: number, at: Date) {
    this.#result = atStart;
    this.#atMs = nowMs;
    this.#at = at;
    this.#appliedAt = at;
  }

  note(result: ReloadResult, by: ReloadCause, nowMs: number, at: Date): void {
    this.#result = result;
    this.#by = by;
    this.#atMs = nowMs;
    this.#at = at;
    if (result.outcome === "applied") this.#appliedAt = at;
  }

  /** Since when the configuration in force has been so. */
  get appliedAt(): Date {
    return this.#appliedAt;
  }

  /** For the log: one line for what came of it and for each finding. */
  get lines(): readonly Pick<LogRecord, "level" | "message">[] {
    const { outcome, text, findings, warnings = [], unsaved } = this.#result;
    if (outcome !== "refused") {
      const lost =
        unsaved === undefined ? [] : [{ level: "warn" as const, message: `the configuration is not kept: ${unsaved}` }];
      const found = warnings.map((message) => ({ level: "warn" as const, message }));
      return [{ level: "info", message: text }, ...found, ...lost];
    }
    const shown = findings.slice(0, FINDINGS_LOGGED_MAX);
    const more = findings.length - shown.length;
    return [
      { level: "error", message: `${CAUSES[this.#by]} was refused: ${text}` },
      ...shown.map((finding) => ({ level: "error" as const, message: finding })),
      ...(more > 0 ? [{ level: "error" as const, message: `and ${more} more; tandem config check says all` }] : []),
    ];
  }

  status(nowMs: number, appliedDigest: string): ReloadStatus {
    const { outcome, text, findings, digest } = this.#result;
    return {
      outcome,
      by: this.#by,
      at: this.#at.toISOString(),
      agoMs: Math.round(nowMs - this.#atMs),
      text,
      findings,
      digest: digest ?? null,
      appliedDigest,
    };
  }
}
