/** Finds things of this machine by the names that people give. */
import type { AddressClient } from "../../kernel/addresses/address-client.ts";
import type { LinkClient } from "../../kernel/addresses/link-client.ts";
import { TandemError } from "../../lib/errors.ts";
import { nearest } from "../../lib/nearest.ts";
import { type IpAddress, sameAddress } from "../../model/address.ts";
import type { InterfaceAddress } from "../../model/interface-address.ts";
import type { Link } from "../../model/link.ts";

/** @throws TandemError that names the nearest interface when there is none of that name. */
export function mustFindLink(links: LinkClient, name: string): Link {
  const link = links.get(name);
  if (link !== undefined) return link;
  const names = links.list().map((candidate) => candidate.name);
  const near = nearest(name, names);
  throw new TandemError({
    operation: "use interface",
    subject: name,
    reason: near === undefined ? "there is none of that name" : `there is none of that name; did you mean ${near}?`,
    hint: `this machine has ${names.join(", ")}`,
  });
}

/** Where this machine has an address: once for each interface. */
export function placesOf(client: AddressClient, wanted: IpAddress, interfaceName?: string): InterfaceAddress[] {
  return client
    .list()
    .filter((present) => sameAddress(present.prefix.address, wanted))
    .filter((present) => interfaceName === undefined || present.interface === interfaceName);
}
