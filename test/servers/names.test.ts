import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { address } from "../../src/model/address.ts";
import type { CheckMethod } from "../../src/model/health-check.ts";
import { faultyDatagramServer } from "../support/faulty-proxy.ts";
import { certificateFiles } from "./support/certificates.ts";
import { certificates, ENDLESS, replied, secured, spoken } from "./support/expected.ts";
import { DIRECTORY, DNSMASQ_PORT, dnsmasq, freeradius, MANY_TEXTS, RADIUS_SECRET, slapd } from "./support/plans.ts";
import { eventually, onPort, RealServer } from "./support/server-process.ts";
import { check } from "./support/story.ts";
import { type Found, liveThrough, type ServerSubjects } from "./support/subjects.ts";

/** slapd, dnsmasq and FreeRADIUS, through every way of failing. */

const valid = certificateFiles("valid");
const tls = { tls: { authoritiesFile: valid.certificate, serverName: "web.test" }, verifyCertificate: true } as const;
const folder = mkdtempSync("/run/tandem-radius-");
const [secretFile, wrongSecretFile] = [join(folder, "secret"), join(folder, "wrong")];
writeFileSync(secretFile, `${RADIUS_SECRET}\n`);
writeFileSync(wrongSecretFile, "another\n");

const BIND = "an answer to an anonymous bind";
const RESOLVED = "192.0.2.10 in 1 record for A of web.test";
const A: CheckMethod = { kind: "dns", query: "web.test", record: "A", expectAnswers: ["192.0.2.10"] };

const SERVERS: readonly ServerSubjects[] = [
  {
    plan: slapd(valid),
    subjects: [
      {
        name: "ldap",
        port: DIRECTORY.ldap,
        method: { kind: "ldap" },
        expected: replied(`up: connected after T; got ${BIND}`, { wanted: BIND, firstByte: "0", endless: ENDLESS }),
      },
      {
        name: "ldap, StartTLS",
        port: DIRECTORY.ldap,
        method: { kind: "ldap", transport: "starttls", ...tls },
        expected: replied(`up: connected after T; TLS after T; got ${BIND} (2 answers as expected)`, {
          wanted: "a go-ahead for TLS",
          firstByte: "0",
          place: "answer 1 of 2: ",
          endless: ENDLESS,
        }),
        certificates: certificates(`up: connected after T; TLS after T; got ${BIND} (2 answers as expected)`),
      },
      {
        name: "ldap within TLS",
        port: DIRECTORY.ldaps,
        method: { kind: "ldap", transport: "tls", ...tls },
        expected: secured(`up: connected after T; TLS after T; got ${BIND}`),
        certificates: certificates(`up: connected after T; TLS after T; got ${BIND}`),
      },
    ],
  },
  {
    plan: dnsmasq(),
    subjects: [
      {
        name: "dns over TCP",
        port: DNSMASQ_PORT,
        method: { ...A, transport: "tcp" },
        expected: {
          ...spoken(`up: connected after T; ${RESOLVED}`, {
            silence: "no answer in time",
            drip: 'the answer did not end in time: "\\x00"',
            closed: "the server closed without an answer",
            alien: (quoted) => quoted,
          }),
          // Their first two letters are a length of 24 and 21 thousand bytes.
          endless:
            'wrong-answer: connected after T; the server answered with something else: "l work and no play makes a dull server\\nall work and no play …"',
          "another protocol":
            'timeout: connected after T; the answer did not end in time: "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\\r\\n"',
        },
      },
    ],
  },
];

const PATIENT_MS = 30_000;
const HASTY_MS = 900;
/** For what comes, but is no answer: it is waited for to the end of the time. */
const HEARING_MS = 2_500;
let found: ReadonlyMap<string, Found>;
const servers: { dns?: RealServer; radius?: RealServer } = {};
beforeAll(async () => {
  found = await liveThrough(SERVERS, valid, certificateFiles("valid", { name: "other.test" }));
  servers.dns = await RealServer.start(dnsmasq());
  servers.radius = await RealServer.start(freeradius(secretFile));
});
afterAll(async () => {
  for (const server of Object.values(servers)) await server[Symbol.asyncDispose]();
});

describe("a directory and a name server go up, down in each way, and up again", () => {
  const subjects = SERVERS.flatMap((server) => server.subjects);
  test.each(subjects.map((subject) => [subject.name, subject] as const))("%s", (name, subject) => {
    expect(found.get(name)).toEqual({ story: subject.expected, certificates: subject.certificates });
  });
});

describe("dns asks a real server", () => {
  test.each<[string, CheckMethod, string]>([
    ["for an address", A, `up: ${RESOLVED} after T`],
    [
      "for another address than it gives",
      { ...A, expectAnswers: ["192.0.2.11"] },
      "wrong-answer: expected 192.0.2.11 but got 192.0.2.10 for A of web.test after T",
    ],
    [
      "for an IPv6 address, however it is written",
      { kind: "dns", query: "WEB.test.", record: "AAAA", expectAnswers: ["2001:DB8:0::10"] },
      "up: 2001:DB8:0::10 in 1 record for AAAA of WEB.test. after T",
    ],
    [
      "for its mail server",
      { kind: "dns", query: "web.test", record: "MX", expectAnswers: ["10 mail.web.test"] },
      "up: 10 mail.web.test in 1 record for MX of web.test after T",
    ],
    [
      "for more than UDP carries",
      { kind: "dns", query: "many.test", record: "TXT", expectAnswers: ["7".padEnd(60, "x")] },
      'wrong-answer: the answer for TXT of many.test is too long for UDP; check with transport = "tcp" after T',
    ],
    [
      "for as much over TCP",
      { kind: "dns", query: "many.test", record: "TXT", expectAnswers: ["7".padEnd(60, "x")], transport: "tcp" },
      `up: connected after T; ${"7".padEnd(60, "x")} in ${MANY_TEXTS} records for TXT of many.test`,
    ],
    [
      "for an alias",
      { kind: "dns", query: "alias.test", record: "A" },
      "up: 1 record for A of alias.test, an alias of target.test after T",
    ],
    [
      "for an alias of a name without such a record",
      { kind: "dns", query: "alias.test", record: "AAAA" },
      "wrong-answer: an answer without such a record for AAAA of alias.test, an alias of target.test after T",
    ],
    [
      "for a name that is none of its",
      { ...A, query: "nowhere.example" },
      "wrong-answer: REFUSED for A of nowhere.example after T",
    ],
  ])("%s", async (_what, method, told) => {
    expect(await check(method, onPort(DNSMASQ_PORT))).toBe(told);
  });
});

const ASKS: readonly [string, "dns" | "radius", number, CheckMethod, string, string][] = [
  ["dns", "dns", DNSMASQ_PORT, A, `${RESOLVED} after T`, "no answer in time after T"],
  [
    "radius, Status-Server",
    "radius",
    DIRECTORY.radius,
    { kind: "radius", secretFile },
    "Access-Accept after T",
    "no answer in time (so does a server that knows another secret, or not this client) after T",
  ],
  [
    "radius, a user who may not come in",
    "radius",
    DIRECTORY.radius,
    { kind: "radius", secretFile, userName: "probe" },
    "Access-Reject after T",
    "no answer in time (so does a server that knows another secret, or not this client) after T",
  ],
];

describe("a server that is asked by datagrams goes up, down in each way, and up again", () => {
  test.each(ASKS)("%s", async (_name, key, port, method, good, silence) => {
    const server = servers[key];
    if (server === undefined) throw new Error("the server is not there");
    const stray = method.kind === "dns" ? "answer to the question" : "proper answer";
    const through = async (fault: "silent" | "wrong" | "endless") => {
      using proxy = await faultyDatagramServer(fault);
      return await check(method, onPort(proxy.port), fault === "silent" ? HASTY_MS : HEARING_MS);
    };
    expect(await check(method, onPort(port))).toBe(`up: ${good}`);
    expect(await through("silent")).toBe(`timeout: ${silence}`);
    expect(await through("wrong")).toBe(`wrong-answer: no ${stray} in time, but "SSH-2.0-OpenSSH" after T`);
    expect(await through("endless")).toBe(`wrong-answer: no ${stray} in time, but "all work and no play" after T`);
    await server.freeze();
    expect(await check(method, onPort(port), HASTY_MS)).toBe(`timeout: ${silence}`);
    server.thaw();
    expect(await check(method, onPort(port), PATIENT_MS)).toBe(`up: ${good}`);
    await server.stop();
    const told = "refused: refused by an ICMP message: nobody listens (ECONNREFUSED) after T";
    await eventually("the port is closed", async () => (await check(method, onPort(port), HASTY_MS)) === told);
    expect(await check({ kind: "udp", send: "" }, onPort(port))).toBe(told);
    await server.start();
    expect(await check(method, onPort(port))).toBe(`up: ${good}`);
  });
});

test("radius with another secret gets no answer", async () => {
  const method: CheckMethod = { kind: "radius", secretFile: wrongSecretFile };
  expect(await check(method, onPort(DIRECTORY.radius), HASTY_MS)).toBe(
    "timeout: no answer in time (so does a server that knows another secret, or not this client) after T",
  );
});

describe("ping", () => {
  const PING: CheckMethod = { kind: "ping" };
  const SETTING = "/proc/sys/net/ipv4/icmp_echo_ignore_all";

  test("goes up, down in silence, down without a way, and up again", async () => {
    expect(await check(PING, onPort(0))).toBe("up: an echo after T");
    writeFileSync(SETTING, "1");
    expect(await check(PING, onPort(0), HASTY_MS)).toBe("timeout: no echo in time after T");
    writeFileSync(SETTING, "0");
    expect(await check(PING, { address: address("192.0.2.1"), port: 0 })).toBe(
      "unreachable: no route to it (ENETUNREACH) after T",
    );
    expect(await check(PING, onPort(0))).toBe("up: an echo after T");
  });
});
