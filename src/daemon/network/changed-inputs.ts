/** Inputs of failover that differ from those given last: nothing is said twice. */
import type { Input } from "../../failover/machine/failover-input.ts";

/** What an input is a picture of: one of the same subject takes its place. */
function subjectOf(input: Input): string {
  if ("side" in input) return `${input.kind} ${input.side}`;
  return input.kind;
}

/** Inputs that are whole pictures: told at start, and again only when they differ from what was told last. */
export class ToldInputs {
  readonly #told = new Map<string, string>();

  /** Those that say something new; they count as told from now on. */
  fresh(inputs: readonly Input[]): Input[] {
    return inputs.filter((input) => {
      const subject = subjectOf(input);
      const text = JSON.stringify(input);
      if (this.#told.get(subject) === text) return false;
      this.#told.set(subject, text);
      return true;
    });
  }
}
