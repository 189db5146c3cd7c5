import { afterAll, beforeAll, expect, test } from "bun:test";
import { KernelThread } from "../../src/daemon/kernel-thread/kernel-thread.ts";
import type { KernelOutcome, KernelWork } from "../../src/daemon/kernel-thread/kernel-thread-protocol.ts";
import type { SyncDaemon } from "../../src/model/sync-daemon.ts";
import { requireLab, run } from "../support/lab.ts";

let thread: KernelThread;

beforeAll(() => {
  requireLab();
  thread = new KernelThread((reason) => {
    throw new Error(reason);
  });
  run("sh", "-c", "ip link del sync0 2>/dev/null; ip link add sync0 type veth peer name sync1");
  for (const name of ["sync0", "sync1"]) run("ip", "link", "set", name, "up");
  run("ip", "addr", "add", "10.9.0.2/24", "dev", "sync0");
});
afterAll(() => thread.close());

function request(work: KernelWork): Promise<readonly KernelOutcome[]> {
  return new Promise((resolve) => thread.request(work, (answer) => resolve(answer.outcomes)));
}

function shown(): string[] {
  return run("ipvsadm", "-L", "--daemon").trim().split("\n").filter(Boolean);
}

const DAEMONS: readonly SyncDaemon[] = [
  { state: "backup", interface: "sync0", syncId: 7 },
  { state: "master", interface: "sync0", syncId: 7, maxLengthBytes: 1 },
];

test("KernelThread runs both sync daemons at once, starts them again, and stops what it started", async () => {
  expect(await request({ kind: "sync", daemons: DAEMONS })).toEqual([{ kind: "started" }, { kind: "started" }]);
  expect(shown()).toEqual([
    expect.stringContaining("master sync daemon (mcast=sync0, syncid=7, maxlen=1,"),
    expect.stringContaining("backup sync daemon (mcast=sync0, syncid=7,"),
  ]);
  expect(await request({ kind: "sync", daemons: DAEMONS })).toEqual([{ kind: "started" }, { kind: "started" }]);
  expect(await request({ kind: "sync", daemons: DAEMONS.slice(0, 1) })).toEqual([{ kind: "started" }]);
  expect(shown()).toEqual([expect.stringContaining("backup sync daemon")]);
  expect(await request({ kind: "sync", daemons: [] })).toEqual([]);
  expect(shown()).toEqual([]);
});

test("KernelThread says why a sync daemon does not start, and starts the other one", async () => {
  const outcomes = await request({
    kind: "sync",
    daemons: [{ state: "master", interface: "gone0", syncId: 1 }, ...DAEMONS.slice(0, 1)],
  });
  expect(outcomes[0]).toMatchObject({ kind: "failed", reason: expect.stringContaining("gone0") });
  expect(outcomes[1]).toEqual({ kind: "started" });
  expect(await request({ kind: "sync", daemons: [] })).toEqual([]);
});
