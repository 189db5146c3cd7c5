/**
 * A real server of the lab on TCP and UDP. It says its name to `GET`, echoes everything on a connection that began
 * with `HOLD`, and can be told to fail. A check's requests are counted apart: they come from a router's own address.
 */
import type { Socket, TCPSocketListener, udp } from "bun";
import { ROUTERS, type Topology } from "../topology.ts";

/** `refuse`: nobody listens. `hang`: connections open and nothing answers. `error`: every answer is a 500. */
export type Behaviour = "answer" | "refuse" | "hang" | "error";

interface Connection {
  mode: "new" | "hold";
}

const ROUTER_ADDRESSES: ReadonlySet<string> = new Set(ROUTERS.map((router) => router.private));

export class RealServer implements Disposable {
  readonly name: string;
  /** Requests of clients that were answered, checks not among them. */
  requests = 0;
  checks = 0;
  /** Connections that are held open now. */
  held = 0;
  /** Client addresses in the order of their requests. */
  readonly sources: string[] = [];
  #behaviour: Behaviour = "answer";
  #listener: TCPSocketListener<Connection> | undefined;
  #udp: udp.Socket<"buffer"> | undefined;
  readonly #topology: Topology;
  readonly #port: number;

  private constructor(topology: Topology, name: string, port: number) {
    this.#topology = topology;
    this.name = name;
    this.#port = port;
  }

  /** Starts a server on a host of the topology and gives it that host's name. */
  static async start(topology: Topology, host: string, port = 80): Promise<RealServer> {
    const server = new RealServer(topology, host, port);
    server.#listen();
    server.#udp = await topology.on(host, () =>
      Bun.udpSocket({
        hostname: "0.0.0.0",
        port,
        socket: { data: (socket, bytes, from, address) => server.#answerDatagram(socket, bytes, from, address) },
      }),
    );
    return server;
  }

  get behaviour(): Behaviour {
    return this.#behaviour;
  }

  /** From now on; connections that are held stay, except with `refuse`, which resets them. */
  behave(behaviour: Behaviour): void {
    this.#behaviour = behaviour;
    if (behaviour === "refuse") {
      this.#listener?.stop(true);
      this.#listener = undefined;
    } else if (this.#listener === undefined) this.#listen();
  }

  [Symbol.dispose](): void {
    this.#listener?.stop(true);
    this.#udp?.close();
  }

  #listen(): void {
    this.#listener = this.#topology.on(this.name, () =>
      Bun.listen<Connection>({
        hostname: "::",
        port: this.#port,
        socket: {
          open: (socket) => {
            socket.data = { mode: "new" };
          },
          data: (socket, bytes) => this.#take(socket, bytes),
          close: (socket) => {
            if (socket.data.mode === "hold") this.held -= 1;
          },
        },
      }),
    );
  }

  #take(socket: Socket<Connection>, bytes: Uint8Array): void {
    if (this.#behaviour === "hang") return;
    if (socket.data.mode === "hold") {
      socket.write(bytes);
      return;
    }
    if (new TextDecoder().decode(bytes.subarray(0, 4)) === "HOLD") {
      socket.data.mode = "hold";
      this.held += 1;
      this.#count(socket.remoteAddress);
      socket.write(`${this.name}\n`);
      return;
    }
    this.#count(socket.remoteAddress);
    const status = this.#behaviour === "error" ? "500 Internal Server Error" : "200 OK";
    socket.end(`HTTP/1.0 ${status}\r\nContent-Length: ${this.name.length + 1}\r\n\r\n${this.name}\n`);
  }

  /** A peer that is gone already has no address any more; then nobody got the answer either. */
  #count(remoteAddress: string | undefined): void {
    if (remoteAddress === undefined) return;
    const source = remoteAddress.replace(/^::ffff:/, "");
    if (ROUTER_ADDRESSES.has(source)) {
      this.checks += 1;
      return;
    }
    this.requests += 1;
    if (this.sources.length < RealServer.sourcesLimit) this.sources.push(source);
  }

  /** More than any test sends. */
  static readonly sourcesLimit = 10_000;

  #answerDatagram(socket: udp.Socket<"buffer">, bytes: Uint8Array, port: number, address: string): void {
    if (this.#behaviour !== "answer") return;
    try {
      socket.send(bytes, port, address);
    } catch {
      // No route to the sender, while a cable is out: the sender counts that as lost.
    }
  }
}
