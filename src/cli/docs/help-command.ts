import { readCommandLine } from "../line/argv.ts";
import type { SingleRunner } from "../line/context.ts";
import { COMMANDS, type help as spec } from "../spec/command-table.ts";
import type { NounSpec } from "../spec/spec-types.ts";
import { renderHelp } from "./help.ts";

/** `tandem help vip add` shows what `tandem vip add --help` does, and refuses what that refuses. */
export const help: SingleRunner<typeof spec> = ({ command, verb }, { output }) => {
  const nouns: readonly NounSpec[] = COMMANDS;
  const words = [command, verb].filter((word) => word !== undefined);
  const noun = nouns.find(({ name }) => name === command);
  const line = readCommandLine([...words, "--help"], nouns, noun);
  if (line.kind === "help") output.lines(renderHelp(nouns, line.noun, line.verb, output.palette));
  return 0;
};
