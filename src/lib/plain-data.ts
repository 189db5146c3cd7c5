import { DecodeError } from "./errors.ts";

/**
 * Decoders for plain data that came from outside as JSON values or structured clones: a message of the other process,
 * a saved state. Each takes the value and returns it typed, or throws DecodeError whose path says where.
 * Unknown fields are dropped, so that a newer writer does no harm.
 */
export type Decoder<T> = (value: unknown) => T;

/** The longest list that is decoded; a table has at most some ten thousand servers. */
const MAX_LIST_LENGTH = 200_000;
/** The longest text that is decoded, in characters. */
const MAX_TEXT_LENGTH = 65_536;

function inside<T>(name: string, decode: Decoder<T>, value: unknown): T {
  try {
    return decode(value);
  } catch (error) {
    throw error instanceof DecodeError ? error.within(name) : error;
  }
}

/** Any text up to 65,536 characters. */
export const text: Decoder<string> = (value) => {
  if (typeof value !== "string") throw new DecodeError("", `needs a text, got ${typeof value}`);
  if (value.length > MAX_TEXT_LENGTH) throw new DecodeError("", `text of ${value.length} characters is too long`);
  return value;
};

export const bool: Decoder<boolean> = (value) => {
  if (typeof value !== "boolean") throw new DecodeError("", `needs true or false, got ${typeof value}`);
  return value;
};

/** A finite number, fractions allowed. */
export const finite: Decoder<number> = (value) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new DecodeError("", "needs a finite number");
  return value;
};

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number): Decoder<number> {
  return (value) => {
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
      throw new DecodeError("", `needs a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

/** One of the texts given. */
export function oneOf<const T extends string>(choices: readonly T[]): Decoder<T> {
  return (value) => {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw new DecodeError("", `needs one of ${choices.join(", ")}`);
    return found;
  };
}

/** A list of at most 200,000. */
export function list<T>(item: Decoder<T>): Decoder<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw new DecodeError("", "needs a list");
    if (value.length > MAX_LIST_LENGTH) throw new DecodeError("", `a list of ${value.length} is too long`);
    return value.map((element: unknown, index) => inside(`[${index}]`, item, element));
  };
}

/** A pair of numbers or other values of one kind. */
export function pairOf<T>(item: Decoder<T>): Decoder<readonly [T, T]> {
  return (value) => {
    if (!Array.isArray(value) || value.length !== 2) throw new DecodeError("", "needs a pair");
    return [inside("[0]", item, value[0]), inside("[1]", item, value[1])];
  };
}

/** What a text is read as by a parser of the model. */
export function parsedText<T>(
  read: (source: string) => { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string },
): Decoder<T> {
  return (value) => {
    const result = read(text(value));
    if (!result.ok) throw new DecodeError("", result.problem);
    return result.value;
  };
}

interface Optional<T> {
  readonly optional: Decoder<T>;
}
type Field = Decoder<unknown> | Optional<unknown>;
type Fields = Readonly<Record<string, Field>>;
type Decoded<F> = F extends Decoder<infer T> ? T : never;
type Simplify<T> = { [K in keyof T]: T[K] };
type RecordOf<S extends Fields> = Simplify<
  { readonly [K in keyof S as S[K] extends Optional<unknown> ? never : K]: Decoded<S[K]> } & {
    readonly [K in keyof S as S[K] extends Optional<unknown> ? K : never]?: S[K] extends Optional<infer T> ? T : never;
  }
>;

/** A field that may be absent; then it is absent in the result too. */
export function optional<T>(decode: Decoder<T>): Optional<T> {
  return { optional: decode };
}

/** An object with these fields. */
export function record<const S extends Fields>(fields: S): Decoder<RecordOf<S>> {
  const entries = Object.entries(fields);
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new DecodeError("", "needs an object");
    }
    const source = value as Readonly<Record<string, unknown>>;
    const result: Record<string, unknown> = {};
    for (const [name, field] of entries) {
      const given = Object.hasOwn(source, name) ? source[name] : undefined;
      if (typeof field === "function") result[name] = inside(name, field, given);
      else if (given !== undefined) result[name] = inside(name, field.optional, given);
    }
    return result as RecordOf<S>;
  };
}

/** A union told apart by the text of its field `tag`; the compiler names a text that has no decoder. */
export function union<T extends object, const K extends keyof T & string>(
  tag: K,
  members: { readonly [V in T[K] & string]: Decoder<T> },
): Decoder<T> {
  const decoders: Readonly<Record<string, Decoder<T>>> = members;
  return (value) => {
    if (typeof value !== "object" || value === null) throw new DecodeError("", "needs an object");
    const name: unknown = (value as Readonly<Record<string, unknown>>)[tag];
    const member = typeof name === "string" && Object.hasOwn(decoders, name) ? decoders[name] : undefined;
    if (member === undefined) throw new DecodeError(tag, `needs one of ${Object.keys(decoders).join(", ")}`);
    return member(value);
  };
}

/** An exact value. */
export function exactly<const T extends string | number | boolean>(wanted: T): Decoder<T> {
  return (value) => {
    if (value !== wanted) throw new DecodeError("", `needs ${JSON.stringify(wanted)}`);
    return wanted;
  };
}
