import { type IpAddress, sameAddress } from "../../model/address.ts";
import { formatVip, type Vip } from "../../model/vip.ts";

function keyOf(vip: Vip): string {
  return `${formatVip(vip)} ${vip.label ?? ""}`;
}

/**
 * The VIPs that this process may have in the kernel: from the moment a lease is asked for until a removal that was asked
 * for later has been answered.
 */
export class HeldVips {
  readonly #leased = new Map<string, { readonly address: IpAddress; readonly request: number }>();
  #requests = 0;

  /** A lease is about to be asked for. */
  lease(vips: readonly Vip[]): void {
    this.#requests += 1;
    for (const vip of vips) {
      this.#leased.set(keyOf(vip), { address: vip.prefix.address, request: this.#requests });
    }
  }

  /** A removal is about to be asked for. @returns what `removed` wants to know when it is answered. */
  removing(): number {
    return this.#requests;
  }

  /** The kernel has not got them any more, but for what was leased since the removal was asked for. */
  removed(vips: readonly Vip[], removing: number): void {
    for (const vip of vips) {
      const lease = this.#leased.get(keyOf(vip));
      if (lease !== undefined && lease.request <= removing) this.#leased.delete(keyOf(vip));
    }
  }

  get size(): number {
    return this.#leased.size;
  }

  has(address: IpAddress): boolean {
    return [...this.#leased.values()].some((lease) => sameAddress(lease.address, address));
  }
}
