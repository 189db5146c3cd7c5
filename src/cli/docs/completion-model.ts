/** What the three shells' completion scripts are made from: the command table, flattened. */
import { GLOBAL_FLAGS } from "../spec/global-flags.ts";
import { type CompletionKind, type FlagSpec, flagName, type NounSpec, type VerbSpec } from "../spec/spec-types.ts";

export interface CompletedValue {
  readonly kind: CompletionKind | "choices";
  readonly choices: readonly string[];
}

export interface CompletedFlag {
  /** `--interface`. */
  readonly name: string;
  readonly short: string | undefined;
  readonly doc: string;
  /** Undefined: a switch. */
  readonly value: CompletedValue | undefined;
  readonly repeatable: boolean;
}

export interface CompletedCommand {
  /** `vip add`, or `status`. */
  readonly path: string;
  readonly doc: string;
  readonly flags: readonly CompletedFlag[];
  readonly values: readonly CompletedValue[];
}

export interface CompletedNoun {
  readonly name: string;
  readonly doc: string;
  /** Empty for a noun that is a command by itself. */
  readonly verbs: readonly { readonly name: string; readonly doc: string }[];
}

function completedValue(spec: { completion: CompletionKind; choices?: readonly string[] }): CompletedValue {
  return spec.choices === undefined
    ? { kind: spec.completion, choices: [] }
    : { kind: "choices", choices: spec.choices };
}

function completedFlag(key: string, spec: FlagSpec<unknown>): CompletedFlag {
  return {
    name: `--${flagName(key)}`,
    short: spec.short === undefined ? undefined : `-${spec.short}`,
    doc: spec.doc,
    value: spec.arity === "switch" ? undefined : completedValue(spec),
    repeatable: spec.arity === "list",
  };
}

export const GLOBALS_COMPLETED: readonly CompletedFlag[] = Object.entries<FlagSpec<unknown>>(GLOBAL_FLAGS).map(
  ([key, spec]) => completedFlag(key, spec),
);

function completedCommand(path: string, verb: VerbSpec): CompletedCommand {
  return {
    path,
    doc: verb.summary,
    flags: Object.entries(verb.flags).map(([key, spec]) => completedFlag(key, spec)),
    values: Object.values(verb.arguments).map(completedValue),
  };
}

export function completedNouns(nouns: readonly NounSpec[]): CompletedNoun[] {
  return nouns.map((noun) => ({
    name: noun.name,
    doc: noun.summary,
    verbs:
      noun.kind === "single" ? [] : Object.entries(noun.verbs).map(([name, verb]) => ({ name, doc: verb.summary })),
  }));
}

export function completedCommands(nouns: readonly NounSpec[]): CompletedCommand[] {
  return nouns.flatMap((noun) =>
    noun.kind === "single"
      ? [completedCommand(noun.name, noun.verb)]
      : Object.entries(noun.verbs).map(([name, verb]) => completedCommand(`${noun.name} ${name}`, verb)),
  );
}

/** The flags of the whole table that take a value: the word after one is no command. */
export interface ValueFlags {
  /** Those that take one wherever they stand. */
  readonly everywhere: readonly string[];
  /** Those that are switches of other commands: `check run --host`. */
  readonly ofCommands: readonly string[];
}

export function valueFlags(nouns: readonly NounSpec[]): ValueFlags {
  const commands = completedCommands(nouns);
  const flags = [...GLOBALS_COMPLETED, ...commands.flatMap((command) => command.flags)];
  const switches = new Set(flags.flatMap(({ name, value }) => (value === undefined ? [name] : [])));
  const everywhere = flags
    .filter(({ name, value }) => value !== undefined && !switches.has(name))
    .flatMap((flag) => (flag.short === undefined ? [flag.name] : [flag.name, flag.short]));
  const ofCommands = commands.flatMap(({ path, flags: own }) =>
    own.flatMap(({ name, value }) => (value !== undefined && switches.has(name) ? [`${path} ${name}`] : [])),
  );
  return { everywhere: [...new Set(everywhere)], ofCommands };
}

/** Quotes for a POSIX shell. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
