/** An echo on a VIP, on both routers: it answers wherever the VIP is, for pairs that only move VIPs. */
import { writeFileSync } from "node:fs";
import type { udp } from "bun";
import { type Hosts, ROUTERS, type RouterHost } from "../topology.ts";

type EchoSocket = udp.Socket<"buffer">;

export class VipEcho implements Disposable {
  readonly #sockets: readonly EchoSocket[];

  private constructor(sockets: readonly EchoSocket[]) {
    this.#sockets = sockets;
  }

  /** @param routers where it is; default: both of the pair. */
  static async start(
    hosts: Hosts,
    address: string,
    port: number,
    routers: readonly RouterHost[] = ROUTERS.map(({ name }) => name),
  ): Promise<VipEcho> {
    const family = address.includes(":") ? "ipv6" : "ipv4";
    const open: EchoSocket[] = [];
    const data = (socket: EchoSocket, bytes: Uint8Array, senderPort: number, sender: string) => {
      // The kernel gave it to the router that had the VIP then. When this process comes late, the other one may have it.
      const others = open.filter((other) => other !== socket);
      [socket, ...others].some((from) => answer(from, bytes, senderPort, sender));
    };
    const sockets = routers.map((name) =>
      hosts.on(name, async () => {
        // Both listen on an address that only one of them has (ip-sysctl.rst, ip_nonlocal_bind).
        writeFileSync(`/proc/sys/net/${family}/ip_nonlocal_bind`, "1");
        return Bun.udpSocket({ hostname: address, port, socket: { data } });
      }),
    );
    open.push(...(await Promise.all(sockets)));
    return new VipEcho(open);
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.close();
  }
}

/** Without the VIP there is no address to answer from: where nobody has it, the sender counts that as lost. */
function answer(socket: EchoSocket, bytes: Uint8Array, port: number, address: string): boolean {
  try {
    return socket.send(bytes, port, address);
  } catch {
    // ENETUNREACH, EADDRNOTAVAIL
    return false;
  }
}
