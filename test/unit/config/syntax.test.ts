import { describe, expect, test } from "bun:test";
import { MAX_CONFIG_BYTES, parseConfig } from "../../../src/config/parse.ts";
import { MAX_NESTING } from "../../../src/config/places/position.ts";
import { BASE, type Edit, edited, issuesOf } from "./base.ts";

interface Row {
  readonly edits: readonly Edit[];
  readonly message: string;
  readonly path?: string;
  readonly hint?: string;
}

const ROWS: Readonly<Record<string, Row>> = {
  "a text without quotes": {
    edits: [['name = "web"', "name = «web"]],
    message: "this is not TOML: invalid value",
    hint: 'a text stands in quotes: name = "web"',
  },
  "a duration without quotes": {
    edits: [['"200ms"', "200«ms"]],
    message: "this is not TOML: illegal character in numeric literal",
    hint: 'a text stands in quotes: interval = "200ms"',
  },
  "yes for true": {
    edits: [["[[vip]]", "[sync]\nenabled = «yes # on\n[[vip]]"]],
    message: "this is not TOML: invalid value",
    hint: "enabled = true",
  },
  "a text that does not end": {
    edits: [['"lvs1"', '«"lvs1']],
    message: "this is not TOML: the string that begins here is not closed",
    hint: 'close it with " in the same line',
  },
  "a text in a list that does not end, behind one that does and a comment": {
    edits: [
      ['listen = "tcp://203.0.113.10:80"', `listen = [ # don't\n  "tcp://203.0.113.10:80", «'tcp://203.0.113.10:81\n]`],
    ],
    message: "this is not TOML: the string that begins here is not closed",
    hint: "close it with ' in the same line",
  },
  "a quoted key that does not end": {
    edits: [['name = "web"', '«"name = web']],
    message: "this is not TOML: the string that begins here is not closed",
    hint: 'close it with " in the same line',
  },
  "a text of several lines that does not end": {
    edits: [['"lvs1"', '«"""lvs1']],
    message: "this is not TOML: the string that begins here is not closed",
    hint: 'close it with """',
  },
  "a list that does not end": {
    edits: [
      [
        'listen = "tcp://203.0.113.10:80"',
        'listen = «["tcp://203.0.113.10:80", # ]\n  "tcp://203.0.113.10:81"\nquorum = 1',
      ],
    ],
    message: "this is not TOML: the list that begins here is not closed",
    hint: "close it with ]",
  },
  "a list that lacks a comma": {
    edits: [['listen = "tcp://203.0.113.10:80"', 'listen = ["tcp://203.0.113.10:80"\n  «"tcp://203.0.113.10:81"]']],
    message: "this is not TOML: expected comma or end of structure",
  },
  "an inline table that does not end": {
    edits: [['[service.check]\nkind = "tcp"', 'check = «{ kind = "tcp"\nquorum = 1']],
    message: "this is not TOML: the inline table that begins here is not closed",
    hint: "close it with }",
  },
  "a list at the end of the file": {
    edits: [['address = "10.0.0.12:80"', "address = «["]],
    message: "this is not TOML: the list that begins here is not closed",
    hint: "close it with ]",
  },
  "a control character in a text that ends": {
    edits: [['"lvs1"', '"lvs«\u00011"']],
    message: "this is not TOML: control characters are not allowed in strings",
  },
  "a header that does not end": {
    edits: [["[pair.primary]", "[pair.primary«"]],
    message: "this is not TOML: illegal character in key",
  },
  "a key twice": {
    edits: [['dead_after = "1s"', '«interval = "300ms"']],
    path: "pair.interval",
    message: "pair.interval is given twice; the first is in line 3",
  },
  "a table twice": {
    edits: [["[[vip]]", "[«pair.backup]\n[[vip]]"]],
    path: "pair.backup",
    message: "pair.backup is given twice; the first is in line 11",
  },
  "a number that no double holds": {
    edits: [[`kind = "tcp"`, 'kind = "tcp"\nport = «9007199254740993']],
    message: "this is not TOML: integer value cannot be represented losslessly",
  },
};

describe("parseConfig() places mistakes in the syntax", () => {
  test.each(Object.entries(ROWS))("%s", (_title, { edits, message, path = "", hint }) => {
    const { text, line, column } = edited(edits);
    expect(issuesOf(text)).toEqual([{ line, column, path, message, ...(hint === undefined ? {} : { hint }) }]);
  });
});

test("parseConfig() judges the rest of a file whose syntax is wrong in places, but not what is missing there", () => {
  const { text } = edited([
    ['name = "lvs1"', "name = lvs1"],
    ["[pair.backup]", "[pair.backup"],
    ['interface = "eth0"', 'interface = "eth0"\nport = 3'],
    [LISTEN, "listen = 80"],
  ]);
  expect(issuesOf(text).map(({ line, path, message }) => ({ line, path, message }))).toEqual([
    { line: 7, path: "", message: "this is not TOML: invalid value" },
    { line: 11, path: "", message: "this is not TOML: illegal character in key" },
    { line: 19, path: "vip[0].port", message: "[[vip]] has no key port" },
    {
      line: 23,
      path: "service[0].listen",
      message: 'listen must be a virtual service such as "tcp://203.0.113.10:80", not a number',
    },
  ]);
});
const LISTEN = 'listen = "tcp://203.0.113.10:80"';

test("parseConfig() finds a text that does not end at the end of a file, and with Windows line ends", () => {
  const message = "this is not TOML: the string that begins here is not closed";
  const { text, line, column } = edited([['"lvs1"', '«"lvs1']]);
  const atEnd = text.split("\n").slice(0, line).join("\n");
  expect(issuesOf(atEnd)).toMatchObject([{ line, column, message }]);
  expect(issuesOf(text.replaceAll("\n", "\r\n"))).toMatchObject([{ line, column, message }]);
});

test("parseConfig() stops at a bracket that is never closed", () => {
  const { text } = edited([[LISTEN, 'listen = ["tcp://203.0.113.10:80"']]);
  expect(issuesOf(text)).toHaveLength(1);
});

describe("parseConfig() is not impressed by", () => {
  const ROOT = { line: 1, column: 1, path: "" };
  test("an empty file", () => {
    expect(issuesOf("")).toEqual([{ ...ROOT, path: "pair", message: "the table [pair] is missing" }]);
  });
  test("a file that is too large", () => {
    const message = `the file has ${MAX_CONFIG_BYTES + 1} characters; the limit is ${MAX_CONFIG_BYTES}`;
    expect(issuesOf("#".repeat(MAX_CONFIG_BYTES + 1))).toEqual([{ ...ROOT, message }]);
  });
  test("half a character", () => {
    const message = "there is half a character here, which is no Unicode text";
    expect(issuesOf(`${BASE}# \ud800`)).toEqual([{ line: BASE.split("\n").length, column: 3, path: "", message }]);
  });
  test("deep nesting", () => {
    const deep = (depth: number) => `x = ${"[".repeat(depth)}${"]".repeat(depth)}`;
    expect(issuesOf(`${deep(MAX_NESTING)}\n${BASE}`)).toMatchObject([{ line: 1, path: "x" }]);
    expect(issuesOf(`${deep(1_000_000)}\n${BASE}`)).toMatchObject([{ line: 1, path: "" }]);
  });
  test("a key of a million parts", () => {
    expect(issuesOf(`${"a.".repeat(1_000_000)}a = 1\n${BASE}`)).toMatchObject([{ line: 1, column: 1, path: "a" }]);
  });
  test("100,000 unknown keys, of which it names a thousand", () => {
    const keys = Array.from({ length: 100_000 }, (_, index) => `k${index} = 1`).join("\n");
    expect(issuesOf(`${keys}\n${BASE}`)).toHaveLength(1000);
  });
  test("a byte order mark and Windows line ends", () => {
    expect(parseConfig(`\ufeff${BASE.replaceAll("\n", "\r\n")}`).ok).toBe(true);
    const { text, line, column } = edited([['"lvs1"', "«7"]]);
    expect(issuesOf(text.replaceAll("\n", "\r\n"))).toMatchObject([{ line, column }]);
  });
});
