/** `tandem version` and `--version`. */
import { writeStream } from "../../kernel/machine/standard-streams.ts";
import { COMMIT, VERSION, versionText } from "../../lib/version.ts";
import type { SingleRunner } from "../line/context.ts";
import type { Output } from "../output/output.ts";
import type { version as spec } from "../spec/single-command-specs.ts";

/**
 * What `tandem --version` alone prints, without loading the rest of the program.
 * @returns whether it was written; when not, the whole program says what is wrong with the stream.
 */
export function writeVersion(): boolean {
  return writeStream("stdout", new TextEncoder().encode(`${versionText()}\n`)).kind === "written";
}

/** The version as a command's result. */
export function showVersion(output: Output): void {
  if (output.json) output.printJson({ tandem: VERSION, commit: COMMIT, bun: Bun.version });
  else output.lines([versionText()]);
}

export const version: SingleRunner<typeof spec> = (_input, { output }) => {
  showVersion(output);
  return 0;
};
