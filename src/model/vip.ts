import { type AddressPrefix, formatAddressPrefix } from "./address.ts";

/** A virtual IP address: it moves between the routers of a pair. */
export interface Vip {
  readonly prefix: AddressPrefix;
  readonly interface: string;
  /** `eth0:1`; IPv4 only, at most 15 bytes, begins with the interface's name (IFNAMSIZ, linux/if.h). */
  readonly label?: string;
}

/** `203.0.113.10/24 on eth0`. */
export function formatVip(vip: Vip): string {
  return `${formatAddressPrefix(vip.prefix)} on ${vip.interface}`;
}
