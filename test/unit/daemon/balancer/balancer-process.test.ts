import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BALANCER_ARGUMENT } from "../../../../src/daemon/balancer/balancer-argument.ts";
import {
  decodeFromBalancer,
  type FromBalancer,
  type ToBalancer,
} from "../../../../src/daemon/balancer/balancer-protocol.ts";
import type { CheckMethod } from "../../../../src/model/health-check.ts";
import { checked, configuredService, endpoint, TCP_CHECK } from "../../../support/balance-fixtures.ts";
import { tcpServer } from "../../../support/probed-server.ts";

const MAIN = join(import.meta.dir, "../../../../src/main.ts");

/** A balancer as a child of this process, as the router starts it. */
function startBalancer(stateDir: string, program: readonly string[] = [MAIN, BALANCER_ARGUMENT]) {
  const messages: FromBalancer[] = [];
  let wake = () => {};
  const child = Bun.spawn([process.execPath, ...program, stateDir], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
    serialization: "json",
    ipc: (message: unknown) => {
      messages.push(decodeFromBalancer(message));
      wake();
    },
  });
  return {
    child,
    messages,
    send: (message: ToBalancer) => void child.send(message),
    until: async (wanted: (message: FromBalancer) => boolean): Promise<void> => {
      while (!messages.some(wanted)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    [Symbol.dispose]: () => child.kill("SIGKILL"),
  };
}

function stateFolder() {
  const path = mkdtempSync(join(tmpdir(), "tandem-balancer-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

function killIfThere(id: number): void {
  try {
    process.kill(id, "SIGKILL");
  } catch {
    // It has ended, as it should.
  }
}

test("runBalancer() works from configure to stop, and saves what it learned", async () => {
  using folder = stateFolder();
  using server = tcpServer();
  using balancer = startBalancer(folder.path);
  const name = `127.0.0.1:${server.target.port}`;
  const servers = [checked(name, { ...TCP_CHECK, intervalMs: 20, rise: 1 })];
  await balancer.until(({ kind }) => kind === "started");
  balancer.send({ kind: "configure", config: { services: [configuredService({ servers })] } });
  await balancer.until(({ kind }) => kind === "verdict-changed");
  balancer.send({ kind: "drain", id: 5, server: endpoint(name) });
  await balancer.until((message) => message.kind === "done" && message.id === 5);
  balancer.send({ kind: "stop" });
  expect(await balancer.child.exited).toBe(0);
  const saved = JSON.parse(readFileSync(join(folder.path, "balancer.json"), "utf8"));
  expect({
    verdicts: saved.verdicts.map((each: { verdict: string }) => each.verdict),
    drains: saved.drains.length,
  }).toEqual({
    verdicts: ["up"],
    drains: 1,
  });
});

test("runBalancer() leaves a spoiled state aside and says so, and a message it does not understand", async () => {
  using folder = stateFolder();
  writeFileSync(join(folder.path, "balancer.json"), '{"version":1,"bootId":7}');
  using balancer = startBalancer(folder.path);
  balancer.child.send({ kind: "nonsense" });
  await balancer.until((message) => message.kind === "log" && message.message.includes("not understood"));
  const logs = balancer.messages.flatMap((message) => (message.kind === "log" ? [message.message] : []));
  expect(logs).toEqual([
    `${join(folder.path, "balancer.json")} is left aside: bootId: needs a text, got number`,
    "a message of the router is not understood: kind: needs one of configure, try, orders, keep, role, drain, undrain, weight, table-needed, query, stop",
  ]);
});

test("runBalancer() goes on where it cannot save, and tells the router", async () => {
  using folder = stateFolder();
  const path = join(folder.path, "state");
  writeFileSync(path, "a file in its place");
  using balancer = startBalancer(path);
  await balancer.until(({ kind }) => kind === "started");
  balancer.send({
    kind: "configure",
    config: { services: [configuredService({ servers: [checked("127.0.0.1:1")] })] },
  });
  balancer.send({ kind: "drain", id: 5, server: endpoint("127.0.0.1:1") });
  await balancer.until((message) => message.kind === "saving" && message.failure !== undefined);
  await balancer.until(({ kind }) => kind === "done");
  rmSync(path);
  balancer.send({ kind: "undrain", id: 6, server: endpoint("127.0.0.1:1") });
  await balancer.until((message) => message.kind === "saving" && message.failure === undefined);
  balancer.send({ kind: "stop" });
  expect(await balancer.child.exited).toBe(0);
  expect(JSON.parse(readFileSync(join(path, "balancer.json"), "utf8"))).toMatchObject({ drains: [] });
});

test("runBalancer() leaves its state for a report, says so and ends when its own code is wrong", async () => {
  using folder = stateFolder();
  using balancer = startBalancer(folder.path, [join(import.meta.dir, "broken-balancer-fixture.ts")]);
  await balancer.until(({ kind }) => kind === "started");
  const method: CheckMethod = {
    kind: "http",
    method: "GET",
    path: "/",
    headers: ["Authorization: Bearer secret"],
    expectStatus: [[200, 299]],
    verifyCertificate: true,
  };
  const servers = [checked("10.0.0.11:80", { ...TCP_CHECK, method })];
  balancer.send({ kind: "configure", config: { services: [configuredService({ servers })] } });
  balancer.send({ kind: "table-needed", id: 1 });
  await balancer.until(({ kind }) => kind === "broken");
  expect(await balancer.child.exited).toBe(1);
  const [name = "none"] = readdirSync(folder.path).filter((file) => file.startsWith("report-"));
  const path = join(folder.path, name);
  expect(balancer.messages.at(-1)).toEqual({
    kind: "broken",
    reason: `internal assertion "planted" failed: a bug; its state is left in ${path}`,
  });
  const text = readFileSync(path, "utf8");
  expect(text).not.toContain("secret");
  expect(JSON.parse(text)).toMatchObject({
    process: "balancer",
    invariant: "planted",
    state: { services: ["tcp://203.0.113.10:80"], probes: [{ target: "10.0.0.11:80", kind: "http" }] },
  });
});

test("runBalancer() ends at once when the router is gone", async () => {
  using folder = stateFolder();
  using balancer = startBalancer(folder.path);
  await balancer.until(({ kind }) => kind === "started");
  balancer.child.disconnect();
  expect(await balancer.child.exited).toBe(1);
});

test("runBalancer() does not outlive a router that is killed, though it cannot notice", async () => {
  using folder = stateFolder();
  await using router = Bun.spawn([process.execPath, join(import.meta.dir, "killed-router-fixture.ts"), folder.path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = router.stdout.getReader();
  const { value } = await output.read();
  const balancer = Number(new TextDecoder().decode(value));
  // As one that is overloaded: it reads nothing any more.
  process.kill(balancer, "SIGSTOP");
  try {
    router.kill("SIGKILL");
    // The balancer holds the output open as long as it lives.
    const end = await Promise.race([output.read(), Bun.sleep(20_000)]);
    expect(end?.done).toBe(true);
  } finally {
    killIfThere(balancer);
  }
});
