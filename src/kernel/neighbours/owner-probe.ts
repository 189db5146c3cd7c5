/** Questions for the owner of an address, and the answers on the wire. */
import { DecodeError, SyscallError } from "../../lib/errors.ts";
import type { Family, IpAddress } from "../../model/address.ts";
import type { Link } from "../../model/link.ts";
import type { MacAddress } from "../../model/mac-address.ts";
import { closeFd, type Fd } from "../../sys/libc/fd.ts";
import { type Watch, watchDatagrams } from "../../sys/process/readiness.ts";
import { openFrameReceiver, openFrameSender, sendFrame } from "../../sys/sockets/packet-socket.ts";
import { drainDatagrams, type SendOutcome } from "../../sys/sockets/socket.ts";
import { ETHERTYPE_ARP, ETHERTYPE_IPV6 } from "../../wire/ethernet/ethernet-frame.ts";
import { asEthernetLink, type EthernetLink } from "./ethernet-link.ts";
import { questionFrame } from "./neighbour-frames.ts";
import { addressFilter, answerFilter, type OwnerSign, readOwnerSign } from "./owner-sign.ts";

/** Somebody showed on the wire that it has an address, or wants it. */
export interface OwnerAnswer extends OwnerSign {
  readonly interface: string;
  readonly interfaceIndex: number;
}

/** On which link to listen for which addresses. */
export interface WatchedLink {
  readonly link: Link;
  readonly addresses: readonly IpAddress[];
  /**
   * Addresses of which only answers are wanted, not whatever else is said of them: to listen for those costs nothing
   * while nobody asks.
   */
  readonly answersFor?: readonly IpAddress[];
}

export interface OwnerProbeOptions {
  readonly watched: readonly WatchedLink[];
  readonly onAnswer: (answer: OwnerAnswer) => void;
}

/** An ARP storm must not hold the loop up: the rest is read in the next turn. */
const DRAIN_LIMIT = 256;

const ETHER_TYPES = { inet: ETHERTYPE_ARP, inet6: ETHERTYPE_IPV6 } as const satisfies Record<Family, number>;

/** The addresses of one family to listen for. */
type Wanted = Required<Omit<WatchedLink, "link">>;

function textsOf(addresses: readonly IpAddress[]): ReadonlySet<string> {
  return new Set(addresses.map((address) => address.text));
}

/** One packet socket: the ARP or the neighbour discovery of one link. */
class Ear {
  readonly fd: Fd;
  readonly #link: EthernetLink;
  readonly #family: Family;
  readonly #texts: ReadonlySet<string>;
  readonly #answersFor: ReadonlySet<string>;
  #watch: Watch | undefined;

  constructor(link: EthernetLink, family: Family, wanted: Wanted) {
    this.#link = link;
    this.#family = family;
    this.#texts = textsOf(wanted.addresses);
    this.#answersFor = textsOf(wanted.answersFor);
    this.fd = openFrameReceiver(ETHER_TYPES[family], link.index, [
      ...addressFilter(family, wanted.addresses),
      ...answerFilter(family, wanted.answersFor, link.mac),
    ]);
  }

  listen(onAnswer: (answer: OwnerAnswer) => void): void {
    this.#watch = watchDatagrams(this.fd, (frame) => {
      const answer = this.read(frame);
      if (answer !== undefined) onAnswer(answer);
    });
  }

  read(frame: Uint8Array): OwnerAnswer | undefined {
    try {
      const sign = readOwnerSign(this.#family, frame, this.#link.mac);
      if (sign === undefined || !this.#isWanted(sign)) return undefined;
      return { ...sign, interface: this.#link.name, interfaceIndex: this.#link.index };
    } catch (error) {
      // Anybody on the wire can send what is no ARP.
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
  }

  /** An advertisement to all is the answer to a probe (RFC 4861 section 7.2.4). */
  #isWanted({ address, kind }: OwnerSign): boolean {
    if (this.#texts.has(address.text)) return true;
    if (!this.#answersFor.has(address.text)) return false;
    return kind === "answer" || (kind === "announcement" && this.#family === "inet6");
  }

  close(): void {
    this.#watch?.close();
    closeFd(this.fd);
  }
}

/** An ear on that link; undefined when the link went away meanwhile, which is for the caller's link events to tell. */
function openEar(link: EthernetLink, family: Family, wanted: Wanted): Ear | undefined {
  try {
    return new Ear(link, family, wanted);
  } catch (error) {
    if (error instanceof SyscallError && error.errnoName === "ENODEV") return undefined;
    throw error;
  }
}

/**
 * Asks who has an address, and hears who answers: ARP, and neighbour solicitation for IPv6, on raw sockets. Listens only
 * for the addresses it was given; that may be neighbours as well as VIPs. Frames of this machine are not among the answers.
 *
 * To learn whether the peer's kernel still has a VIP, ask by unicast to the peer's MAC from an own address: a broadcast
 * is answered by proxies and by real servers that hold the VIP, or suppressed by the switch (tried).
 */
export class OwnerProbe {
  readonly #sender: Fd;
  readonly #ears: readonly Ear[];
  #open = true;

  private constructor(sender: Fd, ears: readonly Ear[], onAnswer: (answer: OwnerAnswer) => void) {
    this.#sender = sender;
    this.#ears = ears;
    for (const ear of ears) ear.listen(onAnswer);
  }

  /**
   * Links that are not Ethernet, or not there any more, are left out: nobody can be asked there. When a link is made
   * anew (another index) or changes its MAC, open another probe.
   * @throws SyscallError (EPERM, exit code 4).
   */
  static open(options: OwnerProbeOptions): OwnerProbe {
    const sender = openFrameSender();
    const ears: Ear[] = [];
    try {
      for (const { link, addresses, answersFor = [] } of options.watched) {
        const ethernet = asEthernetLink(link);
        if (ethernet === undefined) continue;
        for (const family of ["inet", "inet6"] as const) {
          const ofFamily = (all: readonly IpAddress[]) => all.filter((address) => address.family === family);
          const wanted = { addresses: ofFamily(addresses), answersFor: ofFamily(answersFor) };
          if (wanted.addresses.length + wanted.answersFor.length === 0) continue;
          const ear = openEar(ethernet, family, wanted);
          if (ear !== undefined) ears.push(ear);
        }
      }
    } catch (error) {
      for (const ear of ears) ear.close();
      closeFd(sender);
      throw error;
    }
    return new OwnerProbe(sender, ears, options.onAnswer);
  }

  /**
   * Asks once who has `target` on that link. Never throws for what a network does.
   * @param from an address of that link that is ours; absent: a probe that changes nobody's cache
   * @param mac whom to ask, by unicast; absent: everybody
   */
  ask(target: IpAddress, link: Link, from: IpAddress | undefined, mac: MacAddress | undefined): SendOutcome {
    const ethernet = asEthernetLink(link);
    if (ethernet === undefined) return { kind: "failed", errnoName: "not Ethernet" };
    return sendFrame(this.#sender, questionFrame(target, ethernet, from, mac), ethernet.index);
  }

  /** Reads at once the answers that wait in the kernel; `onAnswer` does not get these. */
  drain(): OwnerAnswer[] {
    if (!this.#open) return [];
    return this.#ears.flatMap((ear) =>
      drainDatagrams(ear.fd, DRAIN_LIMIT).flatMap((frame) => {
        const answer = ear.read(frame);
        return answer === undefined ? [] : [answer];
      }),
    );
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const ear of this.#ears) ear.close();
    closeFd(this.#sender);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
