import { type Parsed, parsed, problem } from "../../lib/parsed.ts";
import { expansionProblem } from "./text-types.ts";
import { list, parsedText, type ScalarType, shown } from "./value-type.ts";

/** The lists of tables that an included file may have. */
export const INCLUDABLE = ["vip", "service", "gate"] as const;

/** PATH_MAX of linux/limits.h, with its final NUL. */
const MAX_PATTERN_BYTES = 4096;
const MAX_PATTERNS = 100;

function parsePattern(text: string): Parsed<string> {
  const expansion = expansionProblem(text);
  if (expansion !== undefined) return problem(expansion);
  if (text === "" || text.endsWith("/")) return problem(`${shown(text)} names no file; write "conf.d/*.toml"`);
  if (/[\p{Cc}]/u.test(text)) return problem(`${shown(text)} has a control character`);
  if (/[[\]{}\\]/.test(text)) return problem(`${shown(text)}: of wildcards only * and ? are known`);
  const folder = text.slice(0, text.lastIndexOf("/") + 1);
  if (/[*?]/.test(folder)) return problem(`${shown(text)}: wildcards may stand in the name of the file only`);
  return Buffer.byteLength(text) < MAX_PATTERN_BYTES
    ? parsed(text)
    : problem(`the pattern is longer than ${MAX_PATTERN_BYTES} bytes`);
}

const pattern: ScalarType<string> = parsedText('a path such as "conf.d/*.toml"', parsePattern, (text) => text);

/** Other files by their paths, with wildcards in their names. */
export const includePatterns: ScalarType<readonly string[]> = list(pattern, "a list of paths", {
  max: MAX_PATTERNS,
  bareItem: true,
});

/** The patterns that can be followed, of a value that stands in the file; each with its number among all. */
export function usablePatterns(value: unknown): readonly (readonly [number, string])[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  return all.slice(0, MAX_PATTERNS).flatMap((one, index) => {
    return typeof one === "string" && parsePattern(one).ok ? [[index, one] as const] : [];
  });
}
