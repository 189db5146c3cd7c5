import { beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Balancer } from "../../src/balance/balancer.ts";
import type { SavedState } from "../../src/balance/saved/saved-state.ts";
import { planTable } from "../../src/balance/table/table-plan.ts";
import type { ConfiguredService } from "../../src/config/keys/config.ts";
import { BalancerKernel } from "../../src/daemon/balancer/balancer-kernel.ts";
import { BalancerLoop } from "../../src/daemon/balancer/balancer-loop.ts";
import type { FromBalancer } from "../../src/daemon/balancer/balancer-protocol.ts";
import { IpvsClient } from "../../src/kernel/ipvs/ipvs-client.ts";
import type { IpvsChange, ObservedService } from "../../src/model/ipvs-table.ts";
import { formatServiceKey } from "../../src/model/virtual-service.ts";
import { monotonicMs } from "../../src/sys/libc/clock.ts";
import {
  configuredService,
  endpoint,
  realServer,
  SUCCESS,
  serviceKey,
  TCP_CHECK,
  virtualService,
} from "../support/balance-fixtures.ts";
import { requireLab, run } from "../support/lab.ts";
import { SimulatedIpvs } from "../support/simulated-ipvs.ts";

beforeAll(requireLab);
beforeEach(() => {
  run("ipvsadm", "-C");
});

const WEB = virtualService("tcp://203.0.113.10:80");
const MARK = virtualService("fwmark:7", { scheduler: "rr", persistence: { timeoutSeconds: 300, prefixLength: 24 } });
const A = realServer("10.0.0.11:80");
const B = realServer("10.0.0.12:80", { forward: "direct" });

/** Each is valid or refused by itself, in a table that holds what those before it made. */
const CHANGES: readonly IpvsChange[] = [
  { kind: "edit-service", service: WEB },
  { kind: "delete-service", key: WEB.key },
  { kind: "add-server", key: WEB.key, server: A },
  { kind: "add-service", service: { ...WEB, scheduler: "no-such" } },
  { kind: "add-service", service: virtualService("tcp://203.0.113.10:0") },
  { kind: "add-service", service: WEB },
  { kind: "add-service", service: WEB },
  { kind: "add-service", service: MARK },
  { kind: "edit-server", key: WEB.key, server: A },
  { kind: "delete-server", key: WEB.key, endpoint: A.endpoint },
  { kind: "add-server", key: WEB.key, server: { ...A, lowerThreshold: 5, upperThreshold: 4 } },
  { kind: "add-server", key: WEB.key, server: A },
  { kind: "add-server", key: WEB.key, server: A },
  { kind: "add-server", key: WEB.key, server: B },
  { kind: "edit-server", key: WEB.key, server: { ...A, forward: "tunnel", weight: 3 } },
  { kind: "edit-service", service: { ...WEB, scheduler: "sh", schedulerFlags: ["flag-1"] } },
  { kind: "edit-service", service: { ...MARK, scheduler: "wlc" } },
  { kind: "delete-server", key: WEB.key, endpoint: endpoint("10.9.9.9:80") },
  { kind: "delete-server", key: WEB.key, endpoint: B.endpoint },
  { kind: "delete-service", key: serviceKey("fwmark:8") },
];

function planned(observed: Iterable<ObservedService>) {
  return new Map(
    [...observed].map(({ service, servers }) => [
      formatServiceKey(service.key),
      { service, servers: servers.map(({ server }) => server) },
    ]),
  );
}

test("SimulatedIpvs takes and refuses what the kernel does, and ends with the same table", () => {
  using client = IpvsClient.open();
  const simulated = new SimulatedIpvs();
  const outcomes = (errors: readonly ({ readonly errnoName: string } | undefined)[]) =>
    errors.map((error) => error?.errnoName);
  expect(outcomes(simulated.apply(CHANGES))).toEqual(outcomes(client.apply(CHANGES)));
  const kernel = planned(client.table());
  expect(planTable(kernel, simulated.observed(), new Map())).toEqual([]);
  expect([...kernel.keys()].sort()).toEqual([...simulated.table.keys()].sort());
});

/** A balancer on the real kernel, with probes that always succeed. */
function startLoop(saved?: SavedState) {
  const messages: FromBalancer[] = [];
  let wake = () => {};
  const states: SavedState[] = [];
  const loop = new BalancerLoop(new Balancer({ bootId: "boot", seed: 1, ...(saved === undefined ? {} : { saved }) }), {
    now: monotonicMs,
    probe: () => Promise.resolve(SUCCESS),
    probeGate: () => Promise.resolve(SUCCESS),
    kernel: new BalancerKernel(),
    save: (state) => states.push(state),
    send: (message) => {
      messages.push(message);
      wake();
    },
    crashed: (error) => {
      throw error;
    },
  });
  const complete = async (id: number): Promise<void> => {
    loop.take({ kind: "table-needed", id });
    while (!messages.some((message) => message.kind === "table-complete" && message.id === id)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { loop, messages, states, complete, [Symbol.dispose]: () => loop.close() };
}

function services(count: number, servers: number, weight: number): ConfiguredService[] {
  return Array.from({ length: count }, (_, index) =>
    configuredService({
      name: `s${index}`,
      listen: [virtualService(`tcp://203.0.113.10:${1_000 + index}`)],
      servers: Array.from({ length: servers }, (_each, number) => ({
        server: realServer(`10.0.0.${number + 1}:80`, { weight }),
      })),
    }),
  );
}

describe("BalancerLoop on the real kernel", () => {
  test("loads a table of more than one slice, changes it, and leaves a foreign service alone", async () => {
    run("ipvsadm", "-A", "-t", "198.51.100.9:25", "-s", "rr");
    using running = startLoop();
    running.loop.take({ kind: "configure", config: { services: services(60, 5, 1) } });
    await running.complete(1);
    using client = IpvsClient.open();
    expect(client.table().reduce((sum, { servers }) => sum + servers.length, 0)).toBe(300);
    running.loop.take({ kind: "configure", config: { services: services(2, 1, 7) } });
    await running.complete(2);
    expect(run("ipvsadm", "-Sn")).toBe(
      [
        "-A -t 198.51.100.9:25 -s rr",
        "-A -t 203.0.113.10:1000 -s wlc",
        "-a -t 203.0.113.10:1000 -r 10.0.0.1:80 -m -w 7",
        "-A -t 203.0.113.10:1001 -s wlc",
        "-a -t 203.0.113.10:1001 -r 10.0.0.1:80 -m -w 7",
        "",
      ].join("\n"),
    );
    expect(running.messages.filter((message) => message.kind === "log" && message.level === "error")).toEqual([]);
  });

  test("has nothing to change when it starts again on its own table", async () => {
    const config = { services: [configuredService({ servers: [{ server: A, check: TCP_CHECK }, { server: B }] })] };
    let saved: SavedState | undefined;
    {
      using first = startLoop();
      first.loop.take({ kind: "configure", config });
      while (!first.messages.some((message) => message.kind === "views" && message.services[0]?.up === 2)) {
        await first.complete(first.messages.length + 1);
      }
      await first.complete(0);
      first.loop.take({ kind: "stop" });
      saved = first.states.at(-1);
    }
    using second = startLoop(saved);
    second.loop.take({ kind: "configure", config });
    await second.complete(1);
    expect(second.messages.filter(({ kind }) => kind === "log")).toEqual([]);
  });
});
