import { describe, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { address } from "../../../src/model/address.ts";
import type { CheckMethod, CheckTarget, ProbeOutcome } from "../../../src/model/health-check.ts";
import { runCheck } from "../../../src/probe/run-check.ts";
import { answering, closedPort, targetOn, tcpServer, tlsServer } from "../../support/probed-server.ts";
import { makeCertificate } from "../../support/tls-certificate.ts";

/** Long enough for an answer on loopback on a busy machine. */
const PATIENT_MS = 5_000;
/** For servers that leave a check waiting: the test takes as long. */
const HASTY_MS = 60;

const TCP: CheckMethod = { kind: "tcp" };
const GREETING: CheckMethod = { kind: "send-expect", send: "", expect: "220 " };
const CLASSIC: CheckMethod = { kind: "send-expect", send: "GET / HTTP/1.0\r\n\r\n", expect: "HTTP/1." };
const HTTP = { kind: "http", method: "GET", path: "/", expectStatus: [[200, 299]], verifyCertificate: true } as const;

/** An outcome without what differs from run to run: times, and this server's port. */
function told(outcome: ProbeOutcome): [string, string] {
  const reason = outcome.reason.replaceAll(/\d+(\.\d+)? m?s/g, "T").replaceAll(/127\.0\.0\.1:\d+/g, "HERE");
  return [outcome.result === "success" ? "success" : outcome.failure, reason];
}

async function check(method: CheckMethod, target: CheckTarget, timeoutMs = PATIENT_MS): Promise<[string, string]> {
  return told(await runCheck(method, target, timeoutMs));
}

/** Of a server that leaves the check waiting: in haste, and with patience where a busy machine came too late. */
async function checkWaiting(
  method: CheckMethod,
  target: CheckTarget,
  isInTime: (outcome: readonly [string, string]) => boolean,
): Promise<[string, string]> {
  const first = await check(method, target, HASTY_MS);
  return isInTime(first) ? first : await check(method, target, PATIENT_MS);
}

const isConnected = ([, reason]: readonly [string, string]) => reason.startsWith("connected after T");
const isAnswered = ([result]: readonly [string, string]) => result !== "timeout";

function openSockets(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
    } catch {
      return false;
    }
  }).length;
}

describe("runCheck() of tcp", () => {
  test("is content with the connection", async () => {
    using server = tcpServer();
    expect(await check(TCP, server.target)).toEqual(["success", "connected after T; as wanted"]);
  });

  test("tells a refusal", async () => {
    expect(await check(TCP, targetOn(closedPort()))).toEqual(["refused", "refused (ECONNREFUSED)"]);
  });

  test("does not bother the server's program", async () => {
    const connections: unknown[] = [];
    using server = tcpServer({ connected: (socket) => void connections.push(socket) });
    for (let turn = 0; turn < 3; turn += 1) expect((await check(TCP, server.target))[0]).toBe("success");
    // A connection made after them is told after them.
    expect((await check({ kind: "send-expect", send: "", expect: "" }, server.target))[0]).toBe("success");
    while (connections.length === 0) await new Promise(setImmediate);
    expect(connections.length).toBe(1);
  });

  test("uses the check's own port", async () => {
    using server = tcpServer();
    expect(await check({ kind: "tcp", port: server.target.port }, targetOn(closedPort()))).toEqual([
      "success",
      "connected after T; as wanted",
    ]);
  });

  test("tells what this machine could not even try", async () => {
    // A broadcast address: connect(2) refuses it at once, with EACCES or ENETUNREACH by the routes there are.
    const outcome = await runCheck(TCP, { address: address("255.255.255.255"), port: 80 }, PATIENT_MS);
    expect(outcome.result === "failure" && outcome.failure).toBe("unreachable");
  });

  test("leaves no socket behind, whatever came of it", async () => {
    using server = tcpServer();
    using silent = tcpServer();
    // Those that only connect leave their sockets for the next ones, which then make no further ones.
    await Promise.all(Array.from({ length: 50 }, () => runCheck(TCP, server.target, PATIENT_MS)));
    const before = openSockets();
    const refused = targetOn(closedPort());
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => [
        runCheck(TCP, server.target, PATIENT_MS),
        runCheck(TCP, refused, PATIENT_MS),
        runCheck(GREETING, silent.target, HASTY_MS),
      ]).flat(),
    );
    expect(outcomes.length).toBe(150);
    // The servers here are of this process too: their ends of the connections close a moment later.
    while (server.open() + silent.open() > 0) await new Promise(setImmediate);
    // Fewer are no leak: in a random order, the last connection of another test may have closed meanwhile.
    expect(openSockets()).toBeLessThanOrEqual(before);
  });
});

describe("runCheck() of send-expect", () => {
  test("sends its text and finds the answer", async () => {
    using server = tcpServer({ received: (socket, bytes) => void socket.end(`HTTP/1.1 ${bytes.length}`) });
    expect(await check(CLASSIC, server.target)).toEqual(["success", 'connected after T; got "HTTP/1."']);
  });

  test("finds an answer that comes byte by byte", async () => {
    using server = tcpServer({
      connected: async (socket) => {
        for (const letter of "220 ready") {
          socket.write(letter);
          socket.flush();
          await new Promise(setImmediate);
        }
      },
    });
    expect(await check(GREETING, server.target)).toEqual(["success", 'connected after T; got "220 "']);
  });

  test("tells what it got instead, while the server waits for more", async () => {
    using server = tcpServer({ connected: (socket) => void socket.write("SSH-2.0-OpenSSH_9.2\r\n") });
    expect(await checkWaiting(CLASSIC, server.target, isAnswered)).toEqual([
      "wrong-answer",
      'connected after T; expected "HTTP/1." but got "SSH-2.0-OpenSSH_9.2\\r\\n" in time',
    ]);
  });

  test.each<[string, (socket: { end(): unknown; terminate(): unknown }) => unknown, string, string]>([
    ["says nothing", () => undefined, "timeout", 'connected after T; expected "220 " but got nothing in time'],
    [
      "closes",
      (socket) => socket.end(),
      "closed",
      'connected after T; expected "220 " but got nothing before the server closed',
    ],
    ["resets", (socket) => socket.terminate(), "reset", "connected after T; reset by the server (ECONNRESET)"],
  ])("fails when the server %s", async (_what, connected, failure, reason) => {
    using server = tcpServer({ connected });
    const asked =
      failure === "timeout" ? checkWaiting(GREETING, server.target, isConnected) : check(GREETING, server.target);
    expect(await asked).toEqual([failure, reason]);
  });

  test("gives up on an endless answer, and lets go of the connection", async () => {
    const flood = Buffer.alloc(64 * 1024, "x");
    using server = tcpServer({
      connected: (socket) => void socket.write(flood),
      writable: (socket) => void socket.write(flood),
    });
    expect((await check(GREETING, server.target))[0]).toBe("too-long");
    while (server.open() > 0) await new Promise(setImmediate);
  });

  test("gives up on a server that takes for ever, byte by byte", async () => {
    using server = tcpServer({
      connected(socket) {
        const drip = () => {
          if (socket.write("x") > 0) setImmediate(drip);
        };
        drip();
      },
    });
    expect(["wrong-answer", "too-long"]).toContain((await checkWaiting(GREETING, server.target, isAnswered))[0]);
  });
});

describe("runCheck() of http", () => {
  test.each<[string, Partial<typeof HTTP> & { expectBody?: string }, string, string, string]>([
    ["a status in range", {}, "HTTP/1.1 204 No Content\r\n\r\n", "success", "connected after T; status 204"],
    [
      "a status out of range",
      {},
      "HTTP/1.1 503 Busy\r\n\r\n",
      "wrong-answer",
      'connected after T; expected status 200-299 but got 503 "Busy"',
    ],
    [
      "the text in the body",
      { expectBody: "ready" },
      "HTTP/1.0 200 OK\r\n\r\nI am ready",
      "success",
      'connected after T; status 200 and "ready" in the body',
    ],
    [
      "a body without it",
      { expectBody: "ready" },
      "HTTP/1.0 200 OK\r\n\r\nbusy",
      "wrong-answer",
      'connected after T; status 200, but the body lacks "ready"; it begins "busy"',
    ],
    [
      "a body cut short",
      { expectBody: "ready" },
      "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nI am",
      "closed",
      "connected after T; status 200, but the server closed before the body's end",
    ],
    [
      "another protocol",
      {},
      "220 mail\r\n",
      "wrong-answer",
      'connected after T; the answer is not HTTP (status line: is not one of HTTP/1): "220 mail\\r\\n"',
    ],
    [
      "half a head",
      {},
      "HTTP/1.1 200 OK\r\nServer: x",
      "closed",
      'connected after T; the server closed after "HTTP/1.1 200 OK\\r\\nServer: x"',
    ],
  ])("judges %s", async (_what, changes, answer, result, reason) => {
    using server = answering(answer);
    expect(await check({ ...HTTP, ...changes }, server.target)).toEqual([result, reason]);
  });

  test.each(["", "HTTP/1.1 100 Continue\r\n\r\n"])(
    "knows a refusal by its status, whatever is yet to come (after %p)",
    async (interim) => {
      using server = tcpServer({
        received: (socket) => void socket.write(`${interim}HTTP/1.1 503 Busy\r\nServer: x`),
      });
      expect(await checkWaiting(HTTP, server.target, isAnswered)).toEqual([
        "wrong-answer",
        'connected after T; expected status 200-299 but got 503 "Busy"',
      ]);
    },
  );

  test("asks for the path at the host, and closes", async () => {
    let request = "";
    using server = tcpServer({
      received(socket, bytes) {
        request += Buffer.from(bytes).toString();
        socket.end("HTTP/1.1 200 OK\r\n\r\n");
      },
    });
    await check({ ...HTTP, path: "/healthz", host: "web.test" }, server.target);
    expect(request).toBe(
      "GET /healthz HTTP/1.1\r\nHost: web.test\r\nUser-Agent: tandem\r\nAccept: */*\r\nConnection: close\r\n\r\n",
    );
  });

  test.each<[string, string, string, string]>([
    ["headers without end", "HTTP/1.1 200 OK\r\n", "x: y\r\n".repeat(10_000), "too-long"],
    ["a line of gigabytes", "HTTP/1.1 200 ", "x".repeat(64 * 1024), "too-long"],
    ["a body without end", "HTTP/1.1 200 OK\r\n\r\n", "x".repeat(64 * 1024), "too-long"],
    [
      "chunks without end",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      `ffff\r\n${"x".repeat(0xffff)}\r\n`,
      "too-long",
    ],
    ["interim responses without end", "", "HTTP/1.1 100 Continue\r\n\r\n".repeat(2_000), "too-long"],
  ])("gives up on %s, and lets go of the connection", async (_what, first, rest, failure) => {
    const flood = Buffer.from(rest);
    // What the socket did not take goes on from there when it is writable again.
    let left = flood;
    const pour = (socket: { write(bytes: Uint8Array): number }) => {
      for (;;) {
        const written = socket.write(left);
        if (written < left.length) {
          left = left.subarray(Math.max(0, written));
          return;
        }
        left = flood;
      }
    };
    using server = tcpServer({
      received(socket) {
        socket.write(first);
        pour(socket);
      },
      writable: pour,
    });
    const before = process.memoryUsage().rss;
    expect((await check({ ...HTTP, expectBody: "ready" }, server.target))[0]).toBe(failure);
    // A hostile answer has no end: what is kept of it must have one. The runtime gives memory back when it likes.
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
    while (server.open() > 0) await new Promise(setImmediate);
  });
});

describe("runCheck() of https", () => {
  const certificate = makeCertificate("valid");
  const HTTPS = { ...HTTP, kind: "https", host: "web.test" } as const;
  const OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  const trusting = { authorities: certificate.cert };

  test("accepts a certificate that is signed by a known authority and bears the name", async () => {
    using server = await tlsServer(certificate, OK);
    expect(told(await runCheck(HTTPS, server.target, PATIENT_MS, trusting))).toEqual([
      "success",
      "connected after T; TLS after T; status 200",
    ]);
  });

  test("accepts it for the address where no host is given", async () => {
    using server = await tlsServer(certificate, OK);
    const { host: _host, ...plain } = HTTPS;
    expect(told(await runCheck(plain, server.target, PATIENT_MS, trusting))[0]).toBe("success");
  });

  test.each<[string, Partial<Record<"host", string>>, "valid" | "expired", boolean, RegExp]>([
    ["that nobody known signed", {}, "valid", false, /^connected after T; the certificate is refused: .*self.signed/],
    [
      "for another name",
      { host: "other.test" },
      "valid",
      true,
      /^connected after T; the certificate is refused: .*other\.test/,
    ],
    ["that has expired", {}, "expired", true, /^connected after T; the certificate is refused: .*expired/],
  ])("refuses a certificate %s", async (_what, changes, state, known, reason) => {
    const used = state === "valid" ? certificate : makeCertificate(state);
    using server = await tlsServer(used, OK);
    const surroundings = known ? { authorities: used.cert } : {};
    const [failure, words] = told(await runCheck({ ...HTTPS, ...changes }, server.target, PATIENT_MS, surroundings));
    expect(failure).toBe("tls");
    expect(words).toMatch(reason);
  });

  test("finds an IPv6 address of the Host field, in brackets and with a port, in the certificate", async () => {
    const named = makeCertificate("valid", { altNames: "IP:2001:db8::1" });
    using server = await tlsServer(named, OK);
    const surroundings = { authorities: named.cert };
    const results = ["[2001:db8::1]", "[2001:DB8::1]:8443", "[2001:db8::2]:8443"].map(async (host) => {
      return (await runCheck({ ...HTTPS, host }, server.target, PATIENT_MS, surroundings)).result;
    });
    expect(await Promise.all(results)).toEqual(["success", "success", "failure"]);
  });

  test.each<[string, string, string, string]>([
    [
      "no names but its common name",
      "",
      "web.test",
      "it has no names (subjectAltName), so it is not for web.test; its common name web.test does not count as one",
    ],
    [
      "a mailbox and an address for names",
      "email:a@web.test,IP:127.0.0.1",
      "web.test",
      "its names are email:a@web.test, 127.0.0.1, and web.test is none of them",
    ],
    ["another name", "DNS:other.test", "web.test", "its names are other.test, and web.test is none of them"],
    ["a name and no address", "DNS:web.test", "127.0.0.1", "its names are web.test, and 127.0.0.1 is none of them"],
  ])("refuses a certificate that has %s, whatever its common name", async (_what, altNames, host, problem) => {
    const named = makeCertificate("valid", { altNames });
    using server = await tlsServer(named, OK);
    const outcome = await runCheck({ ...HTTPS, host }, server.target, PATIENT_MS, { authorities: named.cert });
    const reason = outcome.reason.replace(/after [\d.]+ ms/, "after T");
    expect([outcome.result, reason]).toEqual(["failure", `connected after T; the certificate is refused: ${problem}`]);
  });

  test("accepts any certificate when told not to verify", async () => {
    using server = await tlsServer(certificate, OK);
    expect((await check({ ...HTTPS, verifyCertificate: false }, server.target))[0]).toBe("success");
  });

  test.each([true, false])("fails on what is no TLS, verifying or not (%p)", async (verifyCertificate) => {
    using server = answering(OK);
    const [failure, words] = await check({ ...HTTPS, verifyCertificate }, server.target);
    expect([failure, words]).toEqual(["tls", "connected after T; the TLS handshake failed: WRONG_VERSION_NUMBER"]);
  });

  test("fails when the handshake never ends, and when the server ends it", async () => {
    using silent = tcpServer();
    using closing = tcpServer({ received: (socket) => void socket.end() });
    expect([await checkWaiting(HTTPS, silent.target, isConnected), await check(HTTPS, closing.target)]).toEqual([
      ["timeout", "connected after T; no TLS handshake within T"],
      ["tls", "connected after T; the server ended the TLS handshake"],
    ]);
  });
});
