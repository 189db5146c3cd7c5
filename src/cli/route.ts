import { cac } from "cac";
import { GLOBAL_FLAGS } from "./spec/globals.ts";
import { type FlagTable, flagName, type NounSpec } from "./spec/types.ts";

function rawName(key: string, spec: FlagTable[string]): string {
  const short = spec.short === undefined ? "" : `-${spec.short}, `;
  const value = spec.arity === "switch" ? "" : ` <${spec.valueName}>`;
  return `${short}--${flagName(key)}${value}`;
}

/**
 * Finds by cac which noun the words name. The whole table is registered, so that cac knows which flags take a value;
 * the values themselves are read in argv.ts from the raw words.
 * @returns undefined when the words name no command.
 */
export function routeNoun(argv: readonly string[], nouns: readonly NounSpec[]): NounSpec | undefined {
  const cli = cac("tandem");
  for (const [key, spec] of Object.entries<FlagTable[string]>(GLOBAL_FLAGS)) cli.option(rawName(key, spec), spec.doc);
  for (const noun of nouns) {
    const command = cli.command(`${noun.name} [...words]`, noun.summary, { allowUnknownOptions: true });
    const verbs = noun.kind === "single" ? [noun.verb] : Object.values(noun.verbs);
    for (const verb of verbs) {
      for (const [key, spec] of Object.entries(verb.flags)) command.option(rawName(key, spec), spec.doc);
    }
  }
  // Not run by cac: it refuses a missing value before argv.ts can name every problem.
  // cac takes a whole process.argv: the runtime and the program come first.
  cli.parse(["bun", "tandem", ...argv], { run: false });
  return nouns.find((noun) => noun.name === cli.matchedCommandName);
}
