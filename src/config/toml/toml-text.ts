import type { Fields, TableSpec, TableType } from "../keys/table-type.ts";
import type { ScalarType, ValueType } from "../keys/value-type.ts";

function scalarOf(type: ValueType<unknown>): ScalarType<unknown> | undefined {
  if ("format" in type) return type as ScalarType<unknown>;
  return "scalar" in type ? (type.scalar as ScalarType<unknown>) : undefined;
}

/**
 * The lines of a table with these values: its header, then the keys in the order of the schema, aligned. What is
 * undefined is left out, and so are inner tables.
 */
export function tableLines<S extends TableSpec>(type: TableType<S>, values: Partial<Fields<S>>): readonly string[] {
  const pairs: (readonly [string, string])[] = [];
  for (const [key, spec] of Object.entries(type.spec)) {
    const value = values[key];
    const scalar = scalarOf(spec.type);
    if (value !== undefined && scalar !== undefined) pairs.push([key, scalar.format(value)]);
  }
  const width = Math.max(0, ...pairs.map(([key]) => key.length));
  return [type.header, ...pairs.map(([key, text]) => `${key.padEnd(width)} = ${text}`)];
}
