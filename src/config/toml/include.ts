import { readdirSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { TandemError } from "../../lib/errors.ts";
import { errorCode, systemReason } from "../../lib/system-reason.ts";
import { usablePatterns } from "../keys/include-type.ts";
import { isTable } from "../keys/value-type.ts";
import type { IncludedFile, IncludeProblem, Inclusion } from "../places/source-text.ts";
import { readToml } from "./toml.ts";

/** Follows the `include` of a main file. */

const MAX_FILES = 1_000;
/** As much as one file may have. */
const MAX_LENGTH = 16 * 1024 * 1024;

/** The value of `include` at the top of a text; undefined: there is none. */
function includeOf(text: string): unknown {
  // A text without the word need not be read twice.
  if (!/^[ \t]*["']?include\b/m.test(text)) return undefined;
  const { root } = readToml(text);
  return isTable(root) && Object.hasOwn(root, "include") ? root["include"] : undefined;
}

/** As a shell has it: a wildcard doesn't stand for the point of a hidden file. */
function namePattern(name: string): RegExp {
  const body = name
    .replace(/[.+^$()|]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${/^[*?]/.test(name) ? "(?!\\.)" : ""}${body}$`, "su");
}

/** The paths that a pattern means, in the order of their names. @throws what the system says of the folder */
function pathsOf(pattern: string, folder: string): readonly string[] {
  const path = isAbsolute(pattern) ? pattern : join(folder, pattern);
  const name = basename(path);
  if (!/[*?]/.test(name)) return [path];
  const wanted = namePattern(name);
  return namesIn(dirname(path))
    .filter((one) => wanted.test(one))
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((one) => join(dirname(path), one));
}

/** A folder that is not there has no files. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof TandemError ? error.message : systemReason(error);
}

/** Collects the files that the patterns mean, each once. */
class Collection {
  readonly files: IncludedFile[] = [];
  readonly problems: IncludeProblem[] = [];
  readonly #seen = new Set<string>();
  #length = 0;

  /** @param read gives the text of a file. @throws what is wrong with it */
  add(pattern: number, path: string, read: (path: string) => string): void {
    if (this.#seen.has(path)) return;
    this.#seen.add(path);
    if (this.files.length >= MAX_FILES) throw new Error(`there are more than ${MAX_FILES} files`);
    try {
      const text = read(path);
      this.#length += text.length;
      if (this.#length > MAX_LENGTH) throw new Error(`the files have more than ${MAX_LENGTH} characters together`);
      this.files.push({ path, text });
    } catch (error) {
      this.problems.push({ pattern, message: reasonOf(error) });
    }
  }
}

/**
 * Reads the files that a main file includes; undefined: it has no `include`. What can't be read is a problem of its
 * pattern.
 * @param folder of the main file, where relative patterns begin
 * @param read gives the text of a file. @throws what is wrong with it
 */
export function followInclude(main: string, folder: string, read: (path: string) => string): Inclusion | undefined {
  const value = includeOf(main);
  if (value === undefined) return undefined;
  const collection = new Collection();
  for (const [index, pattern] of usablePatterns(value)) {
    try {
      for (const path of pathsOf(pattern, folder)) collection.add(index, path, read);
    } catch (error) {
      collection.problems.push({ pattern: index, message: `cannot follow ${pattern}: ${reasonOf(error)}` });
    }
  }
  const { files, problems } = collection;
  return { files, problems };
}
