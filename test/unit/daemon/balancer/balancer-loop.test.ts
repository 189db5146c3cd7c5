import { expect, test } from "bun:test";
import { Balancer } from "../../../../src/balance/balancer.ts";
import type { BalancerEffect, BalancerInput } from "../../../../src/balance/balancer-input.ts";
import { BalancerKernel } from "../../../../src/daemon/balancer/balancer-kernel.ts";
import { BalancerLoop } from "../../../../src/daemon/balancer/balancer-loop.ts";
import type { FromBalancer } from "../../../../src/daemon/balancer/balancer-protocol.ts";
import { SupportError } from "../../../../src/lib/errors.ts";
import { InvariantError } from "../../../../src/lib/invariant-error.ts";
import { runCheck } from "../../../../src/probe/run-check.ts";
import { GateProber } from "../../../../src/probe/run-gate.ts";
import { monotonicMs } from "../../../../src/sys/libc/clock.ts";
import { checked, configuredService, endpoint, serviceKey, TCP_CHECK } from "../../../support/balance-fixtures.ts";
import { closedPort, tcpServer } from "../../../support/probed-server.ts";
import { SimulatedIpvs } from "../../../support/simulated-ipvs.ts";

const FAST_CHECK = { ...TCP_CHECK, intervalMs: 10, timeoutMs: 1_000, rise: 1, fall: 2 };

/** A loop on a simulated kernel, with real probes, and a way to wait for a message. */
function makeLoop(kernel: BalancerKernel) {
  const messages: FromBalancer[] = [];
  let wake = () => {};
  const balancer = new Balancer({ bootId: "boot", seed: 1 });
  const loop = new BalancerLoop(balancer, {
    now: monotonicMs,
    probe: ({ check, target }) => runCheck(check.method, target, check.timeoutMs),
    probeGate: ({ gate }) => new GateProber().run(gate, gate.timeoutMs),
    kernel,
    save: () => {},
    send: (message) => {
      messages.push(message);
      wake();
    },
    crashed: (error) => {
      throw error;
    },
  });
  const until = async (wanted: (message: FromBalancer) => boolean): Promise<void> => {
    while (!messages.some(wanted)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { loop, messages, until, [Symbol.dispose]: () => loop.close() };
}

test("BalancerLoop probes real servers and brings the kernel to what they say", async () => {
  using server = tcpServer();
  const dead = closedPort();
  const simulated = new SimulatedIpvs();
  using running = makeLoop(new BalancerKernel(() => simulated));
  const servers = [server.target.port, dead].map((port) => checked(`127.0.0.1:${port}`, FAST_CHECK));
  running.loop.take({ kind: "configure", config: { services: [configuredService({ servers })] } });
  await running.until(
    (message) => message.kind === "views" && message.services[0]?.up === 1 && message.services[0].down === 1,
  );
  running.loop.take({ kind: "table-needed", id: 1 });
  await running.until((message) => message.kind === "table-complete");
  expect(simulated.weights()).toEqual({ "tcp://203.0.113.10:80": { [`127.0.0.1:${server.target.port}`]: 1 } });
});

test("BalancerLoop steps nothing any more when the state machine has thrown", () => {
  const defect = new InvariantError("planted", "a bug", {});
  const taken: string[] = [];
  class BrokenBalancer extends Balancer {
    override step(input: BalancerInput, nowMs: number): readonly BalancerEffect[] {
      taken.push(input.kind);
      if (input.kind === "table-needed") throw defect;
      return super.step(input, nowMs);
    }
  }
  const crashes: unknown[] = [];
  const loop = new BalancerLoop(new BrokenBalancer({ bootId: "boot", seed: 1 }), {
    now: monotonicMs,
    probe: ({ check, target }) => runCheck(check.method, target, check.timeoutMs),
    probeGate: ({ gate }) => new GateProber().run(gate, gate.timeoutMs),
    kernel: new BalancerKernel(() => new SimulatedIpvs()),
    save: () => {},
    send: () => {},
    crashed: (error) => crashes.push(error),
  });
  for (const input of [{ kind: "tick" }, { kind: "table-needed", id: 1 }, { kind: "tick" }] as const) loop.take(input);
  expect([taken, crashes]).toEqual([["tick", "table-needed"], [defect]]);
});

test("BalancerLoop goes on when the kernel has no IPVS, and says what would help", async () => {
  const kernel = new BalancerKernel(() => {
    throw new SupportError({
      operation: "use IPVS",
      reason: "this kernel has not loaded it",
      hint: "run `modprobe ip_vs`",
    });
  });
  using running = makeLoop(kernel);
  running.loop.take({ kind: "configure", config: { services: [configuredService()] } });
  await running.until((message) => message.kind === "log");
  expect(running.messages.filter(({ kind }) => kind === "log")).toEqual([
    {
      kind: "log",
      level: "error",
      message: "the kernel's table: cannot use IPVS: this kernel has not loaded it; run `modprobe ip_vs`",
    },
  ]);
});

test("BalancerKernel opens no client before it is asked, and a new one after an error", () => {
  let opened = 0;
  const kernel = new BalancerKernel(() => {
    opened += 1;
    const simulated = new SimulatedIpvs();
    if (opened === 1)
      simulated.services = () => {
        throw new Error("the connection broke");
      };
    return simulated;
  });
  expect(opened).toBe(0);
  expect([kernel.list(), kernel.list(), opened]).toEqual([
    { ok: false, reason: "the connection broke" },
    { ok: true, value: [] },
    2,
  ]);
});

test("BalancerKernel gives for each refused change its reason", () => {
  const kernel = new BalancerKernel(() => new SimulatedIpvs());
  expect(
    kernel.apply([{ kind: "delete-server", key: serviceKey("fwmark:7"), endpoint: endpoint("10.0.0.1:80") }]),
  ).toEqual({
    ok: true,
    value: ["cannot delete-server: ESRCH"],
  });
});
