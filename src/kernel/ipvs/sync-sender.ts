/** Connections sent to the backup daemons of a group. */
import { addressBytes, type IpAddress } from "../../model/address.ts";
import { closeFd, type Fd } from "../../sys/libc/fd.ts";
import { openMulticastSocket } from "../../sys/sockets/multicast-socket.ts";
import { type SendOutcome, sendDatagram } from "../../sys/sockets/socket.ts";

export interface SyncSenderOptions {
  readonly interfaceIndex: number;
  readonly group: IpAddress;
  readonly port: number;
  /** As that of the kernel's own daemon. */
  readonly ttl: number;
}

/** Sends connection-sync messages to the backup daemons of a group, as the kernel's master daemon does. */
export class SyncSender implements Disposable {
  readonly #fd: Fd;

  private constructor(fd: Fd) {
    this.#fd = fd;
  }

  /** @throws SyscallError: ENODEV without that interface, ENETUNREACH when it has no address. */
  static open({ interfaceIndex, group, port, ttl }: SyncSenderOptions): SyncSender {
    return new SyncSender(openMulticastSocket({ group: addressBytes(group), port, interfaceIndex, ttl }));
  }

  /** Sends without waiting. Never throws for what a network does. */
  send(message: Uint8Array): SendOutcome {
    return sendDatagram(this.#fd, message);
  }

  [Symbol.dispose](): void {
    closeFd(this.#fd);
  }
}
