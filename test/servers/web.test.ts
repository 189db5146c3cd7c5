import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { address } from "../../src/model/address.ts";
import type { CheckMethod, TlsMethod } from "../../src/model/health-check.ts";
import { run } from "../support/lab.ts";
import { certificateFiles } from "./support/certificates.ts";
import { certificates, connected, scripted, secured } from "./support/expected.ts";
import { GUEST, NGINX, nginx, SSH_PORT, sshd } from "./support/plans.ts";
import { onPort, RealServer } from "./support/server-process.ts";
import { check } from "./support/story.ts";
import { type Found, liveThrough, type ServerSubjects } from "./support/subjects.ts";

/** nginx and OpenSSH, through every way of failing. */

const valid = certificateFiles("valid");
const expired = certificateFiles("expired");
const other = certificateFiles("valid", { name: "other.test" });

/** For packets that nobody answers. */
const HASTY_MS = 900;

type HttpMethod = Extract<CheckMethod, { kind: "http" | "https" }>;

const HTTP: HttpMethod = {
  kind: "http",
  method: "GET",
  path: "/",
  expectStatus: [[200, 299]],
  expectBody: "ready",
  verifyCertificate: true,
};

function https(tls: TlsMethod): HttpMethod {
  return { ...HTTP, kind: "https", tls: { serverName: "web.test", ...tls } };
}

const READY = 'status 200 and "ready" in the body';
const IN_TLS = `up: connected after T; TLS after T; ${READY}`;

/** HTTP says more than others of what came instead. */
const HTTP_STORY = {
  ...scripted(`up: connected after T; ${READY}`, { wanted: "", firstByte: "" }),
  silent: "timeout: connected after T; no answer in time",
  "a byte a second": "timeout: connected after T; the head of the answer did not end in time",
  endless:
    "wrong-answer: connected after T; the answer is not HTTP (status line: is not one of HTTP/1): " +
    '"all work and no play makes a dull server\\nall work and no pla…"',
  "half-closed": "closed: connected after T; the server closed without an answer",
  "another protocol":
    "wrong-answer: connected after T; the answer is not HTTP (status line: is not one of HTTP/1): " +
    '"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\\r\\n"',
  "half-open": "timeout: connected after T; no answer in time",
};

const SERVERS: readonly ServerSubjects[] = [
  {
    plan: nginx(valid, expired, other),
    subjects: [
      { name: "tcp", port: NGINX.plain, method: { kind: "tcp" }, expected: connected() },
      { name: "http", port: NGINX.plain, method: HTTP, expected: HTTP_STORY },
      {
        name: "https",
        port: NGINX.secure,
        method: https({ authoritiesFile: valid.certificate }),
        expected: secured(IN_TLS),
        certificates: certificates(IN_TLS),
      },
    ],
  },
  {
    plan: sshd(),
    subjects: [
      {
        name: "send-expect",
        port: SSH_PORT,
        method: { kind: "send-expect", send: "", expect: "SSH-2.0-OpenSSH_" },
        expected: {
          ...scripted('up: connected after T; got "SSH-2.0-OpenSSH_"', {
            wanted: '"SSH-2.0-OpenSSH_"',
            firstByte: "S",
          }),
          // What the proxy says is what this check wants.
          "another protocol": 'up: connected after T; got "SSH-2.0-OpenSSH_"',
        },
      },
    ],
  },
];

let found: ReadonlyMap<string, Found>;
let server: RealServer;
beforeAll(async () => {
  found = await liveThrough(SERVERS, valid, other);
  server = await RealServer.start(nginx(valid, expired, other));
});
afterAll(() => server[Symbol.asyncDispose]());

describe("a web server and an SSH server go up, down in each way, and up again", () => {
  const subjects = SERVERS.flatMap((each) => each.subjects);
  test.each(subjects.map((subject) => [subject.name, subject] as const))("%s", (name, subject) => {
    expect(found.get(name)).toEqual({ story: subject.expected, certificates: subject.certificates });
  });
});

const TLS_ENDED = "tls: connected after T; the certificate is refused: ";
const NOT_FOR = (name: string, known: string) =>
  `${TLS_ENDED}its names are ${known}, 127.0.0.1, and ${name} is none of them`;

test.each<[string, number, CheckMethod, string]>([
  [
    "an expired certificate",
    NGINX.expired,
    https({ authoritiesFile: expired.certificate }),
    `${TLS_ENDED}certificate has expired`,
  ],
  [
    "a certificate for another name",
    NGINX.otherName,
    https({ authoritiesFile: other.certificate }),
    NOT_FOR("web.test", "other.test"),
  ],
  ["an expired certificate that need not be valid", NGINX.expired, { ...https({}), verifyCertificate: false }, IN_TLS],
  [
    "a certificate that is wanted and not shown",
    NGINX.wantsCertificate,
    https({ authoritiesFile: valid.certificate }),
    'wrong-answer: connected after T; TLS after T; expected status 200-299 but got 400 "Bad Request"',
  ],
  [
    "a certificate that is wanted and shown",
    NGINX.wantsCertificate,
    https({ authoritiesFile: valid.certificate, certificateFile: valid.certificate, keyFile: valid.key }),
    IN_TLS,
  ],
  [
    "a certificate that ends soon",
    NGINX.secure,
    https({ authoritiesFile: valid.certificate, warnDays: 3 }),
    `${IN_TLS}; warning: the certificate ends on DAY, in one day`,
  ],
  [
    "a page that is missing",
    NGINX.plain,
    { ...HTTP, path: "/missing" },
    'wrong-answer: connected after T; expected status 200-299 but got 404 "Not Found"',
  ],
  [
    "a page that has moved",
    NGINX.plain,
    {
      kind: "http",
      method: "HEAD",
      path: "/moved",
      expectStatus: [[301, 301]],
      expectLocation: "https://web.test/",
      verifyCertificate: true,
    },
    'up: connected after T; status 301 to "https://web.test/"',
  ],
  [
    "a page with another text",
    NGINX.plain,
    { ...HTTP, expectBody: "steady" },
    'wrong-answer: connected after T; status 200, but the body lacks "steady"; it begins "ready\\n"',
  ],
  [
    "a page by its pattern and its digest",
    NGINX.plain,
    {
      ...HTTP,
      expectBodyRegex: "^(r|re)*ady$",
      expectDigest: createHash("sha256").update("ready\n").digest("hex"),
    },
    'up: connected after T; status 200 and "ready" and /^(r|re)*ady$/ in the body, the body has the digest',
  ],
])("%s", async (_what, port, method, told) => {
  expect(await check(method, onPort(port))).toBe(told);
});

describe("a check goes its own way", () => {
  beforeAll(() => {
    run("ip", "link", "add", "tandem0", "type", "veth", "peer", "name", "tandem1");
    for (const name of ["tandem0", "tandem1"]) run("ip", "link", "set", name, "up");
    run("ip", "address", "add", "198.51.100.1/24", "dev", "tandem0");
  });
  const guest: CheckMethod = { ...HTTP, path: "/guest" };

  test.each<[string, CheckMethod, string]>([
    ["from an address", { ...guest, source: address(GUEST) }, `up: connected after T; ${READY}`],
    ["from any address", guest, 'wrong-answer: connected after T; expected status 200-299 but got 403 "Forbidden"'],
    ["by an interface", { ...HTTP, interface: "lo" }, `up: connected after T; ${READY}`],
    ["by another interface", { ...HTTP, interface: "tandem0" }, "timeout: no answer within T"],
    ["to another port", { ...HTTP, port: SSH_PORT }, "refused: refused (ECONNREFUSED)"],
    ["to another address", { ...HTTP, address: address("198.51.100.1") }, "refused: refused (ECONNREFUSED)"],
    [
      "from an address that is not here",
      { ...HTTP, source: address("192.0.2.7") },
      "local: cannot open a TCP socket from its source address: this machine does not have that address (EADDRNOTAVAIL)",
    ],
  ])("%s", async (_what, method, told) => {
    const timeoutMs = told.startsWith("timeout: ") ? HASTY_MS : undefined;
    expect(await check(method, onPort(NGINX.plain), timeoutMs)).toBe(told);
  });
});

test("a program of the check's asks the real server", async () => {
  const script = 'printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; grep -q ready <&3 && echo "$1:$2 is ready"';
  const command = ["/bin/bash", "-c", `exec 3<>/dev/tcp/$1/$2 || exit 1; ${script}`, "check", "{address}", "{port}"];
  const method: CheckMethod = { kind: "external", command, user: "nobody" };
  const up = `up: the program exited with 0: "127.0.0.1:${NGINX.plain} is ready"`;
  expect(await check(method, onPort(NGINX.plain))).toBe(up);
  await server.stop();
  expect(await check(method, onPort(NGINX.plain))).toStartWith("program: the program exited with 1: ");
  await server.start();
  expect(await check(method, onPort(NGINX.plain))).toBe(up);
});
