/** VIPs taken out of the kernel, and the look that proves it. */
import type { RemovalOutcome, VipLease } from "../../kernel/addresses/address-client.ts";
import { addressBits, coversAddress, sameAddress } from "../../model/address.ts";
import { formatInterfaceAddress, type InterfaceAddress } from "../../model/interface-address.ts";
import type { Vip } from "../../model/vip.ts";
import type { Promotion } from "../settings/promotion.ts";
import type { KernelOutcome } from "./kernel-thread-protocol.ts";
import type { VipLeases } from "./vip-leases.ts";

/** What a removal needs of the kernel. */
export interface RemovalKernel {
  /** All addresses of this machine; their interfaces by number. */
  readonly addresses: () => readonly InterfaceAddress[];
  readonly nameOf: (index: number) => string | undefined;
  readonly remove: (leases: readonly VipLease[]) => readonly RemovalOutcome[];
  readonly removeFound: (found: readonly InterfaceAddress[]) => readonly RemovalOutcome[];
}

export interface Removal {
  readonly vips: readonly Vip[];
  /** Addresses, as texts, that are no VIPs any more: only this program's lease of them goes. */
  readonly leaseOnly: ReadonlySet<string>;
}

/** Somebody may set an address again while it is removed; that is no reason to go on for ever. */
const ROUNDS_MAX = 3;
/** Of each network namespace: LOOPBACK_IFINDEX, linux/if.h. A VIP there serves another purpose, and stays. */
const LOOPBACK_INDEX = 1;

function textOf({ prefix }: Pick<Vip, "prefix">): string {
  return prefix.address.text;
}

/** Whether it is an address whose deletion can take others with it. */
function hasNetwork({ prefix }: InterfaceAddress): boolean {
  return prefix.address.family === "inet" && prefix.prefixLength < addressBits("inet");
}

/** Whether others are on the interface that the kernel would delete along with this one. */
function takesOthers(going: InterfaceAddress, present: readonly InterfaceAddress[]): boolean {
  const { prefix, peer, interfaceIndex } = going;
  if (!hasNetwork(going) || going.secondary) return false;
  return present.some(
    (other) =>
      other.secondary &&
      other.interfaceIndex === interfaceIndex &&
      other.prefix.prefixLength === prefix.prefixLength &&
      !sameAddress(other.prefix.address, prefix.address) &&
      coversAddress(peer ?? prefix.address, prefix.prefixLength, other.prefix.address),
  );
}

function reasonOf(outcome: RemovalOutcome | undefined): string | undefined {
  return outcome?.kind === "failed" ? outcome.error.message : undefined;
}

/**
 * Takes VIPs out of this kernel: its own leases first, by their exact form, since that is what a planned move waits
 * for; then whatever else of these addresses is there, each as the kernel has it. That one was "not there" proves
 * nothing, so the kernel is read until none is left.
 */
export class VipRemoval {
  readonly #leases: VipLeases;
  readonly #promotion: Promotion;
  readonly #kernel: RemovalKernel;

  constructor(leases: VipLeases, promotion: Promotion, kernel: RemovalKernel) {
    this.#leases = leases;
    this.#promotion = promotion;
    this.#kernel = kernel;
  }

  /** @returns one outcome for each VIP, in order. `absent`: there was none. */
  remove(removal: Removal): KernelOutcome[] {
    const gone = new Set<string>();
    const reasons = new Map<string, string>();
    let left: readonly InterfaceAddress[] = [];
    try {
      this.#removeLeases(removal.vips, gone);
      for (let round = 0; round <= ROUNDS_MAX; round += 1) {
        const present = this.#kernel.addresses();
        left = present.filter((found) => this.#mustGo(found, removal));
        if (left.length === 0 || round === ROUNDS_MAX) break;
        this.#removeFound(left, present, gone, reasons);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return removal.vips.map(() => ({ kind: "failed", reason }));
    }
    return removal.vips.map((vip): KernelOutcome => {
      const still = left.find((found) => textOf(found) === textOf(vip));
      if (still !== undefined) {
        const reason = reasons.get(textOf(vip)) ?? `${formatInterfaceAddress(this.#named(still))} is there again`;
        return { kind: "failed", reason };
      }
      this.#leases.forget(vip);
      return { kind: gone.has(textOf(vip)) ? "removed" : "absent" };
    });
  }

  #removeLeases(vips: readonly Vip[], gone: Set<string>): void {
    const leases = vips.flatMap((vip) => {
      const lease = this.#leases.known(vip);
      return lease === undefined || this.#leases.isKept(lease, vips) ? [] : [lease];
    });
    if (leases.length === 0) return;
    for (const { vip, interfaceIndex, kernelPrefixLength } of leases) {
      const { family } = vip.prefix.address;
      if (family === "inet" && kernelPrefixLength < addressBits(family)) this.#promotion.ensure(interfaceIndex);
    }
    for (const [index, outcome] of this.#kernel.remove(leases).entries()) {
      const lease = leases[index];
      if (lease !== undefined && outcome.kind === "removed") gone.add(textOf(lease.vip));
    }
  }

  #mustGo(found: InterfaceAddress, { vips, leaseOnly }: Removal): boolean {
    if (found.interfaceIndex === LOOPBACK_INDEX || !vips.some((vip) => textOf(vip) === textOf(found))) return false;
    if (leaseOnly.has(textOf(found)) && !found.ours) return false;
    return !this.#leases.isFormKept(found, vips);
  }

  #removeFound(
    left: readonly InterfaceAddress[],
    present: readonly InterfaceAddress[],
    gone: Set<string>,
    reasons: Map<string, string>,
  ): void {
    const going = left.filter((found) => {
      const isSafe = !hasNetwork(found) || this.#promotion.ensure(found.interfaceIndex);
      if (isSafe || !takesOthers(found, present)) return true;
      const text = formatInterfaceAddress(this.#named(found));
      reasons.set(textOf(found), `${text} would take other addresses with it: promote_secondaries can't be set there`);
      return false;
    });
    for (const [index, outcome] of this.#kernel.removeFound(going).entries()) {
      const found = going[index];
      if (found === undefined) continue;
      const reason = reasonOf(outcome);
      if (reason !== undefined) reasons.set(textOf(found), reason);
      else if (outcome.kind === "removed") gone.add(textOf(found));
    }
  }

  #named(found: InterfaceAddress): InterfaceAddress {
    const name = this.#kernel.nameOf(found.interfaceIndex);
    if (name === undefined) return found;
    const { label, ...rest } = found;
    return { ...rest, interface: name, ...(label === undefined || label === name ? {} : { label }) };
  }
}
