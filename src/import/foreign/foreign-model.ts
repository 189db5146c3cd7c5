/**
 * What other products' configurations say, in our words but not yet checked: an importer says as much as the file does,
 * and `config check` of the result says what is missing.
 */
import type { ConfigIssue } from "../../config/keys/config.ts";
import { MAX_ISSUES } from "../../config/places/place.ts";
import type { Forwarding } from "../../model/real-server.ts";

/** A value as the configuration's text has it. */
export type ForeignValue = string | number | boolean | readonly (string | number)[];
/** Keys in the order in which they are written; what is undefined is left out. */
export type ForeignTable = Readonly<Record<string, ForeignValue | undefined>>;

export interface ForeignServer {
  readonly keys: ForeignTable;
  /** All must pass. */
  readonly checks: readonly ForeignTable[];
}

export interface ForeignService {
  readonly keys: ForeignTable;
  readonly tunnel?: ForeignTable;
  readonly persistence?: ForeignTable;
  readonly servers: readonly ForeignServer[];
}

export interface ForeignConfig {
  readonly pair: ForeignTable;
  readonly primary: ForeignTable;
  readonly backup: ForeignTable;
  readonly vips: readonly ForeignTable[];
  readonly services: readonly ForeignService[];
  readonly gates: readonly ForeignTable[];
  readonly sync: ForeignTable;
  readonly timeouts: ForeignTable;
  readonly hooks: ForeignTable;
}

export type ForeignResult =
  | { readonly ok: true; readonly config: ForeignConfig; readonly warnings: readonly ConfigIssue[] }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/** Collects what has no counterpart, and what is wrong. */
export class ForeignNotes {
  readonly warnings: ConfigIssue[] = [];
  readonly issues: ConfigIssue[] = [];

  warn(line: number, message: string): void {
    if (this.warnings.length < MAX_ISSUES) this.warnings.push({ line, column: 1, path: "", message });
  }

  error(line: number, message: string): void {
    if (this.issues.length < MAX_ISSUES) this.issues.push({ line, column: 1, path: "", message });
  }

  result(config: ForeignConfig): ForeignResult {
    return this.issues.length > 0
      ? { ok: false, issues: this.issues }
      : { ok: true, config, warnings: this.warnings.toSorted((a, b) => a.line - b.line) };
  }
}

/** `nat`, `direct`, `tunnel` of the words that the others have for them. */
export const FORWARDING_WORDS: Readonly<Record<string, Forwarding>> = {
  nat: "nat",
  masq: "nat",
  dr: "direct",
  gate: "direct",
  direct: "direct",
  tun: "tunnel",
  ipip: "tunnel",
  tunnel: "tunnel",
};

/** Decimal digits; undefined for anything else. */
export function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** Seconds as a duration of ours: 0.5 is `500ms`, 6 is `6s`. */
export function durationOf(seconds: number): string {
  return Number.isInteger(seconds) ? `${seconds}s` : `${Math.round(seconds * 1000)}ms`;
}

/** A name that our configuration takes, of whatever the other one says. */
export function nameFrom(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9.]+/g, "-").replaceAll(/^[-.]+|[-.]+$/g, "") || "service";
}
