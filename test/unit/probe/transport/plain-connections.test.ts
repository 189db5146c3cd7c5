import { describe, expect, test } from "bun:test";
import type { ProbeOutcome } from "../../../../src/model/health-check.ts";
import { sendExpectDialogue } from "../../../../src/probe/protocols/send-expect.ts";
import { PlainConnections } from "../../../../src/probe/transport/plain-connections.ts";
import { internetSocketAddress } from "../../../../src/sys/sockets/socket-address.ts";
import { answering, closedPort, tcpServer } from "../../../support/probed-server.ts";

const PATIENT_MS = 5_000;
/** For servers that never answer: the test takes as long. */
const HASTY_MS = 60;

function place(port: number): Uint8Array {
  return internetSocketAddress(new Uint8Array([127, 0, 0, 1]), port);
}

function knock(connections: PlainConnections, port: number): Promise<ProbeOutcome> {
  return new Promise((done) => connections.begin({ to: place(port), timeoutMs: PATIENT_MS, done }));
}

function ask(connections: PlainConnections, port: number, timeoutMs = PATIENT_MS, send = "?"): Promise<ProbeOutcome> {
  const dialogue = sendExpectDialogue({ send, expect: "yes" });
  return new Promise((done) => connections.begin({ to: place(port), timeoutMs, dialogue, done }));
}

function told(outcome: ProbeOutcome): string {
  return outcome.result === "success" ? "success" : outcome.failure;
}

describe("PlainConnections", () => {
  test("tells hundreds of attempts apart that begin in one turn", async () => {
    using server = answering("yes");
    using silent = tcpServer();
    const connections = new PlainConnections();
    const dead = closedPort();
    const rounds = Array.from({ length: 100 }, () => [
      knock(connections, server.target.port),
      knock(connections, dead),
      ask(connections, server.target.port),
      ask(connections, silent.target.port, HASTY_MS),
    ]);
    const outcomes = (await Promise.all(rounds.flat())).map(told);
    const expected = Array.from({ length: 100 }, () => ["success", "refused", "success", "timeout"]).flat();
    expect([outcomes, connections.size]).toEqual([expected, 0]);
    connections.close();
  });

  test("never tells an outcome before begin() has returned", async () => {
    const connections = new PlainConnections();
    const events: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    // A broadcast address: connect(2) refuses it at once.
    const to = internetSocketAddress(new Uint8Array([255, 255, 255, 255]), 80);
    connections.begin({
      to,
      timeoutMs: PATIENT_MS,
      done: (outcome) => {
        events.push(told(outcome));
        resolve();
      },
    });
    events.push("begun");
    await promise;
    expect(events).toEqual(["begun", "unreachable"]);
    connections.close();
  });

  test("sends what the kernel has no room for at once", async () => {
    const size = 8 * 1024 * 1024;
    let received = 0;
    using server = tcpServer({
      received: (socket, bytes) => {
        received += bytes.length;
        if (received === size) socket.end("yes");
      },
    });
    const connections = new PlainConnections();
    expect(told(await ask(connections, server.target.port, 20_000, "x".repeat(size)))).toBe("success");
    connections.close();
  });

  test("gives a server that never ends no more than its share of a turn", async () => {
    const flood = new Uint8Array(64 * 1024);
    const pour = (socket: { write(bytes: Uint8Array): number }) => {
      while (socket.write(flood) === flood.length);
    };
    using endless = tcpServer({ received: pour, writable: pour });
    using server = answering("yes");
    const connections = new PlainConnections();
    // Content with the flood for as long as it lasts.
    const dialogue = {
      opening: new TextEncoder().encode("?"),
      connected: () => ({ kind: "continue" }) as const,
      receive: () => ({ kind: "continue" }) as const,
      closed: () => ({ kind: "failure", failure: "closed", detail: "" }) as const,
      expired: () => ({ kind: "failure", failure: "timeout", detail: "" }) as const,
    };
    const ends: string[] = [];
    connections.begin({
      to: place(endless.target.port),
      timeoutMs: 60_000,
      dialogue,
      done: () => void ends.push("the flood"),
    });
    for (let turn = 0; turn < 10; turn += 1) ends.push(told(await ask(connections, server.target.port)));
    expect(ends).toEqual(Array.from({ length: 10 }, () => "success"));
    connections.close();
  });
});
