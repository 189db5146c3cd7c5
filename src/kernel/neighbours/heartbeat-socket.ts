import { addressBytes, type IpAddress } from "../../model/address.ts";
import { closeFd, type Fd } from "../../sys/libc/fd.ts";
import { type Watch, watchDatagrams } from "../../sys/process/readiness.ts";
import {
  drainDatagrams,
  growReceiveBuffer,
  ownSocketAddress,
  type SendOutcome,
  sendDatagram,
} from "../../sys/sockets/socket.ts";
import { internetSocketAddress, portOfSocketAddress } from "../../sys/sockets/socket-address.ts";
import { openUdpSocket } from "../../sys/sockets/udp-socket.ts";

export interface HeartbeatSocketOptions {
  /** The path's interface: datagrams come and go by it, whatever the routes say. Absent: by any. */
  readonly interface?: string;
  /** Its index; needed when the addresses are link-local IPv6 ones. */
  readonly interfaceIndex?: number;
  readonly local: IpAddress;
  readonly peer: IpAddress;
  /** The port of both ends; 0 lets the kernel choose ours, which is then in `port`. */
  readonly port: number;
  /** Called for each datagram from the peer's address, as it comes. */
  readonly onDatagram: (bytes: Uint8Array) => void;
}

/** What the socket did so far; failures by the name of their errno. */
export interface HeartbeatCounts {
  readonly sent: number;
  readonly received: number;
  readonly failures: ReadonlyMap<string, number>;
  /** How often the event loop lost the socket and took it up again. */
  readonly interruptions: number;
}

/** A heartbeat must fit one Ethernet frame: 1500 bytes less the headers of IPv6 and UDP. */
const HEARTBEAT_MAX_BYTES = 1_452;
/** Nothing shorter can hold an HMAC-SHA256, so the kernel need not wake us for it. */
const HEARTBEAT_MIN_BYTES = 32;
/** More than this in one turn is a flood; the rest is read in the next turn. */
const DRAIN_LIMIT = 256;
/** Some 4,000 packets: 80 ms of a flood of 50,000 a second. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * One path to the peer: a UDP socket on one interface, its packets marked as network control. The kernel drops what
 * does not come from the peer's address; who sent it in truth is for the packet's signature to say.
 *
 * It stays bound to an interface that goes down and comes back, and to an address that is not there yet; when the
 * interface itself is made anew (another index), open another socket.
 */
export class HeartbeatSocket {
  /** The own port. */
  readonly port: number;
  readonly #fd: Fd;
  readonly #destination: Uint8Array;
  readonly #watch: Watch;
  readonly #failures = new Map<string, number>();
  #sent = 0;
  #received = 0;
  #open = true;

  private constructor(fd: Fd, options: HeartbeatSocketOptions) {
    this.#fd = fd;
    this.port = portOfSocketAddress(ownSocketAddress(fd));
    this.#destination = internetSocketAddress(addressBytes(options.peer), options.port, options.interfaceIndex);
    this.#watch = watchDatagrams(fd, (bytes) => {
      this.#received += 1;
      options.onDatagram(bytes);
    });
  }

  /** @throws SyscallError: ENODEV when there is no such interface, EADDRINUSE when another program has the port. */
  static open(options: HeartbeatSocketOptions): HeartbeatSocket {
    const fd = openUdpSocket({
      ...(options.interface === undefined ? {} : { interface: options.interface }),
      local: addressBytes(options.local),
      port: options.port,
      ...(options.interfaceIndex === undefined ? {} : { scopeInterfaceIndex: options.interfaceIndex }),
      peer: addressBytes(options.peer),
      lengthBytes: { min: HEARTBEAT_MIN_BYTES, max: HEARTBEAT_MAX_BYTES },
    });
    // While a flood is being read the packets that count must find room.
    growReceiveBuffer(fd, RECEIVE_BUFFER_BYTES);
    return new HeartbeatSocket(fd, options);
  }

  /** Sends to the peer's port, or to another one. Never throws for what a network does: that is counted and returned. */
  send(bytes: Uint8Array, toPort?: number): SendOutcome {
    const destination = toPort === undefined ? this.#destination : withPort(this.#destination, toPort);
    const outcome = sendDatagram(this.#fd, bytes, destination);
    if (outcome.kind === "sent") this.#sent += 1;
    else this.#failures.set(outcome.errnoName, (this.#failures.get(outcome.errnoName) ?? 0) + 1);
    return outcome;
  }

  /** Reads at once what waits in the kernel, so that the loop can judge silence afterwards. `onDatagram` does not get these. */
  drain(): Uint8Array[] {
    if (!this.#open) return [];
    const datagrams = drainDatagrams(this.#fd, DRAIN_LIMIT);
    this.#received += datagrams.length;
    return datagrams;
  }

  counts(): HeartbeatCounts {
    return {
      sent: this.#sent,
      received: this.#received,
      failures: new Map(this.#failures),
      interruptions: this.#watch.interruptions,
    };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch.close();
    closeFd(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function withPort(address: Uint8Array, port: number): Uint8Array {
  const copy = address.slice();
  new DataView(copy.buffer).setUint16(2, port);
  return copy;
}
