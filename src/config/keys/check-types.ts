import { type Parsed, parsed, problem } from "../../lib/parsed.ts";
import { Pattern } from "../../lib/pattern/pattern.ts";
import type { ScriptStep, ScriptStepKind } from "../../model/health-check.ts";
import type { Place } from "../places/place.ts";
import { formatText, isTable, kindOf, parsedText, quotedList, type ScalarType, shown } from "./value-type.ts";

/** Inclusive range of HTTP status codes. */
export type StatusRange = readonly [number, number];

function parseStatusRange(text: string): Parsed<StatusRange> {
  const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text);
  if (match === null) return problem(`${shown(text)} is not a status code or a range such as "200-299"`);
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last ? parsed([first, last]) : problem(`${shown(text)} ends before it begins`);
}

const statusText = parsedText(
  'a status code such as 200, or a range such as "200-299"',
  parseStatusRange,
  ([first, last]) => (first === last ? String(first) : `${first}-${last}`),
);

/** A status code as a number, or a range as a text. */
export const statusRange: ScalarType<StatusRange> = {
  expected: statusText.expected,
  read: (value, place) => statusText.read(typeof value === "number" ? String(value) : value, place),
  format: ([first, last]) => (first === last ? String(first) : `"${first}-${last}"`),
};

/** `false`, where a table would otherwise stand. */
export const no: ScalarType<false> = {
  expected: "false",
  read: (value, place) => {
    if (value === false) return false;
    place.error(
      `${place.name} must be false or a table`,
      value === true ? "give it a kind: [service.check]" : undefined,
    );
    return undefined;
  },
  format: () => "false",
};

const MAX_PATTERN_BYTES = 1024;

function parsePattern(text: string): Parsed<string> {
  if (Buffer.byteLength(text) > MAX_PATTERN_BYTES) return problem(`it is longer than ${MAX_PATTERN_BYTES} bytes`);
  if (text.includes("\0")) return problem("it has a NUL character");
  const pattern = Pattern.compile(text);
  return pattern.ok ? parsed(text) : problem(`${shown(text)}: ${pattern.problem}`);
}

export const regularExpression: ScalarType<string> = parsedText("a regular expression", parsePattern, (text) => text);

export const sha256: ScalarType<string> = parsedText(
  "64 hexadecimal digits",
  (text) =>
    /^[0-9a-f]{64}$/i.test(text) ? parsed(text.toLowerCase()) : problem(`${shown(text)} is not 64 hexadecimal digits`),
  (text) => text,
);

/** RFC 9110 section 5: a token, a colon, and visible characters; no line end, which would begin another header. */
export const headerField: ScalarType<string> = parsedText(
  'a header such as "X-Probe: tandem"',
  (text) =>
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}: ?[\x20-\x7e]{0,1000}$/.test(text)
      ? parsed(text)
      : problem(`${shown(text)} is not a header such as "X-Probe: tandem"`),
  (text) => text,
);

/** RFC 1035 section 2.3.4: labels of up to 63 bytes, 255 in all. */
export const dnsName: ScalarType<string> = parsedText(
  'a domain name such as "www.example.com"',
  (text) =>
    text === "." || (text.length <= 253 && /^(?:[!-\-/-~]{1,63}\.)*[!-\-/-~]{1,63}\.?$/.test(text))
      ? parsed(text)
      : problem(`${shown(text)} is not a domain name`),
  (text) => text,
);

/** A record of an answer as text: RFC 1035 section 5.1, without its name and type. */
export const answerText: ScalarType<string> = parsedText(
  'a record such as "192.0.2.10"',
  (text) => (/^[ -~]{1,255}$/.test(text) ? parsed(text) : problem(`${shown(text)} is not 1 to 255 visible characters`)),
  (text) => text,
);

const MAX_STEP_BYTES = 4096;
const MAX_EXPECT_LIMIT_BYTES = 1024 * 1024;
const STEP_KEYS: Readonly<Record<string, ScriptStepKind>> = {
  send: "send",
  send_bytes: "send-bytes",
  expect: "expect",
  expect_bytes: "expect-bytes",
  expect_regex: "expect-regex",
  start_tls: "start-tls",
  close: "close",
};
/** Steps that say nothing more than that they are there. */
const BARE_STEPS: readonly ScriptStepKind[] = ["start-tls", "close"];

function stepProblem(kind: ScriptStepKind, value: string): string | undefined {
  if (value === "") return "it is empty";
  if (kind === "expect-regex") {
    const pattern = parsePattern(value);
    return pattern.ok ? undefined : pattern.problem;
  }
  if (Buffer.byteLength(value) > MAX_STEP_BYTES) return `it is longer than ${MAX_STEP_BYTES} bytes`;
  if (value.includes("\0")) return "it has a NUL character; write it as bytes";
  const isHex = kind === "send-bytes" || kind === "expect-bytes";
  if (isHex && !/^(?:\s*[0-9a-f]{2})+\s*$/i.test(value)) return `${shown(value)} is not pairs of hexadecimal digits`;
  return undefined;
}

function readLimit(value: unknown, kind: ScriptStepKind, place: Place): number | undefined {
  const isWhole = typeof value === "number" && Number.isInteger(value);
  if (isWhole && value >= 1 && value <= MAX_EXPECT_LIMIT_BYTES && kind.startsWith("expect")) return value;
  place.error(
    kind.startsWith("expect")
      ? `limit must be a whole number of bytes from 1 to ${MAX_EXPECT_LIMIT_BYTES}`
      : "limit belongs to a step that expects something",
  );
  return undefined;
}

function readStep(value: Readonly<Record<string, unknown>>, place: Place): ScriptStep | undefined {
  const keys = Object.keys(value).filter((key) => key !== "limit");
  const [key = ""] = keys;
  const kind = Object.hasOwn(STEP_KEYS, key) ? STEP_KEYS[key] : undefined;
  if (keys.length !== 1 || kind === undefined) {
    place.error(`${place.name} must have one of the keys ${quotedList(Object.keys(STEP_KEYS))}`);
    return undefined;
  }
  const given = value[key];
  const isBare = BARE_STEPS.includes(kind);
  const text = isBare ? (given === true ? "" : undefined) : typeof given === "string" ? given : undefined;
  if (text === undefined) {
    place.key(key).error(`${key} must be ${isBare ? "true" : "a text"}, not ${kindOf(given)}`);
    return undefined;
  }
  const wrong = isBare ? undefined : stepProblem(kind, text);
  if (wrong !== undefined) {
    place.key(key).error(`${key}: ${wrong}`);
    return undefined;
  }
  if (!Object.hasOwn(value, "limit")) return { kind, value: text };
  const limitBytes = readLimit(value["limit"], kind, place.key("limit"));
  return limitBytes === undefined ? undefined : { kind, value: text, limitBytes };
}

/** One step of a conversation: `{ expect = "220 ", limit = 100 }`. */
export const scriptStep: ScalarType<ScriptStep> = {
  expected: 'a step such as { expect = "220 " }',
  read: (value, place) => {
    if (isTable(value)) return readStep(value, place);
    place.error(`${place.name} must be a step such as { expect = "220 " }, not ${kindOf(value)}`);
    return undefined;
  },
  format: ({ kind, value, limitBytes }) => {
    const text = BARE_STEPS.includes(kind) ? "true" : formatText(value);
    const limit = limitBytes === undefined ? "" : `, limit = ${limitBytes}`;
    return `{ ${kind.replace("-", "_")} = ${text}${limit} }`;
  },
};
