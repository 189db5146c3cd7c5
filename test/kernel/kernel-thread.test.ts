import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { KernelThread } from "../../src/daemon/kernel-thread/kernel-thread.ts";
import type { KernelAnswer, KernelOutcome, KernelWork } from "../../src/daemon/kernel-thread/kernel-thread-protocol.ts";
import { AddressClient } from "../../src/kernel/addresses/address-client.ts";
import { LinkClient } from "../../src/kernel/addresses/link-client.ts";
import { monotonicMs } from "../../src/sys/libc/clock.ts";
import { requireLab, run } from "../support/lab.ts";
import { prefixOf } from "../support/must.ts";

const VIPS = [
  { prefix: prefixOf("203.0.113.10/24"), interface: "vip0", label: "vip0:1" },
  { prefix: prefixOf("2001:db8::10/64"), interface: "vip0" },
];

let thread: KernelThread;

beforeAll(() => {
  requireLab();
  thread = new KernelThread((reason) => {
    throw new Error(reason);
  });
});
afterAll(() => thread.close());
beforeEach(() => {
  run("ip", "link", "add", "vip0", "type", "veth", "peer", "name", "vip1");
  run("ip", "link", "set", "vip1", "up");
  run("ip", "link", "set", "vip0", "up");
  run("ip", "addr", "add", "203.0.113.2/24", "dev", "vip0");
});
// Its addresses would be in the way of the tests that come next.
afterEach(() => {
  if (Bun.spawnSync(["ip", "link", "show", "vip0"]).exitCode === 0) run("ip", "link", "del", "vip0");
});

function request(work: KernelWork): Promise<readonly KernelOutcome[]> {
  return new Promise((resolve) => thread.request(work, (answer) => resolve(answer.outcomes)));
}

function kinds(outcomes: readonly KernelOutcome[]): string[] {
  return outcomes.map((outcome) => outcome.kind);
}

describe("KernelThread", () => {
  test("sets, renews and drops VIPs, as /32 where the interface covers the subnet", async () => {
    const lease: KernelWork = { kind: "lease", vips: VIPS, validSeconds: 300 };
    expect(kinds(await request(lease))).toEqual(["created", "created"]);
    const shown = run("ip", "-br", "addr", "show", "vip0");
    expect([shown.includes("203.0.113.10/32"), shown.includes("2001:db8::10/64")]).toEqual([true, true]);
    expect(kinds(await request(lease))).toEqual(["renewed", "renewed"]);
    expect(kinds(await request({ kind: "drop", vips: VIPS }))).toEqual(["removed", "removed"]);
    expect(kinds(await request({ kind: "drop", vips: VIPS }))).toEqual(["absent", "absent"]);
  });

  test("surveys the network for the thread that must not wait for the kernel", async () => {
    const { promise, resolve } = Promise.withResolvers<KernelAnswer>();
    thread.request({ kind: "survey" }, resolve);
    const { outcomes, survey } = await promise;
    const link = survey?.links.find(({ name }) => name === "vip0");
    const address = survey?.addresses.find((own) => own.interface === "vip0" && own.prefix.address.family === "inet");
    expect([outcomes, link?.carrier, address?.prefix]).toEqual([[], true, prefixOf("203.0.113.2/24")]);
  });

  test("does not set again a VIP whose lease has run out", async () => {
    const late = { kind: "lease", vips: VIPS, validSeconds: 300, presentUntilMs: monotonicMs() - 1 } as const;
    expect(kinds(await request(late))).toEqual(["lapsed", "lapsed"]);
    expect(run("ip", "-br", "addr", "show", "vip0")).not.toContain("203.0.113.10");
  });

  test("renews after that time too what is still there", async () => {
    expect(kinds(await request({ kind: "lease", vips: VIPS, validSeconds: 300 }))).toEqual(["created", "created"]);
    const late = { kind: "lease", vips: VIPS, validSeconds: 300, presentUntilMs: monotonicMs() - 1 } as const;
    expect(kinds(await request(late))).toEqual(["renewed", "renewed"]);
  });

  test("sets another label in the place of the old one; the removal of the old one removes nothing", async () => {
    const [vip] = VIPS;
    if (vip === undefined) throw new RangeError("no VIP");
    const renamed = { ...vip, label: "vip0:2" };
    expect(kinds(await request({ kind: "lease", vips: [vip], validSeconds: 300 }))).toEqual(["created"]);
    expect(kinds(await request({ kind: "lease", vips: [renamed], validSeconds: 300 }))).toEqual(["created"]);
    expect(kinds(await request({ kind: "drop", vips: [vip] }))).toEqual(["absent"]);
    const shown = run("ip", "addr", "show", "vip0");
    expect([shown.includes("vip0:1"), shown.includes("vip0:2")]).toEqual([false, true]);
    expect(kinds(await request({ kind: "drop", vips: [renamed] }))).toEqual(["removed"]);
  });

  test("counts a VIP as absent when its interface is gone", async () => {
    expect(kinds(await request({ kind: "lease", vips: VIPS, validSeconds: 300 }))).toEqual(["created", "created"]);
    run("ip", "link", "del", "vip0");
    expect(kinds(await request({ kind: "drop", vips: VIPS }))).toEqual(["absent", "absent"]);
  });

  test("takes over what a process before it set, with the prefix that it has", async () => {
    const vip = { prefix: prefixOf("198.51.100.10/24"), interface: "vip0" };
    using before = AddressClient.open();
    using links = LinkClient.open();
    const interfaceIndex = links.get("vip0")?.index ?? 0;
    expect(before.lease([{ vip, interfaceIndex, kernelPrefixLength: 24 }], 300)).toEqual([{ kind: "created" }]);
    run("ip", "addr", "add", "198.51.100.2/24", "dev", "vip0");
    expect(kinds(await request({ kind: "lease", vips: [vip], validSeconds: 300 }))).toEqual(["renewed"]);
    expect(kinds(await request({ kind: "drop", vips: [vip] }))).toEqual(["removed"]);
    expect(run("ip", "-br", "addr", "show", "vip0")).not.toContain("198.51.100.10");
  });

  test("does what can be done where an interface is missing", async () => {
    const gone = { prefix: prefixOf("192.0.2.1/24"), interface: "gone0" };
    const outcomes = await request({ kind: "lease", vips: [gone, ...VIPS], validSeconds: 300 });
    expect(outcomes).toEqual([
      { kind: "failed", reason: "there is no interface gone0" },
      { kind: "created" },
      { kind: "created" },
    ]);
  });
});
