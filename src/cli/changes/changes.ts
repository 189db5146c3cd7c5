/** What a command did or would do: one entry for each thing, the same for people and for scripts. */
import type { ExitCode } from "../../lib/errors.ts";
import { TandemError } from "../../lib/errors.ts";
import type { CommandContext } from "../line/context.ts";
import { counted } from "../output/figures.ts";
import type { Palette, Tone } from "../output/palette.ts";
import { printable } from "../output/table.ts";
import { type ChangeCount, countsText, LINES_TOLD_MAX } from "./change-counts.ts";

/** Each verb with the form it takes when it is done. */
const DONE_FORMS = {
  add: "added",
  edit: "changed",
  remove: "removed",
  zero: "zeroed",
  announce: "announced",
  renew: "renewed",
  write: "wrote",
  drain: "drained",
  undrain: "undrained",
  start: "started",
  stop: "stopped",
  switch: "switched",
  take: "took",
  release: "released",
  hold: "held",
  unhold: "ended the hold of",
  reset: "reset",
} as const;

export type ChangeVerb = keyof typeof DONE_FORMS;

export interface Change {
  readonly do: ChangeVerb;
  /** `virtual service tcp://203.0.113.10:80`, `address 203.0.113.10/32 on eth0`. */
  readonly subject: string;
  /** How it is set: `wlc, persistent 300s`. */
  readonly detail?: string;
  /** What it is one of, `real server`, where there may be too many to name each. */
  readonly noun?: string;
}

export type ChangeOutcome =
  | { readonly kind: "planned" | "done" }
  | { readonly kind: "unchanged"; readonly reason: string }
  /** It was made, and will be forgotten at a restart: `reason` says so. */
  | { readonly kind: "unsaved"; readonly reason: string }
  /** It was made and taken back, because another one failed. */
  | { readonly kind: "undone"; readonly reason: string }
  | { readonly kind: "failed"; readonly error: TandemError };

export type ReportedChange = Change & { readonly outcome: ChangeOutcome };

const TONES: Readonly<Record<ChangeVerb, Tone | undefined>> = {
  add: "good",
  remove: "bad",
  edit: "warn",
  zero: undefined,
  announce: undefined,
  renew: undefined,
  write: undefined,
  drain: "warn",
  undrain: "good",
  start: "good",
  stop: "bad",
  switch: "warn",
  take: "warn",
  release: "warn",
  hold: "warn",
  unhold: undefined,
  reset: "good",
};

function paintedVerb(verb: ChangeVerb, text: string, paint: Palette): string {
  const tone = TONES[verb];
  return tone === undefined ? text : paint(tone, text);
}

function sentence(change: ReportedChange, paint: Palette): string {
  const detail = change.detail === undefined ? "" : ` (${change.detail})`;
  const rest = printable(`${change.subject}${detail}`);
  const painted = (text: string) => paintedVerb(change.do, text, paint);
  switch (change.outcome.kind) {
    case "planned":
      return `would ${painted(change.do)} ${rest}`;
    case "done":
      return `${painted(DONE_FORMS[change.do])} ${rest}`;
    case "unsaved":
      return `${painted(DONE_FORMS[change.do])} ${rest}: ${paint("bad", printable(change.outcome.reason))}`;
    case "unchanged":
      return `${printable(change.subject)}: ${change.outcome.reason}`;
    case "undone":
      return `did not ${change.do} ${rest}: ${change.outcome.reason}`;
    case "failed":
      return `${paint("bad", "failed to")} ${change.do} ${rest}: ${printable(change.outcome.error.reason)}`;
  }
}

/** A change as scripts read it. */
export function changeJson(change: ReportedChange): Record<string, unknown> {
  const { outcome } = change;
  return {
    do: change.do,
    subject: change.subject,
    detail: change.detail ?? null,
    outcome: outcome.kind,
    reason: "reason" in outcome ? outcome.reason : outcome.kind === "failed" ? outcome.error.reason : null,
  };
}

/** More would not be read; --json has them all. */
const FAILURES_SHOWN_MAX = 20;

/** What was done with how many of what, in the order of the first one of each. */
function countDone(changes: readonly ReportedChange[], paint: Palette): ChangeCount[] {
  const alike = Map.groupBy(changes, (change) => `${change.do} ${change.noun}`);
  return [...alike.values()].flatMap(([first, ...others]) =>
    first?.noun === undefined
      ? []
      : [{ done: paintedVerb(first.do, DONE_FORMS[first.do], paint), noun: first.noun, count: 1 + others.length }],
  );
}

/** The lines for what was done or would be. */
function toldLines(told: readonly ReportedChange[], paint: Palette, many: "named" | "counted"): string[] {
  const isCountable = ({ noun, outcome }: ReportedChange): boolean => noun !== undefined && outcome.kind === "done";
  const countable = many === "counted" ? told.filter(isCountable) : [];
  if (countable.length <= LINES_TOLD_MAX) return told.map((change) => sentence(change, paint));
  const others = told.filter((change) => !isCountable(change));
  return [countsText(countDone(countable, paint)), ...others.map((change) => sentence(change, paint))];
}

/** The lines of changes that would be made. */
export function plannedLines(changes: readonly Change[], paint: Palette): readonly string[] {
  return changes.map((change) => sentence({ ...change, outcome: { kind: "planned" } }, paint));
}

/**
 * Prints the changes.
 * @param many whether more than a screen of changes that were made are counted; --json has each of them.
 * @param warnings for --json, of verbs that have any; people are warned before the change.
 * @returns 0; 1 where a change was made that could not be saved.
 * @throws the error of a change that failed; with several, one error that counts them and carries the first.
 */
export function reportChanges(
  changes: readonly ReportedChange[],
  context: CommandContext,
  many: "named" | "counted" = "named",
  warnings?: readonly string[],
): ExitCode {
  const { output, globals } = context;
  const failed = changes.flatMap(({ outcome }) => (outcome.kind === "failed" ? [outcome.error] : []));
  if (output.json) {
    const told = warnings === undefined ? {} : { warnings };
    output.printJson({ dryRun: globals.dryRun, changes: changes.map(changeJson), ...told });
  } else {
    const told = changes.filter(({ outcome }) => outcome.kind !== "failed" && outcome.kind !== "undone");
    const undone = changes.filter(({ outcome }) => outcome.kind === "undone").length;
    output.sentences(toldLines(told, output.palette, many));
    if (changes.length === 0) output.note(globals.dryRun ? "nothing would change" : "nothing to change");
    if (undone > 0) output.note(`nothing is changed: ${counted(undone, "change")} undone`);
    if (failed.length > 1) {
      const shown = changes.filter(({ outcome }) => outcome.kind === "failed").slice(0, FAILURES_SHOWN_MAX);
      for (const change of shown) output.note(sentence(change, output.errorPalette));
    }
  }
  const [first] = failed;
  if (first === undefined) return changes.some(({ outcome }) => outcome.kind === "unsaved") ? 1 : 0;
  if (failed.length === 1) throw first;
  const facts = { operation: "make all changes", reason: `${failed.length} of ${changes.length} failed`, cause: first };
  throw new TandemError({ ...facts, ...(first.hint === undefined ? {} : { hint: first.hint }) }, first.exitCode);
}
