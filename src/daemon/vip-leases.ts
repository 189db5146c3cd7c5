import { kernelPrefixLength, type VipLease } from "../kernel/address-client.ts";
import { sameAddress } from "../model/address.ts";
import type { InterfaceAddress } from "../model/interface-address.ts";
import type { Link } from "../model/link.ts";
import { formatVip, type Vip } from "../model/vip.ts";

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

/**
 * How each VIP is set in this kernel, so that a renewal and a removal mean the same address as the first lease. To find
 * it out takes milliseconds, several where the code runs for the first time: a standby does it while the peer is late.
 */
export class VipLeases {
  readonly #reader: LeaseReader;
  readonly #leases = new Map<string, VipLease>();
  /** Leases of addresses that are there under another label. */
  readonly #relabelled = new Set<VipLease>();
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
    if (known?.interfaceIndex === link.index && known.vip.label === vip.label) return known;
    const present = this.#present();
    // What a process before this one set is the address that counts, even if another prefix would be right by now.
    const left = present.find(
      (other) =>
        other.ours && other.interface === vip.interface && sameAddress(other.prefix.address, vip.prefix.address),
    );
    const prefixLength = left?.prefix.prefixLength ?? kernelPrefixLength(vip, present);
    const lease = { vip, interfaceIndex: link.index, kernelPrefixLength: prefixLength };
    // The kernel keeps the label of an address that is there: only one that is set anew gets another.
    if (left !== undefined && left.label !== vip.label) this.#relabelled.add(lease);
    this.#leases.set(formatVip(vip), lease);
    return lease;
  }

  known(vip: Vip): VipLease | undefined {
    return this.#leases.get(formatVip(vip));
  }

  /** Which of these have to go first, since they are there under another label. */
  takeRelabelled(leases: readonly VipLease[]): readonly VipLease[] {
    return leases.filter((lease) => this.#relabelled.delete(lease));
  }

  forget(vip: Vip): void {
    this.#leases.delete(formatVip(vip));
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
