/** An echo on a VIP, on both routers: it answers wherever the VIP is, for pairs that only move VIPs. */
import { writeFileSync } from "node:fs";
import type { udp } from "bun";
import { ROUTERS, type Topology } from "../topology.ts";

export class VipEcho implements Disposable {
  readonly #sockets: readonly udp.Socket<"buffer">[];

  private constructor(sockets: readonly udp.Socket<"buffer">[]) {
    this.#sockets = sockets;
  }

  static async start(topology: Topology, address: string, port: number): Promise<VipEcho> {
    const sockets = ROUTERS.map(({ name }) =>
      topology.on(name, () => {
        // Both listen on an address that only one of them has (ip-sysctl.rst, ip_nonlocal_bind).
        writeFileSync("/proc/sys/net/ipv4/ip_nonlocal_bind", "1");
        return Bun.udpSocket({
          hostname: address,
          port,
          socket: { data: answer },
        });
      }),
    );
    return new VipEcho(await Promise.all(sockets));
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.close();
  }
}

/** Without the VIP there is no address to answer from: the sender counts that as lost. */
function answer(socket: udp.Socket<"buffer">, bytes: Uint8Array, port: number, address: string): void {
  try {
    socket.send(bytes, port, address);
  } catch {
    // ENETUNREACH, EADDRNOTAVAIL
  }
}
