import { expect, test } from "bun:test";
import { parse } from "smol-toml";
import { CONFIG_REFERENCE, tablesWithKey } from "../../../../src/config/keys/reference.ts";
import { FILE } from "../../../../src/config/keys/schema.ts";
import type { KeySpec, TableSpec } from "../../../../src/config/keys/table-type.ts";
import { parseConfig } from "../../../../src/config/parse.ts";
import { Findings, Place } from "../../../../src/config/places/place.ts";
import { exampleConfig } from "../../../../src/config/render/example.ts";
import { renderConfig } from "../../../../src/config/render/render.ts";

const rows = CONFIG_REFERENCE.flatMap(({ header, keys }) => keys.map((key) => ({ header, key })));

test("CONFIG_REFERENCE has every table once, each with an opening and a meaning", () => {
  expect(CONFIG_REFERENCE.map(({ header, required }) => `${header}${required ? " required" : ""}`)).toEqual([
    "top of the file",
    "[pair] required",
    "[pair.primary] required",
    "[pair.backup] required",
    "[[vip]]",
    "[[service]]",
    "[service.tunnel]",
    "[service.persistence]",
    "[service.sorry]",
    "[service.sorry.tunnel]",
    "[service.check]",
    "[[service.real]]",
    "[service.real.tunnel]",
    "[service.real.check]",
    "[[gate]]",
    "[sync]",
    "[ipvs]",
    "[timeouts]",
    "[hooks]",
    "[log]",
  ]);
  expect(CONFIG_REFERENCE.filter(({ meaning }) => !/^[A-Z].*\.$/.test(meaning))).toEqual([]);
});

test("CONFIG_REFERENCE says how many there may be of what may stand more than once", () => {
  const limits = CONFIG_REFERENCE.flatMap(({ header, max }) => (max === undefined ? [] : [`${header} ${max}`]));
  expect(limits).toEqual(["[[vip]] 500", "[[service]] 10000", "[[service.real]] 10000", "[[gate]] 16"]);
});

test.each(rows)("CONFIG_REFERENCE says what $header $key.name means, in sentences", ({ key }) => {
  expect(key.meaning).toMatch(/^([A-Z]|[a-z]+: ).*\.$/);
  expect(key.type).not.toBe("");
  expect(key.example).not.toBe("");
});

/** Every key of the schema that holds more than a table, with where it stands. */
function keysOf(type: object, where: string): readonly (readonly [string, KeySpec<unknown>])[] {
  if ("item" in type) return keysOf(type.item as object, `${where}[]`);
  if ("full" in type) return keysOf(type.full as object, where);
  if (!("spec" in type)) return [];
  return Object.entries(type.spec as TableSpec).flatMap(([name, key]) => [
    ...("spec" in key.type || "item" in key.type ? [] : [[`${where}.${name}`, key] as const]),
    ...keysOf(key.type, `${where}.${name}`),
  ]);
}

test.each(keysOf(FILE, ""))("the schema takes the example of %s, and its default as it is written", (_where, key) => {
  const isWritten = key.fallback !== undefined && key.fallbackText !== undefined && !key.fallbackText.includes(", or");
  for (const written of [key.example, ...(isWritten ? [key.fallbackText] : [])]) {
    const findings = new Findings();
    const value = key.type.read(parse(`value = ${written}`)["value"], Place.root(findings).key("value"));
    expect({ written, errors: findings.errors, isRead: value !== undefined }).toEqual({
      written,
      errors: [],
      isRead: true,
    });
  }
});

test("tablesWithKey() finds the tables of a key", () => {
  expect(tablesWithKey("weight")).toEqual(["[[service.real]]"]);
  expect(tablesWithKey("include")).toEqual(["top of the file"]);
  expect(tablesWithKey("nothing")).toEqual([]);
});

test("exampleConfig shows a key of every table that isn't the long form of another key", () => {
  const shown = CONFIG_REFERENCE.filter(({ header }) => exampleConfig.includes(header)).map(({ header }) => header);
  expect(CONFIG_REFERENCE.map(({ header }) => header).filter((header) => !shown.includes(header))).toEqual([
    "[service.tunnel]",
    "[service.persistence]",
    "[service.sorry]",
    "[service.sorry.tunnel]",
    "[service.real.tunnel]",
    "[service.real.check]",
  ]);
});

test("renderConfig() writes every key of [pair], [sync], [ipvs], [hooks] and [log] that has a default", () => {
  const result = parseConfig(exampleConfig);
  const rendered = result.ok ? renderConfig(result.config) : "";
  const section = (header: string) => rendered.slice(rendered.indexOf(header)).split("\n\n")[0] ?? "";
  const missing = rows.filter(
    ({ header, key }) =>
      /^\[(pair|sync|ipvs|hooks|log)\]$/.test(header) &&
      key.default !== undefined &&
      !new RegExp(`^${key.name} += `, "m").test(section(header)),
  );
  const absent = missing.filter(({ key }) => key.default !== "as the kernel has it");
  expect(absent.map(({ header, key }) => `${header} ${key.name}`)).toEqual(["[sync] interface", "[sync] max_length"]);
});
