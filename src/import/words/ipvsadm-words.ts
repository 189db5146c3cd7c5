/**
 * One line of `ipvsadm -S`, or of what `ipvsadm -R` takes, as a command with its options. Splitting follows ipvsadm 1.31:
 * blanks separate words, there are no quotes, short options may be joined (`-mw 3`, `-t1.2.3.4:80`), long ones may have
 * an equals sign.
 */

/** A word and where it begins, counted from 1. */
export interface Word {
  readonly text: string;
  readonly column: number;
}

interface OptionSpec {
  readonly long: string;
  readonly short?: string;
  /** `optional` as popt has it: the next word, unless that begins with `-`. */
  readonly argument?: "required" | "optional";
}

const SERVICE_COMMANDS = ["add-service", "edit-service", "delete-service"] as const;
const SERVER_COMMANDS = ["add-server", "edit-server", "delete-server"] as const;
/** What changes the table. */
export const TABLE_COMMANDS = [...SERVICE_COMMANDS, ...SERVER_COMMANDS, "clear"] as const;
export type TableCommand = (typeof TABLE_COMMANDS)[number];

/** Commands on something else than the table of services. */
export const OTHER_COMMANDS = ["zero", "set", "start-daemon", "stop-daemon"] as const;

const COMMANDS: readonly OptionSpec[] = [
  { long: "add-service", short: "A" },
  { long: "edit-service", short: "E" },
  { long: "delete-service", short: "D" },
  { long: "clear", short: "C" },
  { long: "add-server", short: "a" },
  { long: "edit-server", short: "e" },
  { long: "delete-server", short: "d" },
  { long: "zero", short: "Z" },
  { long: "set" },
  { long: "start-daemon" },
  { long: "stop-daemon" },
];

const KEY_OPTIONS: readonly OptionSpec[] = [
  { long: "tcp-service", short: "t", argument: "required" },
  { long: "udp-service", short: "u", argument: "required" },
  { long: "sctp-service", argument: "required" },
  { long: "fwmark-service", short: "f", argument: "required" },
  { long: "ipv6", short: "6" },
];

const SERVICE_OPTIONS: readonly OptionSpec[] = [
  { long: "scheduler", short: "s", argument: "required" },
  { long: "persistent", short: "p", argument: "optional" },
  { long: "netmask", short: "M", argument: "required" },
  { long: "pe", argument: "required" },
  { long: "ops", short: "o" },
  // ipvsadm 1.31 prints -b with nothing after it where sh or mh has only a flag without a name.
  { long: "sched-flags", short: "b", argument: "optional" },
];

const ENDPOINT_OPTIONS: readonly OptionSpec[] = [{ long: "real-server", short: "r", argument: "required" }];

const SERVER_OPTIONS: readonly OptionSpec[] = [
  { long: "gatewaying", short: "g" },
  { long: "ipip", short: "i" },
  { long: "masquerading", short: "m" },
  { long: "weight", short: "w", argument: "required" },
  { long: "u-threshold", short: "x", argument: "required" },
  { long: "l-threshold", short: "y", argument: "required" },
  { long: "tun-type", argument: "required" },
  { long: "tun-port", argument: "required" },
  { long: "tun-nocsum" },
  { long: "tun-csum" },
  { long: "tun-remcsum" },
];

const ALL = [...COMMANDS, ...KEY_OPTIONS, ...SERVICE_OPTIONS, ...ENDPOINT_OPTIONS, ...SERVER_OPTIONS];

function namesOf(...lists: readonly (readonly OptionSpec[])[]): ReadonlySet<string> {
  return new Set(lists.flat().map(({ long }) => long));
}

/** The options that a command takes. */
const TAKEN: Readonly<Record<TableCommand, ReadonlySet<string>>> = {
  "add-service": namesOf(KEY_OPTIONS, SERVICE_OPTIONS),
  "edit-service": namesOf(KEY_OPTIONS, SERVICE_OPTIONS),
  "delete-service": namesOf(KEY_OPTIONS),
  "add-server": namesOf(KEY_OPTIONS, ENDPOINT_OPTIONS, SERVER_OPTIONS),
  "edit-server": namesOf(KEY_OPTIONS, ENDPOINT_OPTIONS, SERVER_OPTIONS),
  "delete-server": namesOf(KEY_OPTIONS, ENDPOINT_OPTIONS),
  clear: namesOf(),
};

/** A mistake in a line. */
export interface LineProblem {
  readonly column: number;
  readonly message: string;
  readonly hint?: string;
}

/** The options of a line: the long name, and the argument with its place (the option's own where it has none). */
export type Options = ReadonlyMap<string, Word>;

export type LineResult =
  | { readonly kind: "command"; readonly command: TableCommand; readonly column: number; readonly options: Options }
  | { readonly kind: "other"; readonly command: string; readonly column: number }
  | { readonly kind: "empty" }
  | { readonly kind: "wrong"; readonly problem: LineProblem };

const BY_LONG = new Map(ALL.map((spec) => [`--${spec.long}`, spec]));
const BY_SHORT = new Map(ALL.flatMap((spec) => (spec.short === undefined ? [] : [[spec.short, spec] as const])));

function wordsOf(line: string): readonly Word[] {
  return [...line.matchAll(/\S+/g)].map((match) => ({ text: match[0], column: match.index + 1 }));
}

/** `-mw` as `-m -w`, `-w3` and `--weight=3` with their arguments, each with its name looked up. */
interface RawOption {
  readonly spec: OptionSpec | undefined;
  readonly shown: string;
  readonly column: number;
  /** The argument that is joined to the option. */
  readonly joined?: Word;
}

function longOption({ text, column }: Word): RawOption {
  const equals = text.indexOf("=");
  const shown = equals < 0 ? text : text.slice(0, equals);
  const spec = BY_LONG.get(shown);
  const joined = equals < 0 ? {} : { joined: { text: text.slice(equals + 1), column: column + equals + 1 } };
  return { spec, shown, column, ...joined };
}

function shortOptions({ text, column }: Word): readonly RawOption[] {
  const options: RawOption[] = [];
  for (let index = 1; index < text.length; index += 1) {
    const letter = text.charAt(index);
    const spec = BY_SHORT.get(letter);
    const rest = text.slice(index + 1);
    const takesRest = spec?.argument !== undefined && rest !== "";
    const joined = takesRest ? { joined: { text: rest.replace(/^=/, ""), column: column + index + 1 } } : {};
    options.push({ spec, shown: `-${letter}`, column: index === 1 ? column : column + index, ...joined });
    if (takesRest || spec === undefined) break;
  }
  return options;
}

/** What versions before 1.29 print without dashes: `ops`, and `pe sip`. */
function oldWord({ text, column }: Word): RawOption | undefined {
  if (text !== "ops" && text !== "pe") return undefined;
  return { spec: SERVICE_OPTIONS.find(({ long }) => long === text), shown: text, column };
}

function rawOptions(word: Word): readonly RawOption[] {
  if (word.text.startsWith("--")) return [longOption(word)];
  if (/^-./.test(word.text)) return shortOptions(word);
  const old = oldWord(word);
  return [old ?? { spec: undefined, shown: word.text, column: word.column }];
}

class LineReader {
  readonly options = new Map<string, Word>();
  command: { readonly name: string; readonly column: number } | undefined;
  readonly #words: readonly Word[];
  #next = 0;

  constructor(words: readonly Word[]) {
    this.#words = words;
  }

  read(): LineProblem | undefined {
    while (this.#next < this.#words.length) {
      const word = this.#words[this.#next];
      this.#next += 1;
      for (const option of word === undefined ? [] : rawOptions(word)) {
        const problem = this.#take(option);
        if (problem !== undefined) return problem;
        // What follows a command like --set is none of our options.
        if (OTHER_COMMANDS.some((name) => name === this.command?.name)) return undefined;
      }
    }
    return undefined;
  }

  #take({ spec, shown, column, joined }: RawOption): LineProblem | undefined {
    if (spec === undefined) return { column, message: `ipvsadm has no option ${shown} that belongs to a table` };
    if (COMMANDS.includes(spec)) {
      if (this.command !== undefined)
        return { column, message: `a line has one command, and ${shown} is a second one` };
      this.command = { name: spec.long, column };
      return undefined;
    }
    if (this.options.has(spec.long)) return { column, message: `${shown} is given twice` };
    const argument = joined ?? this.#argument(spec);
    if (argument === undefined && spec.argument === "required") return { column, message: `${shown} needs a value` };
    this.options.set(spec.long, argument ?? { text: "", column });
    return undefined;
  }

  #argument(spec: OptionSpec): Word | undefined {
    const word = this.#words[this.#next];
    if (spec.argument === undefined || word === undefined) return undefined;
    if (spec.argument === "optional" && word.text.startsWith("-")) return undefined;
    this.#next += 1;
    return word;
  }
}

/** Reads one line. A blank line and one that begins with `#` are empty. */
export function readLine(line: string): LineResult {
  const words = wordsOf(line);
  const first = words.findIndex(({ text }) => text !== "ipvsadm");
  if (first < 0 || words[first]?.text.startsWith("#") === true) return { kind: "empty" };
  const reader = new LineReader(words.slice(first));
  const problem = reader.read();
  if (problem !== undefined) return { kind: "wrong", problem };
  const { command, options } = reader;
  if (command === undefined) {
    const hint = "a line begins with -A for a service or -a for a real server";
    return { kind: "wrong", problem: { column: words[first]?.column ?? 1, message: "the line has no command", hint } };
  }
  const { name, column } = command;
  const known = TABLE_COMMANDS.find((candidate) => candidate === name);
  if (known === undefined) return { kind: "other", command: name, column };
  for (const [long, word] of options) {
    if (TAKEN[known].has(long)) continue;
    return { kind: "wrong", problem: { column: word.column, message: `--${long} doesn't go with --${name}` } };
  }
  return { kind: "command", command: known, column, options };
}
