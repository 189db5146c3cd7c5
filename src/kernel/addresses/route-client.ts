import type { IpAddress } from "../../model/address.ts";
import { type RouteSurvey, RouteTally } from "../../wire/rtnetlink/route-tally.ts";
import { RTM } from "../../wire/rtnetlink/rtnetlink.ts";
import {
  readRoute,
  toRouteAddress,
  writeRouteDumpRequest,
  writeRouteLookup,
} from "../../wire/rtnetlink/rtnetlink-route.ts";
import { NetlinkConnection, understood } from "../netlink/netlink-connection.ts";
import { netlinkError } from "../netlink/netlink-failure.ts";

export type { RouteSurvey } from "../../wire/rtnetlink/route-tally.ts";
export type { Gateway } from "../../wire/rtnetlink/rtnetlink-route.ts";

/** Where packets to an address go now. */
export interface Route {
  readonly interfaceIndex: number;
  /** The next router; absent where the address is on the link itself. */
  readonly gateway?: IpAddress;
  /** The source that the kernel would take. */
  readonly source?: IpAddress;
}

/** asm-generic/errno.h and errno-base.h: what the kernel says of an address that no route leads to. */
const NO_ROUTE_ERRNOS: ReadonlySet<number> = new Set([
  101 /* ENETUNREACH */, 113 /* EHOSTUNREACH */, 13 /* EACCES, a prohibit route */, 22 /* EINVAL, a blackhole route */,
  97 /* EAFNOSUPPORT, a kernel without IPv6 */, 95 /* EOPNOTSUPP, the same */,
]);

/** The routes of this machine. */
export class RouteClient {
  readonly #connection: NetlinkConnection;

  private constructor(connection: NetlinkConnection) {
    this.#connection = connection;
  }

  /** @throws SyscallError when the kernel gives no socket. */
  static open(): RouteClient {
    return new RouteClient(NetlinkConnection.open("route"));
  }

  /** What is to be known of all routes. @throws NetlinkError, TandemError */
  survey(): RouteSurvey {
    const tally = new RouteTally();
    const refusal = this.#connection.dumpEach(
      { type: RTM.getRoute, write: writeRouteDumpRequest },
      () => tally.begin(),
      (view, start, end) => tally.take(view, start, end),
    );
    if (refusal !== undefined) throw netlinkError(refusal, { operation: "list the routes" });
    return tally.survey();
  }

  /** The route of a packet to `address` now, or undefined when there is none. @throws NetlinkError, TandemError */
  routeTo(address: IpAddress): Route | undefined {
    const { messages, refusal } = this.#connection.request({
      type: RTM.getRoute,
      write: (writer) => writeRouteLookup(writer, address),
    });
    if (refusal !== undefined) {
      if (NO_ROUTE_ERRNOS.has(refusal.errno)) return undefined;
      throw netlinkError(refusal, { operation: "look for the route to", subject: address.text });
    }
    const message = messages.find((each) => each.type === RTM.newRoute);
    return message === undefined ? undefined : understood(() => toRoute(message.payload));
  }

  /** The number of the interface by which packets to `address` leave. @throws NetlinkError, TandemError */
  interfaceTowards(address: IpAddress): number | undefined {
    return this.routeTo(address)?.interfaceIndex;
  }

  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function toRoute(payload: Uint8Array): Route | undefined {
  const message = readRoute(payload);
  const { outputInterface, gateway, preferredSource } = message.attributes;
  if (outputInterface === undefined) return undefined;
  return {
    interfaceIndex: outputInterface,
    ...(gateway === undefined ? {} : { gateway: toRouteAddress(message, gateway, "gateway") }),
    ...(preferredSource === undefined ? {} : { source: toRouteAddress(message, preferredSource, "preferredSource") }),
  };
}
