/**
 * Everything of the network in one place: sockets of heartbeats, announcing, questions, and the picture of this
 * machine.
 */
import type { PairKeys } from "../../config/key-file.ts";
import type { Config } from "../../config/keys/config.ts";
import type { OwnerQuestion, PeerQuestion } from "../../failover/machine/effect.ts";
import type { Input } from "../../failover/machine/failover-input.ts";
import type { AddressEvent } from "../../kernel/addresses/network-monitor.ts";
import type { RouteSurvey } from "../../kernel/addresses/route-client.ts";
import { type EchoAnswer, Reachability } from "../../kernel/filter/reachability.ts";
import { readSysctl } from "../../kernel/machine/sysctl.ts";
import { Announcer, type Neighbour } from "../../kernel/neighbours/announcer.ts";
import { asEthernetLink } from "../../kernel/neighbours/ethernet-link.ts";
import { FrameWatch } from "../../kernel/neighbours/frame-watch.ts";
import type { OwnerAnswer } from "../../kernel/neighbours/owner-probe.ts";
import { type IpAddress, sameAddress } from "../../model/address.ts";
import type { InterfaceAddress } from "../../model/interface-address.ts";
import type { Link } from "../../model/link.ts";
import type { MacAddress } from "../../model/mac-address.ts";
import { otherRouter, PATHS, type PathName, type RouterId } from "../../model/pair.ts";
import type { Vip } from "../../model/vip.ts";
import type { Heartbeat } from "../../wire/heartbeat/heartbeat.ts";
import { pairIdOf } from "../../wire/heartbeat/heartbeat-packet.ts";
import type { SideInterfaces } from "../settings/failover-settings.ts";
import { wantedSysctls } from "../settings/forwarding.ts";
import { type AnswerContext, type AnswerMeaning, meaningOf } from "./answer-meaning.ts";
import { Asker, type AskerFacts } from "./asker.ts";
import { ToldInputs } from "./changed-inputs.ts";
import { findForeignVips, isLeaseForm, looksLeased } from "./foreign-vip-search.ts";
import { HeldVips } from "./held-vips.ts";
import { chooseNeighbours, NeighbourBook } from "./neighbours.ts";
import { NetworkPicture } from "./network-picture.ts";
import { NetworkReader, type NetworkReaderOptions } from "./network-reader.ts";
import { PathSockets, pathEnds } from "./path-sockets.ts";
import { type PeerFramePath, PeerFrames } from "./peer-frames.ts";
import { StrayFrames } from "./stray-frames.ts";
import { findSides, lostSettings, reportInterfaces } from "./surroundings-report.ts";
import { TwinWatch } from "./twin-watch.ts";

export interface RouterNetworkOptions extends Pick<NetworkReaderOptions, "survey" | "readRoutes" | "onRenamed"> {
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
  readonly #held = new HeldVips();
  /** Removals that are not answered yet. */
  #removals = 0;
  #started = false;
  #config: Config;
  #interfaces: SideInterfaces = { public: undefined, private: undefined };
  #routes: RouteSurvey = { gateways: [], defaultRoutes: [] };
  #settingsLost: readonly string[] = [];
  #settingsTimer: Timer | undefined;
  readonly #asker: Asker;
  readonly #frames = new FrameWatch([]);
  #askedAtMs = Number.NEGATIVE_INFINITY;
  readonly #strays: StrayFrames;
  readonly #peerFrames: PeerFrames;
  readonly #twins: TwinWatch;

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
    this.#peerFrames = new PeerFrames({ ...options, port: options.config.pair.port });
    const { survey, readRoutes, now, onRenamed, onProblem } = options;
    this.#reader = new NetworkReader({
      picture: this.#picture,
      ...{ survey, readRoutes, now, onRenamed, onProblem },
      onLinks: () => this.#changed(),
      onAddress: (event, before) => this.#addressChanged(event, before),
      onRoutes: (routes) => {
        this.#routes = routes;
        this.#changed();
      },
      onSettings: () => this.#settingsChanged(),
    });
    this.#asker = new Asker({
      router: options.router,
      picture: this.#picture,
      book: this.#book,
      facts: this.#askerFacts(),
      onAnswers: (answers) => this.#feed(this.#inputsOf(answers)),
    });
    this.#twins = new TwinWatch(() => this.#asker.askTwins());
    this.#reachability = Reachability.open({ onAnswer: (answer) => options.onInput(verifyAnswer(answer)) });
  }

  /** Reads the whole state and opens what depends on it, before any heartbeat is sent; nothing is told yet. */
  open(): void {
    this.#routes = this.#reader.open();
    this.#arrange();
  }

  /** Asks whether another machine has this router's own addresses, before any heartbeat is sent from them. */
  lookForTwins(): void {
    this.#twins.start();
  }

  /** Tells what is known but was not told with the start. */
  start(): void {
    this.#started = true;
    this.#tellForeign();
  }

  get interfaces(): SideInterfaces {
    return this.#interfaces;
  }

  /** The addresses of this machine. */
  get addresses(): readonly InterfaceAddress[] {
    return this.#picture.addresses;
  }

  /** VIPs of the configuration that this machine has with our mark, left by a daemon before us. */
  adoptableVips(): readonly Vip[] {
    const adoptable = this.#config.vips.filter((vip) => this.#placesOf(vip).some((own) => own.ours));
    this.#held.lease(adoptable);
    return adoptable;
  }

  /** These VIPs are about to be leased: what the kernel tells of them from now on may be our own work. */
  leasing(vips: readonly Vip[]): void {
    this.#held.lease(vips);
  }

  /**
   * VIPs are about to be removed. @returns what to call when it is known which of them are gone, and has been told: until
   * then nothing is said of foreign VIPs, since those that go would be gone before their removal was answered.
   */
  removing(): (gone: readonly Vip[]) => void {
    const request = this.#held.removing();
    this.#removals += 1;
    return (gone) => {
      this.#removals -= 1;
      // The kernel has told of its work before it answered: what it told comes first.
      this.#reader.catchUp();
      this.#held.removed(gone, request);
      this.#tellForeign();
    };
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
    inputs.push(...this.#inputsOf(this.#asker.drain()), ...this.#peerFrames.look());
    for (const answer of this.#reachability.drain()) inputs.push(verifyAnswer(answer));
    return inputs;
  }

  /**
   * Asks owners of VIPs, and the peer for its own addresses, each by unicast where its MAC is known.
   * @param peerMacs by interface. Absent: this is no search for a peer that is late, so its frames are not looked for
   */
  askOwners(
    questions: readonly OwnerQuestion[],
    peer: readonly PeerQuestion[],
    peerMacs?: ReadonlyMap<string, MacAddress>,
  ): void {
    this.#asker.askOwners(questions);
    this.#asker.askPeer(peer);
    if (peerMacs !== undefined) this.#peerFrames.watch(this.#peerPaths(peer, peerMacs));
  }

  /** Asks the neighbours of every interface whether they are there, but not more often than they should be bothered. */
  askNeighbours(isUrgent = false): void {
    const urgentGapMs = this.#config.pair.deadAfterMs / URGENT_QUESTIONS;
    const gapMs = isUrgent ? Math.min(ASK_NEIGHBOURS_GAP_MS, urgentGapMs) : ASK_NEIGHBOURS_GAP_MS;
    if (this.#options.now() - this.#askedAtMs < gapMs) return;
    this.#askedAtMs = this.#options.now();
    this.#asker.askNeighbours();
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

  /** One echo request from each VIP to each neighbour of its interface. */
  verify(verification: number, vips: readonly Vip[]): void {
    for (const vip of vips) {
      const link = this.#picture.link(vip.interface);
      if (link === undefined) continue;
      for (const target of this.#book.addresses(vip.interface)) {
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

  /** What every interface has heard so far; to be told at least at every heartbeat interval. */
  evidence(): Input[] {
    this.#frames.look(this.#options.now());
    return [...this.#placeNames.flatMap((name) => this.#evidenceOn(name)), ...this.#peerFrames.look()];
  }

  /** VIPs may be in this kernel that this process has set. */
  get holdsVips(): boolean {
    return this.#held.size > 0;
  }

  close(): void {
    clearTimeout(this.#settingsTimer);
    this.#strays.end();
    this.#reader.close();
    this.#asker.close();
    this.#peerFrames.close();
    this.#twins.close();
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
    this.#tellForeign();
  }

  /** VIPs that are here without being leases of this process, as a whole list whenever it changes. */
  #tellForeign(): void {
    if (!this.#started || this.#removals > 0) return;
    const found = findForeignVips(this.#picture, this.#config.vips, (address) => this.#held.has(address));
    this.#feed(this.#told.fresh([{ kind: "foreign-vips", found }]));
  }

  #feed(inputs: readonly Input[]): void {
    if (inputs.length > 0) this.#options.onInput(...inputs);
  }

  /** What follows from links, addresses, routes and configuration. */
  #arrange(): void {
    const isMoved = this.#findSides();
    this.#frames.follow(this.#placeNames);
    const facts = this.#askerFacts();
    const places = facts.places.map(({ name, index }) => ({ name, index, isSide: this.#sidesOf(name).length > 0 }));
    const { addresses } = this.#picture;
    this.#book.setNeighbours(chooseNeighbours(this.#config, places, addresses, this.#routes.gateways));
    this.#asker.arrange(facts);
    if (isMoved) this.#options.onSides();
    if (isMoved && this.#started) this.#twins.start();
  }

  /** The interfaces that carry VIPs or paths, those that are not there as well. */
  get #placeNames(): readonly string[] {
    const paths = PATHS.flatMap((side) => this.#interfaces[side] ?? []);
    return [...new Set([...this.#config.vips.map((vip) => vip.interface), ...paths])];
  }

  #sidesOf(name: string): readonly PathName[] {
    return PATHS.filter((side) => this.#interfaces[side] === name);
  }

  #askerFacts(): AskerFacts {
    const places = this.#placeNames.flatMap((name) => this.#picture.link(name) ?? []);
    return { config: this.#config, sides: this.#interfaces, places };
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

  /** Opens or moves the paths' sockets. @returns whether another interface carries an own address now. */
  #findSides(): boolean {
    const before = this.#interfaces;
    this.#interfaces = findSides(this.#picture, this.#ownAddresses, before);
    for (const path of PATHS) {
      const link = this.#sideLink(path);
      if (link !== undefined) this.#paths.attach(path, link);
    }
    return before.public !== this.#interfaces.public || before.private !== this.#interfaces.private;
  }

  get #ownAddresses(): Readonly<Record<PathName, IpAddress>> {
    return this.#config.pair[this.#options.router];
  }

  /** What VIPs' owners say comes before what the peer's own addresses do: silence of the first means something then. */
  #inputsOf(answers: readonly OwnerAnswer[]): Input[] {
    if (answers.length === 0) return [];
    const context = this.#answerContext();
    const meanings = answers.flatMap((answer) => meaningOf(answer, context) ?? []);
    const of = (kind: "owner" | "peer" | "twin") =>
      meanings.flatMap((meaning) => (meaning.kind === kind ? [meaning.input] : []));
    return [...of("owner"), ...of("twin"), ...of("peer"), ...this.#neighbourInputs(meanings)];
  }

  #neighbourInputs(meanings: readonly AnswerMeaning[]): Input[] {
    const names = new Set(meanings.flatMap((meaning) => (meaning.kind === "neighbour" ? [meaning.interface] : [])));
    for (const name of names) this.#frames.neighbourAnswered(name, this.#options.now());
    if (names.size > 0) this.#frames.look(this.#options.now());
    return [...names].flatMap((name) => this.#evidenceOn(name));
  }

  #answerContext(): AnswerContext {
    return {
      sides: this.#interfaces,
      own: this.#ownAddresses,
      peer: this.#config.pair[otherRouter(this.#options.router)],
      isOwnMac: ({ mac }) => this.#picture.hasMac(mac),
      isNeighbour: (answer) => this.#book.answered(answer.interface, answer.address, answer.mac),
    };
  }

  #evidenceOn(name: string): Input[] {
    const evidence = { askable: this.#book.addresses(name).length > 0, ...this.#frames.evidence(name) };
    const sides = this.#sidesOf(name);
    if (sides.length === 0) return [{ kind: "interface-evidence", interface: name, ...evidence }];
    return sides.map((side) => ({ kind: "evidence", side, ...evidence }));
  }

  #addressChanged({ address, added }: AddressEvent, before: InterfaceAddress | undefined): void {
    const vip = this.#config.vips.find((wanted) => sameAddress(wanted.prefix.address, address.prefix.address));
    if (vip === undefined) {
      if (!added || before === undefined || before.dadFailed !== address.dadFailed) this.#changed();
    } else if (
      !added ||
      before === undefined ||
      looksLeased(before, vip, this.#picture) !== looksLeased(address, vip, this.#picture)
    ) {
      if (!added && this.#isLostLease(vip, address)) this.#feed([{ kind: "address-removed", vip }]);
      this.#tellForeign();
    }
  }

  /** Whether with an address that is gone the lease of a VIP is gone, and not because of a reload. */
  #isLostLease(vip: Vip, gone: InterfaceAddress): boolean {
    const isLease = (own: InterfaceAddress) => looksLeased(own, vip, this.#picture);
    if (!isLease(gone) || !isLeaseForm(gone, vip, this.#picture)) return false;
    // One with another label, as one with another prefix, goes since it is not wanted any more.
    const isWanted = (gone.label ?? vip.interface) === (vip.label ?? vip.interface);
    return isWanted && !this.#placesOf(vip).some(isLease);
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

  /** Who is told of a VIP by a frame of its own: the neighbours of its interface, and the peer. */
  #audience(name: string, peerMacs: ReadonlyMap<string, MacAddress>): readonly Neighbour[] {
    const peer = this.#config.pair[otherRouter(this.#options.router)];
    const peerMac = peerMacs.get(name);
    const [side] = this.#sidesOf(name);
    const toPeer = side === undefined || peerMac === undefined ? [] : [{ address: peer[side], mac: peerMac }];
    return [...this.#book.withMacs(name), ...toPeer];
  }

  /** Where the peer's heartbeats come in, and from which MAC: as it was asked, or as its heartbeats told. */
  #peerPaths(
    questions: readonly PeerQuestion[],
    peerMacs: ReadonlyMap<string, MacAddress>,
  ): Partial<Record<PathName, PeerFramePath>> {
    const peer = this.#config.pair[otherRouter(this.#options.router)];
    const paths: Partial<Record<PathName, PeerFramePath>> = {};
    for (const side of PATHS) {
      const link = this.#sideLink(side);
      if (link === undefined) continue;
      const mac = questions.find((question) => question.side === side)?.mac ?? peerMacs.get(link.name);
      paths[side] = { link, address: peer[side], ...(mac === undefined ? {} : { mac }) };
    }
    return paths;
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
