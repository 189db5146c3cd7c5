import { describe, expect, test } from "bun:test";
import { VipLeases } from "../../../../src/daemon/kernel-thread/vip-leases.ts";
import { VipRemoval } from "../../../../src/daemon/kernel-thread/vip-removal.ts";
import { Promotion } from "../../../../src/daemon/settings/promotion.ts";
import { sameAddress } from "../../../../src/model/address.ts";
import { formatInterfaceAddress, type InterfaceAddress } from "../../../../src/model/interface-address.ts";
import type { Link } from "../../../../src/model/link.ts";
import type { Vip } from "../../../../src/model/vip.ts";
import { prefixOf } from "../../../support/must.ts";

const VIP: Vip = { prefix: prefixOf("203.0.113.10/24"), interface: "eth0" };
const OTHER: Vip = { prefix: prefixOf("203.0.113.11/24"), interface: "eth0" };
const INDEXES: Readonly<Record<string, number>> = { lo: 1, eth0: 2, eth1: 3 };

function nameOf(index: number): string | undefined {
  return Object.keys(INDEXES).find((name) => INDEXES[name] === index);
}

function found(name: string, text: string, more: Partial<InterfaceAddress> = {}): InterfaceAddress {
  const base = { interface: String(INDEXES[name]), interfaceIndex: INDEXES[name] ?? 0, prefix: prefixOf(text) };
  return { ...base, ours: false, secondary: false, ...more } as InterfaceAddress;
}

/** A kernel that removes what it is told to, or not. */
class Kernel {
  addresses: InterfaceAddress[] = [];
  /** What was removed, in order. */
  readonly log: string[] = [];
  /** It comes back at once. */
  stubborn = false;
  promotes = true;
  readonly leases = new VipLeases({
    link: (name) => ({ index: INDEXES[name], name }) as Link,
    addresses: () => this.addresses.map((own) => ({ ...own, interface: nameOf(own.interfaceIndex) ?? "" })),
    now: () => 0,
  });
  readonly promotion = new Promotion({
    read: () => "0",
    write: (path) => {
      this.log.push(path);
      return this.promotes ? { kind: "changed", previous: "0" } : { kind: "refused", reason: "EROFS" };
    },
    nameOf,
  });
  readonly removal = new VipRemoval(this.leases, this.promotion, {
    addresses: () => this.addresses,
    nameOf,
    remove: (leases) =>
      leases.map(({ vip, kernelPrefixLength, interfaceIndex }) => {
        this.log.push(`lease ${vip.prefix.address.text}/${kernelPrefixLength} on ${interfaceIndex}`);
        const before = this.addresses.length;
        this.addresses = this.addresses.filter(
          (own) =>
            own.interfaceIndex !== interfaceIndex ||
            own.prefix.prefixLength !== kernelPrefixLength ||
            !sameAddress(own.prefix.address, vip.prefix.address),
        );
        return { kind: this.addresses.length < before ? "removed" : "absent" };
      }),
    removeFound: (going) =>
      going.map((own) => {
        this.log.push(formatInterfaceAddress(own));
        if (!this.stubborn) this.addresses = this.addresses.filter((other) => other !== own);
        return { kind: "removed" };
      }),
  });

  remove(vips: readonly Vip[], leaseOnly: readonly string[] = []) {
    return this.removal.remove({ vips, leaseOnly: new Set(leaseOnly) });
  }
}

describe("VipRemoval", () => {
  test("removes its own lease by its exact form, and reads once", () => {
    const kernel = new Kernel();
    kernel.addresses = [found("eth0", "203.0.113.2/24")];
    kernel.leases.of(VIP);
    kernel.addresses.push(found("eth0", "203.0.113.10/32", { ours: true }));
    expect([kernel.remove([VIP]), kernel.log]).toEqual([[{ kind: "removed" }], ["lease 203.0.113.10/32 on 2"]]);
    expect([kernel.remove([VIP]), kernel.leases.known(VIP)]).toEqual([[{ kind: "absent" }], undefined]);
  });

  test("removes everything else of the address, on every interface but the loopback, and nothing of another address", () => {
    const kernel = new Kernel();
    const stays = [found("lo", "203.0.113.10/32"), found("eth0", "203.0.113.2/24"), found("eth0", "203.0.113.11/32")];
    kernel.addresses = [
      ...stays,
      found("eth0", "203.0.113.10/24", { label: "eth0:5" }),
      found("eth0", "203.0.113.10/16"),
      found("eth1", "203.0.113.10/32", { peer: prefixOf("192.0.2.1/32").address }),
    ];
    expect(kernel.remove([VIP])).toEqual([{ kind: "removed" }]);
    expect(kernel.addresses).toEqual(stays);
  });

  test("says nothing of success before the kernel shows it, and gives up after some rounds", () => {
    const kernel = new Kernel();
    kernel.stubborn = true;
    kernel.addresses = [found("eth0", "203.0.113.10/32")];
    expect(kernel.remove([VIP, OTHER])).toEqual([
      { kind: "failed", reason: "203.0.113.10/32 on eth0 is there again" },
      { kind: "absent" },
    ]);
    expect(kernel.log).toHaveLength(3);
  });

  test("lets the host's addresses be promoted before it removes the first of their subnet", () => {
    const kernel = new Kernel();
    kernel.addresses = [found("eth0", "203.0.113.10/24"), found("eth0", "203.0.113.2/24", { secondary: true })];
    expect(kernel.remove([VIP])).toEqual([{ kind: "removed" }]);
    expect(kernel.log).toEqual(["net/ipv4/conf/eth0/promote_secondaries", "203.0.113.10/24 on 2"]);
    const changed = { path: "net/ipv4/conf/eth0/promote_secondaries", previous: "0", value: "1" };
    expect([kernel.promotion.takeChanged(), kernel.promotion.takeChanged()]).toEqual([[changed], []]);
  });

  test("leaves it where that can't be, if others would go with it", () => {
    const kernel = new Kernel();
    kernel.promotes = false;
    kernel.addresses = [found("eth0", "203.0.113.10/24"), found("eth0", "203.0.113.2/24", { secondary: true })];
    const reason = "203.0.113.10/24 on eth0 would take other addresses with it: promote_secondaries can't be set there";
    expect(kernel.remove([VIP])).toEqual([{ kind: "failed", reason }]);
    kernel.addresses = [found("eth0", "203.0.113.10/24"), found("eth1", "203.0.113.2/24", { secondary: true })];
    expect(kernel.remove([VIP])).toEqual([{ kind: "removed" }]);
  });

  test("of an address that is no VIP any more only the lease goes", () => {
    const kernel = new Kernel();
    const theirs = found("eth0", "203.0.113.10/24");
    kernel.addresses = [theirs, found("eth0", "203.0.113.10/32", { ours: true })];
    expect([kernel.remove([VIP], ["203.0.113.10"]), kernel.addresses]).toEqual([[{ kind: "removed" }], [theirs]]);
    expect(kernel.remove([VIP], ["203.0.113.10"])).toEqual([{ kind: "absent" }]);
  });

  test("an old prefix or label goes, and the new lease of the same address stays", () => {
    const kernel = new Kernel();
    const longer = { ...VIP, prefix: prefixOf("203.0.113.10/25") };
    const labelled = { ...longer, label: "eth0:1" };
    kernel.leases.of(VIP);
    kernel.addresses.push(found("eth0", "203.0.113.10/24", { ours: true }));
    kernel.leases.changed();
    kernel.leases.of(longer);
    const fresh = found("eth0", "203.0.113.10/25", { ours: true });
    kernel.addresses.push(fresh);
    expect([kernel.remove([VIP]), kernel.addresses]).toEqual([[{ kind: "removed" }], [fresh]]);
    kernel.leases.changed();
    kernel.leases.takeObstacles([kernel.leases.of(labelled)]);
    expect([kernel.remove([longer]), kernel.addresses]).toEqual([[{ kind: "absent" }], [fresh]]);
    expect([kernel.remove([labelled]), kernel.addresses]).toEqual([[{ kind: "removed" }], []]);
  });

  test("fails as a whole where the kernel can't be read: nothing is known then", () => {
    const kernel = new Kernel();
    const removal = new VipRemoval(kernel.leases, kernel.promotion, {
      addresses: () => {
        throw new Error("no answer");
      },
      nameOf: () => undefined,
      remove: () => [],
      removeFound: () => [],
    });
    expect(removal.remove({ vips: [VIP, OTHER], leaseOnly: new Set() })).toEqual([
      { kind: "failed", reason: "no answer" },
      { kind: "failed", reason: "no answer" },
    ]);
  });
});
