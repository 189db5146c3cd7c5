import { describe, expect, test } from "bun:test";
import { VipLeases } from "../../../../src/daemon/kernel-thread/vip-leases.ts";
import { parseAddressPrefix } from "../../../../src/model/address.ts";
import { formatInterfaceAddress, type InterfaceAddress } from "../../../../src/model/interface-address.ts";
import type { Link } from "../../../../src/model/link.ts";
import type { Vip } from "../../../../src/model/vip.ts";
import { vip } from "../../../simulation/world.ts";
import { PUBLIC_VIP } from "../../../support/failover.ts";
import { prefixOf } from "../../../support/must.ts";

const OTHER_VIP = vip("203.0.113.11/24", "eth0", "public").vip;

function address(text: string, ours = false, more: Partial<InterfaceAddress> = {}): InterfaceAddress {
  const prefix = parseAddressPrefix(text);
  if (!prefix.ok) throw new RangeError(text);
  return { interface: "eth0", interfaceIndex: 7, prefix: prefix.value, ours, ...more } as InterfaceAddress;
}

/** What has to go first, as lines. */
function obstacles(kernel: Kernel, ...vips: readonly Vip[]): string[] {
  const leases = vips.map((one) => kernel.leases.of(one));
  return kernel.leases.takeObstacles(leases).map(formatInterfaceAddress);
}

/** A kernel whose addresses the test sets, and that counts how often it is read. */
class Kernel {
  nowMs = 0;
  index = 7;
  addresses: InterfaceAddress[] = [];
  reads = 0;
  linkReads = 0;
  readonly leases = new VipLeases({
    link: (name) => {
      this.linkReads += 1;
      return name === "eth0" ? ({ index: this.index, name } as Link) : undefined;
    },
    addresses: () => {
      this.reads += 1;
      return this.addresses;
    },
    now: () => this.nowMs,
  });

  lengths(): number[] {
    return [PUBLIC_VIP, OTHER_VIP].map((one) => this.leases.of(one).kernelPrefixLength);
  }
}

describe("VipLeases", () => {
  test("reads addresses and interfaces once for all VIPs, and not again for a renewal", () => {
    const kernel = new Kernel();
    kernel.addresses = [address("203.0.113.2/24")];
    expect([kernel.lengths(), kernel.reads]).toEqual([[32, 32], 1]);
    kernel.leases.changed();
    kernel.addresses = [];
    // A renewal means the address that was set.
    expect([kernel.lengths(), kernel.reads]).toEqual([[32, 32], 1]);
  });

  test("reads nothing more for a takeover that was prepared", () => {
    const kernel = new Kernel();
    kernel.leases.prepare([PUBLIC_VIP, OTHER_VIP]);
    kernel.nowMs = 999;
    expect([kernel.lengths(), kernel.reads, kernel.linkReads]).toEqual([[24, 24], 1, 1]);
  });

  test.each(["time", "changes"])("does not use what was read before %s", (what) => {
    const kernel = new Kernel();
    kernel.leases.prepare([PUBLIC_VIP]);
    kernel.addresses = [address("203.0.113.2/24")];
    if (what === "time") kernel.nowMs = 1_000;
    else kernel.leases.changed();
    expect([kernel.lengths(), kernel.reads]).toEqual([[32, 32], 2]);
  });

  test("keeps the prefix of an address that an earlier process set", () => {
    const kernel = new Kernel();
    kernel.addresses = [address("203.0.113.2/24"), address("203.0.113.10/24", true)];
    expect(kernel.lengths()).toEqual([24, 32]);
  });

  test("finds out anew for an interface that was made anew, or after a removal", () => {
    const kernel = new Kernel();
    expect(kernel.lengths()).toEqual([24, 24]);
    kernel.leases.changed();
    kernel.addresses = [address("203.0.113.2/24")];
    kernel.leases.forget(PUBLIC_VIP);
    expect(kernel.lengths()).toEqual([32, 24]);
    kernel.leases.changed();
    kernel.index = 8;
    expect(kernel.lengths()).toEqual([32, 32]);
  });

  test("an address that somebody else has set just so is in the way, one with another prefix is not", () => {
    const kernel = new Kernel();
    kernel.addresses = [
      address("203.0.113.2/24"),
      address("203.0.113.10/32", false, { label: "eth0:9" }),
      address("203.0.113.10/24"),
      address("203.0.113.10/32", false, { peer: { family: "inet", text: "192.0.2.1" } }),
      address("203.0.113.10/32", false, { interfaceIndex: 8 }),
    ];
    expect(obstacles(kernel, PUBLIC_VIP)).toEqual(["203.0.113.10/32 on eth0, label eth0:9"]);
    // It is told once.
    expect(obstacles(kernel, PUBLIC_VIP)).toEqual([]);
  });

  test("an IPv6 address with another prefix is in the way, whoever has set it: a lease would renew it", () => {
    const ipv6 = { prefix: prefixOf("2001:db8::10/64"), interface: "eth0" };
    for (const ours of [true, false]) {
      const kernel = new Kernel();
      kernel.addresses = [address("2001:db8::2/64"), address("2001:db8::10/80", ours)];
      // What an earlier process has set counts, even with another prefix.
      expect(kernel.leases.of(ipv6).kernelPrefixLength).toBe(ours ? 80 : 128);
      expect(obstacles(kernel, ipv6)).toEqual(ours ? [] : ["2001:db8::10/80 on eth0"]);
    }
  });

  test("another label comes in place of the old one, which is not removed a second time", () => {
    const kernel = new Kernel();
    kernel.addresses = [address("203.0.113.2/24")];
    const [before, after] = ["eth0:1", "eth0:2"].map((label) => ({ ...PUBLIC_VIP, label })) as [Vip, Vip];
    expect(obstacles(kernel, before)).toEqual([]);
    kernel.leases.changed();
    kernel.addresses.push(address("203.0.113.10/32", true, { label: "eth0:1" }));
    expect(obstacles(kernel, after)).toEqual(["203.0.113.10/32 on eth0, label eth0:1"]);
    expect([kernel.leases.known(before), kernel.leases.known(after)?.vip.label]).toEqual([undefined, "eth0:2"]);
  });

  test("a label that is the interface's name is no label", () => {
    const kernel = new Kernel();
    kernel.addresses = [address("203.0.113.2/24"), address("203.0.113.10/32", true)];
    expect(obstacles(kernel, { ...PUBLIC_VIP, label: "eth0" })).toEqual([]);
  });

  test("a changed prefix is another address; where both are set as the same one it is kept for the new one", () => {
    const [before, after] = ["203.0.113.10/24", "203.0.113.10/25"].map((text) => ({
      prefix: prefixOf(text),
      interface: "eth0",
    })) as [Vip, Vip];
    for (const covered of [false, true]) {
      const kernel = new Kernel();
      if (covered) kernel.addresses.push(address("203.0.113.2/24"));
      const old = kernel.leases.of(before);
      kernel.leases.changed();
      kernel.addresses.push(address(`203.0.113.10/${old.kernelPrefixLength}`, true));
      expect(obstacles(kernel, after)).toEqual([]);
      expect(kernel.leases.of(after).kernelPrefixLength).toBe(covered ? 32 : 25);
      expect(kernel.leases.isKept(old, [before])).toBe(covered);
      expect(kernel.leases.isKept(old, [before, after])).toBe(false);
    }
  });
});
