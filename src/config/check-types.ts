import { type Parsed, parsed, problem } from "../lib/parsed.ts";
import { parsedText, type ScalarType, shown } from "./value-type.ts";

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
