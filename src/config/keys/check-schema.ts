import { CHECK_KINDS, type CheckKind, DNS_RECORDS, GREETING_KINDS, STARTTLS_KINDS } from "../../model/health-check.ts";
import { plainAddress } from "./address-types.ts";
import {
  answerText,
  dnsName,
  headerField,
  no,
  regularExpression,
  scriptStep,
  sha256,
  statusRange,
} from "./check-types.ts";
import { program } from "./program-type.ts";
import { optional, scalarOrTables, table, withLateDefault } from "./table-type.ts";
import { absolutePath, duration, interfaceName, oneLine, plainText, userName } from "./text-types.ts";
import { boolean, choice, integer, list } from "./value-type.ts";

/** The longest text that a check sends or waits for; a probe reads no more than a multiple of it. */
const MAX_CHECK_TEXT_BYTES = 4096;
/** Outcomes in a row; more would take hours to make a verdict. */
const MAX_OUTCOMES = 100;
const MAX_STATUS_RANGES = 50;
const MAX_HEADERS = 50;
/** Checks of one server. */
const MAX_CHECKS = 8;
const MAX_SCRIPT_STEPS = 50;
const MAX_ANSWERS = 50;
/** SO_MARK is an unsigned 32-bit number (socket(7)); 0 is none. */
const MAX_MARK = 0xffff_ffff;

const HTTP: readonly CheckKind[] = ["http", "https"];
const EXTERNAL: readonly CheckKind[] = ["external"];
const SEND_EXPECT: readonly CheckKind[] = ["send-expect"];
const NETWORK: readonly CheckKind[] = CHECK_KINDS.filter((kind) => kind !== "external");
/** Conversations that can be held within TLS. */
const TALKS: readonly CheckKind[] = ["send-expect", "dns", "grpc", ...GREETING_KINDS];
const TLS: readonly CheckKind[] = ["https", ...TALKS];

const CHECK_KEYS = {
  kind: withLateDefault(choice(CHECK_KINDS), "tcp", {
    meaning:
      "What an attempt does. tcp connects, and resets before the server's program hears of it. send-expect connects, " +
      "sends a text and waits for another. http and https ask for a page. external runs a program. udp sends a " +
      "datagram and fails only when an ICMP message says that the port is unreachable. " +
      "ping wants an echo, dns an answer with records, grpc the status SERVING of the health protocol, radius an answer " +
      "that proves the shared secret. The others know their protocol and want the answer of a server that works, " +
      "without a login.",
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
    meaning:
      "Consecutive successes before a server that is down is marked up. A server that was never judged, after a cold start " +
      "or new in the configuration, gets work with its first success.",
    example: "2",
  }),
  fall: withLateDefault(integer(1, MAX_OUTCOMES), 3, {
    meaning: "Consecutive failures before a server is marked down.",
    example: "3",
    alias: ["retry", "failurecount", "retries"],
  }),
  down_interval: optional(duration("100ms", "1d"), {
    meaning: "The time between attempts while the server is down.",
    fallbackText: "interval",
    example: '"10s"',
    alias: ["delay_before_retry", "fall_interval"],
  }),
  flap_limit: withLateDefault(integer(0, MAX_OUTCOMES), 0, {
    meaning:
      "A server that went down so many times within flap_window gets work again only after flap_hold without a " +
      "failure. 0: no such rule.",
    example: "3",
  }),
  flap_window: withLateDefault(duration("1s", "1d"), 600_000, {
    meaning: "The time in which flap_limit counts.",
    example: '"10m"',
  }),
  flap_hold: withLateDefault(duration("1s", "1d"), 60_000, {
    meaning: "How long a server that flaps must be good before it gets work again.",
    example: '"1m"',
  }),
  connect_address: optional(plainAddress, {
    meaning:
      "The address to check instead of the real server's own: the VIP, say, which servers for direct routing and behind " +
      "tunnels have too, so that an attempt goes the way of a client's packets. Then mark picks the server.",
    fallbackText: "the real server's address",
    example: '"10.0.1.11"',
    kinds: NETWORK,
    alias: ["connect_ip", "checkaddress"],
  }),
  bind_address: optional(plainAddress, {
    meaning: "The local address that attempts come from.",
    fallbackText: "what the routes say",
    example: '"10.0.0.2"',
    kinds: NETWORK,
    alias: ["bindto", "bind", "source"],
  }),
  bind_interface: optional(interfaceName, {
    meaning: "The interface that attempts leave by, whatever the routes say.",
    fallbackText: "what the routes say",
    example: '"eth1"',
    kinds: NETWORK,
    alias: ["bind_if", "interface"],
  }),
  mark: optional(integer(1, MAX_MARK), {
    meaning:
      "The mark of the packets of attempts, for rules of the firewall and of routing. For a check through the VIP, each " +
      "server has its own: a router without the VIP needs ip rule add fwmark MARK lookup MARK, and in that table a route " +
      "to the VIP by that server; the one with the VIP an IPVS service fwmark:MARK of that server alone, bind_address, " +
      "and the sysctl accept_local = 1.",
    fallbackText: "none",
    example: "7",
    kinds: NETWORK,
    alias: ["fwmark"],
  }),
  transport: withLateDefault(choice(["tcp", "tls", "starttls", "udp"]), "tcp", {
    meaning:
      "What the conversation is held over. starttls begins in the clear and goes on within TLS, with the kinds " +
      `${STARTTLS_KINDS.join(", ")}; a server that offers none fails. udp only with send-expect and dns, whose default it is.`,
    example: '"tls"',
    kinds: TALKS,
    alias: ["tls", "ssl", "starttls"],
  }),
  script: optional(list(scriptStep, "a list of steps", { min: 1, max: MAX_SCRIPT_STEPS }), {
    meaning:
      "Several steps instead of send and expect, each a table: { send = TEXT }, { send_bytes = HEX }, " +
      "{ expect = TEXT }, { expect_bytes = HEX }, { expect_regex = PATTERN }, { start_tls = true }, which goes on within " +
      "TLS, or { close = true }, which waits for the server to close. Each expectation goes on after the match of the one before it and reads at most limit bytes " +
      "(default 65536): { expect = TEXT, limit = 100 }. A pattern is met at the first byte possible, in time linear " +
      "in the answer; it has neither backreferences nor (?= and its like. ^ and $ match at line ends too, and (?i) at " +
      "its beginning ignores case.",
    example: '[{ expect = "220 " }, { send = "QUIT\\r\\n" }, { expect_regex = "^221" }, { close = true }]',
    kinds: SEND_EXPECT,
    alias: ["steps", "conversation"],
  }),
  send: withLateDefault(plainText("a text to send", MAX_CHECK_TEXT_BYTES), "", {
    meaning: "What to send after connecting. Double quotes understand \\r\\n; the default sends nothing.",
    example: '"GET / HTTP/1.0\\r\\n\\r\\n"',
    kinds: ["send-expect", "udp"],
    alias: ["request"],
  }),
  expect: withLateDefault(plainText("a text to wait for", MAX_CHECK_TEXT_BYTES), "", {
    meaning: "The text that the answer must contain; by default a connection is enough.",
    example: '"HTTP/1."',
    kinds: SEND_EXPECT,
    alias: ["receive"],
  }),
  method: withLateDefault(choice(["GET", "HEAD", "OPTIONS"]), "GET", {
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
  expect_body_regex: optional(regularExpression, {
    meaning: "A regular expression, as in script, that must match in the first MiB of the answer's body.",
    fallbackText: "any body is good",
    example: '"^ready: [0-9]+$"',
    kinds: HTTP,
    alias: ["regex"],
  }),
  expect_digest: optional(sha256, {
    meaning: "The SHA-256 of the whole body.",
    fallbackText: "any body is good",
    example: '"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"',
    kinds: HTTP,
    alias: ["digest"],
  }),
  expect_location: optional(oneLine("the beginning of a URL", /^[!-~]+$/, MAX_CHECK_TEXT_BYTES), {
    meaning: "What the Location header of the answer must begin with. Redirects are not followed.",
    fallbackText: "any, or none",
    example: '"https://www.example.com/"',
    kinds: HTTP,
  }),
  headers: withLateDefault(list(headerField, "a list of headers", { max: MAX_HEADERS, bareItem: true }), [], {
    meaning: "Headers of the request; one that tandem sends too (Host, User-Agent, Accept, Connection) replaces it.",
    example: '["X-Probe: tandem"]',
    kinds: HTTP,
    alias: ["header"],
  }),
  http_version: withLateDefault(choice(["1.0", "1.1"]), "1.1", {
    meaning: "The version of the request.",
    example: '"1.0"',
    kinds: HTTP,
    alias: ["http_protocol"],
  }),
  verify: withLateDefault(boolean, true, {
    meaning:
      "Whether the server's certificate must be valid, and name the server in its subjectAltName: a common name (CN) does " +
      "not count (RFC 9525).",
    example: "false",
    kinds: TLS,
    alias: ["tls_verify", "insecure"],
  }),
  server_name: optional(oneLine('a host name such as "www.example.com"', /^[A-Za-z0-9._:-]+$/, 255), {
    meaning: "The name in the TLS greeting (SNI) and in the certificate.",
    fallbackText: "host, else the address",
    example: '"www.example.com"',
    kinds: TLS,
    alias: ["enable_sni", "sni"],
  }),
  ca_file: optional(absolutePath, {
    meaning: "The certificates of the authorities to trust, PEM.",
    fallbackText: "those that the machine trusts",
    example: '"/etc/tandem/ca.pem"',
    kinds: TLS,
    alias: ["ca", "cafile"],
  }),
  certificate_file: optional(absolutePath, {
    meaning: "The certificate to show to a server that asks for one, PEM. Needs private_key_file.",
    fallbackText: "none",
    example: '"/etc/tandem/client.pem"',
    kinds: TLS,
    alias: ["cert"],
  }),
  private_key_file: optional(absolutePath, {
    meaning: "The key of certificate_file, PEM; attempts must be able to read it.",
    fallbackText: "none",
    example: '"/etc/tandem/client.key"',
    kinds: TLS,
    alias: ["key"],
  }),
  warn_days: optional(integer(1, 3650), {
    meaning: "A certificate that ends within so many days is warned of; it fails when it has ended.",
    fallbackText: "no warning",
    example: "14",
    kinds: TLS,
  }),
  query: optional(dnsName, {
    meaning: "The name to ask for. Required with the kind dns.",
    example: '"www.example.com"',
    kinds: ["dns"],
    alias: ["name", "request"],
  }),
  record: withLateDefault(choice(DNS_RECORDS), "A", {
    meaning:
      "The type of record to ask for. At least one must come, of the name or of what it is an alias (CNAME) of; an answer " +
      "by UDP that was cut off before it is a failure.",
    example: '"SOA"',
    kinds: ["dns"],
    alias: ["type"],
  }),
  expect_answer: optional(list(answerText, "a text or a list of texts", { min: 1, max: MAX_ANSWERS, bareItem: true }), {
    meaning:
      "What must be among the records that come: an address, a name, or a record as in a zone's file. All of a list.",
    fallbackText: "any record of that type",
    example: '["192.0.2.10", "192.0.2.11"]',
    kinds: ["dns"],
    alias: ["expect", "answer"],
  }),
  secret_file: optional(absolutePath, {
    meaning:
      "The file whose first line is the secret that the server shares with this address. Required with the kind radius.",
    example: '"/etc/tandem/radius.secret"',
    kinds: ["radius"],
    alias: ["secret", "radiussecret"],
  }),
  radius_user: optional(oneLine("the name of a user", /^[!-~]+$/, 63), {
    meaning:
      "Asks whether this user may come in, without a right password, and takes a refusal for an answer: for servers " +
      "that don't know Status-Server (RFC 5997), which is asked for otherwise.",
    fallbackText: "the server's status is asked for",
    example: '"tandem-probe"',
    kinds: ["radius"],
    alias: ["login"],
  }),
  grpc_service: withLateDefault(plainText("the name of a service", 100), "", {
    meaning: "The service whose health is asked for; by default the server's as a whole.",
    example: '"shop.Cart"',
    kinds: ["grpc"],
  }),
  command: optional(program, {
    meaning:
      "The program and its arguments, run without a shell; exit code 0 is good. The tokens {address}, {port}, " +
      "{service.address} and {service.port} are replaced. Required with the kind external.",
    example: '["/usr/local/lib/check-db", "{address}", "{port}"]',
    kinds: EXTERNAL,
    alias: ["misc_path", "checkcommand", "script"],
  }),
  weight_from: optional(choice(["output"]), {
    meaning:
      "With output, the program's first line is a whole number from 0 to 100: the percentage of its weight that the " +
      "server gets. Anything else is a failure.",
    fallbackText: "the weight is not changed",
    example: '"output"',
    kinds: EXTERNAL,
    alias: ["misc_dynamic"],
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
export const SERVICE_CHECK = scalarOrTables(
  no,
  table(
    "[service.check]",
    "How the real servers of a service are checked. Several [[service.check]]: a server must pass all of them. check = false: not at all, they always get work. Without it, a " +
      "service that listens on TCP only has its servers checked with the kind tcp, any other service not at all.",
    CHECK_SCHEMA,
  ),
  MAX_CHECKS,
);

/** `[service.real.check]`, or `check = false`. */
export const SERVER_CHECK = scalarOrTables(
  no,
  table(
    "[service.real.check]",
    "How this server is checked, where that differs from the service's check: the same keys. What is not given is " +
      "that of the service's (first) check, but only interval, timeout, rise and fall if the kind is another. check = false: not at all.",
    CHECK_SCHEMA,
  ),
  MAX_CHECKS,
);
