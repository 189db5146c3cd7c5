import { codeOnly, type Finding, lineOf, type SourceFile } from "./source-text.ts";

interface BannedText {
  readonly pattern: RegExp;
  /** What to use instead. */
  readonly message: string;
  /** Where it is banned. */
  readonly where: (path: string) => boolean;
}

function isSource(path: string): boolean {
  return path.startsWith("src/");
}

function isPure(path: string): boolean {
  return /^src\/(failover|balance|wire|model)\//.test(path);
}

const BANNED: readonly BannedText[] = [
  {
    pattern: /\bconsole\./g,
    message: "console is banned, use the Logger of log/ (daemon) or the Output of cli/",
    where: isSource,
  },
  {
    pattern: /\bprocess\.exit\(/g,
    message: "process.exit is banned outside main.ts, return an exit code or throw a TandemError",
    where: (path) => isSource(path) && path !== "src/main.ts",
  },
  {
    pattern: /\bDate\.now\(|\bnew Date\b|\bperformance\.now\(/g,
    message: "a pure folder reads no clock, take nowMs as an argument",
    where: isPure,
  },
  {
    pattern: /\bset(?:Timeout|Interval)\(/g,
    message: "a pure folder has no timers, return the next deadline",
    where: isPure,
  },
  {
    pattern: /\bMath\.random\(/g,
    message: "a pure folder draws no random number, take it as an argument",
    where: isPure,
  },
  {
    pattern: /\bawait\b|\basync\b|\bPromise\b/g,
    message: "a pure folder waits for nothing, return an effect and take its outcome as an input",
    where: isPure,
  },
  {
    pattern: /\bDate\.now\(/g,
    message: "the wall clock jumps, use monotonicMs of sys/libc/clock.ts (new Date() to print)",
    where: (path) => isSource(path) && !isPure(path),
  },
  {
    pattern: /(?:[:<,|&(]\s*|\bas\s+|=\s*)any\b(?!\s*[(.])|\bany\[\]/g,
    message: "any is banned, use unknown and check",
    where: () => true,
  },
];

const BANNED_WORDS = /\b(FIXME|TODO|XXX|HACK)\b/g;

/** Calls and words that have a better replacement. */
export function textFindings(file: SourceFile): Finding[] {
  const code = codeOnly(file.text);
  const banned = BANNED.filter(({ where }) => where(file.path)).flatMap(({ pattern, message }) =>
    [...code.matchAll(pattern)].map((match) => ({ path: file.path, line: lineOf(code, match.index), message })),
  );
  const words = [...file.text.matchAll(BANNED_WORDS)].map((match) => ({
    path: file.path,
    line: lineOf(file.text, match.index),
    message: `${match[1]} is banned, do it now or file an issue`,
  }));
  return isSource(file.path) ? [...banned, ...words] : banned;
}

export const FUNCTION_LINES_MAX = 60;

/** The first line of a function's body, as the formatter writes it: a head that ends with an opening brace. */
const FUNCTION_HEAD =
  /^(\s*)(?:(?:export |default |async |static |private |protected |override |get |set )*(?:function\b.*|constructor\(.*|[#\w]+(?:<.*>)?\(.*)\{|.*=> \{|\)(?::.*)? (?:=> )?\{)$/;
const NO_FUNCTION = /^\s*(?:if|for|while|switch|else|try|catch|do|return|with)\b|^\s*\} /;

/** Functions longer than the limit, by text: the formatter puts the closing brace below the head's first letter. */
export function longFunctions(file: SourceFile): Finding[] {
  const lines = codeOnly(file.text)
    .split("\n")
    .map((line) => line.trimEnd());
  return lines.flatMap((line, index) => {
    const head = FUNCTION_HEAD.exec(line);
    if (head === null || NO_FUNCTION.test(line)) return [];
    const indent = head[1] ?? "";
    const end = lines.findIndex((other, at) => at > index && other.startsWith(`${indent}}`));
    const count = end - index - 1;
    if (end < 0 || count <= FUNCTION_LINES_MAX) return [];
    const message = `this function has ${count} lines, the limit is ${FUNCTION_LINES_MAX}; give its parts names`;
    return [{ path: file.path, line: index + 1, message }];
  });
}

/** Markdown: one title, on the first line. */
export function markdownFindings({ path, text }: SourceFile): Finding[] {
  const outside = text.replace(/^```[^\n]*\n[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, ""));
  const titles = outside.split("\n").flatMap((line, index) => (/^# /.test(line) ? [index + 1] : []));
  if (titles.length === 1 && titles[0] === 1) return [];
  const message = titles.length > 1 ? "a Markdown file has one title, use ## below it" : "the first line is the title";
  return [{ path, line: titles[1] ?? 1, message }];
}
