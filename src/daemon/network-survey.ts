import type { AddressClient } from "../kernel/address-client.ts";
import type { LinkClient } from "../kernel/link-client.ts";
import { RouteClient } from "../kernel/route-client.ts";
import type { IpAddress } from "../model/address.ts";
import type { InterfaceAddress } from "../model/interface-address.ts";
import type { Link } from "../model/link.ts";

/** The whole of what a router has to know of its networks, as the kernel had it at one moment. */
export interface NetworkSurvey {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  readonly gateways: readonly IpAddress[];
}

/**
 * Reads it. A dump waits for the kernel's RTNL lock: once heartbeats are sent, that is for the kernel thread to do.
 * @throws TandemError when the kernel cannot be read.
 */
export function surveyNetwork(links: Pick<LinkClient, "list">, addresses: Pick<AddressClient, "list">): NetworkSurvey {
  using routes = RouteClient.open();
  return {
    links: links.list(),
    addresses: addresses.list(),
    gateways: routes.gateways().map((route) => route.gateway),
  };
}
