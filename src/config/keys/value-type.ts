import { nearest } from "../../lib/nearest.ts";
import type { Parsed } from "../../lib/parsed.ts";
import type { Place } from "../places/place.ts";

/** What may stand at a place of the file, and how it is read. */
export interface ValueType<T> {
  /** With its article, as messages and the manual say it: `a whole number from 1 to 65535`. */
  readonly expected: string;
  /** Reads a value that smol-toml gave. Reports what is wrong at `place` and gives undefined then. */
  read(value: unknown, place: Place): T | undefined;
}

/** A value type whose values fit on one line. */
export interface ScalarType<T> extends ValueType<T> {
  /** The value as it is written in the file. */
  format(value: T): string;
}

/** What a value is, for people. */
export function kindOf(value: unknown): string {
  if (typeof value === "string") return "a text";
  if (typeof value === "number" || typeof value === "bigint") return "a number";
  if (typeof value === "boolean") return value ? "true" : "false";
  if (value instanceof Date) return "a date";
  return Array.isArray(value) ? "a list" : "a table";
}

/** Whether this is a table of the file; smol-toml's have no prototype. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** A text of the file, cut so that one bad value can't flood the screen. */
export function shown(text: string): string {
  const limit = 60;
  return JSON.stringify(text.length <= limit ? text : `${text.slice(0, limit)}…`);
}

function wrongType(type: ValueType<unknown>, value: unknown, place: Place, hint?: string): undefined {
  place.error(`${place.name} must be ${type.expected}, not ${kindOf(value)}`, hint);
  return undefined;
}

/** A text as TOML writes it: JSON's escapes are TOML's, except that TOML wants DEL escaped as well. */
export function formatText(value: string): string {
  return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
}

/** A text that a parser of the model reads; its problem becomes the message. */
export function parsedText<T>(
  expected: string,
  parse: (text: string) => Parsed<T>,
  format: (value: T) => string,
  numberHint = (_value: number) => "write it in quotes",
): ScalarType<T> {
  const type: ScalarType<T> = {
    expected,
    read: (value, place) => {
      if (typeof value !== "string") {
        return wrongType(type, value, place, typeof value === "number" ? numberHint(value) : undefined);
      }
      const result = parse(value);
      if (result.ok) return result.value;
      place.error(`${place.name}: ${result.problem}`);
      return undefined;
    },
    format: (value) => formatText(format(value)),
  };
  return type;
}

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number): ScalarType<number> {
  const type: ScalarType<number> = {
    expected: `a whole number from ${min} to ${max}`,
    read: (value, place) => {
      if (typeof value === "string" && /^\d+$/.test(value)) {
        return wrongType(type, value, place, `write it without quotes: ${value}`);
      }
      if (typeof value !== "number" && typeof value !== "bigint") return wrongType(type, value, place);
      if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
      place.error(`${place.name} must be ${type.expected}, not ${value}`);
      return undefined;
    },
    format: (value) => String(value),
  };
  return type;
}

/** `true` or `false`. */
export const boolean: ScalarType<boolean> = {
  expected: "true or false",
  read: (value, place) => {
    if (typeof value === "boolean") return value;
    if (value === "true" || value === "false") {
      return wrongType(boolean, value, place, `write it without quotes: ${value}`);
    }
    // As sysctl.conf and other programs' files have it.
    return wrongType(boolean, value, place, value === 0 || value === 1 ? `write ${value === 1}` : undefined);
  },
  format: (value) => String(value),
};

/** `"a", "b" or "c"`. */
export function quotedList(choices: readonly string[]): string {
  const quoted = choices.map((choice) => JSON.stringify(choice));
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

/** One of the texts given. */
export function choice<const T extends string>(choices: readonly T[]): ScalarType<T> {
  const type: ScalarType<T> = {
    expected: quotedList(choices),
    read: (value, place) => {
      if (typeof value !== "string") return wrongType(type, value, place);
      const found = choices.find((candidate) => candidate === value);
      if (found !== undefined) return found;
      const near = nearest(value, choices);
      const hint = near === undefined ? undefined : `did you mean ${JSON.stringify(near)}?`;
      place.error(`${place.name} must be ${type.expected}, not ${shown(value)}`, hint);
      return undefined;
    },
    format: formatText,
  };
  return type;
}

/** How long a list may be, and whether one value may stand for a list of one. */
export interface ListOptions {
  readonly min?: number;
  readonly max: number;
  readonly bareItem?: boolean;
}

/** A list of scalars. Each item that is wrong is reported by itself. */
export function list<T>(item: ScalarType<T>, expected: string, options: ListOptions): ScalarType<readonly T[]> {
  const { min = 0, max, bareItem = false } = options;
  const type: ScalarType<readonly T[]> = {
    expected,
    read: (value, place) => {
      if (bareItem && !Array.isArray(value)) {
        if (isTable(value)) return wrongType(type, value, place);
        const single = item.read(value, place);
        return single === undefined ? undefined : [single];
      }
      if (!Array.isArray(value)) return wrongType(type, value, place);
      if (value.length < min || value.length > max) {
        const range = value.length < min ? `at least ${min}` : `at most ${max}`;
        place.error(`${place.name} must have ${range} ${range.endsWith(" 1") ? "entry" : "entries"}`);
        return undefined;
      }
      const items = value.map((element: unknown, index) => item.read(element, place.index(index)));
      const good = items.filter((element) => element !== undefined);
      return good.length === items.length ? good : undefined;
    },
    format: (value) => {
      const [first] = value;
      if (bareItem && value.length === 1 && first !== undefined) return item.format(first);
      return `[${value.map((element) => item.format(element)).join(", ")}]`;
    },
  };
  return type;
}
