import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { AddressClient, type VipLease } from "../../src/kernel/addresses/address-client.ts";
import { LinkClient } from "../../src/kernel/addresses/link-client.ts";
import { NetworkMonitor } from "../../src/kernel/addresses/network-monitor.ts";
import type { InterfaceAddress } from "../../src/model/interface-address.ts";
import { requireLab, run } from "../support/lab.ts";
import { prefixOf } from "../support/must.ts";

/** A pair of interfaces made anew for each test. */
beforeAll(requireLab);
beforeEach(() => {
  run("ip", "link", "add", "vip0", "type", "veth", "peer", "name", "vip1");
  run("ip", "link", "set", "vip1", "up");
  run("ip", "link", "set", "vip0", "up");
});
// Its addresses would be in the way of the tests that come next.
afterEach(() => {
  if (Bun.spawnSync(["ip", "link", "show", "vip0"]).exitCode === 0) run("ip", "link", "del", "vip0");
});

function lease(text: string, label?: string): VipLease {
  const prefix = prefixOf(text);
  using links = LinkClient.open();
  const interfaceIndex = links.get("vip0")?.index ?? 0;
  const vip = { prefix, interface: "vip0", ...(label === undefined ? {} : { label }) };
  return { vip, interfaceIndex, kernelPrefixLength: prefix.prefixLength };
}

/** A lifetime that has hardly begun, as it was set. */
function asSet(seconds: InterfaceAddress["validSeconds"]): InterfaceAddress["validSeconds"] {
  return typeof seconds === "number" && seconds > 290 && seconds < 300 ? 300 : seconds;
}

/** The addresses of vip0 but for those that the kernel makes by itself. */
function addresses(client: AddressClient): InterfaceAddress[] {
  const own = client.list().filter((each) => each.interface === "vip0" && each.scope === "global");
  return own.map((each) => ({
    ...each,
    validSeconds: asSet(each.validSeconds),
    preferredSeconds: asSet(each.preferredSeconds),
  }));
}

const ADDED_FLAGS = { ours: true, tentative: false, dadFailed: false, secondary: false } as const;

describe("AddressClient", () => {
  test("lease() sets addresses with lifetime, label and mark, and list() shows them", () => {
    using client = AddressClient.open();
    const leases = [
      lease("203.0.113.10/32", "vip0:1"),
      lease("10.0.0.1/24"),
      lease("2001:db8::10/128"),
      lease("2001:db8:1::10/64"),
    ];
    expect(client.lease(leases, 300)).toEqual(leases.map(() => ({ kind: "created" })));
    const index = leases[0]?.interfaceIndex ?? 0;
    const common = { interface: "vip0", interfaceIndex: index, validSeconds: 300, scope: "global", ...ADDED_FLAGS };
    expect(addresses(client).toSorted((a, b) => (a.prefix.address.text < b.prefix.address.text ? -1 : 1))).toEqual([
      { ...common, prefix: prefixOf("10.0.0.1/24"), preferredSeconds: 300, noPrefixRoute: false },
      { ...common, prefix: prefixOf("2001:db8:1::10/64"), preferredSeconds: 0, noPrefixRoute: false },
      { ...common, prefix: prefixOf("2001:db8::10/128"), preferredSeconds: 0, noPrefixRoute: true },
      { ...common, prefix: prefixOf("203.0.113.10/32"), label: "vip0:1", preferredSeconds: 300, noPrefixRoute: false },
    ] as never);
    expect(run("ip", "addr", "show", "vip0")).toMatch(
      /203\.0\.113\.10\/32 scope global dynamic (?:proto 0x74 )?vip0:1/,
    );
    expect(run("ip", "-6", "addr", "show", "vip0")).toMatch(/2001:db8::10\/128 scope global nodad deprecated dynamic/);
    // A prefix route for the one that no other address brings, none for the full-length one.
    expect(run("ip", "-6", "route", "show", "dev", "vip0")).toMatch(/2001:db8:1::\/64/);
    expect(run("ip", "-6", "route", "show", "dev", "vip0")).not.toMatch(/2001:db8::10/);
  });

  test("lease() tells created from renewed, also within the kernel's tick of 10 ms", () => {
    using client = AddressClient.open();
    const leases = [lease("203.0.113.10/32"), lease("2001:db8::10/128")];
    const kinds = [300, 300, "forever", 300].map((seconds) =>
      client.lease(leases, seconds as number).map((outcome) => outcome.kind),
    );
    expect(kinds).toEqual([
      ["created", "created"],
      ["renewed", "renewed"],
      ["renewed", "renewed"],
      ["renewed", "renewed"],
    ]);
    run("ip", "addr", "del", "203.0.113.10/32", "dev", "vip0");
    expect(client.lease(leases, 300).map((outcome) => outcome.kind)).toEqual(["created", "renewed"]);
    run("ip", "addr", "del", "2001:db8::10/128", "dev", "vip0");
    expect(client.lease(leases, 300).map((outcome) => outcome.kind)).toEqual(["renewed", "created"]);
  });

  test("lease() renews an address that somebody else has set, and gives it a lifetime", () => {
    using client = AddressClient.open();
    run("ip", "addr", "add", "203.0.113.10/32", "dev", "vip0");
    run("ip", "addr", "add", "2001:db8::10/128", "dev", "vip0", "nodad");
    const leases = [lease("203.0.113.10/32"), lease("2001:db8::10/128")];
    expect(client.lease(leases, 300).map((outcome) => outcome.kind)).toEqual(["renewed", "renewed"]);
    expect(addresses(client).map((each) => each.validSeconds)).toEqual([300, 300]);
  });

  test("lease() keeps 200 addresses apart in one batch", () => {
    using client = AddressClient.open();
    const leases = Array.from({ length: 200 }, (_, index) => lease(`10.9.0.${index + 1}/32`));
    expect(client.lease(leases.slice(0, 100), 300).map((outcome) => outcome.kind)).toEqual(
      leases.slice(0, 100).map(() => "created"),
    );
    const expected = leases.map((_, index) => (index < 100 ? "renewed" : "created"));
    expect(client.lease(leases, 300).map((outcome) => outcome.kind)).toEqual(expected);
    expect(addresses(client)).toHaveLength(200);
  });

  test("remove() takes away what is there with that prefix length, and says what was not", () => {
    using client = AddressClient.open();
    const leases = [lease("203.0.113.10/32", "vip0:1"), lease("2001:db8::10/128")];
    client.lease(leases, 300);
    expect(client.remove([lease("203.0.113.10/24"), lease("2001:db8::10/64")])).toEqual([
      { kind: "absent" },
      { kind: "absent" },
    ]);
    expect(client.remove(leases)).toEqual([{ kind: "removed" }, { kind: "removed" }]);
    expect(client.remove(leases)).toEqual([{ kind: "absent" }, { kind: "absent" }]);
    expect(addresses(client)).toEqual([]);
  });

  test("names the interface that is gone, and that nothing is left to remove there", () => {
    using client = AddressClient.open();
    const gone = { ...lease("203.0.113.10/32"), interfaceIndex: 99_999 };
    const [outcome] = client.lease([gone], 300);
    expect(outcome?.kind === "failed" ? [outcome.error.errnoName, outcome.error.reason] : outcome).toEqual([
      "ENODEV",
      expect.stringContaining("the interface vip0 is gone (ENODEV)"),
    ]);
    expect(client.remove([gone])).toEqual([{ kind: "absent" }]);
  });

  test("says how to enable IPv6 where it is disabled, and still sets the IPv4 address", () => {
    using client = AddressClient.open();
    run("sysctl", "-q", "-w", "net.ipv6.conf.vip0.disable_ipv6=1");
    const outcomes = client.lease([lease("2001:db8::10/128"), lease("203.0.113.10/32")], 300);
    const [first] = outcomes;
    expect(first?.kind === "failed" ? first.error.hint : first).toBe("sysctl -w net/ipv6/conf/vip0/disable_ipv6=0");
    expect(outcomes[1]).toEqual({ kind: "created" });
  });

  test("the kernel drops a lease that is not renewed, all of a batch at once", async () => {
    using client = AddressClient.open();
    const leases = [lease("203.0.113.10/32"), lease("10.0.0.1/32"), lease("2001:db8::10/128")];
    const gone: { readonly text: string; readonly atMs: number }[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    using _monitor = NetworkMonitor.open({
      onLink: () => {},
      onOverrun: () => {},
      onAddress: ({ added, address }) => {
        if (added || !address.ours) return;
        gone.push({ text: address.prefix.address.text, atMs: performance.now() });
        if (gone.length === leases.length) resolve();
      },
    });
    const began = performance.now();
    client.lease(leases, 1);
    await promise;
    const times = gone.map((each) => each.atMs - began);
    expect(gone.map((each) => each.text).toSorted()).toEqual(["10.0.0.1", "2001:db8::10", "203.0.113.10"]);
    // Not before the lifetime, and at most 1.1 s after it (the kernel looks once a second), with room for a slow lab.
    expect(Math.min(...times)).toBeGreaterThan(990);
    expect(Math.max(...times)).toBeLessThan(20_000);
    expect(addresses(client)).toEqual([]);
  });
});
