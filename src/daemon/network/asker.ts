/** Questions to neighbours and to the peer on each interface, and the answers that are listened for. */
import type { Config } from "../../config/keys/config.ts";
import type { OwnerQuestion, PeerQuestion } from "../../failover/machine/effect.ts";
import { type OwnerAnswer, OwnerProbe, type WatchedLink } from "../../kernel/neighbours/owner-probe.ts";
import { type IpAddress, sameAddress } from "../../model/address.ts";
import type { Link } from "../../model/link.ts";
import type { MacAddress } from "../../model/mac-address.ts";
import { otherRouter, PATHS, type RouterId } from "../../model/pair.ts";
import type { SideInterfaces } from "../settings/failover-settings.ts";
import type { NeighbourBook } from "./neighbours.ts";
import type { NetworkPicture } from "./network-picture.ts";

/** What the questions and the answers that are listened for depend on. */
export interface AskerFacts {
  readonly config: Config;
  readonly sides: SideInterfaces;
  /** The interfaces that carry VIPs or paths, by their names. */
  readonly places: readonly Link[];
}

export interface AskerOptions {
  readonly router: RouterId;
  readonly picture: NetworkPicture;
  readonly book: NeighbourBook;
  readonly facts: AskerFacts;
  readonly onAnswers: (answers: readonly OwnerAnswer[]) => void;
}

/** Everything that makes another ear necessary. */
function keyOf(watched: readonly WatchedLink[]): string {
  return JSON.stringify(
    watched.map(({ link, addresses, answersFor = [] }) => [
      ...[link.index, link.name, link.mac],
      ...[addresses, answersFor].map((list) => list.map(({ text }) => text)),
    ]),
  );
}

/**
 * Asks by ARP and neighbour solicitation who has which address, and listens for the answers on every interface that
 * carries a VIP or a path.
 */
export class Asker {
  readonly #options: AskerOptions;
  #facts: AskerFacts;
  #probe: OwnerProbe | undefined;
  #key = "";

  constructor(options: AskerOptions) {
    this.#options = options;
    this.#facts = options.facts;
  }

  /** Listens as these facts want it: anew where an interface was made anew, renamed, or has another MAC. */
  arrange(facts: AskerFacts): void {
    this.#facts = facts;
    const watched = facts.places.map((link) => this.#watchedOn(link));
    const key = keyOf(watched);
    if (key === this.#key) return;
    const { onAnswers } = this.#options;
    const probe = OwnerProbe.open({ watched, onAnswer: (answer) => onAnswers([answer]) });
    // What waits in the sockets before is not to be lost.
    const waiting = this.drain();
    this.#probe?.close();
    this.#probe = probe;
    this.#key = key;
    if (waiting.length > 0) onAnswers(waiting);
  }

  /** The answers that wait. */
  drain(): readonly OwnerAnswer[] {
    return this.#probe?.drain() ?? [];
  }

  /**
   * Asks who has a VIP: from an own address, and by unicast to a known MAC a second time from 0.0.0.0. The first form is
   * answered behind switches that suppress probes, the second whatever arp_ignore from 0 to 3, arp_filter or the
   * VIP's subnet say, and never by a proxy (tried).
   */
  askOwners(questions: readonly OwnerQuestion[]): void {
    for (const { vip, mac } of questions) {
      const link = this.#options.picture.link(vip.interface);
      if (link !== undefined) this.#askTwice(vip.prefix.address, link, mac);
    }
  }

  /** The same for the peer's own addresses. */
  askPeer(questions: readonly PeerQuestion[]): void {
    const peer = this.#facts.config.pair[otherRouter(this.#options.router)];
    for (const { side, mac } of questions) {
      const name = this.#facts.sides[side];
      const link = name === undefined ? undefined : this.#options.picture.link(name);
      if (link !== undefined) this.#askTwice(peer[side], link, mac);
    }
  }

  /**
   * Asks whether another machine has this router's own addresses, as one that is about to take them would (RFC 5227,
   * RFC 4862): Linux answers that for its own addresses only, never as a proxy (net/ipv4/arp.c, tried). Equipment with
   * "local proxy ARP" may answer for every address of its network, and looks like a twin then.
   */
  askTwins(): void {
    const mine = this.#facts.config.pair[this.#options.router];
    for (const side of PATHS) {
      const name = this.#facts.sides[side];
      const link = name === undefined ? undefined : this.#options.picture.link(name);
      const isHere = this.#options.picture.addresses.some(
        (own) => own.interfaceIndex === link?.index && sameAddress(own.prefix.address, mine[side]),
      );
      if (link !== undefined && isHere) this.#probe?.ask(mine[side], link, undefined, undefined);
    }
  }

  /** Asks the neighbours of every interface whether they are there. */
  askNeighbours(): void {
    for (const link of this.#facts.places) {
      for (const { address, mac } of this.#options.book.questions(link.name)) {
        this.#probe?.ask(address, link, this.#ownAddress(link, address), mac);
      }
    }
  }

  close(): void {
    this.#probe?.close();
  }

  #askTwice(address: IpAddress, link: Link, mac: MacAddress | undefined): void {
    const from = this.#ownAddress(link, address);
    this.#probe?.ask(address, link, from, mac);
    if (from !== undefined && mac !== undefined && address.family === "inet") {
      this.#probe?.ask(address, link, undefined, mac);
    }
  }

  #watchedOn(link: Link): WatchedLink {
    const { config, sides } = this.#facts;
    const { router, book } = this.#options;
    const vips = config.vips.filter((vip) => vip.interface === link.name).map((vip) => vip.prefix.address);
    const here = PATHS.filter((side) => sides[side] === link.name);
    return {
      link,
      addresses: [...vips, ...book.addresses(link.name)],
      answersFor: here.flatMap((side) => [config.pair[otherRouter(router)][side], config.pair[router][side]]),
    };
  }

  /**
   * An own address of that interface, never a VIP: what asks from a VIP would claim it. Where there is none, the
   * question is a probe, which hosts answer as well.
   */
  #ownAddress(link: Link, target: IpAddress): IpAddress | undefined {
    const mine = this.#facts.config.pair[this.#options.router];
    const isVip = (address: IpAddress) =>
      this.#facts.config.vips.some((vip) => sameAddress(vip.prefix.address, address));
    const candidates = this.#options.picture.addresses.filter(
      ({ interfaceIndex, prefix: { address } }) =>
        interfaceIndex === link.index && address.family === target.family && !isVip(address),
    );
    const preferred = candidates.find(
      ({ prefix }) => sameAddress(prefix.address, mine.public) || sameAddress(prefix.address, mine.private),
    );
    return (preferred ?? candidates[0])?.prefix.address;
  }
}
