import { createServer, type TLSSocket } from "node:tls";
import type { Socket } from "bun";
import { address } from "../../src/model/address.ts";
import type { CheckTarget } from "../../src/model/health-check.ts";
import { AF_INET, SOCK_STREAM } from "../../src/sys/libc/constants.ts";
import { bindSocket, openSocket, ownSocketAddress } from "../../src/sys/sockets/socket.ts";
import { internetSocketAddress, portOfSocketAddress } from "../../src/sys/sockets/socket-address.ts";
import type { TestCertificate } from "./tls-certificate.ts";

/** A server on a port of its own; closed with its connections at the end of the `using` block. */
export interface ProbedServer extends Disposable {
  readonly target: CheckTarget;
  /** How many connections are open to it. */
  readonly open: () => number;
}

/** What a TCP server does when somebody connects, and with what it is told. */
export interface Behaviour {
  readonly connected?: (socket: Socket) => void;
  readonly received?: (socket: Socket, bytes: Uint8Array) => void;
  readonly writable?: (socket: Socket) => void;
}

export function targetOn(port: number): CheckTarget {
  return { address: address("127.0.0.1"), port };
}

/** A TCP server that behaves as told. */
export function tcpServer(behaviour: Behaviour = {}): ProbedServer {
  const sockets = new Set<Socket>();
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        sockets.add(socket);
        behaviour.connected?.(socket);
      },
      data: (socket, bytes) => behaviour.received?.(socket, bytes),
      drain: (socket) => behaviour.writable?.(socket),
      close: (socket) => {
        sockets.delete(socket);
      },
    },
  });
  return { target: targetOn(server.port), open: () => sockets.size, [Symbol.dispose]: () => server.stop(true) };
}

/** A TCP server that answers whatever it is sent with this text and closes. */
export function answering(text: string): ProbedServer {
  return tcpServer({ received: (socket) => void socket.end(text) });
}

/** A TLS server that answers whatever it is sent with this text and closes. */
export async function tlsServer(certificate: TestCertificate, text: string): Promise<ProbedServer> {
  const sockets = new Set<TLSSocket>();
  const server = createServer(certificate, (socket) => {
    sockets.add(socket);
    socket.on("data", () => socket.end(text));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the server has no port");
  return {
    target: targetOn(bound.port),
    open: () => sockets.size,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Bound for as long as the tests run, and never listening: no other program gets the port meanwhile. */
const CLOSED_PORT = ((): number => {
  const held = openSocket(AF_INET, SOCK_STREAM, 0, "hold a port");
  bindSocket(held, internetSocketAddress(new Uint8Array([127, 0, 0, 1]), 0), "hold a port");
  return portOfSocketAddress(ownSocketAddress(held));
})();

/** A port on which nobody listens. */
export function closedPort(): number {
  return CLOSED_PORT;
}
