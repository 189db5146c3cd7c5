import { CHECK_KINDS } from "../../model/health-check.ts";
import { FILE } from "./schema.ts";
import { type KeySpec, type TableSpec, type TablesType, type TableType, TOP } from "./table-type.ts";
import type { ValueType } from "./value-type.ts";

/** One key of a table, as the manual describes it. */
export interface KeyReference {
  readonly name: string;
  /** What may stand there, with its article: `a whole number from 1 to 65535`. */
  readonly type: string;
  readonly required: boolean;
  /** The default as it would be written in the file, or words where it is computed; absent: none. */
  readonly default?: string;
  /** One or more sentences. */
  readonly meaning: string;
  /** A value as it would be written in the file. */
  readonly example: string;
}

/** One table of the file, as the manual describes it. */
export interface TableReference {
  /** As its header is written: `[pair.primary]`, `[[service.real]]`; in words for what stands above the first table. */
  readonly header: string;
  readonly required: boolean;
  /** How many there may be; absent: one. */
  readonly max?: number;
  /** One or more sentences. */
  readonly meaning: string;
  readonly keys: readonly KeyReference[];
}

/** The table that a value is or may be: `[sync]`, `[[vip]]`, or the long form of `persistence`. */
function tableOf(
  type: ValueType<unknown>,
): { readonly table: TableType<TableSpec>; readonly isOnly: boolean; readonly max?: number } | undefined {
  if ("spec" in type) return { table: type as TableType<TableSpec>, isOnly: true };
  if ("item" in type) {
    const { item, max } = type as TablesType<TableSpec>;
    return { table: item as TableType<TableSpec>, isOnly: true, max };
  }
  return "full" in type ? { table: type.full as TableType<TableSpec>, isOnly: false } : undefined;
}

function kindsSentence(kinds: readonly string[]): string {
  const others = CHECK_KINDS.filter((kind) => !kinds.includes(kind));
  if (others.length < 3) return `Not for the ${others.length === 1 ? "kind" : "kinds"} ${others.join(" and ")}.`;
  return `Only for the ${kinds.length === 1 ? "kind" : "kinds"} ${kinds.join(" and ")}.`;
}

function keyReference(name: string, key: KeySpec<unknown>): KeyReference {
  return {
    name,
    type: key.type.expected,
    required: key.required,
    ...(key.fallbackText === undefined ? {} : { default: key.fallbackText }),
    meaning: key.kinds === undefined ? key.meaning : `${key.meaning} ${kindsSentence(key.kinds)}`,
    example: key.example,
  };
}

function describe(table: TableType<TableSpec>, required: boolean, max?: number): readonly TableReference[] {
  const keys: KeyReference[] = [];
  const inner: TableReference[] = [];
  for (const [name, key] of Object.entries(table.spec)) {
    const nested = tableOf(key.type);
    if (nested?.isOnly !== true) keys.push(keyReference(name, key));
    if (nested !== undefined) inner.push(...describe(nested.table, key.required, nested.max));
  }
  const { header, meaning } = table;
  const own =
    header === ""
      ? [{ header: TOP, required: false, meaning, keys }]
      : [{ header, required, ...(max === undefined ? {} : { max }), meaning, keys }];
  return [...own, ...inner];
}

/** Every table and key of the configuration file, in the order of the manual; derived from the parser's own schema. */
export const CONFIG_REFERENCE: readonly TableReference[] = describe(FILE, true);

/** The tables that have a key of this name, as their headers are written. */
export function tablesWithKey(key: string): readonly string[] {
  return CONFIG_REFERENCE.filter((table) => table.keys.some(({ name }) => name === key)).map(({ header }) => header);
}
