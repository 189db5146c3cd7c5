import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { askDaemon, daemonAnswers } from "../../../../src/daemon/control/control-client.ts";
import type { ControlClient } from "../../../../src/daemon/control/control-peer.ts";
import {
  CONTROL_SOCKET_NAME,
  type ControlLine,
  type ControlRequest,
  decodeControlLine,
  decodeControlRequest,
  encodeControlRequest,
} from "../../../../src/daemon/control/control-protocol.ts";
import {
  CONTROL_CLIENTS_MAX,
  type ControlHandler,
  ControlServer,
} from "../../../../src/daemon/control/control-server.ts";
import { address } from "../../../../src/model/address.ts";
import { monotonicMs } from "../../../../src/sys/libc/clock.ts";

async function withServer(handler: ControlHandler, body: (runtimeDir: string, path: string) => Promise<void>) {
  const directory = mkdtempSync(join(tmpdir(), "tandem-control-"));
  const server = await ControlServer.open(directory, handler);
  try {
    await body(directory, server.path);
  } finally {
    server.close();
    rmSync(directory, { recursive: true });
  }
}

/** Clients that ask and read nothing; they do not notice either when they are cut off. */
async function askNeverReading(path: string, count: number): Promise<void> {
  for (let client = 0; client < count; client += 1) {
    const socket = await Bun.connect({ unix: path, socket: { data() {} } });
    socket.pause();
    socket.write(encodeControlRequest({ command: "status" }));
  }
}

/** Until no client too many is there. */
async function askUntilAnswered(directory: string): Promise<unknown> {
  for (;;) {
    const answer = await askDaemon(directory, { command: "status" }).catch((error: unknown) => error);
    if (!(answer instanceof Error)) return answer;
    expect(answer).toMatchObject({ reason: "too many clients on the control socket" });
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const REQUESTS: readonly ControlRequest[] = [
  { command: "status" },
  { command: "switch" },
  { command: "take", force: true },
  { command: "hold", on: false },
  { command: "drain", endpoint: { address: address("10.0.0.11"), port: 80 } },
  {
    command: "undrain",
    endpoint: { address: address("2001:db8::11"), port: 80 },
    service: { kind: "fwmark", mark: 7, family: "inet6" },
  },
  { command: "weight", endpoint: { address: address("10.0.0.11"), port: 80 }, weight: 3 },
  { command: "drain", service: { kind: "fwmark", mark: 7, family: "inet" } },
  {
    command: "keep",
    service: { kind: "fwmark", mark: 7, family: "inet" },
    endpoint: { address: address("10.0.0.13"), port: 80 },
    order: { kind: "del", ifExists: true },
  },
];

test.each([
  ["nothing", {}, "keep needs a service and a real server"],
  ["no order", { service: "fwmark:7", endpoint: "10.0.0.13:80" }, "the order of keep: needs an object"],
  [
    "an order of no kind",
    { service: "fwmark:7", endpoint: "10.0.0.13:80", order: { kind: "move" } },
    "the order of keep: kind: needs one of add, edit, del, reset",
  ],
])("decodeControlRequest() refuses to keep %s", (_what, rest, problem) => {
  expect(decodeControlRequest(JSON.stringify({ command: "keep", ...rest }))).toEqual({ ok: false, problem });
});

test("decodeControlRequest() refuses an order for nothing", () => {
  const problem = "drain needs a service or a real server";
  expect(decodeControlRequest('{"command":"drain"}')).toEqual({ ok: false, problem });
});

test.each(REQUESTS.map((request) => [request] as const))("decodeControlRequest() reads back %o", (request) => {
  expect(decodeControlRequest(encodeControlRequest(request).trimEnd())).toEqual({ ok: true, value: request });
});

test.each([-1, 1.5, 2 ** 31, "3", undefined])("decodeControlRequest() refuses the weight %p", (weight) => {
  const line = JSON.stringify({ command: "weight", endpoint: "10.0.0.11:80", weight });
  expect(decodeControlRequest(line)).toEqual({ ok: false, problem: "a weight is a whole number from 0 to 2147483647" });
});

test("decodeControlRequest() and decodeControlLine() answer any text with a value or a problem", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(typeof decodeControlRequest(text).ok).toBe("boolean");
      expect(typeof decodeControlLine(text).ok).toBe("boolean");
    }),
    { numRuns: 20_000 },
  );
});

test("daemonAnswers() is true for a daemon, false for none and for the socket that a killed one left", async () => {
  const answers: boolean[] = [];
  await withServer(
    () => {},
    async (runtimeDir, path) => {
      answers.push(await daemonAnswers(runtimeDir));
      rmSync(path);
      answers.push(await daemonAnswers(runtimeDir));
      const other = Bun.listen({ unix: join(runtimeDir, "other.sock"), socket: { data: () => {} } });
      renameSync(join(runtimeDir, "other.sock"), path);
      other.stop(true);
      answers.push(statSync(path).isSocket(), await daemonAnswers(runtimeDir));
    },
  );
  expect(answers).toEqual([true, false, true, false]);
});

test("askDaemon() reports progress and returns the value of a long answer", async () => {
  const long = "x".repeat(3_000_000);
  await withServer(
    (request, reply) => {
      reply({ kind: "progress", message: `got ${request.command}` });
      reply({ kind: "done", value: { long } });
      reply({ kind: "done", value: "a line after the final one is not sent" });
    },
    async (directory) => {
      const heard: string[] = [];
      const value = await askDaemon(directory, { command: "status" }, (message) => heard.push(message));
      expect({ heard, value }).toEqual({ heard: ["got status"], value: { long } });
    },
  );
});

test("askDaemon() throws the daemon's refusal with its hint and exit code", async () => {
  await withServer(
    (_request, reply) => reply({ kind: "refused", reason: "the peer is not ready", hint: "wait", exitCode: 3 }),
    async (directory) => {
      const failure = await askDaemon(directory, { command: "switch" }).catch((error: unknown) => error);
      expect(failure).toMatchObject({ reason: "the peer is not ready", hint: "wait", exitCode: 3 });
    },
  );
});

// "cannot checks: this configuration has no services"
test("askDaemon() says with a verb what was refused", async () => {
  await withServer(
    (_request, reply) => reply({ kind: "refused", reason: "no", exitCode: 1 }),
    async (directory) => {
      const failures = ["checks", "history", "switch"] as const;
      const messages = failures.map((command) =>
        askDaemon(directory, { command }).catch((error: unknown) => (error instanceof Error ? error.message : "")),
      );
      expect(await Promise.all(messages)).toEqual([
        "cannot get the results of checks: no",
        "cannot get the history: no",
        "cannot switch: no",
      ]);
    },
  );
});

test("askDaemon() says that no daemon answers", async () => {
  const directory = mkdtempSync(join(tmpdir(), "tandem-control-"));
  const failure = await askDaemon(directory, { command: "status" }).catch((error: unknown) => error);
  rmSync(directory, { recursive: true });
  expect(failure).toMatchObject({ reason: "no tandem daemon answers there", exitCode: 1 });
});

test.each([
  ["reload", { command: "reload", force: false }],
  ["switch", { command: "switch" }],
] as const)(
  "askDaemon() says that the outcome of a %s is unknown where the daemon ends meanwhile",
  async (name, request) => {
    const directory = mkdtempSync(join(tmpdir(), "tandem-control-"));
    const unix = join(directory, CONTROL_SOCKET_NAME);
    using _daemon = Bun.listen({ unix, socket: { data: (socket) => void socket.end() } });
    const failure = await askDaemon(directory, request).catch((error: unknown) => error);
    const question = await askDaemon(directory, { command: "status" }).catch((error: unknown) => error);
    rmSync(directory, { recursive: true });
    expect(failure).toMatchObject({
      message: `cannot learn what came of the request to ${name}: the daemon went away before it answered, and may have done all of it, some or nothing`,
      hint: expect.stringContaining("tandem status"),
      exitCode: 1,
    });
    // Who only asked has nothing to find out.
    expect(question).toMatchObject({ message: "cannot get the status: the daemon went away before it answered" });
  },
);

test("ControlServer refuses a second daemon in the same directory and is only for its owner", async () => {
  await withServer(
    () => {},
    async (directory, path) => {
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const failure = await ControlServer.open(directory, () => {}).catch((error: unknown) => error);
      expect(failure).toMatchObject({ reason: "another tandem runs with this runtime directory already" });
    },
  );
});

test("ControlServer refuses a request without an end and a line that is no request", async () => {
  await withServer(
    () => {},
    async (_directory, path) => {
      for (const [text, reason] of [
        ["x".repeat(70_000), "the request is too long"],
        ['{"command":"reboot"}\n', 'unknown command "reboot"'],
        ["no json\n", "a line must be JSON"],
      ] as const) {
        const { promise, resolve } = Promise.withResolvers<string>();
        let heard = "";
        const socket = await Bun.connect({
          unix: path,
          socket: {
            data: (_socket, chunk) => {
              heard += chunk.toString();
            },
            close: () => resolve(heard),
          },
        });
        socket.write(text);
        expect(JSON.parse(await promise)).toEqual({ kind: "refused", reason, exitCode: 2 });
      }
    },
  );
});

test("ControlServer answers with a refusal when the handler throws", async () => {
  await withServer(
    () => {
      throw new Error("a mistake in the daemon");
    },
    async (directory) => {
      const failure = await askDaemon(directory, { command: "status" }).catch((error: unknown) => error);
      expect(failure).toMatchObject({ reason: "the daemon could not answer: a mistake in the daemon", exitCode: 1 });
    },
  );
});

test("ControlServer has clients that ask nothing make room, the oldest first, and tells them so", async () => {
  const directory = mkdtempSync(join(tmpdir(), "tandem-control-"));
  const answerHere: ControlHandler = (_request, reply) => reply({ kind: "done", value: "here" });
  const server = await ControlServer.open(directory, answerHere, { requestSeconds: 600, idleMs: 0 });
  const ended: number[] = [];
  const heard: string[] = [];
  for (let index = 0; index < CONTROL_CLIENTS_MAX; index += 1) {
    const data = (_socket: unknown, chunk: Uint8Array) => void heard.push(new TextDecoder().decode(chunk));
    await Bun.connect({ unix: server.path, socket: { data, close: () => void ended.push(index) } });
  }
  for (let count = 1; count <= 2; count += 1) {
    expect(await askDaemon(directory, { command: "status" })).toBe("here");
    while (ended.length < 1) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(ended).toEqual([0]);
  expect(heard).toEqual([expect.stringContaining("too many clients on the control socket")]);
  server.close();
  rmSync(directory, { recursive: true });
});

// The runtime looks at a socket's time only every four seconds: together, they wait for that once.
describe.concurrent("ControlServer, at a client's limit,", () => {
  test("turns away clients that ask nothing, so that they take nobody's place", async () => {
    const directory = mkdtempSync(join(tmpdir(), "tandem-control-"));
    const answerHere: ControlHandler = (_request, reply) => reply({ kind: "done", value: "here" });
    const server = await ControlServer.open(directory, answerHere, { requestSeconds: 1 });
    const silent = Array.from({ length: CONTROL_CLIENTS_MAX }, async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      await Bun.connect({ unix: server.path, socket: { data() {}, close: () => resolve() } });
      return promise;
    });
    await Promise.all(silent);
    expect(await askDaemon(directory, { command: "status" })).toBe("here");
    server.close();
    rmSync(directory, { recursive: true });
  });

  test("turns a client away while others have their answers and do not read them", async () => {
    const directory = mkdtempSync(join(tmpdir(), "tandem-control-"));
    let asked = 0;
    const answerLong: ControlHandler = (_request, reply) => {
      asked += 1;
      reply({ kind: "done", value: "x".repeat(3_000_000) });
    };
    const server = await ControlServer.open(directory, answerLong, { answerSeconds: 600 });
    await askNeverReading(server.path, CONTROL_CLIENTS_MAX);
    // One that has asked nothing yet would make room.
    while (asked < CONTROL_CLIENTS_MAX) await new Promise((resolve) => setImmediate(resolve));
    const turnedAway = await askDaemon(directory, { command: "status" }).catch((error: unknown) => error);
    expect(turnedAway).toMatchObject({ reason: "too many clients on the control socket" });
    server.close();
    rmSync(directory, { recursive: true });
  });

  test("lets go of clients that ask and never read, and of no other one", async () => {
    const directory = mkdtempSync(join(tmpdir(), "tandem-control-"));
    const long = "x".repeat(3_000_000);
    const answerLong: ControlHandler = (_request, reply) => reply({ kind: "done", value: long });
    const server = await ControlServer.open(directory, answerLong, { answerSeconds: 1 });
    await askNeverReading(server.path, CONTROL_CLIENTS_MAX);
    expect(await askUntilAnswered(directory)).toBe(long);
    server.close();
    rmSync(directory, { recursive: true });
  });

  test("lets a client wait for its answer for as long as it takes", async () => {
    const directory = mkdtempSync(join(tmpdir(), "tandem-control-"));
    const replies: ((line: ControlLine) => void)[] = [];
    const answer: ControlHandler = (request, reply) => {
      if (request.command === "switch") replies.push(reply);
      else reply({ kind: "done", value: "x".repeat(3_000_000) });
    };
    const server = await ControlServer.open(directory, answer, { answerSeconds: 1 });
    const progress: string[] = [];
    const asked = askDaemon(directory, { command: "switch" }, (message) => progress.push(message));
    while (replies.length === 0) await new Promise((resolve) => setImmediate(resolve));
    replies[0]?.({ kind: "progress", message: "it begins" });
    // Until those that take nothing have come to their limit.
    await askNeverReading(server.path, CONTROL_CLIENTS_MAX - 1);
    await askUntilAnswered(directory);
    replies[0]?.({ kind: "done", value: "it is done" });
    expect([await asked, progress]).toEqual(["it is done", ["it begins"]]);
    server.close();
    rmSync(directory, { recursive: true });
  });
});

// A daemon that had been stopped carried out what its clients had been told was not done.
test("ControlServer carries nothing out whose client has given up", async () => {
  const handled: string[] = [];
  await withServer(
    ({ command }, reply) => {
      handled.push(command);
      reply({ kind: "done", value: "done" });
    },
    async (_directory, path) => {
      const lines: string[] = [];
      const ask = async (untilMs: number) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const socket = await Bun.connect({
          unix: path,
          socket: { data: (_socket, chunk) => void lines.push(chunk.toString()), close: () => resolve() },
        });
        socket.write(encodeControlRequest({ command: "switch" }, untilMs));
        await promise;
      };
      await ask(monotonicMs() - 1);
      await ask(monotonicMs() + 60_000);
      // Of a clock that counts otherwise nothing can be told.
      await ask(monotonicMs() - 86_400_000);
      expect(lines[0]).toContain("its client had given up");
    },
  );
  expect(handled).toEqual(["switch", "switch"]);
});

test("an answer to a client that has gone harms nobody", async () => {
  const replies: ((line: ControlLine) => void)[] = [];
  await withServer(
    (_request, reply) => void replies.push(reply),
    async (directory, path) => {
      const socket = await Bun.connect({ unix: path, socket: { data() {} } });
      socket.write(encodeControlRequest({ command: "switch" }));
      while (replies.length === 0) await new Promise((resolve) => setImmediate(resolve));
      socket.terminate();
      const asked = askDaemon(directory, { command: "status" });
      while (replies.length === 1) await new Promise((resolve) => setImmediate(resolve));
      for (const reply of replies) reply({ kind: "done", value: "there" });
      expect(await asked).toBe("there");
    },
  );
});

test("ControlServer tells who asks: the user, the process and its program", async () => {
  const clients: ControlClient[] = [];
  await withServer(
    (_request, reply, client) => {
      clients.push(client());
      reply({ kind: "done", value: "known" });
    },
    async (directory) => void (await askDaemon(directory, { command: "switch" })),
  );
  const uid = process.getuid?.();
  const program = readFileSync("/proc/self/comm", "utf8").trim();
  expect(clients).toEqual([expect.objectContaining({ uid, pid: process.pid, program })]);
  if (uid === 0) expect(clients).toEqual([expect.objectContaining({ user: "root" })]);
});

/** Long enough for an answer on a busy machine, short enough for a test. */
const SILENCE_MS = 1_000;

describe.concurrent("askDaemon(), of a daemon that is silent,", () => {
  // `tandem status` hung for as long as the daemon was stopped.
  test.each(["status", "switch"] as const)("does not wait for a daemon that gives no sign: %s", async (command) => {
    await withServer(
      () => {},
      async (directory) => {
        const failure = await askDaemon(directory, { command }, undefined, SILENCE_MS).catch((error: unknown) => error);
        expect(failure).toMatchObject({ name: "SilentDaemonError", exitCode: 1 });
        expect(failure).toMatchObject({ reason: "it has its socket open, but does not answer" });
      },
    );
  });

  test("waits for what an order has to wait for, as long as the daemon lives", async () => {
    const ordered: ((line: ControlLine) => void)[] = [];
    let probes = 0;
    await withServer(
      ({ command }, reply) => {
        if (command === "switch") ordered.push(reply);
        else {
          reply({ kind: "done", value: {} });
          probes += 1;
        }
        // Later than a daemon without a sign of life would be waited for.
        if (probes === 4) ordered[0]?.({ kind: "done", value: "moved" });
      },
      async (directory) => {
        expect(await askDaemon(directory, { command: "switch" }, undefined, SILENCE_MS)).toBe("moved");
      },
    );
  });
});
