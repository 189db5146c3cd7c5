/** One router: its machine, its kernel, and the daemon's process with a loop around the failover machine under test. */
import type { Effect, StoredState } from "../../src/failover/effect.ts";
import type { Boot, StepResult } from "../../src/failover/failover.ts";
import type { Transition } from "../../src/failover/history.ts";
import type { Input } from "../../src/failover/input.ts";
import type { FailoverSettings } from "../../src/failover/settings.ts";
import type { State } from "../../src/failover/state.ts";
import { parseEndpoint } from "../../src/model/address.ts";
import type { MacAddress } from "../../src/model/mac-address.ts";
import { PATHS, type PathName, type Role, type RouterId } from "../../src/model/pair.ts";
import type { ServiceSight } from "../../src/model/service-sight.ts";
import {
  isTakenBack,
  orderText,
  type ServerOrder,
  type SharedEntry,
  type SharedSubject,
  sharedKey,
} from "../../src/model/shared-entry.ts";
import type { Vip } from "../../src/model/vip.ts";
import { parseServiceKey } from "../../src/model/virtual-service.ts";
import type { Clock } from "./clock.ts";
import { Kernel } from "./kernel.ts";
import type { Frame, Network, Port } from "./network.ts";
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
  readonly networks: { readonly [P in PathName]: Network };
  readonly macs: { readonly [P in PathName]: MacAddress };
  readonly peerMacs: { readonly [P in PathName]: MacAddress };
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
/** What a socket buffer holds while nobody reads. */
const INBOX_LIMIT = 512;

class Process {
  state: State;
  inbox: Input[] = [];
  readonly work: Extract<Effect, { kind: "lease" | "remove" }>[] = [];
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
  readonly ports: { readonly [P in PathName]: Port };
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
  readonly #lastFrame: { [P in PathName]?: number } = {};
  readonly #lastNeighbour: { [P in PathName]?: number } = {};
  #startsAgain = false;
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
    this.kernel = new Kernel(
      options.clock,
      options.random,
      (vip) => this.#input({ kind: "address-removed", vip }),
      options.watcher.onChange,
    );
    this.ports = { public: this.#port("public"), private: this.#port("private") };
    for (const path of PATHS) options.networks[path].attach(this.ports[path]);
  }

  #port(path: PathName): Port {
    const receive = (frame: Frame) => this.#receive(path, frame);
    return { mac: this.#options.macs[path], cable: true, sends: true, receives: true, receive };
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
    this.#readKernel(this.process);
    if (this.settings.hasServices) this.#tellTable(this.process);
    if (this.sights.length > 0) this.#input({ kind: "views", sights: this.sights });
    this.#watchNeighbours(this.process);
  }

  /** Heartbeats that wait, and the clock, come before the kernel was read. */
  #readKernel(process: Process): void {
    this.#options.clock.after(this.#options.random.between(0, READ_KERNEL_MS), () => {
      if (this.process === process) this.#input({ kind: "start", adoptable: this.kernel.addresses });
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
  hearOwner(address: string, mac: MacAddress): void {
    const vip = this.settings.vips.find((sided) => sided.vip.prefix.address.text === address)?.vip;
    if (vip === undefined) return;
    this.#input({ kind: "owner-answer", address: vip.prefix.address, mac, interface: vip.interface });
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
    for (const side of PATHS) this.ports[side].cable = false;
    this.#options.watcher.log(`${this.router}: power off`);
  }

  powerOn(): void {
    if (this.powered) return;
    this.powered = true;
    for (const side of PATHS) this.ports[side].cable = true;
    this.#options.watcher.log(`${this.router}: power on`);
    this.start();
  }

  setCable(side: PathName, up: boolean): void {
    if (!this.powered || this.ports[side].cable === up) return;
    this.ports[side].cable = up;
    this.#options.watcher.log(`${this.router}: ${side} cable ${up ? "in" : "out"}`);
    // The kernel's link event.
    this.#options.clock.after(this.#options.random.between(0, 2), () => {
      this.#input({ kind: "carrier", side, up: this.ports[side].cable });
    });
  }

  removeByHand(vip: Vip): void {
    if (!this.kernel.holds(vip.prefix.address.text) || this.kernel.locked) return;
    this.#options.watcher.log(`${this.router}: somebody removes ${vip.prefix.address.text}`);
    this.kernel.remove([vip]);
  }

  /** Somebody sets a VIP, without a lease and without our mark. */
  setByHand(vip: Vip): void {
    if (this.kernel.locked) return;
    this.#options.watcher.log(`${this.router}: somebody sets ${vip.prefix.address.text}`);
    this.kernel.lease([vip], FOR_EVER_MS);
    this.#input({ kind: "address-added", vip });
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

  #receive(path: PathName, frame: Frame): void {
    if (!this.powered) return;
    const { networks, macs } = this.#options;
    this.#lastFrame[path] = this.#now;
    switch (frame.kind) {
      case "heartbeat":
        // As it was sent: that bytes and values agree is for the codec's own tests.
        this.#input({ kind: "heartbeat", path, heartbeat: frame.heartbeat });
        return;
      case "ask":
        // The kernel answers, whatever became of the daemon.
        if (this.kernel.holds(frame.address)) {
          const answer = { kind: "answer" as const, address: frame.address, mac: macs[path] };
          networks[path].send(this.ports[path], frame.replyTo, answer);
        }
        return;
      case "answer":
      case "announce":
        this.hearOwner(frame.address, frame.mac);
        return;
      case "probe-answer":
        if (!this.askable) return;
        this.#lastNeighbour[path] = this.#now;
        this.#tellEvidence(path);
        return;
      case "echo-answer": {
        if (!this.kernel.holds(frame.to)) return;
        const address = this.settings.vips.find((sided) => sided.vip.prefix.address.text === frame.to)?.vip.prefix
          .address;
        if (address === undefined) return;
        const elapsedMs = this.#options.clock.now - frame.sentAtMs;
        const by = { family: "inet" as const, text: path === "public" ? "203.0.113.1" : "10.0.0.11" };
        this.#input({ kind: "verify-answer", verification: frame.verification, address, by, elapsedMs });
        return;
      }
      default:
    }
  }

  #tellEvidence(side: PathName): void {
    const lastFrameAtMs = this.#lastFrame[side];
    const lastNeighbourAtMs = this.#lastNeighbour[side];
    this.#input({
      kind: "evidence",
      side,
      askable: this.askable,
      ...(lastFrameAtMs === undefined ? {} : { lastFrameAtMs }),
      ...(lastNeighbourAtMs === undefined ? {} : { lastNeighbourAtMs }),
    });
  }

  /** The daemon's own timer, which asks the neighbours and then tells what was seen, each interval. */
  #watchNeighbours(process: Process): void {
    if (this.process !== process) return;
    if (!process.frozen) {
      this.#probe();
      for (const side of PATHS) this.#tellEvidence(side);
    }
    this.#options.clock.after(this.settings.intervalMs, () => this.#watchNeighbours(process));
  }

  #probe(): void {
    const { networks, macs } = this.#options;
    for (const side of PATHS) networks[side].send(this.ports[side], "all", { kind: "probe", replyTo: macs[side] });
  }

  #ownMacs(): Extract<Input, { kind: "own-macs" }>["macs"] {
    const { macs } = this.#options;
    return [
      { interface: "eth0", mac: macs.public },
      { interface: "eth1", mac: macs.private },
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
    const isSocket = (input: Input) => input.kind === "heartbeat" || input.kind === "owner-answer";
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
    const { state, effects } = this.#options.machine.step(process.state, input, this.#now);
    process.state = state;
    for (const effect of effects) {
      this.#options.watcher.onEffect(this.router, effect);
      this.#perform(process, effect);
    }
  }

  #perform(process: Process, effect: Effect): void {
    const { networks, peerMacs, macs, watcher } = this.#options;
    switch (effect.kind) {
      case "send-heartbeat": {
        const { path, heartbeat } = effect;
        networks[path].send(this.ports[path], peerMacs[path], { kind: "heartbeat", heartbeat });
        return;
      }
      case "lease":
      case "remove":
        process.work.push(effect);
        this.#workOn(process);
        return;
      case "ask-owner":
        for (const { vip, mac } of effect.questions) {
          const side = this.#sideOf(vip);
          const frame = { kind: "ask" as const, address: vip.prefix.address.text, replyTo: macs[side] };
          networks[side].send(this.ports[side], mac ?? "all", frame);
        }
        return;
      case "ask-neighbours":
        this.#probe();
        return;
      case "announce":
        watcher.onAnnounce(this.router, effect.vips);
        for (const vip of effect.vips) {
          const side = this.#sideOf(vip);
          const frame = { kind: "announce" as const, address: vip.prefix.address.text, mac: macs[side] };
          networks[side].send(this.ports[side], "all", frame);
        }
        return;
      case "verify":
        for (const vip of effect.vips) {
          const side = this.#sideOf(vip);
          const { verification } = effect;
          const sentAtMs = this.#options.clock.now;
          const frame = { kind: "echo" as const, from: vip.prefix.address.text, verification, sentAtMs };
          if (this.kernel.holds(vip.prefix.address.text)) networks[side].send(this.ports[side], "all", frame);
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

  #sideOf(vip: Vip): PathName {
    return vip.interface === "eth1" ? "private" : "public";
  }

  /** The thread for address changes: one batch after the other, never while the process is frozen. */
  #workOn(process: Process): void {
    const effect = process.work[0];
    if (effect === undefined || process.working || process.frozen || this.process !== process) return;
    process.working = true;
    const { clock, random } = this.#options;
    const doneAtMs = Math.max(clock.now, this.kernel.lockedUntilMs) + random.next() * this.workMs;
    clock.at(doneAtMs, () => {
      process.working = false;
      if (this.process !== process || process.frozen) return;
      if (!this.kernel.locked) {
        process.work.shift();
        this.#change(effect);
      }
      this.#workOn(process);
    });
  }

  #change(effect: Extract<Effect, { kind: "lease" | "remove" }>): void {
    const { batch, vips } = effect;
    if (effect.kind === "lease") {
      this.#input({ kind: "lease-outcome", batch, results: this.kernel.lease(vips, effect.validMs) });
    } else this.#input({ kind: "remove-outcome", batch, results: this.kernel.remove(vips) });
  }
}
