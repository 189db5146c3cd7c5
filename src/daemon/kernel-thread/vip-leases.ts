/** Leases of VIPs in the kernel: created, renewed, and never set again once they have ended. */
import { kernelPrefixLength, type VipLease } from "../../kernel/addresses/address-client.ts";
import { sameAddress } from "../../model/address.ts";
import type { InterfaceAddress } from "../../model/interface-address.ts";
import type { Link } from "../../model/link.ts";
import { formatVip, type Vip } from "../../model/vip.ts";

/** What is read of the kernel for it. */
export interface LeaseReader {
  link(name: string): Link | undefined;
  addresses(): readonly InterfaceAddress[];
  /** Monotonic milliseconds. */
  now(): number;
}

interface Reading {
  readonly links: Map<string, Link>;
  addresses?: readonly InterfaceAddress[];
  readonly atMs: number;
}

/** What was read before a takeover holds for this long: another address may come, or go. */
const READING_HOLDS_MS = 1_000;

function keyOf(vip: Vip): string {
  return `${formatVip(vip)} ${vip.label ?? ""}`;
}

/** What the kernel tells addresses of one interface apart by. */
type Form = Pick<InterfaceAddress, "interfaceIndex" | "prefix" | "peer">;

/** Whether the kernel takes both for the same address. */
function isForm(lease: VipLease, found: Form): boolean {
  return (
    lease.interfaceIndex === found.interfaceIndex &&
    lease.kernelPrefixLength === found.prefix.prefixLength &&
    found.peer === undefined &&
    sameAddress(lease.vip.prefix.address, found.prefix.address)
  );
}

/**
 * Whether an address that is there keeps a lease from being set as it is wanted. One of the same form keeps its label,
 * and whatever else somebody has set it with. An IPv6 address is one address whatever its prefix: a lease would renew
 * it with the prefix that it has. IPv4 addresses with other prefixes stand beside it.
 */
function isInTheWay(lease: VipLease, found: InterfaceAddress): boolean {
  const { label, interface: name } = lease.vip;
  if (isForm(lease, found)) return !found.ours || (found.label ?? name) !== (label ?? name);
  return found.prefix.address.family === "inet6";
}

/**
 * How each VIP is set in this kernel, so that a renewal and a removal mean the same address as the first lease. To find
 * it out takes milliseconds, several where the code runs for the first time: a standby does it while the peer is late.
 */
export class VipLeases {
  readonly #reader: LeaseReader;
  readonly #leases = new Map<string, VipLease>();
  readonly #obstacles = new Map<VipLease, readonly InterfaceAddress[]>();
  #reading: Reading | undefined;

  constructor(reader: LeaseReader) {
    this.#reader = reader;
  }

  /** Reads what a lease of these VIPs will have to know. */
  prepare(vips: readonly Vip[]): void {
    this.#reading = undefined;
    for (const vip of vips) this.#link(vip.interface);
    this.#present();
  }

  /** Addresses were changed: what was read holds no longer. */
  changed(): void {
    this.#reading = undefined;
  }

  /** As it was set, or as it is to be set. @throws when its interface is not there. */
  of(vip: Vip): VipLease {
    const link = this.#link(vip.interface);
    if (link === undefined) throw new Error(`there is no interface ${vip.interface}`);
    const known = this.known(vip);
    // An interface that was made anew has another index, and none of the addresses of the one before.
    if (known?.interfaceIndex === link.index) return known;
    const present = this.#present();
    const places = present.filter(
      (found) => found.interfaceIndex === link.index && sameAddress(found.prefix.address, vip.prefix.address),
    );
    // What a process before this one set is the address that counts, even if another prefix would be right by now.
    const left = places.find((found) => found.ours && !this.#isLeased(found));
    const prefixLength = left?.prefix.prefixLength ?? kernelPrefixLength(vip, present);
    const lease = { vip, interfaceIndex: link.index, kernelPrefixLength: prefixLength };
    this.#obstacles.set(
      lease,
      places.filter((found) => isInTheWay(lease, found)),
    );
    this.#leases.set(keyOf(vip), lease);
    return lease;
  }

  known(vip: Vip): VipLease | undefined {
    return this.#leases.get(keyOf(vip));
  }

  /**
   * What has to go before these can be set: each is named once. A lease of an earlier configuration that is among
   * them counts as removed.
   */
  takeObstacles(leases: readonly VipLease[]): readonly InterfaceAddress[] {
    const found = leases.flatMap((lease) => this.#obstacles.get(lease) ?? []);
    for (const lease of leases) this.#obstacles.delete(lease);
    for (const [key, other] of this.#leases) {
      if (!leases.includes(other) && found.some((obstacle) => isForm(other, obstacle))) this.#leases.delete(key);
    }
    return found;
  }

  /** Whether the address of a lease is also that of another VIP than these: one that differs in its prefix only. */
  isKept(lease: VipLease, going: readonly Vip[]): boolean {
    const { vip, interfaceIndex, kernelPrefixLength: prefixLength } = lease;
    return this.isFormKept({ interfaceIndex, prefix: { ...vip.prefix, prefixLength } }, going);
  }

  /** Whether an address is a lease of another VIP than these. */
  isFormKept(found: Form, going: readonly Vip[]): boolean {
    const keys = new Set(going.map(keyOf));
    return [...this.#leases].some(([key, lease]) => !keys.has(key) && isForm(lease, found));
  }

  forget(vip: Vip): void {
    this.#leases.delete(keyOf(vip));
  }

  #isLeased(found: InterfaceAddress): boolean {
    return [...this.#leases.values()].some((lease) => isForm(lease, found));
  }

  /** What is read is read once for all VIPs of a request. */
  #read(): Reading {
    const nowMs = this.#reader.now();
    if (this.#reading === undefined || nowMs - this.#reading.atMs >= READING_HOLDS_MS) {
      this.#reading = { links: new Map(), atMs: nowMs };
    }
    return this.#reading;
  }

  #link(name: string): Link | undefined {
    const { links } = this.#read();
    const link = links.get(name) ?? this.#reader.link(name);
    if (link !== undefined) links.set(name, link);
    return link;
  }

  #present(): readonly InterfaceAddress[] {
    const reading = this.#read();
    reading.addresses ??= this.#reader.addresses();
    return reading.addresses;
  }
}
