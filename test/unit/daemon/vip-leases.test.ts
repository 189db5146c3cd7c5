import { describe, expect, test } from "bun:test";
import { VipLeases } from "../../../src/daemon/vip-leases.ts";
import { parseAddressPrefix } from "../../../src/model/address.ts";
import type { InterfaceAddress } from "../../../src/model/interface-address.ts";
import type { Link } from "../../../src/model/link.ts";
import { vip } from "../../simulation/world.ts";
import { PUBLIC_VIP } from "../../support/failover.ts";

const OTHER_VIP = vip("203.0.113.11/24", "eth0", "public").vip;

function address(text: string, ours = false): InterfaceAddress {
  const prefix = parseAddressPrefix(text);
  if (!prefix.ok) throw new RangeError(text);
  return { interface: "eth0", prefix: prefix.value, ours } as InterfaceAddress;
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
});
