import { addressBytes, type IpAddress } from "../model/address.ts";
import { closeFd, type Fd } from "../sys/fd.ts";
import { openMulticastSocket } from "../sys/multicast-socket.ts";
import { type SendOutcome, sendDatagram } from "../sys/socket.ts";

export interface SyncSenderOptions {
  readonly interfaceIndex: number;
  readonly group: IpAddress;
  readonly port: number;
}

/** The kernel's own daemon sends with this by default (ip_vs_sync.c, mcast_ttl): the peer is on the same network. */
const TTL = 1;

/** Sends connection-sync messages to the backup daemons of a group, as the kernel's master daemon does. */
export class SyncSender implements Disposable {
  readonly #fd: Fd;

  private constructor(fd: Fd) {
    this.#fd = fd;
  }

  /** @throws SyscallError: ENODEV without that interface, ENETUNREACH when it has no address. */
  static open({ interfaceIndex, group, port }: SyncSenderOptions): SyncSender {
    return new SyncSender(openMulticastSocket({ group: addressBytes(group), port, interfaceIndex, ttl: TTL }));
  }

  /** Sends without waiting. Never throws for what a network does. */
  send(message: Uint8Array): SendOutcome {
    return sendDatagram(this.#fd, message);
  }

  [Symbol.dispose](): void {
    closeFd(this.#fd);
  }
}
