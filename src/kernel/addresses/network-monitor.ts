/** Changes of links, addresses and settings of this machine as they happen, told by the kernel. */

import { DecodeError, SyscallError } from "../../lib/errors.ts";
import type { InterfaceAddress } from "../../model/interface-address.ts";
import type { Link } from "../../model/link.ts";
import { NETLINK_ROUTE } from "../../sys/libc/constants.ts";
import { type Watch, watchDatagrams } from "../../sys/process/readiness.ts";
import { type NetlinkSocket, openNetlinkSocket } from "../../sys/sockets/netlink-socket.ts";
import { AF_UNSPEC } from "../../wire/bytes/inet-address.ts";
import { type NetlinkMessage, NLMSG_OVERRUN, readMessages } from "../../wire/netlink/netlink-message.ts";
import { RTM, RTNLGRP } from "../../wire/rtnetlink/rtnetlink.ts";
import { readAddress, toInterfaceAddress } from "../../wire/rtnetlink/rtnetlink-address.ts";
import { readLink, toLink } from "../../wire/rtnetlink/rtnetlink-link.ts";
import { readNetconf } from "../../wire/rtnetlink/rtnetlink-netconf.ts";
import { LinkClient } from "./link-client.ts";

/** The receive buffer of 4 MiB holds some 3,000 messages; more than this come only while as many are made. */
const DRAIN_DATAGRAMS_MAX = 10_000;

export interface AddressEvent {
  /** False when it went: removed, expired, or taken along with its interface. */
  readonly added: boolean;
  readonly address: InterfaceAddress;
}

export interface NetworkHandlers {
  /** A link is new or has changed. */
  onLink(link: Link): void;
  /** A link is gone. */
  onLinkGone?(link: Link): void;
  /** An address is new, has changed (each renewal of a lease is told), or is gone. */
  onAddress(event: AddressEvent): void;
  /** Whether an interface, or the machine, forwards packets has changed. */
  onForwarding?(): void;
  /** Messages were lost or not understood: what was known must be read again as a whole. */
  onOverrun(): void;
}

export class NetworkMonitor {
  readonly #handlers: NetworkHandlers;
  readonly #socket: NetlinkSocket;
  readonly #names = new Map<number, string>();
  #watch: Watch | undefined;

  private constructor(handlers: NetworkHandlers, socket: NetlinkSocket) {
    this.#handlers = handlers;
    this.#socket = socket;
  }

  /**
   * Joins the kernel's groups. What happens from now on is told, in order; read the state of before it after this.
   * @param receiveBufferBytes How much the kernel may keep for us before it drops messages; default 4 MiB.
   * @throws SyscallError, TandemError
   */
  static open(handlers: NetworkHandlers, receiveBufferBytes?: number): NetworkMonitor {
    const { link, ipv4Address, ipv6Address, ipv4Netconf, ipv6Netconf } = RTNLGRP;
    const groups = [link, ipv4Address, ipv6Address, ipv4Netconf, ipv6Netconf];
    const options = receiveBufferBytes === undefined ? {} : { receiveBufferBytes };
    const monitor = new NetworkMonitor(handlers, openNetlinkSocket(NETLINK_ROUTE, groups, options));
    try {
      monitor.#learnNames();
      monitor.#watch = watchDatagrams(
        monitor.#socket.fd,
        (bytes) => monitor.#take(bytes),
        () => monitor.#resynchronise(),
      );
    } catch (error) {
      monitor.close();
      throw error;
    }
    return monitor;
  }

  close(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #learnNames(): void {
    using links = LinkClient.open();
    this.learn(links.list());
  }

  /** The names of links, as read after an overrun: the messages that told of new ones may be lost. */
  learn(links: readonly Link[]): void {
    for (const link of links) this.#names.set(link.index, link.name);
  }

  /** Tells at once what waits in the kernel, so that what is known is as new as an answer that came another way. */
  drain(): void {
    for (let turn = 0; turn < DRAIN_DATAGRAMS_MAX; turn += 1) {
      const datagram = this.#receiveNow();
      if (datagram === undefined) return;
      this.#take(datagram);
    }
  }

  #receiveNow(): Uint8Array | undefined {
    try {
      return this.#socket.receiveNow();
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      this.#resynchronise();
      return undefined;
    }
  }

  /**
   * Once the kernel has dropped a message it drops all others, without a word, until the socket is empty (af_netlink.c,
   * NETLINK_S_CONGESTED). So first everything is read that waits: what is lost after that is told again.
   */
  #resynchronise(): void {
    this.#empty();
    this.#handlers.onOverrun();
  }

  /** Tells what waits, whatever of it is lost. */
  #empty(): void {
    for (let turn = 0; turn < DRAIN_DATAGRAMS_MAX; turn += 1) {
      try {
        const datagram = this.#socket.receiveNow();
        if (datagram === undefined) return;
        this.#tellAll(datagram);
      } catch (error) {
        // Another overrun, or bytes that are not understood: everything is read again in any case.
        if (!(error instanceof SyscallError || error instanceof DecodeError)) throw error;
      }
    }
  }

  #take(datagram: Uint8Array): void {
    try {
      if (this.#tellAll(datagram) === "overrun") this.#resynchronise();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#resynchronise();
    }
  }

  #tellAll(datagram: Uint8Array): "told" | "overrun" {
    let outcome: "told" | "overrun" = "told";
    for (const message of readMessages(datagram)) {
      if (message.type === NLMSG_OVERRUN) outcome = "overrun";
      else this.#tell(message);
    }
    return outcome;
  }

  #tellLink(message: NetlinkMessage): void {
    const read = readLink(message.payload);
    if (read.family !== AF_UNSPEC) return;
    const link = toLink(read);
    if (message.type === RTM.newLink) {
      this.#names.set(link.index, link.name);
      this.#handlers.onLink(link);
    } else {
      // Its addresses were told to be gone before it, so its name is no longer needed.
      this.#names.delete(link.index);
      this.#handlers.onLinkGone?.(link);
    }
  }

  #tell(message: NetlinkMessage): void {
    switch (message.type) {
      case RTM.newLink:
      case RTM.deleteLink:
        this.#tellLink(message);
        break;
      case RTM.newAddress:
      case RTM.deleteAddress: {
        const address = toInterfaceAddress(readAddress(message.payload), (index) => this.#names.get(index));
        this.#handlers.onAddress({ added: message.type === RTM.newAddress, address });
        break;
      }
      case RTM.newNetconf:
        if (readNetconf(message.payload).forwarding !== undefined) this.#handlers.onForwarding?.();
        break;
      default:
    }
  }
}
