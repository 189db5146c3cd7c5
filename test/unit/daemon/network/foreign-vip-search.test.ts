import { describe, expect, test } from "bun:test";
import { findForeignVips } from "../../../../src/daemon/network/foreign-vip-search.ts";
import { HeldVips } from "../../../../src/daemon/network/held-vips.ts";
import { NetworkPicture } from "../../../../src/daemon/network/network-picture.ts";
import type { InterfaceAddress } from "../../../../src/model/interface-address.ts";
import type { Vip } from "../../../../src/model/vip.ts";
import { prefixOf } from "../../../support/must.ts";

const VIP: Vip = { prefix: prefixOf("203.0.113.10/24"), interface: "eth0" };
const OTHER: Vip = { prefix: prefixOf("10.0.0.1/24"), interface: "eth1" };
const NAMES = ["lo", "eth0", "eth1"];

function found(name: string, text: string, more: Partial<InterfaceAddress> = {}): InterfaceAddress {
  const base = { interface: name, interfaceIndex: NAMES.indexOf(name) + 1, prefix: prefixOf(text) };
  return { ...base, validSeconds: "forever", ours: false, ...more } as InterfaceAddress;
}

function foreign(addresses: readonly InterfaceAddress[], held: readonly Vip[] = []): string[] {
  const picture = new NetworkPicture();
  const links = NAMES.map((name, index) => ({
    ...{ index: index + 1, name, mac: undefined, up: true, carrier: true, loopback: name === "lo", mtuBytes: 0 },
  }));
  picture.take({ links, addresses });
  const vips = new HeldVips();
  vips.lease(held);
  return findForeignVips(picture, [VIP, OTHER], (address) => vips.has(address)).map(
    ({ vip, text, fixed }) => `${vip.prefix.address.text}: ${text}${fixed ? ", fixed" : ""}`,
  );
}

const LEASE = { ours: true, validSeconds: 3 } as const;

describe("findForeignVips()", () => {
  test("finds a VIP in every form and on every interface, each of several, and nothing else", () => {
    expect(
      foreign([
        found("eth0", "203.0.113.2/24"),
        found("eth0", "203.0.113.10/24", { label: "eth0:5" }),
        found("eth0", "203.0.113.10/32", { validSeconds: 60 }),
        found("eth1", "203.0.113.10/16", { peer: prefixOf("192.0.2.1/16").address }),
        found("lo", "10.0.0.1/32"),
      ]),
    ).toEqual([
      "203.0.113.10: 203.0.113.10/24 on eth0, label eth0:5",
      "203.0.113.10: 203.0.113.10/32 on eth0",
      "203.0.113.10: 203.0.113.10 peer 192.0.2.1/16 on eth1",
      "10.0.0.1: 10.0.0.1/32 on lo, fixed",
    ]);
  });

  test("our own leases are none while this process holds them, and are when it does not", () => {
    const leases = [found("eth0", "203.0.113.10/32", LEASE), found("eth1", "10.0.0.1/24", LEASE)];
    expect(foreign(leases, [VIP, OTHER])).toEqual([]);
    expect(foreign(leases, [VIP])).toEqual(["10.0.0.1: 10.0.0.1/24 on eth1"]);
    expect(foreign(leases)).toHaveLength(2);
  });

  test("beside our lease another form is foreign, also one that has an end", () => {
    const lease = found("eth0", "203.0.113.10/32", LEASE);
    expect(foreign([lease, found("eth0", "203.0.113.10/24")], [VIP])).toEqual([
      "203.0.113.10: 203.0.113.10/24 on eth0",
    ]);
    const elsewhere = found("eth1", "203.0.113.10/32", { validSeconds: 30 });
    expect(foreign([lease, elsewhere], [VIP])).toEqual(["203.0.113.10: 203.0.113.10/32 on eth1"]);
  });

  test("on a kernel without marks an address with an end, in a lease's form, is our lease", () => {
    const lease = { validSeconds: 3 } as const;
    expect(
      foreign([found("eth0", "203.0.113.10/32", lease), found("eth1", "10.0.0.1/24", lease)], [VIP, OTHER]),
    ).toEqual([]);
    expect(foreign([found("eth0", "203.0.113.10/32")], [VIP])).toEqual(["203.0.113.10: 203.0.113.10/32 on eth0"]);
  });
});

describe("HeldVips", () => {
  test("holds what was leased until a later removal is answered", () => {
    const held = new HeldVips();
    const has = () => [held.has(VIP.prefix.address), held.size];
    expect(has()).toEqual([false, 0]);
    held.lease([VIP]);
    const first = held.removing();
    held.lease([VIP]);
    held.removed([VIP], first);
    expect(has()).toEqual([true, 1]);
    held.removed([VIP, OTHER], held.removing());
    expect(has()).toEqual([false, 0]);
  });

  test("of two prefixes or labels of one address the other one is still held", () => {
    const held = new HeldVips();
    const labelled = { ...VIP, label: "eth0:1" };
    held.lease([VIP]);
    held.lease([labelled]);
    held.removed([VIP], held.removing());
    expect(held.has(VIP.prefix.address)).toBe(true);
    held.removed([labelled], held.removing());
    expect(held.has(VIP.prefix.address)).toBe(false);
  });
});
