/** Kinds of values on the command line: how each is read, and what a shell completes. */
import { type Parsed, parsed, problem } from "../../lib/parsed.ts";
import {
  type AddressPrefix,
  type Endpoint,
  type IpAddress,
  parseAddress,
  parseAddressPrefix,
  parseEndpoint,
  parsePort,
} from "../../model/address.ts";
import { parseDuration } from "../../model/duration.ts";
import { formatServiceKey, parseServiceKey, type ServiceKey } from "../../model/virtual-service.ts";
import type { CompletionKind, ValueKind } from "./spec-types.ts";

function kind<T>(parse: ValueKind<T>["parse"], completion: CompletionKind = "none"): ValueKind<T> {
  return { completion, parse };
}

/** Any text, the empty one as well. */
export const text: ValueKind<string> = kind((value) => parsed(value));

function nonEmpty(value: string): Parsed<string> {
  return value === "" ? problem("the value is empty") : parsed(value);
}

export const word: ValueKind<string> = kind(nonEmpty);
export const file: ValueKind<string> = kind(nonEmpty, "file");
export const directory: ValueKind<string> = kind(nonEmpty, "directory");

/** IFNAMSIZ 16 with its NUL, and the characters that dev_valid_name refuses (net/core/dev.c). */
export const interfaceName: ValueKind<string> = kind(
  (value) =>
    /^[^\s/:]{1,15}$/.test(value) && value !== "." && value !== ".."
      ? parsed(value)
      : problem(`${JSON.stringify(value)} is not an interface's name (1 to 15 characters)`),
  "interface",
);

/** A label of an address (IFA_LABEL): at most 15 bytes. */
export const label: ValueKind<string> = kind((value) =>
  /^[\x21-\x7e]{1,15}$/.test(value)
    ? parsed(value)
    : problem(`${JSON.stringify(value)} is not a label (1 to 15 characters)`),
);

export const address: ValueKind<IpAddress> = kind(parseAddress);
export const addressPrefix: ValueKind<AddressPrefix> = kind(parseAddressPrefix);

/** A host's or a port's name where a number should stand: nothing that has a letter is a number. */
const NAMED = /^(?:[a-z]+:\/\/)?(?:\[?[\w.-]*[A-Za-z][\w.-]*\]?(?::[\w-]+)?|[^/]*:[\w-]*[A-Za-z][\w-]*)$/;

/** What is wrong with a text; of one with a name it says how names are looked up. */
function withoutNames<T>(text: string, result: Parsed<T>): Parsed<T> {
  if (result.ok || text.startsWith("fwmark:") || !NAMED.test(text)) return result;
  return problem(`${result.problem}; --resolve looks names up`);
}

/** What a `[[service]]` may be named (config/keys/text-types.ts); no virtual service is written so. */
const SERVICE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** One or more virtual services: as they are written, or by the name of their `[[service]]`. */
export const services: ValueKind<readonly ServiceKey[]> = kind((value, names) => {
  if (SERVICE_NAME.test(value) && names?.configured !== undefined) return names.configured(value);
  const one = names?.service?.(value) ?? withoutNames(value, parseServiceKey(value));
  return one.ok ? parsed([one.value]) : one;
});

/** Exactly one of them. */
export const service: ValueKind<ServiceKey> = kind((value, names) => {
  const found = services.parse(value, names);
  if (!found.ok) return found;
  const [only, ...others] = found.value;
  if (only !== undefined && others.length === 0) return parsed(only);
  const listed = found.value.map(formatServiceKey).join(", ");
  return problem(`${value} listens on ${found.value.length}: ${listed}; write the one that is meant`);
});
export const endpoint: ValueKind<Endpoint> = kind(
  (value, names) => names?.endpoint?.(value) ?? withoutNames(value, parseEndpoint(value)),
);
export const port: ValueKind<number> = kind(parsePort);
/** Milliseconds, zero allowed. */
export const duration: ValueKind<number> = kind(parseDuration);

/** A duration of at least one millisecond. */
export const positiveDuration: ValueKind<number> = kind((value) => {
  const ms = parseDuration(value);
  return ms.ok && ms.value === 0 ? problem(`${JSON.stringify(value)} must be longer than nothing`) : ms;
});

/** A view that is read and drawn faster keeps a processor busy, and nobody's eye sees it. */
const WATCH_INTERVAL_MIN_MS = 100;

/** The time between two readings of a view, or of counters. */
export const watchInterval: ValueKind<number> = kind((value) => {
  const ms = parseDuration(value);
  return ms.ok && ms.value < WATCH_INTERVAL_MIN_MS
    ? problem(`${JSON.stringify(value)} is too short; the shortest is ${WATCH_INTERVAL_MIN_MS}ms`)
    : ms;
});

/** The kernel counts seconds in 32 bits (IPVS_SVC_ATTR_TIMEOUT, IPVS_CMD_ATTR_TIMEOUT_TCP). */
const SECONDS_MAX = 0xffff_ffff;

/** Whole seconds as a duration, as the kernel keeps them; `forever` besides. */
export const leaseSeconds: ValueKind<number | "forever"> = kind<number | "forever">((value) => {
  if (value === "forever") return parsed("forever");
  const ms = parseDuration(value);
  if (!ms.ok) return ms;
  if (ms.value < 1000 || ms.value % 1000 !== 0) {
    return problem(`${JSON.stringify(value)} must be whole seconds, such as "3s", or "forever"`);
  }
  // All ones is "for ever" to the kernel (INFINITY_LIFE_TIME, linux/if_addr.h).
  return ms.value / 1000 < SECONDS_MAX
    ? parsed(ms.value / 1000)
    : problem(`${JSON.stringify(value)} is longer than the kernel can count; write "forever"`);
});

/** A duration in whole seconds, at least one. */
export const wholeSeconds: ValueKind<number> = kind((value) => {
  const ms = parseDuration(value);
  if (!ms.ok) return ms;
  if (ms.value < 1000 || ms.value % 1000 !== 0) {
    return problem(`${JSON.stringify(value)} must be whole seconds, such as "300s"`);
  }
  return ms.value / 1000 <= SECONDS_MAX
    ? parsed(ms.value / 1000)
    : problem(`${JSON.stringify(value)} is longer than ${SECONDS_MAX}s, which is all that the kernel can count`);
});

/** Decimal digits only: no sign, no hexadecimal, no exponent. */
export function integer(minimum: number, maximum: number): ValueKind<number> {
  return kind((value) =>
    /^\d{1,10}$/.test(value) && Number(value) >= minimum && Number(value) <= maximum
      ? parsed(Number(value))
      : problem(`${JSON.stringify(value)} is not a whole number from ${minimum} to ${maximum}`),
  );
}

export function choice<const T extends string>(choices: readonly T[]): ValueKind<T> {
  return {
    completion: "none",
    choices,
    parse(value) {
      const found = choices.find((name) => name === value);
      return found === undefined
        ? problem(`${JSON.stringify(value)} is not one of ${choices.join(", ")}`)
        : parsed(found);
    },
  };
}

/** `200` or `200-299`, as an inclusive range. RFC 9110 section 15: three digits, 100 to 599. */
export const statusRange: ValueKind<readonly [number, number]> = kind((value) => {
  const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(value);
  const low = Number(match?.[1]);
  const high = Number(match?.[2] ?? match?.[1]);
  return match !== null && low <= high
    ? parsed([low, high] as const)
    : problem(`${JSON.stringify(value)} is not a status such as 200 or 200-299`);
});

/** Virtual services, or `all`. */
export const servicesOrAll: ValueKind<readonly ServiceKey[] | "all"> = kind<readonly ServiceKey[] | "all">(
  (value, names) => (value === "all" ? parsed("all") : services.parse(value, names)),
);
