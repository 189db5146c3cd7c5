import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { type ExitCode, TandemError } from "../lib/errors.ts";
import { errorCode, systemReason } from "../lib/system-reason.ts";
import { type PairKeys, parseKeys } from "./key-file.ts";
import type { ConfigResult } from "./keys/config.ts";
import { MAX_CONFIG_BYTES, parseConfig } from "./parse.ts";
import { Places } from "./places/places.ts";
import { joinSources } from "./places/source-text.ts";
import { followInclude } from "./toml/include.ts";

/** A configuration file that could be read; whether it is valid is in `result`. */
export interface LoadedConfig {
  readonly path: string;
  /** What was read, with the files that it includes (`joinSources`); equal texts are equal configurations. */
  readonly text: string;
  readonly result: ConfigResult;
  /** Where its settings stand. */
  readonly places: Places;
}

/** Two keys and some comments. */
const MAX_KEY_FILE_BYTES = 4096;

/** A file's bytes, with the facts of the very file that they are from. */
interface ReadFile {
  readonly bytes: Uint8Array;
  readonly stat: Stats;
}

function readLimited(what: string, path: string, maxBytes: number, hint: string): ReadFile {
  const fail = (reason: string, exitCode: ExitCode, way: string, cause?: unknown) =>
    new TandemError({ operation: `read ${what}`, subject: path, reason, hint: way, cause }, exitCode);
  const requireUsable = (stat: Stats) => {
    if (!stat.isFile()) throw fail("it is not a regular file", 2, hint);
    if (stat.size > maxBytes) throw fail(`it has ${stat.size} bytes; the limit is ${maxBytes}`, 2, hint);
  };
  try {
    // Some devices do something when they are opened.
    requireUsable(statSync(path));
    // Another one may be there by now: opening a pipe does not wait with this flag.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(file);
      requireUsable(stat);
      return { bytes: readFileSync(file), stat };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof TandemError || !(error instanceof Error)) throw error;
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") throw fail("there is no such file (ENOENT)", 2, hint, error);
    if (code === "EACCES" || code === "EPERM") {
      throw fail(`this user may not read it (${code})`, 4, "run as root, or as a user who may read it", error);
    }
    throw fail(systemReason(error), 1, hint, error);
  }
}

function decodeUtf8(what: string, path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const readable = new TextDecoder().decode(bytes);
    const line = readable.slice(0, readable.indexOf("\ufffd")).split("\n").length;
    const reason = `it is not UTF-8 text, in line ${line}`;
    throw new TandemError({ operation: `read ${what}`, subject: path, reason, hint: "save it as UTF-8", cause }, 2);
  }
}

/** @throws TandemError */
function readText(path: string, hint: string): string {
  const text = decodeUtf8("configuration", path, readLimited("configuration", path, MAX_CONFIG_BYTES, hint).bytes);
  const end = text.indexOf("\0");
  if (end < 0) return text;
  const reason = `it has a NUL character, in line ${text.slice(0, end).split("\n").length}`;
  throw new TandemError({ operation: "read configuration", subject: path, reason, hint: "it is no text" }, 2);
}

/**
 * Reads and parses a configuration file with those that it includes. Mistakes in it are values in `result`.
 * @param known what was read before: returned where the file says the same
 * @throws TandemError when the file can't be read: exit 2 (missing, too large, not text), 4 (not permitted) or 1.
 */
export function loadConfig(path: string, known?: LoadedConfig): LoadedConfig {
  const main = readText(path, "name the file with --config, or begin with: tandem config example");
  const inclusion = followInclude(main, dirname(path), (included) => readText(included, "see include"));
  const text = inclusion === undefined ? main : joinSources(main, inclusion);
  return known?.path === path && known.text === text
    ? known
    : { path, text, result: parseConfig(text), places: new Places(text) };
}

/**
 * Reads the heartbeat keys of the pair. A file that others may read or change, or that belongs to another user than
 * root and this one, is refused: whoever has the key can stop the active router.
 * @throws TandemError when there are no usable keys: exit 2 (missing, malformed, wrong mode or owner), 4 (not permitted)
 * or 1.
 */
export function loadKeys(path: string, ownUserId = process.geteuid?.() ?? 0): PairKeys {
  // A key made on each router would be two keys, and the two would never hear each other.
  const hint = `copy it from the other router, or make the first one: tandem heartbeat keygen ${path}`;
  const { bytes, stat } = readLimited("key file", path, MAX_KEY_FILE_BYTES, hint);
  const fail = (reason: string, way: string) =>
    new TandemError({ operation: "use key file", subject: path, reason, hint: way }, 2);
  if (stat.uid !== 0 && stat.uid !== ownUserId) {
    throw fail(`it belongs to the user ${stat.uid}, who can read and change it`, `chown root ${path}`);
  }
  const mode = stat.mode & 0o777;
  // Any right of others, and write permission of the group.
  if ((mode & 0o027) !== 0) {
    throw fail(`its mode is 0${mode.toString(8)}, so others can read or change it`, `chmod 600 ${path}`);
  }
  const keys = parseKeys(decodeUtf8("key file", path, bytes));
  if (!keys.ok) throw fail(keys.problem, hint);
  return keys.value;
}
