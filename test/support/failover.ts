/** A failover machine for unit tests: one router, its inputs one after another, its effects collected. */

import { createState, nextDeadline, step } from "../../src/failover/failover.ts";
import type { Effect, StoredState } from "../../src/failover/machine/effect.ts";
import type { Input } from "../../src/failover/machine/failover-input.ts";
import type { FailoverSettings } from "../../src/failover/machine/settings.ts";
import type { State } from "../../src/failover/machine/state.ts";
import type { MacAddress } from "../../src/model/mac-address.ts";
import type { RouterId } from "../../src/model/pair.ts";
import type { SharedEntry } from "../../src/model/shared-entry.ts";
import type { Vip } from "../../src/model/vip.ts";
import type { Heartbeat, HeartbeatPayload } from "../../src/wire/heartbeat/heartbeat.ts";
import { vip } from "../simulation/world.ts";
import { PAIR_ID } from "./heartbeats.ts";
import { SessionEnd } from "./session-end.ts";

export const SETTINGS: FailoverSettings = {
  router: "primary",
  pairId: PAIR_ID,
  intervalMs: 200,
  deadAfterMs: 1_000,
  leaseMs: 3_000,
  failback: "automatic",
  stop: "release",
  vips: [vip("203.0.113.10/24", "eth0", "public"), vip("10.0.0.1/24", "eth1", "private")],
  services: [],
  views: "warn",
  hasServices: false,
  configFingerprint: "00000000000000aa",
  software: "0.1.0",
  failbackStableMs: 30_000,
};

export const PUBLIC_VIP = SETTINGS.vips[0]?.vip as Vip;
export const PRIVATE_VIP = SETTINGS.vips[1]?.vip as Vip;
export const MAC = {
  own: "02:00:00:00:01:00" as MacAddress,
  peer: "02:00:00:00:02:00" as MacAddress,
  other: "02:00:00:00:09:09" as MacAddress,
};

/** What a peer that is well and standby says. */
export const PEER_SAYS: HeartbeatPayload = {
  role: "standby",
  term: 0,
  lastActiveTerm: 0,
  ready: true,
  leaving: false,
  hold: false,
  abstaining: false,
  holding: false,
  failback: "automatic",
  heardAgeMs: {},
  sides: { public: { carrier: true, frameAgeMs: 1 }, private: { carrier: true, frameAgeMs: 1 } },
  vips: [
    { address: PRIVATE_VIP.prefix.address, mac: MAC.peer, held: false },
    { address: PUBLIC_VIP.prefix.address, mac: MAC.peer, held: false },
  ],
  vipCount: 2,
  configFingerprint: SETTINGS.configFingerprint,
  software: "0.1.0",
};

type Kind = Effect["kind"];
type EffectOf<K extends Kind> = Extract<Effect, { kind: K }>;

export class TestRouter {
  state: State;
  nowMs: number;
  effects: Effect[] = [];
  readonly #peer: SessionEnd;
  /** Neighbours answer and frames come, as the loop tells it with each interval. */
  evidence = true;
  /** The kernel renews leases at once. */
  renews = false;

  constructor(
    options: {
      settings?: Partial<FailoverSettings>;
      stored?: StoredState;
      shared?: readonly SharedEntry[];
      nowMs?: number;
    } = {},
  ) {
    const settings = { ...SETTINGS, ...options.settings };
    const { stored, shared } = options;
    this.nowMs = options.nowMs ?? 1_000_000;
    this.state = createState({
      settings,
      seed: "5".repeat(64),
      nowMs: this.nowMs,
      ...(stored === undefined ? {} : { stored }),
      ...(shared === undefined ? {} : { shared }),
    });
    const peer: RouterId = settings.router === "primary" ? "backup" : "primary";
    this.#peer = new SessionEnd(peer);
  }

  /** Steps the inputs and then a tick. @returns the effects of this turn. */
  feed(...inputs: Input[]): Effect[] {
    const before = this.effects.length;
    for (const input of [...inputs, { kind: "tick" } as const]) {
      const result = step(this.state, input, this.nowMs);
      this.state = result.state;
      for (const effect of result.effects) {
        this.effects.push(effect);
        if (effect.kind === "send-heartbeat") this.#hearAtPeer(effect.heartbeat);
      }
    }
    return this.effects.slice(before);
  }

  /** Cables in, neighbours there, nothing adoptable. */
  boot(adoptable: readonly Vip[] = []): this {
    const side = (name: "public" | "private"): Input[] => [{ kind: "carrier", side: name, up: true }, this.#seen(name)];
    this.feed(
      {
        kind: "own-macs",
        macs: [
          { interface: "eth0", mac: MAC.own },
          { interface: "eth1", mac: MAC.own },
        ],
      },
      ...side("public"),
      ...side("private"),
      { kind: "start", adoptable },
    );
    return this;
  }

  #seen(side: "public" | "private"): Input {
    return { kind: "evidence", side, askable: true, lastFrameAtMs: this.nowMs, lastNeighbourAtMs: this.nowMs };
  }

  /** Lets time pass, ticking at every deadline; evidence comes each 100 ms. */
  advance(ms: number): Effect[] {
    const before = this.effects.length;
    const endMs = this.nowMs + ms;
    let nextEvidenceMs = this.evidence ? this.nowMs : Infinity;
    while (this.nowMs < endMs) {
      const due = nextDeadline(this.state);
      if (due === undefined) break;
      this.nowMs = Math.min(endMs, Math.max(this.nowMs, Math.min(due, nextEvidenceMs)));
      if (this.evidence && this.nowMs >= nextEvidenceMs) {
        nextEvidenceMs += 100;
        this.feed(this.#seen("public"), this.#seen("private"));
      } else this.feed();
      if (this.renews) this.#renew();
    }
    return this.effects.slice(before);
  }

  #renew(): void {
    const pending = this.state.addresses.leases.find(({ purpose }) => purpose === "renew");
    if (pending === undefined) return;
    const results = pending.vips.map((leasedVip) => ({ vip: leasedVip, result: "renewed" as const }));
    this.feed({ kind: "lease-outcome", batch: pending.batch, results });
  }

  /** The peer says this on the public path, in a packet that counts. */
  hear(says: Partial<HeartbeatPayload> = {}): Effect[] {
    return this.feed(this.packet(says));
  }

  packet(says: Partial<HeartbeatPayload> = {}): Input {
    const { heartbeat } = this.#peer.send("public", this.nowMs);
    return { kind: "heartbeat", path: "public", heartbeat: { ...heartbeat, payload: { ...PEER_SAYS, ...says } } };
  }

  /** Hears the peer every 200 ms for so long. */
  hearFor(ms: number, says: Partial<HeartbeatPayload> = {}): Effect[] {
    const before = this.effects.length;
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.hear(says);
      this.advance(Math.min(200, endMs - this.nowMs));
    }
    return this.effects.slice(before);
  }

  #hearAtPeer(heartbeat: Heartbeat): void {
    this.#peer.receive({ heartbeat, path: heartbeat.path, atMs: this.nowMs, boot: 0 }, this.nowMs);
  }

  /** Two heartbeats to and fro: the routers have met. */
  meet(says: Partial<HeartbeatPayload> = {}): this {
    for (let round = 0; round < 3; round += 1) {
      this.hear(says);
      this.advance(200);
    }
    return this;
  }

  /** The kernel did the last lease; each VIP was created or renewed. */
  leased(result: "created" | "renewed" | "failed" = "created"): Effect[] {
    const lease = this.last("lease");
    if (lease === undefined) throw new RangeError("nothing was leased");
    const results = lease.vips.map((leasedVip) => ({ vip: leasedVip, result }));
    return this.feed({ kind: "lease-outcome", batch: lease.batch, results });
  }

  removed(): Effect[] {
    const remove = this.last("remove");
    if (remove === undefined) throw new RangeError("nothing was removed");
    const results = remove.vips.map((gone) => ({ vip: gone, result: "removed" as const }));
    return this.feed({ kind: "remove-outcome", batch: remove.batch, results });
  }

  all<K extends Kind>(kind: K, effects: readonly Effect[] = this.effects): EffectOf<K>[] {
    return effects.filter((effect): effect is EffectOf<K> => effect.kind === kind);
  }

  last<K extends Kind>(kind: K): EffectOf<K> | undefined {
    return this.all(kind).at(-1);
  }

  /** Became active: met the peer, both standby, this one is the primary. */
  becomeActive(): this {
    this.boot().meet();
    this.leased("created");
    return this;
  }
}
