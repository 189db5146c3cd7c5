/** VIPs on this machine that somebody else has set. */
import type { ForeignVip } from "../../failover/machine/surroundings.ts";
import { addressBits, type IpAddress } from "../../model/address.ts";
import { formatInterfaceAddress, type InterfaceAddress } from "../../model/interface-address.ts";
import type { Vip } from "../../model/vip.ts";
import type { NetworkPicture } from "./network-picture.ts";

/** Whether it is where and how a lease of this VIP would be: on its interface, with one of two prefixes. */
export function isLeaseForm(own: InterfaceAddress, vip: Vip, picture: NetworkPicture): boolean {
  const { address, prefixLength } = vip.prefix;
  const isPrefix = own.prefix.prefixLength === prefixLength || own.prefix.prefixLength === addressBits(address.family);
  return isPrefix && own.peer === undefined && own.interfaceIndex === picture.link(vip.interface)?.index;
}

/** Whether it may be a lease of this VIP: it has our mark, or, where the kernel has none (before Linux 5.18), an end. */
export function looksLeased(own: InterfaceAddress, vip: Vip, picture: NetworkPicture): boolean {
  return own.ours || (own.validSeconds !== "forever" && isLeaseForm(own, vip, picture));
}

/**
 * Everything in this kernel that is a VIP without being a lease of this process: with any prefix, label, other end and
 * scope, on any interface, several of one VIP as well.
 */
export function findForeignVips(
  picture: NetworkPicture,
  vips: readonly Vip[],
  isHeld: (address: IpAddress) => boolean,
): readonly ForeignVip[] {
  const places = Map.groupBy(picture.addresses, ({ prefix }) => prefix.address.text);
  return vips.flatMap((vip) => {
    const held = isHeld(vip.prefix.address);
    return (places.get(vip.prefix.address.text) ?? [])
      .filter((own) => !held || !looksLeased(own, vip, picture))
      .map((own) => ({
        vip,
        text: formatInterfaceAddress(own),
        fixed: picture.linkNumbered(own.interfaceIndex)?.loopback ?? false,
      }));
  });
}
