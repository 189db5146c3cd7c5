/** Files that are no configuration for this machine, each broken in one place, from a seed; and what has to be said of them. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Random } from "../../simulation/random.ts";

export interface BrokenFile {
  readonly kind: string;
  /** Of the configuration's file; some are no text. */
  readonly content: string | Uint8Array;
  /** Of the file that it includes; absent: as before. */
  readonly included?: string;
  /** Where it is wrong: `tandem.toml:12:3`, or the file alone where that is all there is to say. */
  readonly place: string;
  readonly words: RegExp;
}

/** The good files, and how chance picks in them. */
interface Source {
  readonly path: string;
  readonly lines: readonly string[];
  readonly random: Random;
}

type Break = (source: Source) => Omit<BrokenFile, "kind">;

const INCLUDED = "conf.d/more.toml";
const GOOD_INCLUDED = '[[gate]]\nname = "disk"\ninterface = "eth0"\n';
/** Key files that are of no use, by their names: the mode, and the length of the secret in hexadecimal digits. */
const USELESS_KEYS: Readonly<Record<string, readonly [mode: number, digits: number]>> = {
  "open.key": [0o666, 64],
  "short.key": [0o600, 6],
  "empty.key": [0o600, 0],
  "huge.key": [0o600, 100_000],
};

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the good file has no such line");
  return value;
}

const LETTERS = "bcdfghjklmnpqrstvwxz";

function letter({ random }: Source): string {
  return LETTERS.charAt(random.whole(0, LETTERS.length - 1));
}

function word(source: Source): string {
  return Array.from({ length: source.random.whole(5, 9) }, () => letter(source)).join("");
}

function pick<T>({ random }: Source, items: readonly T[]): T {
  return must(items[random.whole(0, items.length - 1)]);
}

/** A line that matches, with its place. */
function pickLine(source: Source, pattern: RegExp): { readonly index: number; readonly match: RegExpExecArray } {
  const found = source.lines.flatMap((line, index) => {
    const match = pattern.exec(line);
    return match === null ? [] : [{ index, match }];
  });
  return pick(source, found);
}

/** The file with another text in the place of this line; the place is that of `column`, counted from 0. */
function withLine(source: Source, index: number, text: string, column = 0) {
  const lines = source.lines.with(index, text);
  return { content: lines.join("\n"), place: `${source.path}:${index + 1}:${column + 1}` };
}

/** Another value for one of the keys. */
function withValue(source: Source, keys: string, value: (before: string) => string) {
  const { index, match } = pickLine(source, new RegExp(`^((?:${keys}) = )(.*)$`));
  const [, head = "", before = ""] = match;
  return withLine(source, index, `${head}${value(before)}`, head.length);
}

function appended({ path, lines }: Source, more: readonly string[], line: number, column = 0) {
  return { content: [...lines, ...more].join("\n"), place: `${path}:${lines.length + line}:${column + 1}` };
}

function vip(address: string, name = "eth0"): readonly string[] {
  return ["[[vip]]", `address = "${address}"`, `interface = "${name}"`];
}

/** One byte in the middle of a value. */
function withByte(source: Source, byte: number) {
  const { index, match } = pickLine(source, /^\w+ = "/);
  const before = [...source.lines.slice(0, index), match[0]].join("\n");
  const text = source.lines.join("\n");
  const content = Buffer.concat([Buffer.from(before), Buffer.of(byte), Buffer.from(text.slice(before.length))]);
  return { content, place: source.path, words: new RegExp(`in line ${index + 1}`) };
}

const KINDS: Readonly<Record<string, Break>> = {
  "a wrong letter in a key": (source) => {
    const { index, match } = pickLine(source, /^(\w)(\w*)( = .*)$/);
    const [, first = "", rest = "", value = ""] = match;
    const key = `${first}${letter(source)}${rest}`;
    return { ...withLine(source, index, `${key}${value}`), words: new RegExp(`no key ${key}`) };
  },
  "a wrong letter in a table's name": (source) => {
    const { index, match } = pickLine(source, /^(\[\[?(?:vip|service|pair))(\]\]?)$/);
    const [, head = "", tail = ""] = match;
    const wrong = withLine(source, index, `${head}${letter(source)}${tail}`);
    // Without its own table the pair's keys stand elsewhere: then what is missing comes first.
    return { ...wrong, place: source.path, words: /(?:no key (?:vip|service|pair)\w|needs the key|is missing)/ };
  },
  "a value of another type": (source) => {
    const value = () => pick(source, ["true", "5.5", "1979-05-27", "[[]]"]);
    return { ...withValue(source, "name|public|private|lease|address|interface|scheduler", value), words: /must be/ };
  },
  "a number out of its range": (source) => {
    const { index } = pickLine(source, /^\[pair\]$/);
    const port = source.random.chance(0.5) ? source.random.whole(65_536, 10_000_000) : -source.random.whole(0, 9_999);
    const content = source.lines.toSpliced(index + 1, 0, `port = ${port}`).join("\n");
    return { content, place: `${source.path}:${index + 2}:8`, words: /from 1 to 65535/ };
  },
  "a negative weight": (source) => ({
    ...withValue(source, "weight", () => String(-source.random.whole(1, 1_000))),
    words: /weight must be/,
  }),
  "a time out of its range": (source) => ({
    ...withValue(source, "lease", () => `"${source.random.whole(2, 900_000)}h"`),
    words: /not between 1s and 1h/,
  }),
  "a time in no unit": (source) => ({
    ...withValue(source, "lease", () => `"2 ${word(source)}"`),
    words: /not a duration/,
  }),
  "cut off in a value": (source) => {
    const { index, match } = pickLine(source, /^(\w+ = )"[^"]+/);
    const [whole = "", head = ""] = match;
    const cut = whole.slice(0, source.random.whole(head.length + 1, whole.length));
    const content = [...source.lines.slice(0, index), cut].join("\n");
    return { content, place: `${source.path}:${index + 1}:${head.length + 1}`, words: /string .* is not closed/ };
  },
  "cut off after the pair's tables": (source) => {
    const end = source.lines.indexOf("[[vip]]");
    return {
      content: source.lines.slice(0, end).join("\n"),
      place: `${source.path}:1:1`,
      words: /there is no \[\[vip\]\]/,
    };
  },
  "nothing at all": ({ path, random }) => ({
    content: "\n".repeat(random.whole(0, 3)),
    place: `${path}:1:1`,
    words: /\[pair\] is missing/,
  }),
  "a byte that is no UTF-8": (source) => withByte(source, source.random.whole(0xf8, 0xff)),
  "a NUL character": (source) => withByte(source, 0),
  "a control character": (source) => {
    const { index, match } = pickLine(source, /^(\w+ = ")(.*)$/);
    const [, head = "", rest = ""] = match;
    const code = String.fromCharCode(source.random.whole(1, 8));
    return { ...withLine(source, index, `${head}${code}${rest}`, head.length), words: /control characters/ };
  },
  "an unclosed quote": (source) => {
    const { index, match } = pickLine(source, /^(\w+ = )("[^"]*)"$/);
    const [, head = "", open = ""] = match;
    return { ...withLine(source, index, head + open, head.length), words: /string .* is not closed/ };
  },
  "an unclosed list": (source) => {
    const { index, match } = pickLine(source, /^(\w+ = )(\[.*)\]$/);
    const [, head = "", open = ""] = match;
    return { ...withLine(source, index, head + open, head.length), words: /list .* is not closed/ };
  },
  "a bracket too few": (source) => {
    const { index, match } = pickLine(source, /^(\[.+)\]$/);
    const wrong = withLine(source, index, must(match[1]));
    return { ...wrong, place: `${source.path}:${index + 1}:`, words: /is not TOML/ };
  },
  "a bracket too many": (source) => {
    const { index, match } = pickLine(source, /^\w+ = .*$/);
    const wrong = withLine(source, index, `${match[0]}${pick(source, ["]", "}", "[", '"'])}`);
    return { ...wrong, place: `${source.path}:${index + 1}:`, words: /is not TOML/ };
  },
  "an address that is none": (source) => ({
    ...withValue(source, "address", (before) => before.replace(/\.\d+/, `.${source.random.whole(256, 999)}`)),
    words: /address: /,
  }),
  "a prefix that is none": (source) => ({
    ...withValue(source, "address", (before) => before.replace(/(?:\/24)?"$/, `/${source.random.whole(33, 999)}"`)),
    words: /address: /,
  }),
  "a VIP twice": (source) => {
    const { match } = pickLine(source, /^address = "(.*)\/24"$/);
    const address = must(match[1]);
    return { ...appended(source, vip(`${address}/24`), 2, 10), words: new RegExp(`VIP ${address} is given twice`) };
  },
  "a key twice": (source) => {
    const { index, match } = pickLine(source, /^(lease|failback|scheduler|weight) = .*$/);
    const content = source.lines.toSpliced(index + 1, 0, match[0]).join("\n");
    return { content, place: `${source.path}:${index + 2}:1`, words: new RegExp(`${match[1]} is given twice`) };
  },
  "an address that is listened on twice": (source) => {
    const service = ["[[service]]", `name = "${word(source)}"`, 'listen = "tcp://203.0.113.10:80"', "check = false"];
    return { ...appended(source, service, 3, 9), words: /listened on twice/ };
  },
  "a table that nobody knows": (source) => {
    const name = word(source);
    const more = [`[${name}]`, `${word(source)} = ${source.random.whole(0, 9)}`];
    return { ...appended(source, more, 1), words: new RegExp(`no key ${name}`) };
  },
  "a word that is none of those": (source) => ({
    ...withValue(source, "failback|scheduler|forward", () => `"${word(source)}"`),
    words: /must be "/,
  }),
  "an included file that is not there": (source) => {
    const name = `${word(source)}.toml`;
    const wrong = withValue(source, "include", () => `["conf.d/*.toml", "${name}"]`);
    const { place } = wrong;
    return { ...wrong, place: place.slice(0, place.lastIndexOf(":")), words: new RegExp(`${name}.*no such`) };
  },
  "a mistake in an included file": (source) => {
    const key = word(source);
    const included = `${GOOD_INCLUDED}${key} = 1\n`;
    const place = `${join(dirname(source.path), INCLUDED)}:4:1`;
    return { content: source.lines.join("\n"), included, place, words: new RegExp(`no key ${key}`) };
  },
  "a key file that is not there": (source) => ({
    ...withValue(source, "key_file", () => `"/run/${word(source)}.key"`),
    place: "/run/",
    words: /no such file/,
  }),
  "a key file that is of no use": (source) => {
    const name = pick(source, Object.keys(USELESS_KEYS));
    const wrong = withValue(source, "key_file", () => `"${join(dirname(source.path), name)}"`);
    return { ...wrong, place: name, words: /mode is 0666|bytes|key/ };
  },
  "an interface that is not there": (source) => {
    const name = word(source);
    return {
      ...withValue(source, "interface", () => `"${name}"`),
      words: new RegExp(`${name} is not on this machine`),
    };
  },
  "a program that is not there": (source) => {
    const program = `/usr/bin/${word(source)}`;
    const more = ["[hooks]", `active = ["${program}"]`];
    return { ...appended(source, more, 2, 9), words: new RegExp(`${program} can't be used: it does not exist`) };
  },
  "another pair": (source) => ({
    ...withValue(source, "public|private", (before) => before.replace(/\d+"$/, `${source.random.whole(100, 200)}"`)),
    place: source.path,
    words: /changes the pair's addresses or its port/,
  }),
};

export const BROKEN_KINDS: readonly string[] = Object.keys(KINDS);

/** Puts the good included file, and key files that are of no use, beside a configuration. @returns it, with its include. */
export function withNeighbourFiles(path: string, config: string): string {
  const folder = dirname(path);
  mkdirSync(join(folder, dirname(INCLUDED)), { recursive: true });
  for (const [name, [mode, digits]] of Object.entries(USELESS_KEYS)) {
    writeFileSync(join(folder, name), "a".repeat(digits));
    chmodSync(join(folder, name), mode);
  }
  const good = `include = ["conf.d/*.toml"]\n${config}`.trimEnd();
  writeBroken(path, { content: good });
  return good;
}

/** The `index`-th broken file: the kinds by turns, the rest by chance. */
export function brokenFile(path: string, good: string, index: number, random: Random): BrokenFile {
  const kind = must(BROKEN_KINDS[index % BROKEN_KINDS.length]);
  return { kind, ...must(KINDS[kind])({ path, lines: good.split("\n"), random }) };
}

export function writeBroken(path: string, { content, included }: Pick<BrokenFile, "content" | "included">): void {
  const more = join(dirname(path), INCLUDED);
  if (included === undefined) writeFileSync(more, GOOD_INCLUDED);
  else {
    rmSync(more, { force: true });
    writeFileSync(more, included);
  }
  writeFileSync(path, content);
}
