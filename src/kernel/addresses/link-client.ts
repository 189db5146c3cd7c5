import type { Link } from "../../model/link.ts";
import { RTM } from "../../wire/rtnetlink/rtnetlink.ts";
import { readLink, toLink, writeLinkRequest } from "../../wire/rtnetlink/rtnetlink-link.ts";
import { NetlinkConnection, type NetlinkReply, understood } from "../netlink/netlink-connection.ts";
import { netlinkError } from "../netlink/netlink-failure.ts";

export type { Link } from "../../model/link.ts";

/** asm-generic/errno-base.h. ERANGE and EINVAL are what the kernel says of a name that is too long or empty. */
const ENODEV = 19;
const EINVAL = 22;
const ERANGE = 34;

/** The network interfaces of this machine. */
export class LinkClient {
  readonly #connection: NetlinkConnection;

  private constructor(connection: NetlinkConnection) {
    this.#connection = connection;
  }

  /** @throws SyscallError when the kernel gives no socket. */
  static open(): LinkClient {
    return new LinkClient(NetlinkConnection.open("route"));
  }

  /** All links, by their numbers. @throws NetlinkError, TandemError */
  list(): Link[] {
    const reply = this.#connection.dump({ type: RTM.getLink, write: (writer) => writeLinkRequest(writer) });
    if (reply.refusal !== undefined) throw netlinkError(reply.refusal, { operation: "list the interfaces" });
    return toLinks(reply).toSorted((a, b) => a.index - b.index);
  }

  /** The link of that name or number, or undefined when there is none. @throws NetlinkError, TandemError */
  get(wanted: string | number): Link | undefined {
    const reply = this.#connection.request({ type: RTM.getLink, write: (writer) => writeLinkRequest(writer, wanted) });
    const { refusal } = reply;
    if (refusal === undefined) return toLinks(reply)[0];
    if (refusal.errno === ENODEV || refusal.errno === EINVAL || refusal.errno === ERANGE) return undefined;
    throw netlinkError(refusal, { operation: "look for the interface", subject: String(wanted) });
  }

  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function toLinks(reply: NetlinkReply): Link[] {
  const links = reply.messages.filter((message) => message.type === RTM.newLink);
  return understood(() => links.map((message) => toLink(readLink(message.payload))));
}
