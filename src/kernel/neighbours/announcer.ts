/** Announcements of a VIP's MAC to the neighbours. */
import type { IpAddress } from "../../model/address.ts";
import type { Link } from "../../model/link.ts";
import { closeFd, type Fd } from "../../sys/libc/fd.ts";
import { openFrameSender, sendFrame } from "../../sys/sockets/packet-socket.ts";
import { readSysctl } from "../machine/sysctl.ts";
import { asEthernetLink } from "./ethernet-link.ts";
import { announcementFrames, announcementsTo, type Neighbour } from "./neighbour-frames.ts";

export type { Neighbour } from "./neighbour-frames.ts";

export type AnnounceForm = "request" | "reply" | "both";

/** How an announcement went. */
export interface AnnounceOutcome {
  readonly sentFrames: number;
  /** The names of the errnos of frames that could not be sent (`ENETDOWN`); `not Ethernet` for a link without ARP. */
  readonly failures: readonly string[];
}

/** Tells the neighbours which MAC address has a VIP, by gratuitous ARP or unsolicited neighbour advertisements. */
export class Announcer {
  readonly #fd: Fd;
  #open = true;

  private constructor(fd: Fd) {
    this.#fd = fd;
  }

  /** One announcer serves all interfaces. @throws SyscallError (EPERM, exit code 4). */
  static open(): Announcer {
    return new Announcer(openFrameSender());
  }

  /**
   * Announces that `vip` is at the MAC of `link`. Never throws for what a network does.
   * @param form for IPv4; most equipment learns from requests, some from replies only
   * @param unicastTo neighbours of that link that are told besides, each by frames of its own; those of the other
   *   family are skipped
   */
  announce(vip: IpAddress, link: Link, form: AnnounceForm, unicastTo: readonly Neighbour[] = []): AnnounceOutcome {
    const ethernet = asEthernetLink(link);
    if (ethernet === undefined) return { sentFrames: 0, failures: ["not Ethernet"] };
    const router = vip.family === "inet6" && forwardsIpv6(link.name);
    const frames = announcementFrames(vip, ethernet, form, router);
    for (const neighbour of unicastTo) {
      if (neighbour.address.family === vip.family) frames.push(...announcementsTo(vip, ethernet, neighbour, router));
    }
    const failures = new Set<string>();
    let sentFrames = 0;
    for (const frame of frames) {
      const outcome = sendFrame(this.#fd, frame, ethernet.index);
      if (outcome.kind === "sent") sentFrames += 1;
      else failures.add(outcome.errnoName);
    }
    return { sentFrames, failures: [...failures] };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeFd(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** RFC 4861 section 7.2.5: an advertisement without the router flag makes hosts forget the sender as their router. */
function forwardsIpv6(interfaceName: string): boolean {
  return readSysctl(`net/ipv6/conf/${interfaceName}/forwarding`) === "1";
}
