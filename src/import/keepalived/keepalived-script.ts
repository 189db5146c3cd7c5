/** What a `vrrp_script` of keepalived does, as the subject of a gate. */
import { parseEndpoint } from "../../model/address.ts";
import type { ForeignNotes, ForeignTable } from "../foreign/foreign-model.ts";

/** Programs that only look for a process, with the arguments that don't change that. */
const PROCESS_LOOKS: ReadonlyMap<string, readonly string[]> = new Map([
  ["killall", ["-0"]],
  ["pidof", []],
  ["pgrep", ["-x"]],
]);
const SHELL_WORDS = /^(?:[0-9]?[<>].*|[|&;].*)$|[;|]$|\$\(|`/;

/** The last part of a path. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** `killall -0 haproxy`: by a user other than the process's own it fails, and ours is none of its. */
function processOf(words: readonly string[]): string | undefined {
  const [program = "", ...rest] = words;
  const flags = PROCESS_LOOKS.get(fileName(program));
  const names = rest.filter((word) => flags?.includes(word) !== true);
  const [name] = names;
  return flags !== undefined &&
    names.length === 1 &&
    name !== undefined &&
    /^[\w.+-]+$/.test(name) &&
    !name.startsWith("-")
    ? name
    : undefined;
}

/** `</dev/tcp/127.0.0.1/80`, which a shell turns into a connection. */
function targetOf(words: readonly string[]): string | undefined {
  const [, host = "", port] = /^<\s*\/dev\/tcp\/([^/\s]+)\/(\d+)$/.exec(words.join(" ")) ?? [];
  const address = host === "localhost" ? "127.0.0.1" : host;
  const text = `${address.includes(":") ? `[${address}]` : address}:${port}`;
  return port !== undefined && parseEndpoint(text).ok ? text : undefined;
}

/**
 * The subject of a script: what it looks for where that can be said without a program, else the program.
 * @returns undefined when it names none, which is noted
 */
export function scriptSubject(
  words: readonly string[],
  name: string,
  line: number,
  notes: ForeignNotes,
): ForeignTable | undefined {
  const [program] = words;
  if (program === undefined) {
    notes.warn(line, `${name} is left out: it has no script`);
    return undefined;
  }
  const process = processOf(words);
  if (process !== undefined) {
    notes.warn(line, `${name} only looks for a process, which a gate does by itself`);
    return { process };
  }
  const target = targetOf(words);
  if (target !== undefined) {
    notes.warn(line, `${name} only connects, which a gate does by itself`);
    return { target };
  }
  if (words.some((word) => SHELL_WORDS.test(word)) && words[1] !== "-c") {
    notes.warn(line, `${name} looks like a shell's: no shell is involved here, so begin it with "/bin/sh", "-c"`);
  } else if (!program.startsWith("/")) {
    notes.warn(line, `${name}: ${program} needs its whole path`);
  }
  return { command: words };
}
