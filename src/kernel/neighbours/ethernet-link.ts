import type { Link } from "../../model/link.ts";
import type { MacAddress } from "../../model/mac-address.ts";

/** What raw frames need to know of an interface; a `Link` with a MAC address is one. */
export interface EthernetLink {
  readonly index: number;
  readonly name: string;
  readonly mac: MacAddress;
}

/** The link as one that ARP works on, or undefined for the loopback and for tunnels without Ethernet addresses. */
export function asEthernetLink(link: Link): EthernetLink | undefined {
  if (link.loopback || link.mac === undefined) return undefined;
  return { index: link.index, name: link.name, mac: link.mac };
}
