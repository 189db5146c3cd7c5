import { CHECK_KINDS, type CheckKind } from "../model/check.ts";
import { no, statusRange } from "./check-types.ts";
import { program } from "./program-type.ts";
import { optional, scalarOrTable, table, withLateDefault } from "./table-type.ts";
import { duration, oneLine, plainText, userName } from "./text-types.ts";
import { boolean, choice, integer, list } from "./value-type.ts";

/** The longest text that a check sends or waits for; a probe reads no more than a multiple of it. */
const MAX_CHECK_TEXT_BYTES = 4096;
/** Outcomes in a row; more would take hours to make a verdict. */
const MAX_OUTCOMES = 100;
const MAX_STATUS_RANGES = 50;

const HTTP: readonly CheckKind[] = ["http", "https"];
const EXTERNAL: readonly CheckKind[] = ["external"];
const SEND_EXPECT: readonly CheckKind[] = ["send-expect"];

const CHECK_KEYS = {
  kind: withLateDefault(choice(CHECK_KINDS), "tcp", {
    meaning:
      "What an attempt does. tcp connects. send-expect connects, sends a text and waits for another. http and https " +
      "ask for a page. external runs a program.",
    example: '"send-expect"',
    alias: ["type", "checktype", "service"],
  }),
  port: optional(integer(1, 65_535), {
    meaning: "The port to check.",
    fallbackText: "the real server's port, else the service's",
    example: "8080",
    alias: ["checkport", "connect_port"],
  }),
  interval: withLateDefault(duration("100ms", "1d"), 2000, {
    meaning: "The time from one attempt to the next.",
    example: '"2s"',
    alias: ["delay_loop", "checkinterval"],
  }),
  timeout: withLateDefault(duration("10ms", "1d"), 1000, {
    meaning: "How long an attempt may take; at most interval.",
    fallbackText: '"1s", or interval where that is shorter',
    example: '"1s"',
    alias: ["connect_timeout", "checktimeout", "negotiatetimeout"],
  }),
  rise: withLateDefault(integer(1, MAX_OUTCOMES), 2, {
    meaning: "Successes in a row until a server that was down gets work again.",
    example: "2",
  }),
  fall: withLateDefault(integer(1, MAX_OUTCOMES), 3, {
    meaning: "Failures in a row until a server gets no more work.",
    example: "3",
    alias: ["retry", "failurecount", "retries"],
  }),
  send: withLateDefault(plainText("a text to send", MAX_CHECK_TEXT_BYTES), "", {
    meaning: "What to send after connecting. Double quotes understand \\r\\n; the default sends nothing.",
    example: '"GET / HTTP/1.0\\r\\n\\r\\n"',
    kinds: SEND_EXPECT,
    alias: ["request"],
  }),
  expect: withLateDefault(plainText("a text to wait for", MAX_CHECK_TEXT_BYTES), "", {
    meaning: "The text that the answer must contain; by default a connection is enough.",
    example: '"HTTP/1."',
    kinds: SEND_EXPECT,
    alias: ["receive"],
  }),
  method: withLateDefault(choice(["GET", "HEAD"]), "GET", {
    meaning: "The request's method.",
    example: '"HEAD"',
    kinds: HTTP,
    alias: ["httpmethod"],
  }),
  path: withLateDefault(oneLine('a path such as "/healthz"', /^\/[!-~]*$/, MAX_CHECK_TEXT_BYTES), "/", {
    meaning: "The path asked for, with its query.",
    example: '"/healthz"',
    kinds: HTTP,
    alias: ["url", "uri"],
  }),
  host: optional(oneLine('a host name such as "www.example.com"', /^[A-Za-z0-9._:[\]-]+$/, 255), {
    meaning: "The Host header; with https also the name in the certificate and in the TLS greeting.",
    fallbackText: "the real server's address",
    example: '"www.example.com"',
    kinds: HTTP,
    alias: ["virtualhost"],
  }),
  expect_status: withLateDefault(
    list(statusRange, "a status code, a range of them, or a list of those", {
      min: 1,
      max: MAX_STATUS_RANGES,
      bareItem: true,
    }),
    [[200, 399]],
    {
      meaning: "The status codes that are good.",
      example: '[200, "300-399"]',
      kinds: HTTP,
      alias: ["status_code", "status"],
    },
  ),
  expect_body: optional(plainText("a text to look for", MAX_CHECK_TEXT_BYTES), {
    meaning: "A text that the answer's body must contain. Needs the method GET.",
    fallbackText: "any body is good",
    example: '"ready"',
    kinds: HTTP,
    alias: ["receive", "body"],
  }),
  verify: withLateDefault(boolean, true, {
    meaning: "Whether the server's certificate must be valid.",
    example: "false",
    kinds: ["https"],
    alias: ["tls_verify", "insecure"],
  }),
  command: optional(program, {
    meaning:
      "The program and its arguments, run without a shell; exit code 0 is good. The tokens {address}, {port}, " +
      "{service.address} and {service.port} are replaced. Required with the kind external.",
    example: '["/usr/local/lib/check-db", "{address}", "{port}"]',
    kinds: EXTERNAL,
    alias: ["misc_path", "checkcommand", "script"],
  }),
  user: withLateDefault(userName, "nobody", {
    meaning: "The user that the program runs as.",
    example: '"nobody"',
    kinds: EXTERNAL,
  }),
};

/** The kinds of check that have this key; undefined: all. */
export function kindsOfKey(key: string): readonly string[] | undefined {
  const specs: Readonly<Record<string, { readonly kinds?: readonly string[] }>> = CHECK_KEYS;
  return Object.hasOwn(specs, key) ? specs[key]?.kinds : undefined;
}

export const CHECK_SCHEMA = CHECK_KEYS;

/** `[service.check]`, or `check = false`. */
export const SERVICE_CHECK = scalarOrTable(
  no,
  table(
    "[service.check]",
    "How the real servers of a service are checked. check = false: not at all, they always get work. Without it, a " +
      "service that listens on TCP only has its servers checked with the kind tcp, any other service not at all.",
    CHECK_SCHEMA,
  ),
);

/** `[service.real.check]`, or `check = false`. */
export const SERVER_CHECK = scalarOrTable(
  no,
  table(
    "[service.real.check]",
    "How this server is checked, where that differs from the service's check: the same keys. What is not given is " +
      "the service's, but only interval, timeout, rise and fall if the kind is another. check = false: not at all.",
    CHECK_SCHEMA,
  ),
);
