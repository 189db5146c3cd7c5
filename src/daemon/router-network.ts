import type { Config } from "../config/config.ts";
import type { PairKeys } from "../config/key-file.ts";
import type { OwnerQuestion } from "../failover/effect.ts";
import type { Input } from "../failover/input.ts";
import { AddressClient } from "../kernel/address-client.ts";
import { Announcer, type Neighbour } from "../kernel/announcer.ts";
import { asEthernetLink } from "../kernel/ethernet-link.ts";
import { FrameWatch } from "../kernel/frame-watch.ts";
import { LinkClient } from "../kernel/link-client.ts";
import { type AddressEvent, NetworkMonitor } from "../kernel/network-monitor.ts";
import { type OwnerAnswer, OwnerProbe } from "../kernel/owner-probe.ts";
import { type EchoAnswer, Reachability } from "../kernel/reachability.ts";
import { type IpAddress, sameAddress } from "../model/address.ts";
import type { InterfaceAddress } from "../model/interface-address.ts";
import type { Link } from "../model/link.ts";
import type { MacAddress } from "../model/mac-address.ts";
import { otherRouter, PATHS, type PathName, type RouterId } from "../model/pair.ts";
import type { Vip } from "../model/vip.ts";
import type { Heartbeat } from "../wire/heartbeat.ts";
import { pairIdOf } from "../wire/heartbeat-packet.ts";
import type { SideInterfaces } from "./failover-settings.ts";
import { chooseNeighbours, NeighbourBook } from "./neighbours.ts";
import { type NetworkSurvey, surveyNetwork } from "./network-survey.ts";
import { PathSockets, pathEnds } from "./path-sockets.ts";
import { StrayFrames } from "./stray-frames.ts";

export interface RouterNetworkOptions {
  readonly config: Config;
  readonly router: RouterId;
  readonly keys: PairKeys;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly onInput: (...inputs: Input[]) => void;
  /** Something waits for `drain`. */
  readonly onReady: () => void;
  readonly onProblem: (message: string) => void;
  /** Has the kernel read as a whole, by a thread that may wait for it; undefined: why it could not be read. */
  readonly survey: (done: (survey: NetworkSurvey | undefined, reason: string) => void) => void;
}

/** A neighbour is asked at most this often: with 10 ms heartbeats a gateway need not answer 100 questions a second. */
const ASK_NEIGHBOURS_GAP_MS = 90;
/** While the peer is late an answer of now is wanted (rule 4): this many questions within `dead_after`, at least. */
const URGENT_QUESTIONS = 6;
/** Changes of foreign addresses and links come in bursts; what has to be read anew is read this long after the first. */
const REFRESH_AFTER_MS = 500;
/** Changes that are kept while a survey is under way: those of thousands of renewals. */
const MEANWHILE_MAX = 10_000;
/** The kernel could not be read (a table that changes too fast, no descriptor left): again after this. */
const REFRESH_RETRY_MS = 1_000;

/** An id of a pair from its four addresses and its port. */
export function pairIdOfConfig(config: Config): string {
  const { primary, backup, port } = config.pair;
  return pairIdOf([primary.public, primary.private, backup.public, backup.private], port);
}

/**
 * The router's eyes, ears and voice on its networks: links and addresses as the kernel tells them, heartbeats, questions
 * to the owners of VIPs and to neighbours, announcements. Reads only, but for frames it sends; addresses are changed by
 * the kernel thread.
 */
export class RouterNetwork {
  readonly #options: RouterNetworkOptions;
  readonly #paths: PathSockets;
  readonly #announcer = Announcer.open();
  readonly #reachability: Reachability;
  readonly #book = new NeighbourBook();
  readonly #links = new Map<string, Link>();
  #config: Config;
  #addresses: InterfaceAddress[] = [];
  #interfaces: SideInterfaces = { public: undefined, private: undefined };
  #monitor: NetworkMonitor | undefined;
  #probe: OwnerProbe | undefined;
  #probedLinks = "";
  #frames: FrameWatch | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #refreshTimer: Timer | undefined;
  #gateways: readonly IpAddress[] = [];
  /** What was told while a survey is under way: it may be older than this. */
  #meanwhile: (() => void)[] | undefined;
  #isStale = false;
  #closed = false;
  readonly #strays: StrayFrames;

  constructor(options: RouterNetworkOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#paths = new PathSockets({
      pairId: pairIdOfConfig(options.config),
      port: options.config.pair.port,
      ends: pathEnds(options.config.pair, options.router),
      keys: options.keys,
      onReady: options.onReady,
      onProblem: options.onProblem,
    });
    this.#strays = new StrayFrames(options.onInput, options.onProblem);
    this.#reachability = Reachability.open({ onAnswer: (answer) => options.onInput(verifyAnswer(answer)) });
  }

  /** Reads the whole state and opens what depends on it, before any heartbeat is sent; nothing is told yet. */
  open(): void {
    // First the events, so that nothing can happen between them and the state.
    this.#monitor = NetworkMonitor.open({
      onLink: (link) => this.#linkChanged(link),
      onLinkGone: (link) => this.#linkChanged({ ...link, up: false, carrier: false }),
      onAddress: (event) => this.#addressChanged(event),
      onOverrun: () => this.#refreshIn(0),
    });
    using links = LinkClient.open();
    using addresses = AddressClient.open();
    this.#take(surveyNetwork(links, addresses));
  }

  /** Tells what is known but was not told with the start. */
  start(): void {
    this.#options.onInput(...this.#linkInputs(), ...this.#foreignVips());
  }

  get interfaces(): SideInterfaces {
    return this.#interfaces;
  }

  /** VIPs of the configuration that this machine has with our mark, left by a daemon before us. */
  adoptableVips(): readonly Vip[] {
    return this.#config.vips.filter((vip) =>
      this.#addresses.some(
        (own) => own.ours && own.interface === vip.interface && sameAddress(own.prefix.address, vip.prefix.address),
      ),
    );
  }

  /** A reloaded configuration; the pair's own addresses and port must be the same (else the daemon is restarted). */
  configure(config: Config, keys: PairKeys): void {
    this.#config = config;
    this.#paths.setKeys(keys);
    this.#probedLinks = "";
    this.#arrange();
    this.#options.onInput(...this.#linkInputs());
    // What else changed on this machine is read by the thread that may wait for it.
    this.#refreshIn(0);
  }

  /** Carriers and MACs as last read. */
  known(): Input[] {
    return this.#linkInputs();
  }

  send(path: PathName, heartbeat: Heartbeat): void {
    this.#paths.send(path, heartbeat);
  }

  /** All that waits in sockets and that the machine must know before it judges. */
  drain(): Input[] {
    const inputs: Input[] = this.#paths.drain();
    for (const answer of this.#probe?.drain() ?? []) {
      const input = this.#ownerInput(answer);
      if (input !== undefined) inputs.push(input);
    }
    for (const answer of this.#reachability.drain()) inputs.push(verifyAnswer(answer));
    return inputs;
  }

  /** Asks owners of VIPs, each by unicast where its MAC is known, always from an own address. */
  askOwners(questions: readonly OwnerQuestion[]): void {
    for (const { vip, mac } of questions) {
      const link = this.#links.get(vip.interface);
      if (link === undefined) continue;
      this.#probe?.ask(vip.prefix.address, link, this.#ownAddress(vip.interface, vip.prefix.address), mac);
    }
  }

  /** Asks the neighbours of both sides whether they are there, but not more often than they should be bothered. */
  askNeighbours(isUrgent = false): void {
    const urgentGapMs = this.#config.pair.deadAfterMs / URGENT_QUESTIONS;
    const gapMs = isUrgent ? Math.min(ASK_NEIGHBOURS_GAP_MS, urgentGapMs) : ASK_NEIGHBOURS_GAP_MS;
    if (this.#options.now() - this.#askedAtMs < gapMs) return;
    this.#askedAtMs = this.#options.now();
    for (const side of PATHS) {
      const link = this.#sideLink(side);
      if (link === undefined) continue;
      for (const { address, mac } of this.#book.questions(side)) {
        this.#probe?.ask(address, link, this.#ownAddress(link.name, address), mac);
      }
    }
  }

  announce(vips: readonly Vip[], unicast: boolean, peerMacs: ReadonlyMap<string, MacAddress>): void {
    for (const vip of vips) {
      const link = this.#links.get(vip.interface);
      if (link === undefined) continue;
      this.#announcer.announce(vip.prefix.address, link, "both", unicast ? this.#audience(link.name, peerMacs) : []);
    }
  }

  /** This router gave the VIPs up: who still sends frames for them here is told for some seconds. */
  watchStrays(): void {
    const byInterface = Map.groupBy(this.#config.vips, (vip) => vip.interface);
    this.#strays.begin(
      [...byInterface].flatMap(([name, vips]) => {
        const known = this.#links.get(name);
        const link = known === undefined ? undefined : asEthernetLink(known);
        return link === undefined ? [] : [{ link, addresses: vips.map((vip) => vip.prefix.address) }];
      }),
    );
  }

  /** The VIPs are here again: frames for them are no strays. */
  endStrays(): void {
    this.#strays.end();
  }

  /** One echo request from each VIP to each neighbour of its side. */
  verify(verification: number, vips: readonly Vip[]): void {
    for (const vip of vips) {
      const link = this.#links.get(vip.interface);
      const side = PATHS.find((path) => this.#interfaces[path] === vip.interface);
      if (link === undefined || side === undefined) continue;
      for (const target of this.#book.addresses(side)) {
        if (target.family !== vip.prefix.address.family) continue;
        this.#reachability.ask({
          source: vip.prefix.address,
          target,
          interfaceIndex: link.index,
          tag: verification,
        });
      }
    }
  }

  /** What both sides have heard so far; to be told at least at every heartbeat interval. */
  evidence(): Input[] {
    this.#frames?.look(this.#options.now());
    return PATHS.flatMap((side): Input[] => {
      const name = this.#interfaces[side];
      if (name === undefined) return [];
      const askable = this.#book.addresses(side).length > 0;
      return [{ kind: "evidence", side, askable, ...this.#frames?.evidence(name) }];
    });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#refreshTimer);
    this.#strays.end();
    this.#monitor?.close();
    this.#probe?.close();
    this.#paths.close();
    this.#reachability.close();
    this.#announcer.close();
  }

  #take(survey: NetworkSurvey): void {
    this.#links.clear();
    for (const link of survey.links) this.#links.set(link.name, link);
    this.#addresses = [...survey.addresses];
    this.#gateways = survey.gateways;
    this.#monitor?.learn(survey.links);
    for (const change of this.#meanwhile ?? []) change();
    this.#meanwhile = undefined;
    this.#arrange();
  }

  /** What follows from links, addresses and configuration. */
  #arrange(): void {
    this.#findSides();
    this.#book.setNeighbours(chooseNeighbours(this.#config, this.#interfaces, this.#addresses, this.#gateways));
    this.#openProbe();
  }

  /** VIPs that somebody else has set here. */
  #foreignVips(): Input[] {
    const isForeign = (vip: Vip) =>
      this.#addresses.some(
        (own) => !own.ours && own.interface === vip.interface && sameAddress(own.prefix.address, vip.prefix.address),
      );
    return this.#config.vips.filter(isForeign).map((vip) => ({ kind: "address-added", vip }));
  }

  /** Has everything read anew, once for a burst of events; trouble with that is no reason to give the VIPs up. */
  #refreshIn(ms: number): void {
    if (this.#refreshTimer !== undefined) {
      this.#isStale ||= this.#meanwhile !== undefined;
      return;
    }
    this.#refreshTimer = setTimeout(() => {
      this.#meanwhile = [];
      this.#isStale = false;
      this.#options.survey((survey, reason) => this.#surveyed(survey, reason));
    }, ms);
  }

  #surveyed(survey: NetworkSurvey | undefined, reason: string): void {
    this.#refreshTimer = undefined;
    if (this.#closed) return;
    try {
      if (survey === undefined) throw new Error(reason);
      this.#probedLinks = "";
      this.#take(survey);
      this.#options.onInput(...this.#linkInputs(), ...this.#foreignVips());
      // Something happened that the survey may have missed.
      if (this.#isStale) this.#refreshIn(REFRESH_AFTER_MS);
    } catch (error) {
      this.#meanwhile = undefined;
      this.#options.onProblem(`${error instanceof Error ? error.message : error}; tried again soon`);
      this.#refreshIn(REFRESH_RETRY_MS);
    }
  }

  /** Which interface carries each of this router's two addresses; opens or moves the path's socket. */
  #findSides(): void {
    const mine = this.#config.pair[this.#options.router];
    const found = (address: IpAddress) =>
      this.#addresses.find((own) => sameAddress(own.prefix.address, address))?.interface;
    const before = this.#interfaces;
    this.#interfaces = {
      public: found(mine.public) ?? before.public,
      private: found(mine.private) ?? before.private,
    };
    for (const path of PATHS) {
      const link = this.#sideLink(path);
      if (link !== undefined) this.#paths.attach(path, link);
    }
    if (before.public !== this.#interfaces.public || before.private !== this.#interfaces.private) {
      const names = Object.values(this.#interfaces).filter((name) => name !== undefined);
      this.#frames = new FrameWatch(names);
    }
  }

  /** Listens on every interface that carries a VIP or a path; again when one was made anew. */
  #openProbe(): void {
    const names = new Set([
      ...this.#config.vips.map((vip) => vip.interface),
      ...Object.values(this.#interfaces).filter((name) => name !== undefined),
    ]);
    const links = [...names].flatMap((name) => this.#links.get(name) ?? []);
    const key = links.map((link) => `${link.index} ${link.mac}`).join();
    if (key === this.#probedLinks) return;
    this.#probedLinks = key;
    this.#probe?.close();
    this.#probe = OwnerProbe.open({
      watched: links.map((link) => ({ link, addresses: this.#heardAddresses(link.name) })),
      onAnswer: (answer) => {
        const input = this.#ownerInput(answer);
        if (input !== undefined) this.#options.onInput(input);
      },
    });
  }

  #heardAddresses(name: string): readonly IpAddress[] {
    const vips = this.#config.vips.filter((vip) => vip.interface === name).map((vip) => vip.prefix.address);
    const neighbours = PATHS.filter((side) => this.#interfaces[side] === name).flatMap((side) =>
      this.#book.addresses(side),
    );
    return [...vips, ...neighbours];
  }

  /** Takes a change over; while a survey is under way again after it. */
  #note(change: () => void): void {
    change();
    if (this.#meanwhile === undefined) return;
    this.#meanwhile.push(change);
    // The oldest are the likeliest to be in the survey already.
    if (this.#meanwhile.length > MEANWHILE_MAX) this.#meanwhile.shift();
  }

  #linkChanged(link: Link): void {
    const known = this.#links.get(link.name);
    this.#note(() => this.#links.set(link.name, link));
    if (known?.index !== link.index || known.mac !== link.mac) {
      this.#findSides();
      this.#refreshIn(REFRESH_AFTER_MS);
    }
    if (known?.carrier !== link.carrier || known.mac !== link.mac) this.#options.onInput(...this.#linkInputs());
  }

  #addressChanged(event: AddressEvent): void {
    const { address } = event;
    const same = (other: InterfaceAddress) =>
      other.interface === address.interface && sameAddress(other.prefix.address, address.prefix.address);
    const isNew = event.added && !this.#addresses.some(same);
    this.#note(() => {
      this.#addresses = this.#addresses.filter((other) => !same(other));
      if (event.added) this.#addresses.push(address);
    });
    const vip = this.#config.vips.find(
      (wanted) => wanted.interface === address.interface && sameAddress(wanted.prefix.address, address.prefix.address),
    );
    if (vip !== undefined) {
      // One with another label goes because of a reload.
      const isCurrent = (address.label ?? vip.interface) === (vip.label ?? vip.interface);
      if (!event.added && isCurrent) this.#options.onInput({ kind: "address-removed", vip });
      else if (event.added && !address.ours) this.#options.onInput({ kind: "address-added", vip });
      return;
    }
    if (!isNew && event.added) return;
    this.#findSides();
    this.#refreshIn(REFRESH_AFTER_MS);
  }

  /** Carrier of both sides and the MACs of the interfaces that carry VIPs, as inputs. */
  #linkInputs(): Input[] {
    const carriers = PATHS.map(
      (side): Input => ({
        kind: "carrier",
        side,
        up: this.#sideLink(side)?.carrier ?? false,
      }),
    );
    const names = new Set(this.#config.vips.map((vip) => vip.interface));
    const macs = [...names].flatMap((name) => {
      const mac = this.#links.get(name)?.mac;
      return mac === undefined ? [] : [{ interface: name, mac }];
    });
    return [...carriers, { kind: "own-macs", macs }];
  }

  /** An answer is a neighbour's sign of life, or tells who has a VIP. A probe only asks, so it proves no owner. */
  #ownerInput(answer: OwnerAnswer): Input | undefined {
    const side = PATHS.find((path) => this.#interfaces[path] === answer.interface);
    if (side !== undefined && this.#book.answered(side, answer.address, answer.mac)) {
      this.#frames?.neighbourAnswered(answer.interface, this.#options.now());
      return this.evidence().find((input) => input.kind === "evidence" && input.side === side);
    }
    if (answer.kind === "probe") return undefined;
    return { kind: "owner-answer", address: answer.address, mac: answer.mac, interface: answer.interface };
  }

  /** An own address of that interface, never a VIP: what asks from a VIP would claim it. */
  #ownAddress(name: string, target: IpAddress): IpAddress | undefined {
    const mine = this.#config.pair[this.#options.router];
    const isVip = (address: IpAddress) => this.#config.vips.some((vip) => sameAddress(vip.prefix.address, address));
    const candidates = this.#addresses.filter(
      (own) => own.interface === name && own.prefix.address.family === target.family && !isVip(own.prefix.address),
    );
    const preferred = candidates.find(
      ({ prefix }) => sameAddress(prefix.address, mine.public) || sameAddress(prefix.address, mine.private),
    );
    return (preferred ?? candidates[0])?.prefix.address;
  }

  /** Who is told of a VIP by a frame of its own: the neighbours of its side, and the peer. */
  #audience(name: string, peerMacs: ReadonlyMap<string, MacAddress>): readonly Neighbour[] {
    const side = PATHS.find((path) => this.#interfaces[path] === name);
    if (side === undefined) return [];
    const peer = this.#config.pair[otherRouter(this.#options.router)][side];
    const peerMac = peerMacs.get(name);
    return [...this.#book.withMacs(side), ...(peerMac === undefined ? [] : [{ address: peer, mac: peerMac }])];
  }

  #sideLink(side: PathName): Link | undefined {
    const name = this.#interfaces[side];
    return name === undefined ? undefined : this.#links.get(name);
  }
}

function verifyAnswer(answer: EchoAnswer): Input {
  return {
    kind: "verify-answer",
    verification: answer.tag,
    address: answer.source,
    by: answer.target,
    elapsedMs: answer.roundTripMs,
  };
}
