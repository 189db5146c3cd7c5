import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type TLSSocket } from "node:tls";
import { address } from "../../../src/model/address.ts";
import type { CheckMethod, CheckTarget, ProbeOutcome, ScriptStep } from "../../../src/model/health-check.ts";
import { runCheck } from "../../../src/probe/run-check.ts";
import {
  answering,
  closedPort,
  type ProbedServer,
  targetOn,
  tcpServer,
  tlsServer,
} from "../../support/probed-server.ts";
import { makeCertificate } from "../../support/tls-certificate.ts";

/** Long enough for an answer on loopback on a busy machine. */
const PATIENT_MS = 5_000;
/** For servers whose answer leaves the check waiting: the test takes as long, and a busy machine must answer within it. */
const HASTY_MS = 1_000;

function told(outcome: ProbeOutcome): [string, string] {
  const reason = outcome.reason.replaceAll(/\d+(\.\d+)? m?s\b/g, "T");
  return [outcome.result === "success" ? "success" : outcome.failure, reason];
}

async function check(method: CheckMethod, target: CheckTarget, timeoutMs = PATIENT_MS): Promise<[string, string]> {
  return told(await runCheck(method, target, timeoutMs));
}

/** A server that says `greeting`, and then one answer after the other to whatever it is sent. */
function scripted(greeting: string | undefined, answers: readonly (string | Uint8Array)[]): ProbedServer {
  let index = 0;
  return tcpServer({
    connected: (socket) => {
      if (greeting !== undefined) socket.write(greeting);
    },
    received: (socket) => {
      const answer = answers[index];
      index += 1;
      if (answer === undefined) socket.end();
      else socket.write(answer);
    },
  });
}

const script = (...steps: readonly ScriptStep[]): CheckMethod => ({
  kind: "send-expect",
  send: "",
  expect: "",
  script: steps,
});

describe("runCheck() of a script", () => {
  const CONVERSATION = script(
    { kind: "expect", value: "220 " },
    { kind: "send", value: "EHLO x\r\n" },
    { kind: "expect-regex", value: "^250 .*$" },
    { kind: "send-bytes", value: "51 55 49 54 0d 0a" },
    { kind: "expect-bytes", value: "32 32 31" },
    { kind: "close", value: "" },
  );

  test("goes through all its steps to the server's close", async () => {
    using server = tcpServer({
      connected: (socket) => void socket.write("220 mail\r\n"),
      received(socket, bytes) {
        const said = Buffer.from(bytes).toString();
        if (said.startsWith("EHLO")) socket.write("250-one\r\n250 two\r\n");
        else socket.end("221 bye\r\n");
      },
    });
    expect(await check(CONVERSATION, server.target)).toEqual([
      "success",
      "connected after T; got the bytes 32 32 31, and the server closed",
    ]);
  });

  test("tells which answer was wrong", async () => {
    using server = scripted("220 mail\r\n", ["500 what\r\n"]);
    expect(await check(CONVERSATION, server.target, HASTY_MS)).toEqual([
      "wrong-answer",
      'connected after T; answer 2 of 4: expected /^250 .*$/ but got "mail\\r\\n500 what\\r\\n" in time',
    ]);
  });

  test("reads no more than the limit of the step", async () => {
    using server = tcpServer({ connected: (socket) => void socket.write("x".repeat(500)) });
    expect(await check(script({ kind: "expect", value: "ready", limitBytes: 100 }), server.target)).toEqual([
      "too-long",
      `connected after T; expected "ready" within 100 bytes but got "${"x".repeat(60)}…" and more`,
    ]);
  });

  test("fails when a server that should close does not", async () => {
    using server = tcpServer();
    expect(await check(script({ kind: "close", value: "" }), server.target, HASTY_MS)).toEqual([
      "timeout",
      "connected after T; the server did not close in time",
    ]);
  });

  test("is held within TLS", async () => {
    const certificate = makeCertificate("valid");
    using server = await tlsServer(certificate, "HTTP/1.1 200 OK\r\n");
    const secure: CheckMethod = { kind: "send-expect", send: "x", expect: "HTTP/1.", transport: "tls" };
    const outcome = await runCheck(secure, server.target, PATIENT_MS, { authorities: certificate.cert });
    expect(told(outcome)).toEqual(["success", 'connected after T; TLS after T; got "HTTP/1."']);
    expect((await check(secure, server.target))[0]).toBe("tls");
  });

  test("is held over UDP, each datagram a piece", async () => {
    const server = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: { data: (socket, _bytes, port, from) => void socket.send("pong", port, from) },
    });
    const asks: CheckMethod = { kind: "send-expect", send: "ping", expect: "pong", transport: "udp" };
    expect(await check(asks, targetOn(server.port))).toEqual(["success", 'got "pong" after T']);
    server.close();
    expect((await check(asks, targetOn(server.port)))[0]).toBe("refused");
  });

  test("shows what went over the wire", async () => {
    using server = tcpServer({ connected: (socket) => void socket.write("220 mail\r\n") });
    const seen: string[] = [];
    await runCheck(script({ kind: "send", value: "hi" }, { kind: "expect", value: "220" }), server.target, PATIENT_MS, {
      trace: (event, content) => seen.push(`${event} ${typeof content === "string" ? "-" : Buffer.from(content)}`),
    });
    expect(seen).toEqual(["note -", "sent hi", "received 220 mail\r\n"]);
  });
});

describe("runCheck() of protocols that it knows", () => {
  const mysqlGreeting = Buffer.concat([Buffer.of(15, 0, 0, 0, 10), Buffer.from("8.0.36\0"), Buffer.alloc(7)]);
  const mysqlError = (code: number, text: string, sequence: number): Uint8Array => {
    const payload = Buffer.concat([Buffer.of(0xff, code & 0xff, code >> 8), Buffer.from(text)]);
    return Buffer.concat([Buffer.of(payload.length, 0, 0, sequence), payload]);
  };
  const postgresqlError = (code: string): Uint8Array => {
    const fields = Buffer.from(`SFATAL\0C${code}\0Mno\0\0`);
    const head = Buffer.alloc(5, "E");
    head.writeUInt32BE(fields.length + 4, 1);
    return Buffer.concat([head, fields]);
  };
  const ldapBind = (result: number) => Buffer.of(0x30, 0x0c, 2, 1, 1, 0x61, 7, 0x0a, 1, result, 4, 0, 4, 0);

  test.each<[string, Extract<CheckMethod, { tls?: unknown }>["kind"], string, (string | Uint8Array)[], string, string]>(
    [
      [
        "that greets",
        "smtp",
        "220 mail ESMTP\r\n",
        ["250-mail\r\n250 HELP\r\n"],
        "success",
        "got an answer to EHLO with 250 (2 answers as expected)",
      ],
      [
        "that takes no mail",
        "smtp",
        "554 no\r\n",
        [],
        "wrong-answer",
        'answer 1 of 2: expected a greeting with 220 but got "554 no\\r\\n"',
      ],
      [
        "that greets",
        "imap",
        "* OK ready\r\n",
        ["* BYE\r\na OK\r\n"],
        "success",
        "got a farewell with * BYE (2 answers as expected)",
      ],
      [
        "that greets",
        "pop3",
        "+OK ready\r\n",
        ["+OK bye\r\n"],
        "success",
        "got a farewell with +OK (2 answers as expected)",
      ],
      [
        "that wants a password",
        "redis",
        "",
        ["-NOAUTH Authentication required.\r\n"],
        "success",
        "got an answer to PING",
      ],
      [
        "that loads its data",
        "redis",
        "",
        ["-LOADING Redis is loading\r\n"],
        "wrong-answer",
        'expected an answer to PING but got "-LOADING Redis is loading\\r\\n"',
      ],
    ],
  )("judges a server %s: %s", async (_what, kind, greeting, answers, result, reason) => {
    using server = scripted(greeting === "" ? undefined : greeting, answers);
    expect(await check({ kind } as CheckMethod, server.target)).toEqual([result, `connected after T; ${reason}`]);
  });

  test.each<[string, number, string]>([
    ["refuses the bind", 48, "success"],
    ["takes it", 0, "success"],
    ["is busy", 51, "wrong-answer"],
  ])("judges an LDAP server that %s", async (_what, result, expected) => {
    using server = scripted(undefined, [ldapBind(result)]);
    expect((await check({ kind: "ldap" }, server.target))[0]).toBe(expected);
  });

  test.each<[string, Uint8Array[], string, string]>([
    [
      "refuses the login",
      [mysqlError(1045, "#28000no", 2)],
      "success",
      "MySQL 8.0.36 refuses a login without a password, as it should",
    ],
    [
      "wants another way first",
      [Buffer.of(2, 0, 0, 2, 0xfe, 0), mysqlError(1045, "#28000no", 4)],
      "success",
      "MySQL 8.0.36 refuses a login without a password, as it should",
    ],
    ["takes it", [Buffer.of(1, 0, 0, 2, 0)], "success", "MySQL 8.0.36"],
    ["wants a password", [Buffer.of(2, 0, 0, 2, 1, 4)], "success", "MySQL 8.0.36 wants a login"],
    [
      "answers something else",
      [Buffer.of(2, 0, 0, 2, 0x41, 0x42)],
      "wrong-answer",
      'MySQL 8.0.36, but its answer to the login is none: "AB"',
    ],
    [
      "has too many connections",
      [mysqlError(1040, "#08004no", 2)],
      "wrong-answer",
      'the server says error 1040: "#08004no"',
    ],
  ])("judges a MySQL server that %s", async (_what, answers, result, reason) => {
    let index = 0;
    using server = tcpServer({
      connected: (socket) => void socket.write(mysqlGreeting),
      received: (socket) => {
        const answer = answers[index];
        index += 1;
        if (answer !== undefined) socket.write(answer);
      },
    });
    expect(await check({ kind: "mysql" }, server.target)).toEqual([result, `connected after T; ${reason}`]);
  });

  test.each<[string, Uint8Array, string, string]>([
    ["asks for a login", Buffer.of(0x52, 0, 0, 0, 8, 0, 0, 0, 5), "success", "the server asks for a login"],
    [
      "takes any login, and then has too many connections",
      Buffer.concat([Buffer.of(0x52, 0, 0, 0, 8, 0, 0, 0, 0), postgresqlError("53300")]),
      "wrong-answer",
      'the server says 53300: "no"',
    ],
    [
      "takes any login",
      Buffer.of(0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49),
      "success",
      "the server takes a login",
    ],
    ["refuses this one", postgresqlError("28000"), "success", "the server answers, refusing this login (28000)"],
    [
      "takes any login, and then says something else",
      Buffer.concat([Buffer.of(0x52, 0, 0, 0, 8, 0, 0, 0, 0), Buffer.from("220 mail\r\n")]),
      "wrong-answer",
      'the answer is not PostgreSQL\'s: "220 mail\\r\\n"',
    ],
    [
      "gives notice first",
      Buffer.concat([Buffer.of(0x4e, 0, 0, 0, 5, 0), Buffer.of(0x52, 0, 0, 0, 8, 0, 0, 0, 5)]),
      "success",
      "the server asks for a login",
    ],
    [
      "asks for nothing",
      Buffer.of(0x52, 0, 0, 0, 4),
      "wrong-answer",
      'the answer is not PostgreSQL\'s: "R\\x00\\x00\\x00\\x04"',
    ],
    ["has no room on its disk", postgresqlError("53100"), "wrong-answer", 'the server says 53100: "no"'],
    ["is starting", postgresqlError("57P03"), "wrong-answer", 'the server says 57P03: "no"'],
    [
      "is another protocol",
      Buffer.from("220 mail\r\n"),
      "wrong-answer",
      'the answer is not PostgreSQL\'s: "220 mail\\r\\n"',
    ],
  ])("judges a PostgreSQL server that %s", async (_what, answer, result, reason) => {
    using server = scripted(undefined, [answer]);
    expect(await check({ kind: "postgresql" }, server.target)).toEqual([result, `connected after T; ${reason}`]);
  });

  test.each([
    [1, "success", "connected after T; SERVING"],
    [2, "wrong-answer", "connected after T; the server is NOT_SERVING"],
  ] as const)("judges a gRPC server with the health status %d", async (status, result, reason) => {
    const server = createHttp2Server();
    server.on("stream", (stream: ServerHttp2Stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.end(Buffer.of(0, 0, 0, 0, 2, 8, status));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    const bound = server.address();
    const port = bound === null || typeof bound === "string" ? 0 : bound.port;
    expect(await check({ kind: "grpc", service: "shop.Cart" }, targetOn(port))).toEqual([result, reason]);
    server.close();
  });

  test("tells a server that does not speak HTTP/2", async () => {
    using server = answering("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect(await check({ kind: "grpc", service: "" }, server.target)).toEqual([
      "wrong-answer",
      'connected after T; the answer is not HTTP/2: "HTTP/1.1 400 Bad Request\\r\\n\\r\\n"',
    ]);
  });
});

describe("runCheck() of datagrams", () => {
  /** Answers a question for a text with this response code and so many texts. */
  async function nameServer(code: number, records: number) {
    const record = Buffer.from("\xc0\x0c\0\x10\0\x01\0\0\0\x3c\0\x03\x02hi", "latin1");
    return await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data(socket, bytes, port, from) {
          const answer = Buffer.concat([bytes, ...Array.from({ length: records }, () => record)]);
          answer.writeUInt16BE(0x8180 | code, 2);
          answer.writeUInt16BE(records, 6);
          socket.send(answer, port, from);
        },
      },
    });
  }

  test.each([
    [0, 2, "success", "2 records for TXT of web.test after T"],
    [0, 0, "wrong-answer", "an answer without records for TXT of web.test after T"],
    [3, 0, "wrong-answer", "NXDOMAIN for TXT of web.test after T"],
  ] as const)("judges a DNS answer with the code %d and %d records", async (code, records, result, reason) => {
    const server = await nameServer(code, records);
    const method: CheckMethod = { kind: "dns", query: "web.test", record: "TXT" };
    expect(await check(method, targetOn(server.port))).toEqual([result, reason]);
    server.close();
  });

  test("takes the silence of a UDP server for an answer, and the word that nobody is there for another", async () => {
    const server = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {} } });
    expect(await check({ kind: "udp", send: "x" }, targetOn(server.port), HASTY_MS)).toEqual([
      "success",
      "nobody said that there is nobody after T",
    ]);
    server.close();
    expect(await check({ kind: "udp", send: "x" }, targetOn(server.port))).toEqual([
      "refused",
      "refused by an ICMP message: nobody listens (ECONNREFUSED) after T",
    ]);
  });

  test("pings, or tells what it would need", async () => {
    const [result, reason] = await check({ kind: "ping" }, targetOn(0));
    expect(result === "local" ? reason : [result, reason]).toEqual(
      result === "local" ? expect.stringContaining("ping_group_range") : ["success", "an echo after T"],
    );
  });
});

describe("runCheck() from somewhere to somewhere else", () => {
  test("connects to the check's own address, from the address given", async () => {
    const seen: (string | undefined)[] = [];
    using server = tcpServer({ connected: (socket) => void seen.push(socket.remoteAddress) });
    // Not "tcp": of that kind of check a server's program never hears.
    const from = { address: address("127.0.0.1"), source: address("127.0.0.9") };
    const method: CheckMethod = { kind: "send-expect", send: "", expect: "", ...from };
    const elsewhere = { address: address("192.0.2.1"), port: server.target.port };
    expect((await check(method, elsewhere))[0]).toBe("success");
    while (seen.length === 0) await new Promise(setImmediate);
    expect(seen).toEqual(["127.0.0.9"]);
  });

  test("leaves by the interface given, and tells when there is none of that name", async () => {
    using server = tcpServer();
    expect((await check({ kind: "tcp", interface: "lo" }, server.target))[0]).toBe("success");
    const [failure, reason] = await check({ kind: "tcp", interface: "absent0" }, server.target);
    expect([failure, reason]).toEqual(["local", expect.stringContaining("on absent0")]);
  });

  test("tells a source address that this machine has not", async () => {
    const method: CheckMethod = { kind: "tcp", source: address("192.0.2.77") };
    const [failure, reason] = await check(method, targetOn(closedPort()));
    expect([failure, reason]).toEqual(["local", expect.stringContaining("EADDRNOTAVAIL")]);
  });
});

describe("runCheck() of https with files", () => {
  const certificate = makeCertificate("valid");
  const folder = mkdtempSync(join(tmpdir(), "tandem-probe-"));
  const file = (name: string) => join(folder, name);
  const HTTPS = {
    kind: "https",
    method: "GET",
    path: "/",
    host: "web.test",
    expectStatus: [[200, 299]],
    verifyCertificate: true,
  } as const;
  let server: ReturnType<typeof createServer>;
  let target: CheckTarget;

  beforeAll(async () => {
    writeFileSync(file("cert.pem"), certificate.cert);
    writeFileSync(file("key.pem"), certificate.key);
    const settings = { ...certificate, requestCert: true, rejectUnauthorized: false };
    server = createServer(settings, (socket: TLSSocket) => {
      const name = socket.getPeerCertificate().subject?.CN ?? "nobody";
      socket.on("data", () => socket.end(`HTTP/1.0 200 OK\r\n\r\nhello ${name}`));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    const bound = server.address();
    target = targetOn(bound === null || typeof bound === "string" ? 0 : bound.port);
  });

  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  test("trusts the authorities of the file, and shows its own certificate", async () => {
    const tls = { authoritiesFile: file("cert.pem"), certificateFile: file("cert.pem"), keyFile: file("key.pem") };
    expect(await check({ ...HTTPS, expectBody: "hello web.test", tls }, target)).toEqual([
      "success",
      'connected after T; TLS after T; status 200 and "hello web.test" in the body',
    ]);
  });

  test("warns of a certificate that ends soon, and is content with it", async () => {
    const tls = { authoritiesFile: file("cert.pem"), warnDays: 30 };
    const outcome = await runCheck({ ...HTTPS, tls }, target, PATIENT_MS);
    expect(outcome).toMatchObject({
      result: "success",
      warning: expect.stringMatching(/^the certificate ends on \d{4}-\d\d-\d\d, in one day$/),
    });
    const later = await runCheck({ ...HTTPS, tls: { ...tls, warnDays: 1 } }, target, PATIENT_MS);
    expect(later).not.toHaveProperty("warning");
  });

  test("a server that wants a certificate of ours is told from one that cannot be reached", async () => {
    const settings = { ...certificate, ca: certificate.cert, requestCert: true, rejectUnauthorized: true };
    using strict = Bun.serve({ port: 0, hostname: "127.0.0.1", tls: settings, fetch: () => new Response("hello") });
    const tls = { authoritiesFile: file("cert.pem") };
    expect(await check({ ...HTTPS, tls }, targetOn(strict.port ?? 0))).toEqual([
      "tls",
      "connected after T; TLS after T; the server broke TLS off with an alert (does it want a client certificate?)",
    ]);
  });

  test("tells which file it can't read", async () => {
    const [failure, reason] = await check({ ...HTTPS, tls: { authoritiesFile: "/absent/ca.pem" } }, target);
    expect([failure, reason]).toEqual(["local", expect.stringContaining("/absent/ca.pem")]);
  });

  test("judges by the name that it is told", async () => {
    const tls = { authoritiesFile: file("cert.pem"), serverName: "other.test" };
    expect((await check({ ...HTTPS, tls }, target))[0]).toBe("tls");
  });
});

describe("runCheck() of http with more wishes", () => {
  const HTTP = {
    kind: "http",
    method: "GET",
    path: "/",
    expectStatus: [[200, 399]],
    verifyCertificate: true,
  } as const;
  const PAGE = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nready: 42";
  const MOVED = "HTTP/1.1 301 Moved\r\nLocation: https://web.test/x\r\nContent-Length: 0\r\n\r\n";
  const DIGEST = new Bun.CryptoHasher("sha256").update("ready: 42").digest("hex");

  test.each<[string, Partial<Extract<CheckMethod, { kind: "http" | "https" }>>, string, string, string]>([
    [
      "an expression in the body",
      { expectBodyRegex: "^ready: [0-9]+$" },
      PAGE,
      "success",
      "status 200 and /^ready: [0-9]+$/ in the body",
    ],
    [
      "a body without it",
      { expectBodyRegex: "^busy" },
      PAGE,
      "wrong-answer",
      'status 200, but the body lacks /^busy/; it begins "ready: 42"',
    ],
    ["a digest", { expectDigest: DIGEST }, PAGE, "success", "status 200, the body has the digest"],
    [
      "another digest",
      { expectDigest: "0".repeat(64) },
      PAGE,
      "wrong-answer",
      `status 200, but the body has the SHA-256 ${DIGEST}; it begins "ready: 42"`,
    ],
    ["a redirect, which is not followed", {}, MOVED, "success", 'status 301 to "https://web.test/x"'],
    ["where it leads", { expectLocation: "https://web.test/" }, MOVED, "success", 'status 301 to "https://web.test/x"'],
    [
      "where it should not lead",
      { expectLocation: "https://other/" },
      MOVED,
      "wrong-answer",
      'status 301; expected a Location that begins "https://other/" but got "https://web.test/x"',
    ],
  ])("judges %s", async (_what, wishes, answer, result, reason) => {
    using server = answering(answer);
    expect(await check({ ...HTTP, ...wishes }, server.target)).toEqual([result, `connected after T; ${reason}`]);
  });

  test("sends its own headers, in place of ours of the same name", async () => {
    let request = "";
    using server = tcpServer({
      received(socket, bytes) {
        request += Buffer.from(bytes).toString();
        socket.end("HTTP/1.1 200 OK\r\n\r\n");
      },
    });
    await check(
      { ...HTTP, method: "OPTIONS", version: "1.0", headers: ["Host: web.test", "user-agent: me", "X-A: b"] },
      server.target,
    );
    expect(request).toBe(
      "OPTIONS / HTTP/1.0\r\nAccept: */*\r\nConnection: close\r\nHost: web.test\r\nuser-agent: me\r\nX-A: b\r\n\r\n",
    );
  });
});
