/**
 * A configuration with the files that its `include` names, as one text: it goes wherever the text of a file goes, so that
 * whoever compares, keeps or parses a configuration again has all of it. The text of the main file comes first; the rest
 * follows a NUL, which no text file has.
 */

/** A file that was included. */
export interface IncludedFile {
  readonly path: string;
  readonly text: string;
}

/** Why what one of the patterns of `include` names can't be read. */
export interface IncludeProblem {
  /** Which of the patterns, from 0. */
  readonly pattern: number;
  readonly message: string;
}

/** What `include` of the main file led to. */
export interface Inclusion {
  readonly files: readonly IncludedFile[];
  readonly problems: readonly IncludeProblem[];
}

export interface SourceText {
  readonly main: string;
  /** Absent: nobody has followed `include`. */
  readonly inclusion?: Inclusion;
}

const SEPARATOR = "\0";

/** The two as one text. */
export function joinSources(main: string, inclusion: Inclusion): string {
  return `${main}${SEPARATOR}${JSON.stringify(inclusion)}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isInclusion(value: unknown): value is Inclusion {
  if (!isObject(value)) return false;
  const { files, problems } = value;
  return (
    Array.isArray(files) &&
    files.every((file) => isObject(file) && typeof file["path"] === "string" && typeof file["text"] === "string") &&
    Array.isArray(problems) &&
    problems.every((one) => isObject(one) && Number.isInteger(one["pattern"]) && typeof one["message"] === "string")
  );
}

/** The parts of such a text. One that `joinSources` has not made is a main file as a whole. */
export function splitSources(text: string): SourceText {
  const end = text.indexOf(SEPARATOR);
  if (end < 0) return { main: text };
  try {
    const inclusion: unknown = JSON.parse(text.slice(end + SEPARATOR.length));
    return isInclusion(inclusion) ? { main: text.slice(0, end), inclusion } : { main: text };
  } catch {
    return { main: text };
  }
}
