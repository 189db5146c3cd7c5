import type { AddressClient } from "../../kernel/addresses/address-client.ts";
import type { LinkClient } from "../../kernel/addresses/link-client.ts";
import type { InterfaceAddress } from "../../model/interface-address.ts";
import type { Link } from "../../model/link.ts";

/** The links and addresses of this machine as the kernel had them at one moment. */
export interface NetworkSurvey {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
}

/**
 * Reads them. A dump waits for the kernel's RTNL lock: once heartbeats are sent, that is for the kernel thread to do.
 * @throws TandemError when the kernel cannot be read.
 */
export function surveyNetwork(links: Pick<LinkClient, "list">, addresses: Pick<AddressClient, "list">): NetworkSurvey {
  return { links: links.list(), addresses: addresses.list() };
}
