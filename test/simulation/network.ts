/** One of the two networks: ports at a switch, with delay, loss, duplication, reordering and cuts of every kind. */
import type { MacAddress } from "../../src/model/mac-address.ts";
import type { PathName, RouterId } from "../../src/model/pair.ts";
import type { Heartbeat } from "../../src/wire/heartbeat/heartbeat.ts";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

const RECORDED = 300;

/** Three networks: the two paths, and a third one that carries a VIP and no heartbeats. */
export type Segment = PathName | "third";
export const SEGMENTS = ["public", "private", "third"] as const;
/** The interface by which each router is attached to each. */
export const INTERFACES: { readonly [S in Segment]: string } = { public: "eth0", private: "eth1", third: "eth2" };

export interface Conditions {
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly loss: number;
  readonly duplication: number;
}

export type Frame =
  | { readonly kind: "heartbeat"; readonly heartbeat: Heartbeat }
  /** A question for the own address of the router with this MAC; `replyTo` learns the MAC. */
  | { readonly kind: "ask-peer"; readonly router: RouterId; readonly replyTo: MacAddress }
  | { readonly kind: "peer-answer"; readonly router: RouterId; readonly mac: MacAddress }
  | { readonly kind: "ask"; readonly address: string; readonly replyTo: MacAddress }
  | { readonly kind: "answer"; readonly address: string; readonly mac: MacAddress }
  | { readonly kind: "announce"; readonly address: string; readonly mac: MacAddress }
  | { readonly kind: "probe"; readonly replyTo: MacAddress }
  | { readonly kind: "probe-answer" }
  | { readonly kind: "echo"; readonly from: string; readonly verification: number; readonly sentAtMs: number }
  | { readonly kind: "echo-answer"; readonly to: string; readonly verification: number; readonly sentAtMs: number };

export interface Port {
  readonly mac: MacAddress;
  /** Anything that hears everything a router must not be: a receiver of frames addressed to its MAC or to all. */
  receive(frame: Frame): void;
  /** The cable is in: carrier. */
  cable: boolean;
  /** The switch forwards what this port sends, and to it. */
  sends: boolean;
  receives: boolean;
}

/** What stands in the way of frames. */
export interface NetworkImage {
  readonly cuts: readonly string[];
  readonly unheard: readonly RouterId[];
  readonly dropsHeartbeats: Network["dropsHeartbeats"];
  readonly hasTwoKeys: boolean;
}

export class Network {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ports: Port[] = [];
  /** Pairs of ports, sender first, between which nothing passes. */
  readonly #cuts = new Set<string>();
  conditions: Conditions;
  /** Frames that are on their way. */
  inFlight = 0;
  /** A packet filter drops heartbeats: where they leave a machine, so that nobody sees them, or where they come in. */
  dropsHeartbeats: "leaving" | "coming" | undefined;
  /** Routers whose heartbeats a packet filter of the other one drops where they come in. */
  readonly unheard = new Set<RouterId>();
  /** Each router has another key: heartbeats arrive, and none can be read. */
  hasTwoKeys = false;
  /** Heartbeats wait this long behind other traffic, on this network only: a full synchronisation, say. */
  heartbeatDelayMs = 0;
  /** The last heartbeats, as somebody on the wire would record them. */
  readonly recorded: Extract<Frame, { kind: "heartbeat" }>[] = [];

  constructor(clock: Clock, random: Random, conditions: Conditions) {
    this.#clock = clock;
    this.#random = random;
    this.conditions = conditions;
  }

  attach(port: Port): void {
    this.#ports.push(port);
  }

  cut(from: MacAddress, to: MacAddress, isCut: boolean): void {
    if (isCut) this.#cuts.add(`${from} ${to}`);
    else this.#cuts.delete(`${from} ${to}`);
  }

  save(): NetworkImage {
    const { dropsHeartbeats, hasTwoKeys } = this;
    return { cuts: [...this.#cuts], unheard: [...this.unheard], dropsHeartbeats, hasTwoKeys };
  }

  /** Makes a new network be as another one was. */
  load({ cuts, unheard, dropsHeartbeats, hasTwoKeys }: NetworkImage): void {
    for (const pair of cuts) this.#cuts.add(pair);
    for (const router of unheard) this.unheard.add(router);
    this.dropsHeartbeats = dropsHeartbeats;
    this.hasTwoKeys = hasTwoKeys;
  }

  isCut(from: MacAddress, to: MacAddress): boolean {
    return this.#cuts.has(`${from} ${to}`);
  }

  /** Whether a frame would pass, but for chance. */
  passes(from: Port, to: Port): boolean {
    if (!from.cable || !from.sends || !to.cable || !to.receives) return false;
    return this.#cuts.size === 0 || !this.#cuts.has(`${from.mac} ${to.mac}`);
  }

  /** Puts a frame onto the wire towards a port, whoever sent it first. */
  inject(to: MacAddress, frame: Frame): void {
    for (const port of this.#ports) if (port.mac === to && port.cable && port.receives) port.receive(frame);
  }

  send(from: Port, to: MacAddress | "all", frame: Frame): void {
    if (frame.kind === "heartbeat") {
      this.recorded.push(frame);
      if (this.recorded.length > RECORDED) this.recorded.shift();
    }
    for (const port of this.#ports) {
      if (port === from || (to !== "all" && port.mac !== to)) continue;
      const copies = this.#random.chance(this.conditions.duplication) ? 2 : 1;
      for (let copy = 0; copy < copies; copy += 1) this.#deliver(from, port, frame);
    }
  }

  #deliver(from: Port, to: Port, frame: Frame): void {
    if (frame.kind === "heartbeat" && this.dropsHeartbeats === "leaving") return;
    if (!this.passes(from, to) || this.#random.chance(this.conditions.loss)) return;
    const { delayMs, jitterMs } = this.conditions;
    const queueMs = frame.kind === "heartbeat" ? this.heartbeatDelayMs : 0;
    this.inFlight += 1;
    this.#clock.after(queueMs + delayMs + this.#random.next() * jitterMs, () => {
      this.inFlight -= 1;
      if (to.cable && to.receives) to.receive(frame);
    });
  }
}
