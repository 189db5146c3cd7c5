import type { Config } from "../config/config.ts";
import type { PairKeys } from "../config/key-file.ts";
import type { OwnerQuestion } from "../failover/effect.ts";
import type { Input } from "../failover/input.ts";
import { Announcer, type Neighbour } from "../kernel/announcer.ts";
import { asEthernetLink } from "../kernel/ethernet-link.ts";
import { FrameWatch } from "../kernel/frame-watch.ts";
import type { AddressEvent } from "../kernel/network-monitor.ts";
import { type OwnerAnswer, OwnerProbe } from "../kernel/owner-probe.ts";
import { type EchoAnswer, Reachability } from "../kernel/reachability.ts";
import type { RouteSurvey } from "../kernel/route-client.ts";
import { readSysctl } from "../kernel/sysctl.ts";
import { type IpAddress, sameAddress } from "../model/address.ts";
import type { InterfaceAddress } from "../model/interface-address.ts";
import type { Link } from "../model/link.ts";
import type { MacAddress } from "../model/mac-address.ts";
import { otherRouter, PATHS, type PathName, type RouterId } from "../model/pair.ts";
import type { Vip } from "../model/vip.ts";
import type { Heartbeat } from "../wire/heartbeat.ts";
import { pairIdOf } from "../wire/heartbeat-packet.ts";
import type { SideInterfaces } from "./failover-settings.ts";
import { wantedSysctls } from "./forwarding.ts";
import { chooseNeighbours, NeighbourBook } from "./neighbours.ts";
import { NetworkPicture } from "./network-picture.ts";
import { NetworkReader, type NetworkReaderOptions } from "./network-reader.ts";
import { PathSockets, pathEnds } from "./path-sockets.ts";
import { StrayFrames } from "./stray-frames.ts";
import { findSides, lostSettings, reportInterfaces } from "./surroundings-report.ts";
import { ToldInputs } from "./told-inputs.ts";

export interface RouterNetworkOptions extends Pick<NetworkReaderOptions, "survey" | "readRoutes"> {
  readonly config: Config;
  readonly router: RouterId;
  readonly keys: PairKeys;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly onInput: (...inputs: Input[]) => void;
  /** Something waits for `drain`. */
  readonly onReady: () => void;
  /** Another interface carries an own address now than before. */
  readonly onSides: () => void;
  readonly onProblem: (message: string) => void;
}

/** A neighbour is asked at most this often: with 10 ms heartbeats a gateway need not answer 100 questions a second. */
const ASK_NEIGHBOURS_GAP_MS = 90;
/** While the peer is late an answer of now is wanted (rule 4): this many questions within `dead_after`, at least. */
const URGENT_QUESTIONS = 6;
/** A change of one setting is told for each interface it is in force on. */
const SETTINGS_AFTER_MS = 20;

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
  readonly #picture = new NetworkPicture();
  readonly #reader: NetworkReader;
  #told = new ToldInputs();
  #config: Config;
  #interfaces: SideInterfaces = { public: undefined, private: undefined };
  #routes: RouteSurvey = { gateways: [], defaultRoutes: [] };
  #settingsLost: readonly string[] = [];
  #settingsTimer: Timer | undefined;
  #probe: OwnerProbe | undefined;
  #heard = "";
  #frames: FrameWatch | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;
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
    const { survey, readRoutes, now, onProblem } = options;
    this.#reader = new NetworkReader({
      picture: this.#picture,
      ...{ survey, readRoutes, now, onProblem },
      onLinks: () => this.#changed(),
      onAddress: (event, isRenewal) => this.#addressChanged(event, isRenewal),
      onRoutes: (routes) => {
        this.#routes = routes;
        this.#changed();
      },
      onSettings: () => this.#settingsChanged(),
    });
    this.#reachability = Reachability.open({ onAnswer: (answer) => options.onInput(verifyAnswer(answer)) });
  }

  /** Reads the whole state and opens what depends on it, before any heartbeat is sent; nothing is told yet. */
  open(): void {
    this.#routes = this.#reader.open();
    this.#arrange();
  }

  /** Tells what is known but was not told with the start. */
  start(): void {
    this.#feed(this.#foreignVips());
  }

  get interfaces(): SideInterfaces {
    return this.#interfaces;
  }

  /** VIPs of the configuration that this machine has with our mark, left by a daemon before us. */
  adoptableVips(): readonly Vip[] {
    return this.#config.vips.filter((vip) => this.#placesOf(vip).some((own) => own.ours));
  }

  /** A reloaded configuration; the pair's own addresses and port must be the same (else the daemon is restarted). */
  configure(config: Config, keys: PairKeys): void {
    this.#config = config;
    this.#paths.setKeys(keys);
    this.#arrange();
    this.#tell();
    // The settings that it wants are made after this.
    this.#settingsChanged();
    // What else changed on this machine is read by the thread that may wait for it.
    this.#reader.refresh();
  }

  /** What the machine has to know before it starts; from now on changes of it are told. */
  known(): Input[] {
    this.#settingsLost = this.#lostSettings();
    this.#told = new ToldInputs();
    return this.#told.fresh(this.#pictures());
  }

  send(path: PathName, heartbeat: Heartbeat): void {
    this.#paths.send(path, heartbeat);
  }

  /** All that waits in sockets and that the machine must know before it judges. */
  drain(): Input[] {
    const inputs: Input[] = this.#paths.drain();
    inputs.push(...this.#heardInputs(this.#probe?.drain() ?? []));
    for (const answer of this.#reachability.drain()) inputs.push(verifyAnswer(answer));
    return inputs;
  }

  /** Asks owners of VIPs, each by unicast where its MAC is known, always from an own address. */
  askOwners(questions: readonly OwnerQuestion[]): void {
    for (const { vip, mac } of questions) {
      const link = this.#picture.link(vip.interface);
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
      const link = this.#picture.link(vip.interface);
      if (link === undefined) continue;
      this.#announcer.announce(vip.prefix.address, link, "both", unicast ? this.#audience(link.name, peerMacs) : []);
    }
  }

  /** This router gave the VIPs up: who still sends frames for them here is told for some seconds. */
  watchStrays(): void {
    const byInterface = Map.groupBy(this.#config.vips, (vip) => vip.interface);
    this.#strays.begin(
      [...byInterface].flatMap(([name, vips]) => {
        const known = this.#picture.link(name);
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
      const link = this.#picture.link(vip.interface);
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
    clearTimeout(this.#settingsTimer);
    this.#strays.end();
    this.#reader.close();
    this.#probe?.close();
    this.#paths.close();
    this.#reachability.close();
    this.#announcer.close();
  }

  /** Links, addresses or routes are others than before; trouble with that is no reason to give the VIPs up. */
  #changed(): void {
    try {
      this.#arrange();
    } catch (error) {
      this.#options.onProblem(error instanceof Error ? error.message : String(error));
    }
    this.#tell();
  }

  #tell(): void {
    this.#feed(this.#told.fresh(this.#pictures()));
  }

  #feed(inputs: readonly Input[]): void {
    if (inputs.length > 0) this.#options.onInput(...inputs);
  }

  /** What follows from links, addresses, routes and configuration. */
  #arrange(): void {
    const isMoved = this.#findSides();
    const gateways = this.#routes.gateways.map(({ gateway }) => gateway);
    this.#book.setNeighbours(chooseNeighbours(this.#config, this.#interfaces, this.#picture.addresses, gateways));
    this.#openProbe();
    if (isMoved) this.#options.onSides();
  }

  #settingsChanged(): void {
    this.#settingsTimer ??= setTimeout(() => {
      this.#settingsTimer = undefined;
      this.#settingsLost = this.#lostSettings();
      this.#tell();
    }, SETTINGS_AFTER_MS);
  }

  #lostSettings(): readonly string[] {
    return lostSettings(wantedSysctls(this.#config, this.#interfaces), readSysctl);
  }

  /** Where a VIP is on its own interface. */
  #placesOf(vip: Vip): readonly InterfaceAddress[] {
    const index = this.#picture.link(vip.interface)?.index;
    return this.#picture.addresses.filter(
      (own) => own.interfaceIndex === index && sameAddress(own.prefix.address, vip.prefix.address),
    );
  }

  /** VIPs that somebody else has set here. */
  #foreignVips(): Input[] {
    return this.#config.vips
      .filter((vip) => this.#placesOf(vip).some((own) => !own.ours))
      .map((vip) => ({ kind: "address-added", vip }));
  }

  /** Opens or moves the paths' sockets. @returns whether another interface carries an own address now. */
  #findSides(): boolean {
    const before = this.#interfaces;
    this.#interfaces = findSides(this.#picture, this.#ownAddresses, before);
    for (const path of PATHS) {
      const link = this.#sideLink(path);
      if (link !== undefined) this.#paths.attach(path, link);
    }
    if (before.public === this.#interfaces.public && before.private === this.#interfaces.private) return false;
    const names = Object.values(this.#interfaces).filter((name) => name !== undefined);
    this.#frames = new FrameWatch(names);
    return true;
  }

  get #ownAddresses(): Readonly<Record<PathName, IpAddress>> {
    return this.#config.pair[this.#options.router];
  }

  /** Listens on every interface that carries a VIP or a path; again when one was made anew, or has another MAC. */
  #openProbe(): void {
    const names = new Set([
      ...this.#config.vips.map((vip) => vip.interface),
      ...Object.values(this.#interfaces).filter((name) => name !== undefined),
    ]);
    const links = [...names].flatMap((name) => this.#picture.link(name) ?? []);
    const watched = links.map((link) => ({ link, addresses: this.#heardAddresses(link.name) }));
    const key = watched
      .map(({ link, addresses }) => [link.index, link.name, link.mac, ...addresses.map(({ text }) => text)].join(" "))
      .join();
    if (key === this.#heard) return;
    const probe = OwnerProbe.open({
      watched,
      onAnswer: (answer) => this.#feed(this.#heardInputs([answer])),
    });
    // What waits in the sockets before is not to be lost.
    const waiting = this.#probe?.drain() ?? [];
    this.#probe?.close();
    this.#probe = probe;
    this.#heard = key;
    this.#feed(this.#heardInputs(waiting));
  }

  #heardInputs(answers: readonly OwnerAnswer[]): Input[] {
    return answers.flatMap((answer) => this.#ownerInput(answer) ?? []);
  }

  #heardAddresses(name: string): readonly IpAddress[] {
    const vips = this.#config.vips.filter((vip) => vip.interface === name).map((vip) => vip.prefix.address);
    const neighbours = PATHS.filter((side) => this.#interfaces[side] === name).flatMap((side) =>
      this.#book.addresses(side),
    );
    return [...vips, ...neighbours];
  }

  #addressChanged({ address, added }: AddressEvent, isRenewal: boolean): void {
    const vip = this.#config.vips.find((wanted) => sameAddress(wanted.prefix.address, address.prefix.address));
    if (vip === undefined) {
      if (!isRenewal) this.#changed();
      return;
    }
    if (address.interfaceIndex !== this.#picture.link(vip.interface)?.index) return;
    // One with another label goes because of a reload.
    const isCurrent = (address.label ?? vip.interface) === (vip.label ?? vip.interface);
    if (!added && isCurrent) this.#options.onInput({ kind: "address-removed", vip });
    else if (added && !address.ours) this.#options.onInput({ kind: "address-added", vip });
  }

  /** Whole pictures of what there is, as inputs: carriers, MACs, surroundings. */
  #pictures(): Input[] {
    const carriers = PATHS.map(
      (side): Input => ({
        kind: "carrier",
        side,
        up: this.#sideLink(side)?.carrier ?? false,
      }),
    );
    const names = new Set(this.#config.vips.map((vip) => vip.interface));
    const macs = [...names].flatMap((name) => {
      const mac = this.#picture.link(name)?.mac;
      return mac === undefined ? [] : [{ interface: name, mac }];
    });
    const surroundings = {
      interfaces: reportInterfaces(this.#picture, this.#config.vips, this.#ownAddresses, this.#interfaces),
      defaultRoutes: this.#routes.defaultRoutes,
      settingsLost: this.#settingsLost,
    };
    return [...carriers, { kind: "own-macs", macs }, { kind: "surroundings", surroundings }];
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
    const candidates = this.#picture.addresses.filter(
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
    return name === undefined ? undefined : this.#picture.link(name);
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
