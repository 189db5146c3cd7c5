/** What failover is told of this machine: sides, interfaces, own addresses, settings that are lost. */
import type { InterfaceReport } from "../../failover/machine/surroundings.ts";
import { type IpAddress, sameAddress } from "../../model/address.ts";
import { PATHS, type PathName } from "../../model/pair.ts";
import type { Vip } from "../../model/vip.ts";
import type { SideInterfaces } from "../settings/failover-settings.ts";
import type { WantedSysctl } from "../settings/forwarding.ts";
import type { NetworkPicture } from "./network-picture.ts";

/** An address of this router that the kernel uses: not one that somebody else was found to have (IPv6). */
function isThere(picture: NetworkPicture, name: string, address: IpAddress): boolean {
  const index = picture.link(name)?.index;
  return picture.addresses.some(
    (own) => own.interfaceIndex === index && sameAddress(own.prefix.address, address) && !own.dadFailed,
  );
}

/**
 * Which interface carries each of this router's two addresses; where an address is nowhere, the one that had it last.
 * @param own this router's addresses of the configuration
 */
export function findSides(
  picture: NetworkPicture,
  own: Readonly<Record<PathName, IpAddress>>,
  before: SideInterfaces,
): SideInterfaces {
  const find = (side: PathName) => {
    const last = before[side];
    if (last !== undefined && isThere(picture, last, own[side])) return last;
    const found = picture.addresses.find(({ prefix }) => sameAddress(prefix.address, own[side]));
    return found === undefined ? last : picture.linkNumbered(found.interfaceIndex)?.name;
  };
  return { public: find("public"), private: find("private") };
}

/** What there is to say of every interface that carries a VIP or a path. */
export function reportInterfaces(
  picture: NetworkPicture,
  vips: readonly Vip[],
  own: Readonly<Record<PathName, IpAddress>>,
  sides: SideInterfaces,
): readonly InterfaceReport[] {
  const paths = PATHS.flatMap((side) => sides[side] ?? []);
  const names = new Set([...vips.map((vip) => vip.interface), ...paths]);
  return [...names].toSorted().map((name) => {
    const link = picture.link(name);
    const here = PATHS.filter((side) => sides[side] === name);
    return {
      name,
      ...(link === undefined ? {} : { link: { up: link.up, carrier: link.carrier } }),
      sides: here,
      ownAddress: here.every((side) => isThere(picture, name, own[side])),
    };
  });
}

/** Settings without which nothing is served and that somebody has changed: `net.ipv4.ip_forward`. */
export function lostSettings(
  wanted: readonly WantedSysctl[],
  read: (path: string) => string | undefined,
): readonly string[] {
  return wanted
    .filter(({ essential, path, value }) => essential === true && read(path) !== value)
    .map(({ path }) => path.replaceAll("/", "."));
}
