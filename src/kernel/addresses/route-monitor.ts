/** Changes of default routes as they happen, told by the kernel. */
import { NETLINK_ROUTE } from "../../sys/libc/constants.ts";
import { type Watch, watchDatagrams } from "../../sys/process/readiness.ts";
import { type NetlinkSocket, openNetlinkSocket } from "../../sys/sockets/netlink-socket.ts";
import type { FilterClause } from "../../sys/sockets/socket-filter.ts";
import { NETLINK_HEADER_BYTES } from "../../wire/netlink/netlink-message.ts";
import { RTM, RTNLGRP } from "../../wire/rtnetlink/rtnetlink.ts";

/** The low byte of the type in the header, which is in the machine's byte order: little-endian (wire/bytes/bytes.ts). */
const TYPE_OFFSET = 4;
/** rtm_dst_len of struct rtmsg. */
const PREFIX_LENGTH_OFFSET = NETLINK_HEADER_BYTES + 1;

/**
 * Default routes only, since 50,000 routes that come in one go overrun any buffer (tried); and next hops that go, with
 * which the kernel drops their IPv4 routes in silence.
 */
const FILTER: readonly FilterClause[] = [
  [
    { at: TYPE_OFFSET, bytes: 1, is: "one-of", values: [RTM.newRoute, RTM.deleteRoute] },
    { at: PREFIX_LENGTH_OFFSET, bytes: 1, is: "equal", value: 0 },
  ],
  [{ at: TYPE_OFFSET, bytes: 1, is: "equal", value: RTM.deleteNextHop }],
];

/**
 * Calls back at each change of a default route that the kernel tells. It tells nothing of an IPv4 default route that is
 * lost because its interface was switched off or lost its last address (tried): who wants to know reads the routes again
 * when a link or an address goes.
 */
export class RouteMonitor {
  readonly #socket: NetlinkSocket;
  readonly #watch: Watch;

  /** @throws SyscallError when the kernel gives no socket. */
  constructor(onChange: () => void) {
    const groups = [RTNLGRP.ipv4Route, RTNLGRP.ipv6Route];
    const options = { filter: FILTER, groupsIfThere: [RTNLGRP.nextHop] };
    this.#socket = openNetlinkSocket(NETLINK_ROUTE, groups, options);
    // What was lost was a change too.
    this.#watch = watchDatagrams(this.#socket.fd, onChange, onChange);
  }

  close(): void {
    this.#watch.close();
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
