import { expect, test } from "bun:test";
import fc from "fast-check";
import { stringify } from "smol-toml";
import { formatIssues } from "../../src/config/format-issues.ts";
import { CONFIG_REFERENCE } from "../../src/config/keys/reference.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { tomlTexts } from "../../src/config/places/places.ts";
import { joinSources } from "../../src/config/places/source-text.ts";
import { exampleConfig } from "../../src/config/render/example.ts";
import { renderConfig } from "../../src/config/render/render.ts";

const TOKENS = [
  "[",
  "]",
  "[[",
  "]]",
  "{",
  "}",
  "=",
  ".",
  ",",
  "#",
  '"',
  "'",
  '"""',
  "'''",
  "\\",
  "\\u0000",
  "\n",
  "\r",
  "\r\n",
  "\0",
  "\ufeff",
  "inf",
  "nan",
  "-0",
  "0x1f",
  "1e400",
  "9223372036854775807",
  "1979-05-27T07:32:00Z",
  "true",
  "[]",
  "{}",
  "__proto__",
  "constructor",
  "toString",
  "[[service]]",
  "[[service.real]]",
  "[service.check]",
  "[pair]",
  "[[vip]]",
  'address = "10.0.0.11:80"\n',
  'listen = ["fwmark:1"]\n',
  'kind = "external"\n',
  "\u{1f600}",
  "\ud800",
  "a".repeat(300),
];

/** The example with pieces cut out, put in and moved about. */
const damaged = fc
  .array(fc.tuple(fc.nat(exampleConfig.length), fc.nat(60), fc.oneof(fc.constantFrom(...TOKENS), fc.constant(""))), {
    minLength: 1,
    maxLength: 6,
  })
  .map((edits) =>
    edits.reduce((text, [at, length, token]) => text.slice(0, at) + token + text.slice(at + length), exampleConfig),
  );

const KEYS = [...new Set(CONFIG_REFERENCE.flatMap(({ keys }) => keys.map(({ name }) => name)))];
const TABLES = [
  "pair",
  "primary",
  "backup",
  "vip",
  "service",
  "real",
  "check",
  "tunnel",
  "sync",
  "hooks",
  "log",
  "__proto__",
];
const EXAMPLES = CONFIG_REFERENCE.flatMap(({ keys }) => keys.map(({ example }) => example.replace(/^"|"$/g, "")));

/** TOML of the right words in the wrong places. */
const { tree } = fc.letrec<{ tree: Record<string, unknown>; value: unknown }>((tie) => ({
  tree: fc.dictionary(fc.constantFrom(...KEYS, ...TABLES), tie("value"), { maxKeys: 8 }),
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<unknown>(...EXAMPLES),
    fc.oneof<fc.Arbitrary<unknown>[]>(
      fc.integer(),
      fc.boolean(),
      fc.double(),
      fc.string(),
      fc.date({ noInvalidDate: true }),
    ),
    fc.array(tie("tree"), { maxLength: 3 }),
    tie("tree"),
    fc.array(fc.constantFrom(...EXAMPLES), { maxLength: 3 }),
  ),
}));

const structured = tree.map((root) => stringify(root));
const noise = fc.string({ unit: "binary", maxLength: 200 });
const tokens = fc
  .array(fc.constantFrom(...TOKENS, ...KEYS, " = ", "\n"), { maxLength: 40 })
  .map((parts) => parts.join(""));

/** Files of which one includes the others, each of them of any of these kinds. */
const included = fc
  .tuple(
    fc.oneof(fc.constant(exampleConfig), damaged),
    fc.array(fc.oneof(damaged, structured, tokens, fc.constant(exampleConfig.slice(exampleConfig.indexOf("[[")))), {
      maxLength: 3,
    }),
    fc.array(fc.record({ pattern: fc.nat(2), message: fc.constant("x") }), { maxLength: 2 }),
  )
  .map(([main, texts, problems]) =>
    joinSources(`include = ["*"]\n${main.replaceAll("\0", "")}`, {
      files: texts.map((text, index) => ({ path: `f${index}`, text })),
      problems,
    }),
  );

/** What must hold for every text. */
function judge(text: string): void {
  const result = parseConfig(text);
  if (result.ok) {
    expect(parseConfig(renderConfig(result.config))).toMatchObject({ ok: true, config: result.config });
    return;
  }
  const files = new Map(tomlTexts(text).map((one) => [one.path, one.text.split("\n")]));
  expect(result.issues.length).toBeGreaterThan(0);
  for (const { file, line, column, message } of result.issues) {
    expect(files.get(file)?.[line - 1]?.length ?? -1).toBeGreaterThanOrEqual(column - 1);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(message).toMatch(/^\S.*[^.\s]$/s);
  }
  const printed = formatIssues(text, "f", result.issues).split("\n");
  expect(printed.filter((line) => line.length > 80)).toEqual([]);
}

/** 21,000 together; the cheap kinds more often. */
const KINDS = [
  ["damaged files", damaged, 5000],
  ["right words in wrong places", structured, 2000],
  ["noise", noise, 6000],
  ["tokens", tokens, 7000],
  ["files with included ones", included, 1000],
] as const;

test.each(KINDS)("parseConfig() turns %s into issues with a place, or a configuration", (_kind, texts, numRuns) => {
  fc.assert(fc.property(texts, judge), { numRuns });
});
