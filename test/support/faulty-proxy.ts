import type { Socket } from "bun";

/**
 * A relay to a server that does one thing wrong. `pass`: nothing. `reset`: at the first word of either side. `drip`: a
 * byte a second. `wrong`: says what an SSH server says. `endless`: never stops to talk. `half-closed`: says at once that
 * it has nothing more to say.
 */
export type ProxyFault = "pass" | "silent" | "reset" | "drip" | "wrong" | "endless" | "half-closed";

export interface FaultyProxy extends Disposable {
  readonly port: number;
}

const DRIP_MS = 1_000;
const NOISE = Buffer.alloc(64 * 1024, "all work and no play makes a dull server\n");

interface Relay {
  upstream: Socket | undefined;
  /** What the server said and the client has not got yet. */
  waiting: Uint8Array;
  toServer: Uint8Array[];
  timer: Timer | undefined;
  ended: boolean;
}

function pour(client: Socket<Relay>): void {
  while (client.write(NOISE) === NOISE.length);
}

function drip(client: Socket<Relay>, relay: Relay): void {
  if (relay.timer !== undefined || relay.waiting.length === 0) return;
  client.write(relay.waiting.subarray(0, 1));
  client.flush();
  relay.waiting = relay.waiting.subarray(1);
  relay.timer = setTimeout(() => {
    relay.timer = undefined;
    drip(client, relay);
  }, DRIP_MS);
}

function flush(client: Socket<Relay>, relay: Relay): void {
  if (relay.waiting.length > 0) {
    const written = Math.max(0, client.write(relay.waiting));
    relay.waiting = relay.waiting.subarray(written);
  }
  if (relay.ended && relay.waiting.length === 0) client.end();
}

function heard(client: Socket<Relay>, relay: Relay, fault: ProxyFault, bytes: Uint8Array): void {
  if (fault === "reset") client.terminate();
  else if (fault === "pass" || fault === "drip") {
    relay.waiting = Buffer.concat([relay.waiting, bytes]);
    if (fault === "drip") drip(client, relay);
    else flush(client, relay);
  }
}

async function connectUpstream(client: Socket<Relay>, relay: Relay, port: number, fault: ProxyFault): Promise<void> {
  try {
    relay.upstream = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_socket, bytes) => heard(client, relay, fault, bytes),
        close: () => {
          relay.ended = true;
          if (fault === "pass") flush(client, relay);
        },
      },
    });
    for (const bytes of relay.toServer) relay.upstream.write(bytes);
    relay.toServer = [];
  } catch {
    client.terminate();
  }
}

function opened(client: Socket<Relay>, relay: Relay, port: number, fault: ProxyFault): void {
  if (fault === "silent") return;
  if (fault === "half-closed") client.shutdown();
  else if (fault === "endless") pour(client);
  else if (fault === "wrong") client.write("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\r\n");
  else void connectUpstream(client, relay, port, fault);
}

/** Listens on a port of its own and relays to `port` of this machine, with the fault. */
export function faultyProxy(port: number, fault: ProxyFault): FaultyProxy {
  const server = Bun.listen<Relay>({
    hostname: "127.0.0.1",
    port: 0,
    allowHalfOpen: true,
    socket: {
      open(client) {
        client.data = { upstream: undefined, waiting: new Uint8Array(0), toServer: [], timer: undefined, ended: false };
        opened(client, client.data, port, fault);
      },
      data(client, bytes) {
        const relay = client.data;
        if (fault === "reset") client.terminate();
        else if (relay.upstream === undefined) relay.toServer.push(Uint8Array.from(bytes));
        else relay.upstream.write(bytes);
      },
      drain(client) {
        if (fault === "endless") pour(client);
        else flush(client, client.data);
      },
      end: (client) => void client.end(),
      close(client) {
        clearTimeout(client.data.timer);
        client.data.upstream?.end();
      },
    },
  });
  return { port: server.port, [Symbol.dispose]: () => server.stop(true) };
}

const SHORT_NOISE = "all work and no play";

/** A server of datagrams that is there in the place of another. `wrong`: another protocol's words; `endless`: one after the other for as long as asked for. */
export async function faultyDatagramServer(fault: "silent" | "wrong" | "endless"): Promise<FaultyProxy> {
  let isOver = false;
  const server = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, _bytes, fromPort, fromAddress) {
        if (fault === "silent") return;
        if (fault === "wrong") socket.send("SSH-2.0-OpenSSH", fromPort, fromAddress);
        else pourDatagrams(() => !isOver && socket.send(SHORT_NOISE, fromPort, fromAddress));
      },
    },
  });
  return {
    port: server.port,
    [Symbol.dispose]() {
      isOver = true;
      server.close();
    },
  };
}

/** A few in each turn of the loop: more would only be thrown away by the kernel. */
function pourDatagrams(send: () => boolean): void {
  for (let count = 0; count < 10; count += 1) {
    if (!send()) return;
  }
  setTimeout(() => pourDatagrams(send), 1);
}
