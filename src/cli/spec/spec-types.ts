/**
 * The command table's types. One table feeds cac's registration, the reading of values, `--help`, the man page and the
 * shell completions; a verb's function gets its values typed by inference from the verb's entry.
 */
import { type Parsed, parsed } from "../../lib/parsed.ts";
import type { Endpoint } from "../../model/address.ts";
import type { ServiceKey } from "../../model/virtual-service.ts";

/** What a shell offers for a value. */
export type CompletionKind = "none" | "file" | "directory" | "interface";

/** What names stand for. */
export interface NamedValues {
  /** With names of hosts and ports, for `--resolve`; absent: there are only numbers. */
  service?(text: string): Parsed<ServiceKey>;
  endpoint?(text: string): Parsed<Endpoint>;
  /** The virtual services of a `[[service]]` of that name; absent: such names are not looked up. */
  configured?(name: string): Parsed<readonly ServiceKey[]>;
}

/** The values that may have names of hosts and ports. */
export type HostNames = Required<Pick<NamedValues, "service" | "endpoint">>;

/** A kind of value on the command line: how its text is read and what a shell may offer for it. */
export interface ValueKind<T> {
  readonly completion: CompletionKind;
  readonly choices?: readonly string[];
  parse(text: string, names?: NamedValues): Parsed<T>;
}

/** A flag; its name is its key in the table in kebab case. `read` gets every text given for it, in order. */
export interface FlagSpec<T> {
  readonly arity: "switch" | "value" | "list";
  readonly required: boolean;
  /** `IF` in `--interface IF`; empty for a switch. */
  readonly valueName: string;
  /** One line without a full stop. */
  readonly doc: string;
  /** More sentences, for the man page only. */
  readonly longDoc?: string;
  /** A single letter. */
  readonly short?: string;
  /** As it is shown; the verb itself knows its default. */
  readonly defaultText?: string;
  readonly completion: CompletionKind;
  readonly choices?: readonly string[];
  read(texts: readonly string[], names?: NamedValues): Parsed<T>;
}

/** A positional argument; `valueName` is what help shows. */
export interface ArgumentSpec<T> {
  readonly arity: "one" | "optional" | "many";
  readonly valueName: string;
  readonly doc: string;
  readonly completion: CompletionKind;
  readonly choices?: readonly string[];
  read(texts: readonly string[], names?: NamedValues): Parsed<T>;
}

export interface Example {
  /** The words after `tandem`. */
  readonly command: string;
  /** What it does, one line without a full stop. */
  readonly doc: string;
}

export type FlagTable = Readonly<Record<string, FlagSpec<unknown>>>;
export type ArgumentTable = Readonly<Record<string, ArgumentSpec<unknown>>>;

export interface VerbSpec<A extends ArgumentTable = ArgumentTable, F extends FlagTable = FlagTable> {
  /** One line without a full stop. */
  readonly summary: string;
  /** Paragraphs for `--help` and the man page; wrapped when shown. */
  readonly description?: readonly string[];
  /** In the order in which they are written. Keys are the names of the verb's values. */
  readonly arguments: A;
  readonly flags: F;
  readonly examples: readonly Example[];
  /** Whether `--dry-run` means anything here: a verb that changes things has a plan to show. */
  readonly changes: boolean;
  /** Whether `--json` has a form; the shape is described in `jsonDoc`. */
  readonly jsonDoc?: string;
  /** The global flags, besides --json and --dry-run, that mean something here. */
  readonly uses?: readonly ("config" | "runtimeDir" | "stateDir")[];
  /** What exit code 3 means here, one line; absent: it does not occur. */
  readonly exit3?: string;
}

/** `tandem vip add`: a noun with verbs. */
export interface GroupSpec {
  readonly kind: "group";
  readonly name: string;
  readonly summary: string;
  readonly description?: readonly string[];
  readonly verbs: Readonly<Record<string, VerbSpec>>;
}

/** `tandem status`: a noun that is a command by itself. */
export interface SingleSpec {
  readonly kind: "single";
  readonly name: string;
  readonly summary: string;

  readonly verb: VerbSpec;
}

export type NounSpec = GroupSpec | SingleSpec;

type ValueOf<S> = S extends { read(texts: readonly string[]): Parsed<infer T> } ? T : never;

/** The checked values of a verb: one property for each argument and flag of its entry in the table. */
export type InputOf<V extends VerbSpec> = {
  readonly [K in keyof V["arguments"]]: ValueOf<V["arguments"][K]>;
} & {
  readonly [K in keyof V["flags"]]: ValueOf<V["flags"][K]>;
};

interface FlagText {
  readonly valueName: string;
  readonly doc: string;
  readonly longDoc?: string;
  readonly short?: string;
  readonly defaultText?: string;
}

function shared<T>(kind: ValueKind<T>): { completion: CompletionKind; choices?: readonly string[] } {
  return { completion: kind.completion, ...(kind.choices === undefined ? {} : { choices: kind.choices }) };
}

type Reader<T> = (texts: readonly string[], names?: NamedValues) => Parsed<T>;

function readOne<T>(kind: ValueKind<T>): Reader<T> {
  return (texts, names) => kind.parse(texts[0] ?? "", names);
}

function readOptional<T>(kind: ValueKind<T>): Reader<T | undefined> {
  return (texts, names) => {
    const [text] = texts;
    return text === undefined ? parsed(undefined) : kind.parse(text, names);
  };
}

function readMany<T>(kind: ValueKind<T>): Reader<readonly T[]> {
  return (texts, names) => {
    const values: T[] = [];
    for (const text of texts) {
      const value = kind.parse(text, names);
      if (!value.ok) return value;
      values.push(value.value);
    }
    return parsed(values);
  };
}

/** A flag that is there or not. */
export function switchFlag(doc: string, more: { longDoc?: string; short?: string } = {}): FlagSpec<boolean> {
  const read = (texts: readonly string[]) => parsed(texts.length > 0);
  return { arity: "switch", required: false, valueName: "", doc, ...more, completion: "none", read };
}

/** `--resolve`, for verbs whose values may have names in place of numbers. */
export const resolveFlag = switchFlag("look up names of hosts and ports: www.example.com:http");

/** A flag with a value that may be left out. */
export function valueFlag<T>(kind: ValueKind<T>, text: FlagText): FlagSpec<T | undefined> {
  return { arity: "value", required: false, ...text, ...shared(kind), read: readOptional(kind) };
}

/** A flag that must be given. */
export function requiredFlag<T>(kind: ValueKind<T>, text: FlagText): FlagSpec<T> {
  return { arity: "value", required: true, ...text, ...shared(kind), read: readOne(kind) };
}

/** A flag that may be given several times. */
export function listFlag<T>(kind: ValueKind<T>, text: FlagText): FlagSpec<readonly T[]> {
  return { arity: "list", required: false, ...text, ...shared(kind), read: readMany(kind) };
}

export function oneArgument<T>(kind: ValueKind<T>, valueName: string, doc: string): ArgumentSpec<T> {
  return { arity: "one", valueName, doc, ...shared(kind), read: readOne(kind) };
}

export function optionalArgument<T>(kind: ValueKind<T>, valueName: string, doc: string): ArgumentSpec<T | undefined> {
  return { arity: "optional", valueName, doc, ...shared(kind), read: readOptional(kind) };
}

/** At least one value. */
export function manyArguments<T>(kind: ValueKind<T>, valueName: string, doc: string): ArgumentSpec<readonly T[]> {
  return { arity: "many", valueName, doc, ...shared(kind), read: readMany(kind) };
}

/** Keeps the literal types of a verb's entry, from which its input is inferred. */
export function verb<A extends ArgumentTable, F extends FlagTable>(spec: VerbSpec<A, F>): VerbSpec<A, F> {
  return spec;
}

/** `dryRun` is written `--dry-run`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
