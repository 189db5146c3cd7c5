/** `--help` at every level, from the command table. */
import type { Palette } from "../output/palette.ts";
import { wrap } from "../output/wrap.ts";
import { GLOBAL_FLAGS } from "../spec/global-flags.ts";
import {
  type ArgumentTable,
  type FlagSpec,
  type FlagTable,
  flagName,
  type GroupSpec,
  type NounSpec,
  type VerbSpec,
} from "../spec/spec-types.ts";

/** `--help` at every level, from the command table. No line is wider than this. */
const WIDTH = 80;
/** Names up to this width share a line with their text. */
const NAME_WIDTH_MAX = 26;

export const TAGLINE = "a pair of LVS routers, one active and one backup, in one binary";

export const EXIT_CODES: readonly (readonly [string, string])[] = [
  ["0", "done"],
  ["1", "failed"],
  ["2", "wrong usage or configuration"],
  ["3", "not in the required state: a check failed, no router is active"],
  ["4", "no permission, or the kernel lacks something"],
  ["130, 143", "ended by SIGINT or SIGTERM"],
];

/** `-c, --config FILE`. */
export function flagTitle(key: string, spec: FlagSpec<unknown>): string {
  const short = spec.short === undefined ? "" : `-${spec.short}, `;
  const value = spec.arity === "switch" ? "" : ` ${spec.valueName}`;
  return `${short}--${flagName(key)}${value}`;
}

function flagText(spec: FlagSpec<unknown>): string {
  const notes = [
    ...(spec.required ? ["required"] : []),
    ...(spec.defaultText === undefined ? [] : [`default: ${spec.defaultText}`]),
  ];
  return notes.length === 0 ? spec.doc : `${spec.doc} (${notes.join(", ")})`;
}

/** Two aligned columns; texts are wrapped under themselves. */
function definitions(entries: readonly (readonly [string, string])[]): string[] {
  const longest = Math.max(0, ...entries.map(([name]) => name.length).filter((length) => length <= NAME_WIDTH_MAX));
  const indent = 2 + longest + 2;
  return entries.flatMap(([name, text]) => {
    const [first = "", ...rest] = wrap(text, WIDTH - indent);
    const more = rest.map((line) => " ".repeat(indent) + line);
    if (name.length > longest) return [`  ${name}`, " ".repeat(indent) + first, ...more];
    return [`  ${name.padEnd(longest)}  ${first}`, ...more];
  });
}

function section(title: string, lines: readonly string[], paint: Palette): string[] {
  return lines.length === 0 ? [] : ["", paint("strong", `${title}:`), ...lines];
}

function flagEntries(flags: FlagTable): (readonly [string, string])[] {
  return Object.entries(flags).map(([key, spec]) => [flagTitle(key, spec), flagText(spec)] as const);
}

function argumentUsage(table: ArgumentTable): string[] {
  return Object.values(table).map((argument) => {
    if (argument.arity === "optional") return `[${argument.valueName}]`;
    return argument.arity === "many" ? `${argument.valueName}...` : argument.valueName;
  });
}

/** `tandem vip add ADDR/LEN --interface IF [flags]`. */
export function usage(words: readonly string[], verb: VerbSpec): string {
  const required = Object.entries(verb.flags)
    .filter(([, spec]) => spec.required)
    .map(([key, spec]) => flagTitle(key, spec));
  return ["tandem", ...words, ...argumentUsage(verb.arguments), ...required, "[flags]"].join(" ");
}

function paragraphs(texts: readonly string[] | undefined): string[] {
  return (texts ?? []).flatMap((text) => ["", ...wrap(text, WIDTH)]);
}

function examples(verbs: readonly VerbSpec[], paint: Palette): string[] {
  const lines = verbs
    .flatMap((verb) => verb.examples)
    .flatMap((example) => [`  ${paint("dim", `# ${example.doc}`)}`, `  tandem ${example.command}`]);
  return section("Examples", lines, paint);
}

/** The global flags that mean something for a verb. */
export function globalFlagsOf(verb: VerbSpec): FlagTable {
  const wanted = new Set<string>(verb.uses ?? []);
  if (verb.changes) wanted.add("dryRun");
  if (verb.jsonDoc !== undefined) wanted.add("json");
  return Object.fromEntries(Object.entries(GLOBAL_FLAGS).filter(([key]) => wanted.has(key)));
}

/** The help of one verb, or of a noun that is a command by itself. */
export function verbHelp(words: readonly string[], verb: VerbSpec, paint: Palette): string[] {
  const argumentLines = definitions(
    Object.values(verb.arguments).map((argument) => [argument.valueName, argument.doc] as const),
  );
  const exit3 = verb.exit3 === undefined ? [] : ["", `Exit code 3: ${verb.exit3}.`];
  const json = verb.jsonDoc === undefined ? [] : section("With --json", indented(verb.jsonDoc), paint);
  return [
    ...wrap(`tandem ${words.join(" ")} - ${verb.summary}`, WIDTH),
    "",
    ...wrap(`Usage: ${usage(words, verb)}`, WIDTH),
    ...paragraphs(verb.description),
    ...section("Arguments", argumentLines, paint),
    ...section("Flags", definitions(flagEntries({ ...verb.flags, ...globalFlagsOf(verb) })), paint),
    ...json,
    ...exit3,
    ...examples([verb], paint),
  ];
}

function indented(text: string): string[] {
  return wrap(text, WIDTH - 2).map((line) => `  ${line}`);
}

/** The help of a noun: its verbs, and an example of each. */
export function nounHelp(noun: GroupSpec, paint: Palette): string[] {
  const verbs = Object.entries(noun.verbs);
  return [
    ...wrap(`tandem ${noun.name} - ${noun.summary}`, WIDTH),
    "",
    `Usage: tandem ${noun.name} VERB [arguments] [flags]`,
    ...paragraphs(noun.description),
    ...section("Verbs", definitions(verbs.map(([name, verb]) => [name, verb.summary] as const)), paint),
    ...examples(
      verbs.map(([, verb]) => ({ ...verb, examples: verb.examples.slice(0, 1) })),
      paint,
    ),
    "",
    `tandem ${noun.name} VERB --help shows the flags of a verb.`,
  ];
}

/** `tandem --help`. */
export function programHelp(nouns: readonly NounSpec[], paint: Palette): string[] {
  return [
    `tandem - ${TAGLINE}`,
    "",
    "Usage: tandem COMMAND [VERB] [arguments] [flags]",
    ...section("Commands", definitions(nouns.map((noun) => [noun.name, noun.summary] as const)), paint),
    ...section("Global flags", definitions(flagEntries(GLOBAL_FLAGS)), paint),
    ...section(
      "A virtual service is written",
      ["  tcp://203.0.113.10:80, udp://[2001:db8::10]:53, sctp://…,", "  fwmark:7, fwmark:7/inet6"],
      paint,
    ),
    ...section("Exit codes", definitions(EXIT_CODES), paint),
    "",
    "tandem COMMAND --help shows the verbs of a command.",
  ];
}

/** The help of the words given so far. */
export function renderHelp(
  nouns: readonly NounSpec[],
  noun: NounSpec | undefined,
  verb: string | undefined,
  paint: Palette,
): string[] {
  if (noun === undefined) return programHelp(nouns, paint);
  if (noun.kind === "single") return verbHelp([noun.name], noun.verb, paint);
  const spec = verb === undefined ? undefined : noun.verbs[verb];
  return spec === undefined || verb === undefined ? nounHelp(noun, paint) : verbHelp([noun.name, verb], spec, paint);
}
