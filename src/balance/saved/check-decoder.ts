import {
  bool,
  type Decoder,
  exactly,
  list,
  oneOf,
  optional,
  pairOf,
  record,
  text,
  union,
  whole,
} from "../../lib/plain-data.ts";
import {
  type Check,
  type CheckMethod,
  DNS_RECORDS,
  GREETING_KINDS,
  SCRIPT_STEP_KINDS,
} from "../../model/health-check.ts";
import { ipAddress } from "./address-decoder.ts";

/** The decoder of a check, as the router tells it to the balancer. It throws only DecodeError. */

const durationMs = whole(1, 86_400_000);
const runLength = whole(1, 1_000);

const route = {
  address: optional(ipAddress),
  source: optional(ipAddress),
  interface: optional(text),
  mark: optional(whole(1, 0xffff_ffff)),
};

const connect = { ...route, port: optional(whole(0, 65_535)) };

const tls = record({
  serverName: optional(text),
  authoritiesFile: optional(text),
  certificateFile: optional(text),
  keyFile: optional(text),
  warnDays: optional(whole(1, 36_500)),
});

const secured = { ...connect, verifyCertificate: optional(bool), tls: optional(tls) };
const talk = { ...secured, transport: optional(oneOf(["tcp", "tls", "starttls"])) };

const scriptStep = record({
  kind: oneOf(SCRIPT_STEP_KINDS),
  value: text,
  limitBytes: optional(whole(1, 1024 * 1024)),
});

const webMethod = {
  ...connect,
  method: oneOf(["GET", "HEAD", "OPTIONS"]),
  path: text,
  host: optional(text),
  headers: optional(list(text)),
  version: optional(oneOf(["1.0", "1.1"])),
  expectStatus: list(pairOf(whole(100, 999))),
  expectBody: optional(text),
  expectBodyRegex: optional(text),
  expectDigest: optional(text),
  expectLocation: optional(text),
  verifyCertificate: bool,
  tls: optional(tls),
};

const greeting: Decoder<CheckMethod> = record({ kind: oneOf(GREETING_KINDS), ...talk });

export const checkMethod: Decoder<CheckMethod> = union("kind", {
  tcp: record({ kind: exactly("tcp"), ...connect }),
  "send-expect": record({
    kind: exactly("send-expect"),
    send: text,
    expect: text,
    script: optional(list(scriptStep)),
    ...secured,
    transport: optional(oneOf(["tcp", "tls", "udp"])),
  }),
  http: record({ kind: exactly("http"), ...webMethod }),
  https: record({ kind: exactly("https"), ...webMethod }),
  external: record({
    kind: exactly("external"),
    command: list(text),
    user: text,
    weight: optional(exactly("output")),
  }),
  udp: record({ kind: exactly("udp"), send: text, ...connect }),
  ping: record({ kind: exactly("ping"), ...route }),
  dns: record({
    kind: exactly("dns"),
    query: text,
    record: oneOf(DNS_RECORDS),
    expectAnswers: optional(list(text)),
    ...secured,
    transport: optional(oneOf(["udp", "tcp", "tls"])),
  }),
  radius: record({ kind: exactly("radius"), secretFile: text, userName: optional(text), ...connect }),
  grpc: record({ kind: exactly("grpc"), service: text, ...talk }),
  smtp: greeting,
  imap: greeting,
  pop3: greeting,
  ldap: greeting,
  redis: greeting,
  mysql: greeting,
  postgresql: greeting,
});

/** The fields of a check's timing. */
export const checkTiming = {
  intervalMs: durationMs,
  timeoutMs: durationMs,
  rise: runLength,
  fall: runLength,
  downIntervalMs: optional(durationMs),
  flap: optional(record({ limit: runLength, windowMs: durationMs, holdMs: durationMs })),
};

export const check: Decoder<Check> = record({ ...checkTiming, method: checkMethod });
