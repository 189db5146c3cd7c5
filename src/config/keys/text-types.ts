import { assert } from "../../lib/assert.ts";
import { type Parsed, parsed, problem } from "../../lib/parsed.ts";
import { formatDuration, parseDuration } from "../../model/duration.ts";
import { parsedText, type ScalarType, shown } from "./value-type.ts";

/** The texts of the file that follow a form of their own: durations, names, paths. */

/** A limit as the file writes it, in milliseconds. @throws AssertionError when the text is no duration. */
function limitMs(text: string): number {
  const result = parseDuration(text);
  assert(result.ok, `${text} is no duration`);
  return result.value;
}

/** A duration in milliseconds from `min` to `max`, both as the file writes them; `unit` asks for whole seconds. */
export function duration(
  min: string,
  max: string,
  unit: "seconds" | "milliseconds" = "milliseconds",
): ScalarType<number> {
  const [minMs, maxMs] = [limitMs(min), limitMs(max)];
  const parse = (text: string): Parsed<number> => {
    const result = parseDuration(text);
    if (!result.ok) return result;
    if (result.value < minMs || result.value > maxMs) return problem(`${text} is not between ${min} and ${max}`);
    return unit === "seconds" && result.value % 1000 !== 0
      ? problem(`${text} is not a whole number of seconds`)
      : result;
  };
  const expected = `a duration from "${min}" to "${max}"${unit === "seconds" ? ", in whole seconds" : ""}`;
  const withUnit = (value: number) => `write it in quotes and with a unit: "${value}ms", "${value}s"`;
  return parsedText(expected, parse, formatDuration, withUnit);
}

/** The longest name of an interface or label: IFNAMSIZ (linux/if.h) less the final NUL. */
export const MAX_INTERFACE_NAME_BYTES = 15;

/** A network interface's name, as the kernel takes it (dev_valid_name, net/core/dev.c). */
export const interfaceName: ScalarType<string> = parsedText(
  'the name of a network interface such as "eth0"',
  (text) => {
    if (text === "" || text === "." || text === ".." || /[/:\s\p{Cc}]/u.test(text)) {
      return problem(`${shown(text)} is not the name of an interface`);
    }
    return Buffer.byteLength(text) > MAX_INTERFACE_NAME_BYTES
      ? problem(`${shown(text)} is longer than the ${MAX_INTERFACE_NAME_BYTES} bytes of an interface's name`)
      : parsed(text);
  },
  (text) => text,
);

/** An address label; that it begins with the interface's name is a rule of `[[vip]]`. */
export const addressLabel: ScalarType<string> = parsedText(
  'a label such as "eth0:1"',
  (text) => {
    if (text === "" || /[/\s\p{Cc}]/u.test(text)) return problem(`${shown(text)} is not a label`);
    return Buffer.byteLength(text) > MAX_INTERFACE_NAME_BYTES
      ? problem(`${shown(text)} is longer than the ${MAX_INTERFACE_NAME_BYTES} bytes of a label`)
      : parsed(text);
  },
  (text) => text,
);

/** A name for people and for commands: no spaces, so that it needs no quotes in a shell. */
export const plainName: ScalarType<string> = parsedText(
  'a name of up to 63 letters, digits, ".", "_" and "-"',
  (text) =>
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text)
      ? parsed(text)
      : problem(`${shown(text)} is not a name of up to 63 letters, digits, ".", "_" and "-"`),
  (text) => text,
);

/** A user of the system, as useradd takes it. */
export const userName: ScalarType<string> = parsedText(
  'the name of a user such as "nobody"',
  (text) =>
    /^[a-z_][a-z0-9_-]{0,31}$/.test(text) ? parsed(text) : problem(`${shown(text)} is not the name of a user`),
  (text) => text,
);

/** PATH_MAX of linux/limits.h, with its final NUL. */
const MAX_PATH_BYTES = 4096;

/** What a shell or a tool for templates would have replaced: `~`, `$HOME`, `${HOME}`, `$(…)`, `{{ … }}`. */
const EXPANSION = /^[~$]|\$[{(]|\{\{/;

/** Says of a path that something in it waits to be replaced; undefined: nothing does. */
export function expansionProblem(text: string): string | undefined {
  if (!EXPANSION.test(text)) return undefined;
  return `${shown(text)} would be taken as it stands: nothing is expanded here; write it out`;
}

/** Why a text is no absolute path; undefined: it is one. @param what with its article */
export function pathProblem(text: string, what: string): string | undefined {
  const expansion = expansionProblem(text);
  if (expansion !== undefined) return expansion;
  if (!text.startsWith("/")) return `${shown(text)} is not ${what}; begin it with "/"`;
  return undefined;
}

/** A file's absolute path: a daemon's current folder is not the reader's. */
export const absolutePath: ScalarType<string> = parsedText(
  'an absolute path such as "/etc/tandem/pair.key"',
  (text) => {
    const wrong = pathProblem(text, "an absolute path");
    if (wrong !== undefined) return problem(wrong);
    if (text.includes("\0")) return problem(`${shown(text)} has a NUL character`);
    return Buffer.byteLength(text) < MAX_PATH_BYTES
      ? parsed(text)
      : problem(`the path is longer than ${MAX_PATH_BYTES} bytes`);
  },
  (text) => text,
);

/** Any text up to `maxBytes`, without a NUL character. */
export function plainText(expected: string, maxBytes: number): ScalarType<string> {
  return parsedText(
    expected,
    (text) => {
      if (text.includes("\0")) return problem("it has a NUL character");
      return Buffer.byteLength(text) > maxBytes ? problem(`it is longer than ${maxBytes} bytes`) : parsed(text);
    },
    (text) => text,
  );
}

/** A text for one line of a protocol: no control characters, which could add lines to it. */
export function oneLine(expected: string, pattern: RegExp, maxBytes: number): ScalarType<string> {
  return parsedText(
    expected,
    (text) => {
      if (Buffer.byteLength(text) > maxBytes) return problem(`it is longer than ${maxBytes} bytes`);
      return pattern.test(text) ? parsed(text) : problem(`${shown(text)} is not ${expected}`);
    },
    (text) => text,
  );
}
