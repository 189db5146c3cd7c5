import { describe, expect, test } from "bun:test";
import { readCommandLine } from "../../../../src/cli/line/argv.ts";
import { routeNoun } from "../../../../src/cli/line/route.ts";
import { ServiceNames } from "../../../../src/cli/line/service-names.ts";
import { COMMANDS } from "../../../../src/cli/spec/command-table.ts";
import { GLOBAL_FLAGS } from "../../../../src/cli/spec/global-flags.ts";
import {
  type FlagSpec,
  flagName,
  type NamedValues,
  type NounSpec,
  type VerbSpec,
} from "../../../../src/cli/spec/spec-types.ts";
import { parseEndpoint } from "../../../../src/model/address.ts";
import { parseServiceKey } from "../../../../src/model/virtual-service.ts";

/** Knows every name. */
const ANY_NAME: NamedValues = {
  service: () => parseServiceKey("tcp://203.0.113.10:80"),
  endpoint: () => parseEndpoint("10.0.0.11:80"),
};

function verbsOf(noun: NounSpec): (readonly [string, VerbSpec])[] {
  if (noun.kind === "single") return [[noun.name, noun.verb]];
  return Object.entries(noun.verbs).map(([name, verb]) => [`${noun.name} ${name}`, verb] as const);
}

const VERBS = (COMMANDS as readonly NounSpec[]).flatMap(verbsOf);
const GLOBALS = Object.entries<FlagSpec<unknown>>(GLOBAL_FLAGS);
const FLAGS = [
  ...GLOBALS.map(([key, spec]) => ["global", key, spec] as const),
  ...VERBS.flatMap(([path, verb]) => Object.entries(verb.flags).map(([key, spec]) => [path, key, spec] as const)),
];

/** Words as a shell makes them of an example: quotes are the only thing that examples use. */
function shellWords(command: string): string[] {
  const [own = ""] = command.split(/ [|<>] ?/);
  return [...own.matchAll(/'([^']*)'|[^\s']+/g)].map((match) => match[1] ?? match[0]);
}

describe("the command table", () => {
  test("has each name once", () => {
    const names = COMMANDS.map((noun) => noun.name);
    expect(new Set<string>(names).size).toBe(names.length);
  });

  test("has no verb's flag that hides a global one", () => {
    const globals = new Set(GLOBALS.map(([key]) => key));
    const hiding = FLAGS.filter(([path, key]) => path !== "global" && globals.has(key));
    expect(hiding.map(([path, key]) => `${path} --${flagName(key)}`)).toEqual([]);
  });

  test("gives a flag the same kind in all verbs of a noun: a switch or one with a value, so that words can be told", () => {
    const byName = Map.groupBy(FLAGS, ([path, key]) => `${path.split(" ")[0]} ${key}`);
    const mixed = [...byName].filter(([, uses]) => new Set(uses.map(([, , { arity }]) => arity === "switch")).size > 1);
    expect(mixed.map(([key]) => key)).toEqual([]);
  });

  test("names the value of each flag that has one", () => {
    const nameless = FLAGS.filter(([, , spec]) => (spec.arity === "switch") !== (spec.valueName === ""));
    expect(nameless.map(([path, key]) => `${path} --${flagName(key)}`)).toEqual([]);
  });

  test("has documentation in one line each, without a full stop", () => {
    const docs = [
      ...FLAGS.map(([, , spec]) => spec.doc),
      ...VERBS.flatMap(([, verb]) => [verb.summary, ...verb.examples.map(({ doc }) => doc)]),
      ...VERBS.flatMap(([, verb]) => Object.values(verb.arguments).map(({ doc }) => doc)),
      ...COMMANDS.map((noun) => noun.summary),
    ];
    expect(docs.filter((doc) => doc === "" || doc.endsWith(".") || doc.includes("\n"))).toEqual([]);
  });

  test("has an example of each verb", () => {
    expect(VERBS.filter(([, verb]) => verb.examples.length === 0).map(([path]) => path)).toEqual([]);
  });

  test.each(VERBS.flatMap(([path, verb]) => verb.examples.map(({ command }) => [command, path] as const)))(
    "the example `tandem %s` is right",
    (command, path) => {
      const words = shellWords(command);
      const line = readCommandLine(
        words,
        COMMANDS,
        routeNoun(words, COMMANDS),
        words.includes("--resolve") ? ANY_NAME : new ServiceNames(),
      );
      const read = line.kind === "command" ? [line.noun.name, ...(line.verb === undefined ? [] : [line.verb])] : [];
      expect(read.join(" ")).toBe(path);
    },
  );
});
