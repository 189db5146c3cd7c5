/** One router: its machine, its kernel, and the daemon's process with a loop around the failover machine under test. */

import type { Boot, StepResult } from "../../src/failover/failover.ts";
import type { Effect, StoredState } from "../../src/failover/machine/effect.ts";
import type { Input, PeerFrame } from "../../src/failover/machine/failover-input.ts";
import type { Transition } from "../../src/failover/machine/history.ts";
import type { FailoverSettings } from "../../src/failover/machine/settings.ts";
import type { State } from "../../src/failover/machine/state.ts";
import type { GateReport, InterfaceReport, Surroundings } from "../../src/failover/machine/surroundings.ts";
import { parseEndpoint } from "../../src/model/address.ts";
import type { MacAddress } from "../../src/model/mac-address.ts";
import { otherRouter, PATHS, type PathName, type Role, type RouterId } from "../../src/model/pair.ts";
import type { ServiceSight } from "../../src/model/service-sight.ts";
import {
  isTakenBack,
  orderText,
  type ServerOrder,
  type SharedEntry,
  type SharedSubject,
  sharedKey,
} from "../../src/model/shared-entry.ts";
import { formatVip, type Vip } from "../../src/model/vip.ts";
import { parseServiceKey } from "../../src/model/virtual-service.ts";
import type { HeartbeatSource } from "../../src/wire/heartbeat/heartbeat.ts";
import type { Clock } from "./clock.ts";
import { type Held, Kernel } from "./kernel.ts";
import { type Frame, INTERFACES, type Network, type Port, SEGMENTS, type Segment } from "./network.ts";
import type { Random } from "./random.ts";

/** The code under test; a mutant has the same form. */
export interface Machine {
  createState(boot: Boot): State;
  step(state: State, input: Input, nowMs: number): StepResult;
  nextDeadline(state: State): number | undefined;
}

/** What the checkers watch. */
export interface Watcher {
  log(text: string): void;
  onTransition(router: RouterId, transition: Transition): void;
  onAnnounce(router: RouterId, vips: readonly Vip[]): void;
  onAnswer(router: RouterId, id: number, ok: boolean, text: string): void;
  onWake(router: RouterId): void;
  onDisturbed(router: RouterId): void;
  /** The machine threw: nothing may ever make it. */
  onBroken(router: RouterId, error: Error): void;
  /** What this router knows of operators' orders is on its disk. */
  onShared(router: RouterId, entries: readonly SharedEntry[]): void;
  /** The cloud's address was moved to this router. */
  onCloud(router: RouterId): void;
  /** Each effect, for transcripts. */
  onEffect(router: RouterId, effect: Effect): void;
  /** Addresses, cables or daemons changed: the checkers must look. */
  onChange(): void;
}

export interface HostOptions {
  readonly router: RouterId;
  readonly settings: FailoverSettings;
  readonly networks: { readonly [S in Segment]: Network };
  readonly macs: { readonly [S in Segment]: MacAddress };
  readonly peerMacs: { readonly [S in Segment]: MacAddress };
  readonly machine: Machine;
  readonly clock: Clock;
  readonly random: Random;
  readonly watcher: Watcher;
}

/** The order as the balancer tells it, for one service. */
export function serverSubject(server: string, order: ServerOrder): SharedSubject {
  const service = parseServiceKey("tcp://203.0.113.10:80");
  const endpoint = parseEndpoint(server);
  if (!service.ok || !endpoint.ok) throw new RangeError(`not a server: ${server}`);
  return { kind: "server", service: service.value, server: endpoint.value, order };
}

/** What a start takes at most until the kernel's addresses are known. */
const READ_KERNEL_MS = 50;
const FOR_EVER_MS = 1e9;
/** The packet sockets are open so long after the last question. */
const FRAMES_WATCHED_MS = 5_000;
/** What a socket buffer holds while nobody reads. */
const INBOX_LIMIT = 512;

/** What the kernel thread has to do; until when the kernel surely has what a renewal is for. */
interface KernelWork {
  readonly effect: Extract<Effect, { kind: "lease" | "remove" }>;
  readonly presentUntilMs?: number;
}

/** Everything of a host that lasts: what `load` of a new one needs. */
export interface HostImage {
  readonly powered: boolean;
  readonly balancing: Role;
  readonly ports: { readonly [S in Segment]: Pick<Port, "cable" | "sends" | "receives"> };
  readonly held: readonly Held[];
  readonly seen: { readonly [K in "frames" | "neighbours"]: { readonly [S in Segment]?: number } };
  readonly peerFrames: readonly PeerFrame[];
  readonly framesWatchedUntilMs: number;
  readonly disk: StoredState | undefined;
  readonly sharedDisk: readonly SharedEntry[] | undefined;
  readonly process?: {
    readonly state: State;
    readonly inbox: readonly Input[];
    readonly work: readonly KernelWork[];
    readonly frozen: boolean;
    readonly wakeAtMs: number;
    readonly watchAtMs: number;
  };
}

class Process {
  /** When it looks for neighbours next. */
  watchAtMs = 0;
  state: State;
  inbox: Input[] = [];
  readonly work: KernelWork[] = [];
  frozen = false;
  working = false;
  wakeAtMs = Infinity;

  constructor(state: State) {
    this.state = state;
  }
}

export class RouterHost {
  readonly router: RouterId;
  readonly kernel: Kernel;
  readonly ports: { readonly [S in Segment]: Port };
  settings: FailoverSettings;
  /** How late the loop wakes, at most. */
  latenessMs = 0.5;
  /** The loop is starved: it wakes this late, at least, for whatever comes. */
  starvedMs = 0;
  /** How long the kernel thread needs for a batch, at most. */
  workMs = 3;
  /** How long the program of a takeover runs, at most, and how often it fails. */
  stepMs = 100;
  stepFailures = 0;
  sights: readonly ServiceSight[] = [];
  powered = true;
  balancing: Role = "standby";
  process: Process | undefined;
  readonly #options: HostOptions;
  readonly #offsetMs: number;
  readonly #lastFrame: { [S in Segment]?: number } = {};
  readonly #lastNeighbour: { [S in Segment]?: number } = {};
  /** The last frame of the peer's daemon that passed here while somebody looked. */
  readonly #peerFrames: PeerFrame[] = [];
  #framesWatchedUntilMs = 0;
  /** Its own addresses on the two sides are there. */
  readonly ownAddress: { [P in PathName]: boolean } = { public: true, private: true };
  defaultRoute = true;
  gates: readonly GateReport[] = [];
  /** It answers no question for an address, as with arp_ignore = 8. */
  answersArp = true;
  /** It answers for whatever is asked, as with proxy_arp. */
  answersForAll = false;
  #startsAgain = false;
  /** The VIPs that somebody has set by hand, by their addresses. */
  readonly #foreign = new Set<string>();
  #disk: StoredState | undefined;
  #sharedDisk: readonly SharedEntry[] | undefined;
  /** What the balancer was ordered, by server; its own process and file outlive the router's. */
  readonly ordered = new Map<string, string>();
  /** The balancer loads its table soon after the start. */
  loadsTable = true;
  /** The daemon knows neighbours to ask. */
  askable = true;

  constructor(options: HostOptions) {
    this.#options = options;
    this.router = options.router;
    this.settings = options.settings;
    // Two machines' monotonic clocks have nothing to do with each other.
    this.#offsetMs = options.random.between(1_000, 1e9);
    this.kernel = new Kernel(options.clock, options.random, (vip) => this.#onRemoved(vip), options.watcher.onChange);
    this.ports = { public: this.#port("public"), private: this.#port("private"), third: this.#port("third") };
    for (const segment of SEGMENTS) options.networks[segment].attach(this.ports[segment]);
  }

  #port(segment: Segment): Port {
    const receive = (frame: Frame) => this.#receive(segment, frame);
    return { mac: this.#options.macs[segment], cable: true, sends: true, receives: true, receive };
  }

  get #now(): number {
    return this.#options.clock.now + this.#offsetMs;
  }

  get running(): boolean {
    return this.process !== undefined && !this.process.frozen;
  }

  get role(): Role {
    return this.process?.state.phase.kind === "active" ? "active" : "standby";
  }

  /** What the daemon has kept on disk; undefined: it never has. */
  get disk(): StoredState | undefined {
    return this.#disk;
  }

  /** The daemon waits for nothing that is under way in this machine. */
  get isQuiet(): boolean {
    return this.process === undefined || (!this.process.working && this.process.state.phase.kind !== "starting");
  }

  save(): HostImage {
    const { process, powered, balancing, ports, kernel } = this;
    const portImage = ({ cable, sends, receives }: Port) => ({ cable, sends, receives });
    return {
      powered,
      balancing,
      ports: { public: portImage(ports.public), private: portImage(ports.private), third: portImage(ports.third) },
      held: kernel.save(),
      seen: {
        frames: { ...this.#lastFrame },
        neighbours: { ...this.#lastNeighbour },
      },
      peerFrames: [...this.#peerFrames],
      framesWatchedUntilMs: this.#framesWatchedUntilMs,
      disk: this.#disk,
      sharedDisk: this.#sharedDisk,
      ...(process === undefined ? {} : { process: { ...process, inbox: [...process.inbox], work: [...process.work] } }),
    };
  }

  /** Makes a new host be as another one was, at the same time of the clock. */
  load(image: HostImage): void {
    this.powered = image.powered;
    this.balancing = image.balancing;
    for (const segment of SEGMENTS) Object.assign(this.ports[segment], image.ports[segment]);
    this.kernel.load(image.held);
    Object.assign(this.#lastFrame, image.seen.frames);
    Object.assign(this.#lastNeighbour, image.seen.neighbours);
    this.#peerFrames.push(...image.peerFrames);
    this.#framesWatchedUntilMs = image.framesWatchedUntilMs;
    this.#disk = image.disk;
    this.#sharedDisk = image.sharedDisk;
    if (image.process === undefined) return;
    const { state, inbox, work, frozen, wakeAtMs, watchAtMs } = image.process;
    const process = new Process(state);
    this.process = process;
    process.inbox.push(...inbox);
    process.work.push(...work);
    this.#options.clock.at(watchAtMs, () => this.#watchNeighbours(process));
    if (Number.isFinite(wakeAtMs)) this.#wakeAt(process, wakeAtMs);
    process.frozen = frozen;
  }

  // --- what happens to it ---------------------------------------------------------------------------------------

  start(): void {
    // A service manager starts it again once it has stopped.
    this.#startsAgain = this.process?.state.stopping !== undefined;
    if (this.process !== undefined || !this.powered) return;
    const { machine, random, watcher } = this.#options;
    const seed = random.hex(64);
    const stored = this.#disk === undefined ? {} : { stored: this.#disk };
    const shared = this.#sharedDisk === undefined ? {} : { shared: this.#sharedDisk };
    const boot: Boot = { settings: this.settings, seed, nowMs: this.#now, ...stored, ...shared };
    this.process = new Process(machine.createState(boot));
    watcher.log(`${this.router}: daemon starts`);
    this.#input({ kind: "own-macs", macs: this.#ownMacs() });
    for (const side of PATHS) this.#input({ kind: "carrier", side, up: this.ports[side].cable });
    this.#tellSurroundings();
    if (this.gates.length > 0) this.#input({ kind: "gates", gates: this.gates });
    this.#readKernel(this.process);
    if (this.settings.hasServices) this.#tellTable(this.process);
    if (this.sights.length > 0) this.#input({ kind: "views", sights: this.sights });
    this.#watchNeighbours(this.process);
  }

  /** Heartbeats that wait, and the clock, come before the kernel was read. */
  #readKernel(process: Process): void {
    this.#options.clock.after(this.#options.random.between(0, READ_KERNEL_MS), () => {
      if (this.process !== process) return;
      const ours = this.kernel.addresses.filter(({ prefix }) => !this.#foreign.has(prefix.address.text));
      this.#input({ kind: "start", adoptable: ours });
      if (this.#foreign.size > 0) this.#tellForeign();
    });
  }

  #tellTable(process: Process): void {
    this.#options.clock.after(this.#options.random.between(5, 400), () => {
      if (this.process === process && this.loadsTable) this.completeTable();
    });
  }

  /** The balancer has loaded the table into this kernel. */
  completeTable(): void {
    this.#input({ kind: "table", table: { complete: true, services: 1, servers: 3, serversUp: 3 } });
  }

  /** How this router's checks find the services from now on. */
  see(sights: readonly ServiceSight[]): void {
    this.sights = sights;
    this.#options.watcher.log(`${this.router}: sees its services ${sights.join(" ")}`);
    this.#input({ kind: "views", sights });
  }

  /** A machine of this MAC answers for a VIP. */
  hearOwner(address: string, mac: MacAddress, isAnnounced = false): void {
    const vip = this.settings.vips.find((sided) => sided.vip.prefix.address.text === address)?.vip;
    if (vip === undefined) return;
    const announced = isAnnounced ? { announced: true as const } : {};
    this.#input({ kind: "owner-answer", address: vip.prefix.address, mac, interface: vip.interface, ...announced });
  }

  kill(): void {
    if (this.process === undefined) return;
    this.#options.watcher.log(`${this.router}: daemon killed`);
    this.#options.watcher.onDisturbed(this.router);
    this.process = undefined;
  }

  freeze(): void {
    if (this.process === undefined) return;
    this.#options.watcher.log(`${this.router}: daemon frozen`);
    this.#options.watcher.onDisturbed(this.router);
    this.process.frozen = true;
  }

  thaw(): void {
    const process = this.process;
    if (process === undefined || !process.frozen) return;
    this.#options.watcher.log(`${this.router}: daemon thawed`);
    process.frozen = false;
    this.#wakeAt(process, this.#options.clock.now);
    this.#workOn(process);
  }

  powerOff(): void {
    this.kill();
    this.powered = false;
    this.kernel.clear();
    this.#foreign.clear();
    for (const segment of SEGMENTS) this.ports[segment].cable = false;
    this.#options.watcher.log(`${this.router}: power off`);
  }

  powerOn(): void {
    if (this.powered) return;
    this.powered = true;
    for (const segment of SEGMENTS) this.ports[segment].cable = true;
    this.#options.watcher.log(`${this.router}: power on`);
    this.start();
  }

  setCable(segment: Segment, up: boolean): void {
    if (!this.powered || this.ports[segment].cable === up) return;
    this.ports[segment].cable = up;
    this.#options.watcher.log(`${this.router}: ${segment} cable ${up ? "in" : "out"}`);
    this.#changed(() => this.#tellCarrier(segment));
  }

  #tellCarrier(segment: Segment): void {
    if (segment !== "third") this.#input({ kind: "carrier", side: segment, up: this.ports[segment].cable });
  }

  /** Something around the VIPs is to be another way; the kernel's event follows. */
  #changed(tell: () => void = () => {}): void {
    this.#options.watcher.onChange();
    this.#options.clock.after(this.#options.random.between(0, 2), () => {
      tell();
      this.#tellSurroundings();
    });
  }

  /** Somebody removes this router's own address of a side, or sets it again. */
  setOwnAddress(side: PathName, isThere: boolean): void {
    if (this.ownAddress[side] === isThere) return;
    this.ownAddress[side] = isThere;
    this.#options.watcher.log(`${this.router}: own ${side} address ${isThere ? "set again" : "removed"}`);
    this.#changed();
  }

  setDefaultRoute(isThere: boolean): void {
    if (this.defaultRoute === isThere) return;
    this.defaultRoute = isThere;
    this.#options.watcher.log(`${this.router}: default route ${isThere ? "set" : "lost"}`);
    this.#changed();
  }

  setLink(segment: Segment, isUp: boolean): void {
    const { down } = this.kernel;
    if (isUp) down.delete(INTERFACES[segment]);
    else down.add(INTERFACES[segment]);
    this.ports[segment].cable = isUp;
    this.#options.watcher.log(`${this.router}: ${INTERFACES[segment]} ${isUp ? "up" : "down"}`);
    this.#changed(() => this.#tellCarrier(segment));
  }

  setRenamed(segment: Segment, isRenamed: boolean): void {
    const { renamed } = this.kernel;
    if (isRenamed) renamed.add(INTERFACES[segment]);
    else renamed.delete(INTERFACES[segment]);
    this.#options.watcher.log(`${this.router}: ${INTERFACES[segment]} ${isRenamed ? "renamed" : "has its name again"}`);
    this.#changed();
  }

  setInterface(segment: Segment, isThere: boolean): void {
    if (isThere) this.kernel.gainInterface(INTERFACES[segment]);
    else this.kernel.loseInterface(INTERFACES[segment]);
    this.ports[segment].sends = isThere;
    this.ports[segment].receives = isThere;
    this.#options.watcher.log(`${this.router}: ${INTERFACES[segment]} ${isThere ? "is there again" : "is gone"}`);
    this.#changed();
  }

  setGate(name: string, state: GateReport["state"]): void {
    const others = this.gates.filter((gate) => gate.name !== name);
    this.gates = [...others, { name, state, sinceMs: this.#now, effect: "hand-over" }];
    this.#options.watcher.log(`${this.router}: gate ${name} is ${state}`);
    this.#options.watcher.onChange();
    this.#input({ kind: "gates", gates: this.gates });
  }

  hangKernelThread(ms: number): void {
    this.kernel.hungUntilMs = this.#options.clock.now + ms;
    this.#options.watcher.log(`${this.router}: its kernel thread hangs for ${ms.toFixed(0)} ms`);
    this.#options.watcher.onChange();
  }

  /** Another machine answers for this router's own address. */
  seeTwin(side: PathName, mac: MacAddress): void {
    this.#input({ kind: "twin", side, mac });
  }

  #tellSurroundings(): void {
    this.#input({ kind: "surroundings", surroundings: this.#surroundings() });
  }

  #surroundings(): Surroundings {
    const { gone, renamed, down } = this.kernel;
    const interfaces = SEGMENTS.map((segment): InterfaceReport => {
      const name = INTERFACES[segment];
      const isThere = !gone.has(name) && !renamed.has(name);
      const link = { up: !down.has(name), carrier: this.ports[segment].cable && !down.has(name) };
      return {
        name,
        ...(isThere ? { link } : {}),
        sides: segment === "third" ? [] : [segment],
        ownAddress: segment === "third" || this.ownAddress[segment],
      };
    });
    return { interfaces, defaultRoutes: this.defaultRoute ? ["inet"] : [], settingsLost: [] };
  }

  /** A client on this network reaches what the kernel has there. */
  isReachable(segment: Segment): boolean {
    const { gone, down } = this.kernel;
    const name = INTERFACES[segment];
    return !gone.has(name) && !down.has(name) && this.defaultRoute;
  }

  removeByHand(vip: Vip): void {
    if (!this.kernel.holds(vip.prefix.address.text) || this.kernel.locked) return;
    this.#options.watcher.log(`${this.router}: somebody removes ${vip.prefix.address.text}`);
    this.kernel.remove([vip]);
  }

  /** Somebody sets a VIP, without a lease and without our mark. */
  setByHand(vip: Vip): void {
    // Where no daemon can remove it, it stays: that is nobody's fault.
    if (!this.running || this.kernel.locked || this.#options.clock.now < this.kernel.hungUntilMs) return;
    this.#options.watcher.log(`${this.router}: somebody sets ${vip.prefix.address.text}`);
    this.kernel.lease([vip], FOR_EVER_MS);
    this.#foreign.add(vip.prefix.address.text);
    this.#tellForeign();
  }

  #tellForeign(): void {
    const vips = this.kernel.addresses.filter(({ prefix }) => this.#foreign.has(prefix.address.text));
    const found = vips.map((vip) => ({ vip, text: formatVip(vip), fixed: false }));
    this.#input({ kind: "foreign-vips", found });
  }

  /** The kernel's event, which may come before the answer to whoever removed it, or after. */
  #onRemoved(vip: Vip): void {
    this.#input({ kind: "address-removed", vip });
    this.#noteNotForeign([vip]);
  }

  /** They are gone, or leased by the daemon. */
  #noteNotForeign(vips: readonly Vip[]): void {
    const isFewer = vips.filter(({ prefix }) => this.#foreign.delete(prefix.address.text)).length > 0;
    if (!isFewer) return;
    const { clock, random } = this.#options;
    if (random.chance(0.5)) this.#tellForeign();
    else clock.after(random.between(0, 1), () => this.#tellForeign());
  }

  command(input: Extract<Input, { kind: "operator" | "stop" | "reload" | "warmth" }>): void {
    if (input.kind === "reload") this.settings = input.settings;
    const what = input.kind === "operator" ? input.command.kind : input.kind;
    this.#options.watcher.log(`${this.router}: told to ${what}`);
    this.#input(input);
  }

  /** An operator drains a real server here, gives it another weight, or takes that back. */
  order(server: string, order: ServerOrder): void {
    // Orders go through the router's process.
    if (!this.running) return;
    const subject = serverSubject(server, order);
    this.#options.watcher.log(`${this.router}: an operator orders ${server}: ${orderText(subject)}`);
    this.#follow(subject);
    this.#input({ kind: "ordered", subjects: [subject] });
  }

  #follow(subject: SharedSubject): void {
    if (isTakenBack(subject)) this.ordered.delete(sharedKey(subject));
    else this.ordered.set(sharedKey(subject), orderText(subject));
  }

  // --- the kernel's side of the wire ----------------------------------------------------------------------------

  #receive(segment: Segment, frame: Frame): void {
    if (!this.powered) return;
    const { networks, macs } = this.#options;
    if (this.kernel.down.has(INTERFACES[segment]) || this.kernel.gone.has(INTERFACES[segment])) return;
    this.#lastFrame[segment] = this.#now;
    switch (frame.kind) {
      case "heartbeat":
        if (segment !== "third") this.#receiveHeartbeat(segment, frame);
        return;
      case "ask":
        // The kernel answers, whatever became of the daemon.
        if ((this.kernel.holds(frame.address) && this.answersArp) || this.answersForAll) {
          const answer = { kind: "answer" as const, address: frame.address, mac: macs[segment] };
          networks[segment].send(this.ports[segment], frame.replyTo, answer);
        }
        return;
      case "ask-peer":
        if (segment !== "third" && frame.router === this.router && this.ownAddress[segment] && this.answersArp) {
          const answer = { kind: "peer-answer" as const, router: this.router, mac: macs[segment] };
          networks[segment].send(this.ports[segment], frame.replyTo, answer);
        }
        return;
      case "peer-answer":
        if (segment !== "third" && frame.router !== this.router) {
          this.#input({ kind: "peer-answer", side: segment, mac: frame.mac });
        }
        return;
      case "answer":
        this.hearOwner(frame.address, frame.mac);
        return;
      case "announce":
        this.hearOwner(frame.address, frame.mac, true);
        return;
      case "probe-answer":
        if (!this.askable) return;
        this.#lastNeighbour[segment] = this.#now;
        this.#tellEvidence(segment);
        return;
      case "echo-answer": {
        if (!this.kernel.holds(frame.to)) return;
        const address = this.settings.vips.find((sided) => sided.vip.prefix.address.text === frame.to)?.vip.prefix
          .address;
        if (address === undefined) return;
        const elapsedMs = this.#options.clock.now - frame.sentAtMs;
        const by = { family: "inet" as const, text: segment === "private" ? "10.0.0.11" : "203.0.113.1" };
        this.#input({ kind: "verify-answer", verification: frame.verification, address, by, elapsedMs });
        return;
      }
      default:
    }
  }

  /** A filter, another key, or a missing own address keeps it from the daemon; on the wire it is seen all the same. */
  #receiveHeartbeat(path: PathName, frame: Extract<Frame, { kind: "heartbeat" }>): void {
    const network = this.#options.networks[path];
    if (this.#options.clock.now < this.#framesWatchedUntilMs) this.#seePeerFrame(path, frame.heartbeat);
    if (!this.ownAddress[path] || network.dropsHeartbeats === "coming") return;
    if (network.unheard.has(frame.heartbeat.router)) return;
    if (network.hasTwoKeys) this.#input({ kind: "packet-refused", path, reason: "bad-mac" });
    // As it was sent: that bytes and values agree is for the codec's own tests.
    else this.#input({ kind: "heartbeat", path, heartbeat: frame.heartbeat });
  }

  #seePeerFrame(path: PathName, source: HeartbeatSource): void {
    this.#peerFrames.push({ path, atMs: this.#now, source });
  }

  #tellEvidence(segment: Segment): void {
    const lastFrameAtMs = this.#lastFrame[segment];
    const lastNeighbourAtMs = this.#lastNeighbour[segment];
    const seen = {
      askable: this.askable,
      ...(lastFrameAtMs === undefined ? {} : { lastFrameAtMs }),
      ...(lastNeighbourAtMs === undefined ? {} : { lastNeighbourAtMs }),
    };
    if (segment !== "third") this.#input({ kind: "evidence", side: segment, ...seen });
    else if (this.#usesThird) this.#input({ kind: "interface-evidence", interface: INTERFACES.third, ...seen });
  }

  get #usesThird(): boolean {
    return this.settings.vips.some(({ vip }) => vip.interface === INTERFACES.third);
  }

  /** The daemon's own timer, which asks the neighbours and then tells what was seen, each interval. */
  #watchNeighbours(process: Process): void {
    if (this.process !== process) return;
    if (!process.frozen) {
      this.#probe();
      for (const segment of SEGMENTS) this.#tellEvidence(segment);
      this.#tellPeerFrames();
    }
    process.watchAtMs = this.#options.clock.now + this.settings.intervalMs;
    this.#options.clock.at(process.watchAtMs, () => this.#watchNeighbours(process));
  }

  #probe(): void {
    const { networks, macs } = this.#options;
    for (const segment of SEGMENTS) {
      if (segment === "third" && !this.#usesThird) continue;
      networks[segment].send(this.ports[segment], "all", { kind: "probe", replyTo: macs[segment] });
    }
  }

  /** What the packet sockets have seen, while the peer is asked for. */
  #tellPeerFrames(): void {
    for (const seen of this.#peerFrames.splice(0)) this.#input({ kind: "peer-frame", ...seen });
  }

  #ownMacs(): Extract<Input, { kind: "own-macs" }>["macs"] {
    const { macs } = this.#options;
    return [
      { interface: "eth0", mac: macs.public },
      { interface: "eth1", mac: macs.private },
      { interface: "eth2", mac: macs.third },
    ];
  }

  // --- the daemon's loop ----------------------------------------------------------------------------------------

  #input(input: Input): void {
    const process = this.process;
    if (process === undefined) return;
    if (process.inbox.length < INBOX_LIMIT) process.inbox.push(input);
    this.#wakeAt(process, this.#options.clock.now + this.starvedMs + this.#options.random.next() * 0.2);
  }

  #wakeAt(process: Process, atMs: number): void {
    if (process.frozen || process.wakeAtMs <= atMs) return;
    process.wakeAtMs = atMs;
    this.#options.clock.at(atMs, () => {
      if (process.wakeAtMs === atMs) this.#wake(process);
    });
  }

  #wake(process: Process): void {
    process.wakeAtMs = Infinity;
    if (this.process !== process || process.frozen) return;
    this.#options.watcher.onWake(this.router);
    const waiting = process.inbox;
    process.inbox = [];
    const isSocket = (input: Input) =>
      input.kind === "heartbeat" || input.kind === "owner-answer" || input.kind === "peer-answer";
    for (const input of waiting.filter(isSocket)) this.#step(process, input);
    for (const input of waiting.filter((entry) => !isSocket(entry))) this.#step(process, input);
    this.#step(process, { kind: "tick" });
    const due = this.#options.machine.nextDeadline(process.state);
    if (due === undefined || this.process !== process) return;
    const lateMs = this.starvedMs + this.#options.random.next() * this.latenessMs;
    this.#wakeAt(process, Math.max(this.#options.clock.now, due - this.#offsetMs) + lateMs);
  }

  #step(process: Process, input: Input): void {
    if (this.process !== process) return;
    const result = this.#tryStep(process, input);
    if (result === undefined) return;
    process.state = result.state;
    for (const effect of result.effects) {
      this.#options.watcher.onEffect(this.router, effect);
      this.#perform(process, effect);
    }
  }

  /** A daemon whose machine breaks withdraws its VIPs and ends; undefined: it has. */
  #tryStep(process: Process, input: Input): StepResult | undefined {
    try {
      return this.#options.machine.step(process.state, input, this.#now);
    } catch (error) {
      const broken = error instanceof Error ? error : new Error(String(error));
      this.#options.watcher.log(`${this.router}: ${broken.message}`);
      this.#options.watcher.onBroken(this.router, broken);
      this.kill();
      this.kernel.remove([...process.state.addresses.possible.values()]);
      return undefined;
    }
  }

  #perform(process: Process, effect: Effect): void {
    const { networks, peerMacs, macs, watcher } = this.#options;
    switch (effect.kind) {
      case "send-heartbeat": {
        const { path, heartbeat } = effect;
        if (!this.ownAddress[path] || this.kernel.down.has(INTERFACES[path])) return;
        networks[path].send(this.ports[path], peerMacs[path], { kind: "heartbeat", heartbeat });
        return;
      }
      case "lease":
      case "remove":
        process.work.push(this.#workFor(process, effect));
        this.#workOn(process);
        return;
      case "ask-owner":
        this.#framesWatchedUntilMs = this.#options.clock.now + FRAMES_WATCHED_MS;
        for (const { vip, mac } of effect.questions) {
          const segment = this.#segmentOf(vip);
          const frame = { kind: "ask" as const, address: vip.prefix.address.text, replyTo: macs[segment] };
          networks[segment].send(this.ports[segment], mac ?? "all", frame);
        }
        for (const { side, mac } of effect.peer) {
          const frame = { kind: "ask-peer" as const, router: otherRouter(this.router), replyTo: macs[side] };
          networks[side].send(this.ports[side], mac ?? "all", frame);
        }
        return;
      case "ask-neighbours":
        this.#probe();
        return;
      case "announce":
        watcher.onAnnounce(this.router, effect.vips);
        for (const vip of effect.vips) {
          const segment = this.#segmentOf(vip);
          const frame = { kind: "announce" as const, address: vip.prefix.address.text, mac: macs[segment] };
          networks[segment].send(this.ports[segment], "all", frame);
        }
        return;
      case "verify":
        for (const vip of effect.vips) {
          const segment = this.#segmentOf(vip);
          const { verification } = effect;
          const sentAtMs = this.#options.clock.now;
          const frame = { kind: "echo" as const, from: vip.prefix.address.text, verification, sentAtMs };
          if (this.kernel.holds(vip.prefix.address.text)) networks[segment].send(this.ports[segment], "all", frame);
        }
        return;
      case "set-balancing":
        this.balancing = effect.role;
        return;
      case "persist":
        this.#disk = effect.stored;
        return;
      case "run-hook":
        if (effect.name === "takeover") this.#runStep(process, effect.hook);
        return;
      case "persist-shared":
        this.#sharedDisk = effect.entries;
        watcher.onShared(this.router, effect.entries);
        return;
      case "orders":
        this.ordered.clear();
        for (const entry of effect.orders) this.#follow(entry);
        return;
      case "record": {
        const { transition } = effect;
        watcher.log(
          `${this.router}: ${transition.from} → ${transition.to} (${transition.reason}, term ${transition.term})`,
        );
        watcher.onTransition(this.router, transition);
        return;
      }
      case "notice":
        watcher.log(`${this.router}: ${effect.level} ${effect.name}: ${effect.text}`);
        return;
      case "answer":
        watcher.log(`${this.router}: answers ${effect.ok ? "yes" : "no"}: ${effect.text}`);
        watcher.onAnswer(this.router, effect.id, effect.ok, effect.text);
        return;
      case "exit":
        watcher.log(`${this.router}: daemon exits`);
        this.process = undefined;
        if (this.#startsAgain) this.#options.clock.after(1, () => this.start());
        return;
      default:
    }
  }

  /** The program that moves the cloud's address here; it runs on while the daemon is frozen, and dies with it. */
  #runStep(process: Process, hook: number): void {
    const { random, clock, watcher } = this.#options;
    const isFailing = random.chance(this.stepFailures);
    clock.after(random.between(1, this.stepMs), () => {
      if (this.process !== process) return;
      // One that fails may have moved the address all the same: it was ended a moment too early.
      if (!isFailing || random.chance(0.5)) watcher.onCloud(this.router);
      this.#input({ kind: "hook-done", hook, ok: !isFailing, detail: isFailing ? "exit code 1" : "exit code 0" });
    });
  }

  #segmentOf(vip: Vip): Segment {
    return SEGMENTS.find((segment) => INTERFACES[segment] === vip.interface) ?? "public";
  }

  /** The thread for address changes: one batch after the other, never while the process is frozen. */
  #workOn(process: Process): void {
    const work = process.work[0];
    if (work === undefined || process.working || process.frozen || this.process !== process) return;
    process.working = true;
    const { clock, random } = this.#options;
    const doneAtMs =
      Math.max(clock.now, this.kernel.lockedUntilMs, this.kernel.hungUntilMs) + random.next() * this.workMs;
    clock.at(doneAtMs, () => {
      process.working = false;
      if (this.process !== process || process.frozen) return;
      if (!this.kernel.locked && clock.now >= this.kernel.hungUntilMs) {
        process.work.shift();
        this.#change(work);
      }
      this.#workOn(process);
    });
  }

  #workFor(process: Process, effect: KernelWork["effect"]): KernelWork {
    const { addresses } = process.state;
    const pending = addresses.leases.find((lease) => effect.kind === "lease" && lease.batch === effect.batch);
    const until = pending?.purpose === "renew" ? addresses.confirmedUntilMs : undefined;
    return { effect, ...(until === undefined ? {} : { presentUntilMs: until }) };
  }

  #change({ effect, presentUntilMs = Infinity }: KernelWork): void {
    const { batch, vips } = effect;
    if (effect.kind === "remove") {
      this.#input({ kind: "remove-outcome", batch, results: this.kernel.remove(vips) });
      return;
    }
    // A renewal that comes too late sets nothing again: the peer may have the VIPs by now.
    const isLapsed = this.#now >= presentUntilMs && !vips.every((vip) => this.kernel.holds(vip.prefix.address.text));
    const results = isLapsed
      ? vips.map((vip) => ({ vip, result: "created" as const }))
      : this.kernel.lease(vips, effect.validMs);
    if (!isLapsed) this.#noteNotForeign(vips.filter((_, index) => results[index]?.result !== "failed"));
    this.#input({ kind: "lease-outcome", batch, results });
  }
}
