import { TandemError } from "./errors.ts";

/**
 * Something that tandem's own code guarantees does not hold: a defect, whatever came in from outside. Whoever catches it
 * withdraws, writes the evidence down for a report, and ends.
 */
export class InvariantError extends TandemError {
  override readonly name = "InvariantError";
  /** Which one: a stable word, as `lease-runs`. */
  readonly invariant: string;
  /** What a report should hold besides the state. */
  readonly evidence: unknown;

  /** @param detail a clause that says what was found. */
  constructor(invariant: string, detail: string, evidence: unknown) {
    super({
      operation: "go on",
      reason: `internal assertion "${invariant}" failed: ${detail}`,
      hint: "this is a defect of tandem; please report it with this message",
    });
    this.invariant = invariant;
    this.evidence = evidence;
  }
}
