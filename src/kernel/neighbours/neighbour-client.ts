import { RTM } from "../../wire/rtnetlink/rtnetlink.ts";
import {
  type Neighbour,
  readNeighbour,
  toNeighbour,
  writeNeighbourDumpRequest,
} from "../../wire/rtnetlink/rtnetlink-neighbour.ts";
import { NetlinkConnection, understood } from "../netlink/netlink-connection.ts";
import { netlinkError } from "../netlink/netlink-failure.ts";

export type { Neighbour, NeighbourState } from "../../wire/rtnetlink/rtnetlink-neighbour.ts";

/** The kernel's ARP and NDP tables. */
export class NeighbourClient {
  readonly #connection: NetlinkConnection;

  private constructor(connection: NetlinkConnection) {
    this.#connection = connection;
  }

  /** @throws SyscallError when the kernel gives no socket. */
  static open(): NeighbourClient {
    return new NeighbourClient(NetlinkConnection.open("route"));
  }

  /** The neighbours whose MAC is known, reachable or not: see their `state`. @throws NetlinkError, TandemError */
  list(): Neighbour[] {
    const reply = this.#connection.dump({ type: RTM.getNeighbour, write: writeNeighbourDumpRequest });
    if (reply.refusal !== undefined) throw netlinkError(reply.refusal, { operation: "list the neighbours" });
    return understood(() =>
      reply.messages.flatMap((message) => {
        const neighbour = message.type === RTM.newNeighbour ? toNeighbour(readNeighbour(message.payload)) : undefined;
        return neighbour === undefined ? [] : [neighbour];
      }),
    );
  }

  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
