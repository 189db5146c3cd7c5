/** Issues of one file of one severity beyond this number are not kept. */
export const MAX_ISSUES = 1000;

/** Something found in the file, before its line and column are known. */
export interface Finding {
  /** As `formatPath` writes it. What is not in the file stands at the nearest thing around it that is. */
  readonly path: string;
  /** Whether the key or its value is meant. */
  readonly at: "key" | "value";
  readonly message: string;
  readonly hint?: string;
  /** Path of the first of two that are the same; its line is added to the message. */
  readonly first?: string;
  /** Something is not there; not worth saying when part of the file could not be read. */
  readonly missing?: true;
  /** A key that its table doesn't have. */
  readonly unknownKey?: UnknownKey;
  /** Which of the files the path is of, from 0; absent: that of all files together. */
  readonly file?: number;
}

/** A key that a table doesn't have, and those that it has. */
export interface UnknownKey {
  readonly name: string;
  readonly known: readonly string[];
}

/** What was found in one file, in the order of finding. */
export class Findings {
  readonly errors: Finding[] = [];
  readonly warnings: Finding[] = [];
  /** Errors found, kept or not. */
  errorCount = 0;

  add(severity: "error" | "warning", finding: Finding): void {
    if (severity === "error") this.errorCount += 1;
    const kept = severity === "error" ? this.errors : this.warnings;
    if (kept.length < MAX_ISSUES) kept.push(finding);
  }
}

/** Longer keys are cut in paths: no name that we know comes near, and paths are kept by the thousand. */
const MAX_KEY_LENGTH = 64;

/** `"a b"` is quoted as in TOML, `a-b` is not. */
export function formatKey(key: string): string {
  if (key.length > MAX_KEY_LENGTH) return JSON.stringify(`${key.slice(0, MAX_KEY_LENGTH)}…`);
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

/** A place in the file, and where to report what is wrong there. */
export class Place {
  /** `service[0].real[1].address`; empty for the whole file. */
  readonly path: string;
  /** The last key with its indexes: `listen[1]`. */
  readonly name: string;
  readonly #findings: Findings;
  readonly #file: number | undefined;

  private constructor(path: string, name: string, findings: Findings, file: number | undefined) {
    this.path = path;
    this.name = name;
    this.#findings = findings;
    this.#file = file;
  }

  /** The whole file. @param file the number of an included one, whose paths are then its own */
  static root(findings: Findings, file?: number): Place {
    return new Place("", "", findings, file);
  }

  key(key: string): Place {
    const name = formatKey(key);
    return new Place(this.path === "" ? name : `${this.path}.${name}`, name, this.#findings, this.#file);
  }

  index(index: number): Place {
    return new Place(`${this.path}[${index}]`, `${this.name}[${index}]`, this.#findings, this.#file);
  }

  /** What is wrong with the value here. `message` is a sentence without a full stop that names the key. */
  error(message: string, hint?: string): void {
    this.#add("error", "value", message, { hint });
  }

  /** What should be here and is not. */
  missing(message: string, hint?: string): void {
    this.#add("error", "value", message, { hint, missing: true });
  }

  /** A key that the table here, which the file writes as `header`, doesn't have; `suggest` finds the one that is meant. */
  unknownKey(header: string, unknownKey: UnknownKey, suggest: () => string | undefined): void {
    // Looking for the nearest name costs more than all else together, so only for what will be shown.
    const near = this.#findings.errors.length < MAX_ISSUES ? suggest() : undefined;
    const hint = near === undefined ? undefined : `did you mean ${near}?`;
    const message = `${header === "" ? "the file" : header} has no key ${formatKey(unknownKey.name)}`;
    this.key(unknownKey.name).#add("error", "key", message, { hint, unknownKey });
  }

  /** The value here repeats the one at `first`. */
  repeated(message: string, first: Place): void {
    this.#add("error", "value", message, { first: first.path });
  }

  /** What is wrong with the key here. */
  keyError(message: string, hint?: string): void {
    this.#add("error", "key", message, { hint });
  }

  warn(message: string, hint?: string): void {
    this.#add("warning", "value", message, { hint });
  }

  #add(severity: "error" | "warning", at: Finding["at"], message: string, more: Extras): void {
    const { hint, first, missing, unknownKey } = more;
    this.#findings.add(severity, {
      path: this.path,
      at,
      message,
      ...(hint === undefined ? {} : { hint }),
      ...(first === undefined ? {} : { first }),
      ...(missing === undefined ? {} : { missing }),
      ...(unknownKey === undefined ? {} : { unknownKey }),
      ...(this.#file === undefined ? {} : { file: this.#file }),
    });
  }
}

interface Extras {
  readonly hint?: string | undefined;
  readonly first?: string;
  readonly missing?: true;
  readonly unknownKey?: UnknownKey;
}
