import { nearest } from "../../lib/nearest.ts";
import type { Place } from "../places/place.ts";
import { isTable, kindOf, type ScalarType, type ValueType } from "./value-type.ts";

/** How people are told of the keys that belong to no table. */
export const TOP = "top of the file";

/** One key of a table: what may stand there, what absence means, and what the manual says. */
export interface KeySpec<T> {
  readonly type: ValueType<T>;
  readonly required: boolean;
  /** What absence stands for; applied when the table is read unless `late`. */
  readonly fallback?: T;
  /** The fallback is applied later, since it may come from elsewhere (a server's check inherits the service's). */
  readonly late?: boolean;
  /** A table whose absence is the same as an empty one. */
  readonly implied?: boolean;
  /** The default as the manual shows it: as written in the file, or words. */
  readonly fallbackText?: string;
  readonly meaning: string;
  /** As written in the file. */
  readonly example: string;
  /** What other programs call it; only used to suggest our name. */
  readonly alias?: readonly string[];
  /** The kinds of check that have this key; absent: all. */
  readonly kinds?: readonly string[];
}

interface KeyTexts {
  readonly meaning: string;
  readonly example: string;
  readonly alias?: readonly string[];
  readonly kinds?: readonly string[];
}

/** A key that must be there. */
export function required<T>(type: ValueType<T>, texts: KeyTexts): KeySpec<T> {
  return { type, required: true, ...texts };
}

/** A key that may be absent; `fallbackText` says in words what then happens. */
export function optional<T>(type: ValueType<T>, texts: KeyTexts & { readonly fallbackText?: string }): KeySpec<T> {
  return { type, required: false, ...texts };
}

/** A table that has a default for everything, so that it need not stand in the file. */
export function implied<S>(type: TableType<S>, texts: KeyTexts): KeySpec<Table<S>> {
  return { type, required: false, implied: true, ...texts };
}

/** A key with a default. */
export function withDefault<T>(
  type: ScalarType<T>,
  fallback: T,
  texts: KeyTexts,
): KeySpec<T> & { readonly fallback: T } {
  return { type, required: false, fallback, fallbackText: type.format(fallback), ...texts };
}

/** A key with a default that whoever uses the table applies. */
export function withLateDefault<T>(
  type: ScalarType<T>,
  fallback: T,
  texts: KeyTexts & { readonly fallbackText?: string },
): KeySpec<T> & { readonly fallback: T } {
  return { type, required: false, fallback, late: true, fallbackText: type.format(fallback), ...texts };
}

/** The keys of a table, in the order of the manual. */
export type TableSpec = Readonly<Record<string, KeySpec<unknown>>>;

/** What a table's keys hold; undefined: absent without a default, or wrong and reported. */
export type Fields<S> = { readonly [K in keyof S]: (S[K] extends KeySpec<infer T> ? T : never) | undefined };

/** A table that was read, with the place that rules report at. */
export interface Table<S> {
  readonly place: Place;
  readonly fields: Fields<S>;
  /** The keys that stand in the file. */
  readonly given: ReadonlySet<string>;
}

/** A table of the file. */
export interface TableType<S> extends ValueType<Table<S>> {
  readonly spec: S;
  /** How the file writes it: `[sync]`. */
  readonly header: string;
  readonly meaning: string;
}

/** A list of tables. */
export interface TablesType<S> extends ValueType<readonly Table<S>[]> {
  readonly item: TableType<S>;
  /** How many there may be. */
  readonly max: number;
}

function ownSpec(spec: TableSpec, key: string): KeySpec<unknown> | undefined {
  return Object.hasOwn(spec, key) ? spec[key] : undefined;
}

/** The key that a mistyped one stands for: our name for another program's word, else the one spelt nearest. */
function suggestion(spec: TableSpec, key: string): string | undefined {
  const known = Object.keys(spec);
  return known.find((name) => spec[name]?.alias?.includes(key)) ?? nearest(key, known);
}

function reportUnknownKey(type: TableType<TableSpec>, key: string, place: Place): void {
  const known = Object.keys(type.spec);
  place.unknownKey(type.header, { name: key, known }, () => suggestion(type.spec, key));
}

function readFields(type: TableType<TableSpec>, raw: Readonly<Record<string, unknown>>, place: Place) {
  const fields: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(type.spec)) {
    if (Object.hasOwn(raw, name) || key.implied === true) {
      fields[name] = key.type.read(raw[name] ?? {}, place.key(name));
    } else {
      fields[name] = key.late === true ? undefined : key.fallback;
      if (key.required) reportMissing(type, name, key, place);
    }
  }
  return fields;
}

function reportMissing(type: TableType<TableSpec>, name: string, key: KeySpec<unknown>, place: Place): void {
  if ("header" in key.type || "item" in key.type) {
    place.key(name).missing(`the table ${key.type.expected} is missing`);
    return;
  }
  place
    .key(name)
    .missing(`${type.header} needs the key ${name}: ${key.type.expected}`, `such as: ${name} = ${key.example}`);
}

/** A table with these keys and no others. */
export function table<S extends TableSpec>(header: string, meaning: string, spec: S): TableType<S> {
  const type: TableType<S> = {
    spec,
    header,
    meaning,
    expected: header,
    read: (value, place) => {
      if (!isTable(value)) {
        const hint = Array.isArray(value) ? `there is only one of it: write ${header}` : undefined;
        place.keyError(`${place.name} must be a table, not ${kindOf(value)}`, hint ?? `write it as ${header}`);
        return undefined;
      }
      const given = new Set(Object.keys(value));
      for (const key of given) {
        if (ownSpec(spec, key) === undefined) reportUnknownKey(type, key, place);
      }
      // The fields follow the keys of the specification, whose types the compiler knows.
      return { place, fields: readFields(type, value, place) as Fields<S>, given };
    },
  };
  return type;
}

/** A list of tables with these keys, at most `max`. */
export function tables<S extends TableSpec>(header: string, meaning: string, spec: S, max: number): TablesType<S> {
  const item = table(header, meaning, spec);
  return {
    item,
    max,
    expected: header,
    read: (value, place) => {
      if (isTable(value)) {
        place.keyError(`${place.name} is a list of tables`, `write ${header}, with two brackets, for each of them`);
        return undefined;
      }
      if (!Array.isArray(value)) {
        place.keyError(`${place.name} must be a list of tables, not ${kindOf(value)}`, `write it as ${header}`);
        return undefined;
      }
      if (value.length > max) {
        place.keyError(`there are ${value.length} ${header}; the limit is ${max}`);
        return undefined;
      }
      return value
        .map((element: unknown, index) => item.read(element, place.index(index)))
        .filter((row) => row !== undefined);
    },
  };
}

/** A scalar, or a table for those who need more: `persistence = "5m"` or `[service.persistence]`. */
export function scalarOrTable<T, S>(
  scalar: ScalarType<T>,
  full: TableType<S>,
): ValueType<T | Table<S>> & {
  readonly scalar: ScalarType<T>;
  readonly full: TableType<S>;
} {
  return {
    scalar,
    full,
    expected: `${scalar.expected}, or the table ${full.header}`,
    read: (value, place) => (isTable(value) ? full.read(value, place) : scalar.read(value, place)),
  };
}

/** `false`, a table, or a list of tables: `[service.check]` or `[[service.check]]`. Gives a list of tables. */
export function scalarOrTables<T, S>(
  scalar: ScalarType<T>,
  full: TableType<S>,
  max: number,
): ValueType<T | readonly Table<S>[]> & {
  readonly scalar: ScalarType<T>;
  readonly full: TableType<S>;
} {
  return {
    scalar,
    full,
    expected: `${scalar.expected}, the table ${full.header}, or several [${full.header}]`,
    read: (value, place) => {
      if (isTable(value)) {
        const single = full.read(value, place);
        return single === undefined ? undefined : [single];
      }
      if (!Array.isArray(value)) return scalar.read(value, place);
      if (value.length === 0 || value.length > max) {
        place.keyError(`there are ${value.length} [${full.header}]; there can be from 1 to ${max}`);
        return undefined;
      }
      const rows = value.map((element: unknown, index) => full.read(element, place.index(index)));
      const good = rows.filter((row) => row !== undefined);
      return good.length === rows.length ? good : undefined;
    },
  };
}

/**
 * The same values with the certainty that each is there, or undefined when one is missing: it was wrong and has been
 * reported, so nothing can be made of these.
 */
export function whole<T extends object>(parts: T): { readonly [K in keyof T]: Exclude<T[K], undefined> } | undefined {
  const complete = Object.values(parts).every((part) => part !== undefined);
  return complete ? (parts as { readonly [K in keyof T]: Exclude<T[K], undefined> }) : undefined;
}

/** A key with its value for a message about two keys: `interval (200ms)`, `interval (200ms, the default)`. */
export function named<S>(table: Table<S>, key: keyof S & string, value: string): string {
  return `${key} (${value}${table.given.has(key) ? "" : ", the default"})`;
}

/** Whether a key that takes a scalar or a table has the table. */
export function isTableValue<T, S>(value: T | Table<S>): value is Table<S> {
  return typeof value === "object" && value !== null && "fields" in value;
}
