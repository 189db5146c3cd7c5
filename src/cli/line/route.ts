/** Which noun and verb a command line names, registered with cac from the command table. */
import { cac } from "cac";
import { GLOBAL_FLAGS } from "../spec/global-flags.ts";
import { type FlagTable, flagName, type NounSpec } from "../spec/spec-types.ts";

function rawName(key: string, spec: FlagTable[string]): string {
  const short = spec.short === undefined ? "" : `-${spec.short}, `;
  const value = spec.arity === "switch" ? "" : ` <${spec.valueName}>`;
  return `${short}--${flagName(key)}${value}`;
}

/**
 * Finds by cac which noun the words name: the first word that is no flag and no flag's value. Only global flags may come
 * before it, so only they are registered; the words after it are read in argv.ts, as they were written.
 * @returns undefined when the words name no command.
 */
export function routeNoun(argv: readonly string[], nouns: readonly NounSpec[]): NounSpec | undefined {
  const cli = cac("tandem");
  for (const [key, spec] of Object.entries<FlagTable[string]>(GLOBAL_FLAGS)) cli.option(rawName(key, spec), spec.doc);
  for (const noun of nouns) {
    cli.command(`${noun.name} [...words]`, noun.summary, { allowUnknownOptions: true });
  }
  // Not run by cac: it refuses a missing value before argv.ts can name every problem.
  // cac takes a whole process.argv: the runtime and the program come first.
  cli.parse(["bun", "tandem", ...argv], { run: false });
  return nouns.find((noun) => noun.name === cli.matchedCommandName);
}
