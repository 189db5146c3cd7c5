/**
 * Reads the words after `tandem` by the command table: parse first, act later. cac decides which noun is meant; all
 * values are taken here from the raw words, since cac turns `010` into 10 and `0x1f` into 31.
 */
import { nearest } from "../../lib/nearest.ts";
import { CommandLineError } from "../output/command-line-error.ts";
import { GLOBAL_FLAGS } from "../spec/global-flags.ts";
import {
  type FlagSpec,
  type FlagTable,
  flagName,
  type NamedValues,
  type NounSpec,
  type VerbSpec,
} from "../spec/spec-types.ts";

/** The values of the flags that every command takes. */
export interface Globals {
  /** As given; undefined: the default path. */
  readonly config: string | undefined;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly runtimeDir: string | undefined;
  readonly stateDir: string | undefined;
  readonly color: "auto" | "always" | "never" | undefined;
  readonly help: boolean;
  readonly version: boolean;
}

export type CommandLine =
  | { readonly kind: "help"; readonly noun?: NounSpec; readonly verb?: string; readonly globals: Globals }
  | { readonly kind: "version"; readonly globals: Globals }
  | {
      readonly kind: "command";
      readonly noun: NounSpec;
      /** Absent for a noun that is a command by itself. */
      readonly verb?: string;
      readonly spec: VerbSpec;
      /** The checked values of the verb's arguments and flags, by their names in the table. */
      readonly input: Readonly<Record<string, unknown>>;
      readonly globals: Globals;
    };

interface Scan {
  readonly words: string[];
  /** Texts given for each flag, by the flag's key in the table. */
  readonly texts: Map<string, string[]>;
  readonly problems: string[];
}

interface KnownFlag {
  readonly key: string;
  readonly spec: FlagSpec<unknown>;
}

function knownFlags(table: FlagTable): Map<string, KnownFlag> {
  const known = new Map<string, KnownFlag>();
  for (const [key, spec] of Object.entries(table)) {
    known.set(`--${flagName(key)}`, { key, spec });
    if (spec.short !== undefined) known.set(`-${spec.short}`, { key, spec });
  }
  return known;
}

/** The known name that was meant: the nearest one, or the only one that begins like this. */
function meant(word: string, known: readonly string[]): string | undefined {
  const prefixed = word.length < 2 ? [] : known.filter((name) => name.startsWith(word));
  return prefixed.length === 1 ? prefixed[0] : nearest(word, known);
}

function unknownFlag(name: string, known: ReadonlyMap<string, KnownFlag>, elsewhere: Elsewhere): string {
  const owners = elsewhere(name);
  if (owners.length > 0) return `${name} is a flag of ${owners.join(" and ")}`;
  const other = known.get(`-${name.slice(1).toUpperCase()}`) ?? known.get(name.toLowerCase());
  if (/^-[A-Za-z]$/.test(name) && other !== undefined) {
    return `unknown flag ${name}; did you mean -${other.spec.short} (--${flagName(other.key)})?`;
  }
  const names = [...known.keys()].filter((flag) => flag.startsWith("--")).map((flag) => flag.slice(2));
  const near = meant(name.replace(/^-+/, ""), names);
  return near === undefined ? `unknown flag ${name}` : `unknown flag ${name}; did you mean --${near}?`;
}

/** The commands besides this one that have a flag. */
type Elsewhere = (name: string) => readonly string[];

/** Separates flags from words. Everything after `--` is a word, and so is a lone `-`. */
function scan(argv: readonly string[], table: FlagTable, elsewhere: Elsewhere = () => []): Scan {
  const known = knownFlags(table);
  const result: Scan = { words: [], texts: new Map(), problems: [] };
  for (let index = 0; index < argv.length; index += 1) {
    const token = argv[index] ?? "";
    if (token === "--") {
      result.words.push(...argv.slice(index + 1));
      break;
    }
    if (!token.startsWith("-") || token === "-") {
      result.words.push(token);
      continue;
    }
    const equals = token.indexOf("=");
    const name = equals < 0 ? token : token.slice(0, equals);
    const flag = known.get(name);
    if (flag === undefined) {
      result.problems.push(unknownFlag(name, known, elsewhere));
      continue;
    }
    const inline = equals < 0 ? undefined : token.slice(equals + 1);
    if (takeFlag(result, flag, name, inline, argv[index + 1])) index += 1;
  }
  return result;
}

/** Notes one flag; true when it took the next word as its value. */
function takeFlag(
  result: Scan,
  { key, spec }: KnownFlag,
  name: string,
  inline: string | undefined,
  next: string | undefined,
): boolean {
  const texts = result.texts.get(key) ?? [];
  result.texts.set(key, texts);
  if (texts.length > 0 && spec.arity !== "list") result.problems.push(`${name} is given twice`);
  if (spec.arity === "switch") {
    if (inline !== undefined) result.problems.push(`${name} takes no value`);
    texts.push("");
    return false;
  }
  if (inline !== undefined) {
    texts.push(inline);
    return false;
  }
  // No flag begins with a digit: -1 is a value, which its kind then refuses in its own words.
  if (next === undefined || /^-[^\d]/.test(next)) {
    const example =
      next === undefined || next === "--" ? "" : `; a value that begins with - is written ${name}=${next}`;
    result.problems.push(`${name} needs a value: ${name} ${spec.valueName}${example}`);
    return false;
  }
  texts.push(next);
  return true;
}

/** The texts of a table's flags as values; problems carry the flag's name. */
function readFlags(table: FlagTable, found: Scan, problems: string[], names?: NamedValues): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, spec] of Object.entries(table)) {
    const texts = found.texts.get(key) ?? [];
    if (spec.required && texts.length === 0) {
      // A flag that was there without its value has its problem already.
      if (!found.texts.has(key)) problems.push(`--${flagName(key)} ${spec.valueName} is missing`);
      continue;
    }
    const value = spec.read(texts, names);
    if (value.ok) values[key] = value.value;
    else problems.push(`--${flagName(key)}: ${value.problem}`);
  }
  return values;
}

/** The words as the verb's arguments; too few and too many are problems. */
function readArguments(
  spec: VerbSpec,
  words: readonly string[],
  problems: string[],
  names?: NamedValues,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  let rest = words;
  for (const [key, argument] of Object.entries(spec.arguments)) {
    const taken = argument.arity === "many" ? rest : rest.slice(0, 1);
    rest = rest.slice(taken.length);
    if (taken.length === 0 && argument.arity !== "optional") {
      problems.push(`${argument.valueName} is missing (${argument.doc})`);
      continue;
    }
    const value = argument.read(taken, names);
    if (value.ok) values[key] = value.value;
    else problems.push(`${argument.valueName}: ${value.problem}`);
  }
  if (rest.length > 0) problems.push(`unexpected ${rest.map((word) => JSON.stringify(word)).join(" ")}`);
  return values;
}

function unknownWord(kind: string, word: string, known: readonly string[]): string {
  const near = meant(word, known);
  const suggestion = near === undefined ? "" : `; did you mean ${near}?`;
  return `unknown ${kind} ${JSON.stringify(word)}${suggestion}`;
}

/** Whether a switch is among the words, before they are read. */
export function hasSwitch(argv: readonly string[], name: "--json" | "--resolve"): boolean {
  const end = argv.indexOf("--");
  return (end < 0 ? argv : argv.slice(0, end)).includes(name);
}

interface ChosenVerb {
  readonly name?: string;
  readonly spec: VerbSpec;
  /** The command as a person writes it: `vip add`. */
  readonly title: string;
  readonly words: readonly string[];
}

/** The verb that the words after the noun name; undefined when there is none. */
function chooseVerb(noun: NounSpec, words: readonly string[]): ChosenVerb | undefined {
  if (noun.kind === "single") return { spec: noun.verb, title: noun.name, words };
  const [name] = words;
  if (name === undefined) return undefined;
  const spec = Object.hasOwn(noun.verbs, name) ? noun.verbs[name] : undefined;
  if (spec === undefined) {
    const known = Object.keys(noun.verbs);
    const hint = `the verbs of ${noun.name}: ${known.join(", ")}`;
    throw new CommandLineError(noun.name, [unknownWord("verb", name, known)], hint);
  }
  return { name, spec, title: `${noun.name} ${name}`, words: words.slice(1) };
}

/** Every flag that a verb of the noun has, so that flags before the verb are told from words. */
function flagsOfNoun(noun: NounSpec): FlagTable {
  if (noun.kind === "single") return { ...noun.verb.flags, ...GLOBAL_FLAGS };
  const tables = Object.values(noun.verbs).map((spec) => spec.flags);
  return { ...Object.assign({}, ...tables), ...GLOBAL_FLAGS };
}

/** `real drain`, for each verb of the noun that has the flag. */
function verbsWithFlag(noun: NounSpec, name: string): string[] {
  if (noun.kind === "single") return [];
  return Object.entries(noun.verbs)
    .filter(([, spec]) => Object.keys(spec.flags).some((key) => `--${flagName(key)}` === name))
    .map(([verb]) => `${noun.name} ${verb}`);
}

function readGlobals(found: Scan, problems: string[]): Globals {
  // The table GLOBAL_FLAGS has these names and kinds; a problem leaves a value out, and then nothing is run.
  return readFlags(GLOBAL_FLAGS, found, problems) as unknown as Globals;
}

function checkGlobals(spec: VerbSpec, globals: Globals, problems: string[]): void {
  if (globals.json && spec.jsonDoc === undefined) problems.push("--json has no form here");
}

/**
 * Reads the words after the program's name.
 * @param noun the noun that cac found in them; undefined when it found none.
 * @param names what names stand for, where they may stand.
 * @throws CommandLineError with every problem.
 */
export function readCommandLine(
  argv: readonly string[],
  nouns: readonly NounSpec[],
  noun?: NounSpec,
  names?: NamedValues,
): CommandLine {
  if (noun === undefined) return readWithoutNoun(argv, nouns);
  const loose = scan(argv, flagsOfNoun(noun));
  if (loose.words[0] !== noun.name) throw new CommandLineError("", [`the command comes first: tandem ${noun.name} …`]);
  const words = loose.words.slice(1);
  const asksHelp = loose.texts.has("help");
  const chosen = chooseVerb(noun, words);
  if (chosen === undefined || asksHelp) {
    const problems = asksHelp ? [] : [...loose.problems];
    const globals = readGlobals(loose, problems);
    if (problems.length > 0 && !asksHelp) throw new CommandLineError(noun.name, problems);
    return { kind: "help", noun, ...(chosen?.name === undefined ? {} : { verb: chosen.name }), globals };
  }
  const exact = scan(argv, { ...chosen.spec.flags, ...GLOBAL_FLAGS }, (name) => verbsWithFlag(noun, name));
  const problems = [...exact.problems];
  const globals = readGlobals(exact, problems);
  const flags = readFlags(chosen.spec.flags, exact, problems, names);
  // A flag without its value swallows no word, an unknown one may have: then the words can't be judged.
  const values = exact.problems.length > 0 ? {} : readArguments(chosen.spec, chosen.words, problems, names);
  checkGlobals(chosen.spec, globals, problems);
  if (problems.length > 0) throw new CommandLineError(chosen.title, problems);
  if (globals.version) return { kind: "version", globals };
  const input = { ...values, ...flags };
  const verb = chosen.name === undefined ? {} : { verb: chosen.name };
  return { kind: "command", noun, ...verb, spec: chosen.spec, input, globals };
}

function readWithoutNoun(argv: readonly string[], nouns: readonly NounSpec[]): CommandLine {
  const found = scan(argv, GLOBAL_FLAGS);
  const [word] = found.words;
  const problems: string[] = [];
  const globals = readGlobals(found, problems);
  problems.unshift(...found.problems);
  if (globals.help && word === undefined) return { kind: "help", globals };
  if (word !== undefined && problems.length === 0) {
    const names = nouns.map((candidate) => candidate.name);
    problems.push(names.includes(word) ? "the command comes first" : unknownWord("command", word, names));
  }
  if (problems.length > 0) throw new CommandLineError("", problems, "tandem --help lists the commands");
  return globals.version ? { kind: "version", globals } : { kind: "help", globals };
}
