import { type AddressPrefix, formatAddressPrefix, type IpAddress } from "./address.ts";

export const ADDRESS_SCOPES = ["global", "site", "link", "host"] as const;
/** Who may know of an address. */
export type AddressScope = (typeof ADDRESS_SCOPES)[number];

/** An address of an interface of this machine as the kernel has it now. */
export interface InterfaceAddress {
  /** The name of the interface; its number as text while it has none that we know. */
  readonly interface: string;
  readonly interfaceIndex: number;
  readonly prefix: AddressPrefix;
  /** The other end of a point-to-point address: the prefix length is that of its network. */
  readonly peer?: IpAddress;
  /** IPv4 only, and only where it is not simply the interface's name. */
  readonly label?: string;
  /** Seconds until the kernel drops it. */
  readonly validSeconds: number | "forever";
  /** Seconds until it is no longer a source for new connections; 0: it is not one. */
  readonly preferredSeconds: number | "forever";
  /** It carries the mark of this program (IFA_PROTO, since Linux 5.18). */
  readonly ours: boolean;
  /** IPv6: duplicate-address detection is still under way. */
  readonly tentative: boolean;
  /** IPv6: somebody else has it, so the kernel does not use it. */
  readonly dadFailed: boolean;
  /** IPv4: not the first of its subnet; it goes when the first one goes unless promote_secondaries is set. */
  readonly secondary: boolean;
  /** The kernel has no route for its subnet because of it. */
  readonly noPrefixRoute: boolean;
  readonly scope: AddressScope | "nowhere";
}

/** As `ip` shows it: `203.0.113.10/24 on eth0`, with the other end and the label where it has them. */
export function formatInterfaceAddress(own: InterfaceAddress): string {
  const { prefix, peer, label } = own;
  const other = peer === undefined ? undefined : formatAddressPrefix({ ...prefix, address: peer });
  const address = other === undefined ? formatAddressPrefix(prefix) : `${prefix.address.text} peer ${other}`;
  return `${address} on ${own.interface}${label === undefined ? "" : `, label ${label}`}`;
}
