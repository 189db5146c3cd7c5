import { UsageError } from "../../lib/errors.ts";

/** The words on the command line are wrong. Every problem found is told at once; each is a clause without a full stop. */
export class CommandLineError extends UsageError {
  override readonly name = "CommandLineError";
  readonly problems: readonly string[];
  /** The command as far as it was understood: `vip add`. */
  readonly command: string;

  constructor(command: string, problems: readonly string[], hint?: string) {
    const help = ["tandem", command, "--help"].filter((part) => part !== "").join(" ");
    super({
      operation: "run",
      subject: ["tandem", command].filter((part) => part !== "").join(" "),
      reason: problems.join("; "),
      hint: hint ?? `${help} shows how`,
    });
    this.command = command;
    this.problems = problems;
  }
}
