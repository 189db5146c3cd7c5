/**
 * A network that is against us: heartbeats replayed (at once, later, across paths, after a restart of either side),
 * reflected, cut, changed and forged, given to a router in a pair at rest. `bun test/simulation/hostile.ts COUNT [SEED]`
 * runs as many as one likes.
 */
import { HeartbeatInbox } from "../../src/daemon/network/heartbeat-inbox.ts";
import { createState, nextDeadline, step } from "../../src/failover/failover.ts";
import type { Input } from "../../src/failover/machine/failover-input.ts";
import type { State } from "../../src/failover/machine/state.ts";
import { PATHS, type PathName } from "../../src/model/pair.ts";
import type { Heartbeat } from "../../src/wire/heartbeat/heartbeat.ts";
import { sealHeartbeat } from "../../src/wire/heartbeat/heartbeat-packet.ts";
import { PEER_SAYS, SETTINGS } from "../support/failover.ts";
import { KEY, OTHER_KEY } from "../support/heartbeats.ts";
import { SessionEnd } from "../support/session-end.ts";
import { Random } from "./random.ts";

/** Packets that somebody on the wire has recorded and sends again. */
const RECORDED_MAX = 2_000;
/** Between two real heartbeats. */
const HOSTILE_PER_INTERVAL = 500;

export interface HostileRun {
  readonly count: number;
  readonly refused: Readonly<Record<string, number>>;
  /** Real heartbeats sent to the router, and those that counted. */
  readonly real: number;
  readonly accepted: number;
  /** What changed although it must not. */
  readonly problems: readonly string[];
}

interface Recorded {
  readonly bytes: Uint8Array;
  readonly path: PathName;
}

/** What no hostile packet may change. */
function essence(state: State): string {
  const { phase, term, lastActiveTerm, hold, abstaining, peer, session, move, acceptance, shared, addresses } = state;
  const { nonce, peer: established } = session;
  const heard = peer === undefined ? undefined : { at: peer.heardAtMs, role: peer.says.role, term: peer.says.term };
  const rest = { kind: phase.kind, term, lastActiveTerm, hold, abstaining, heard, nonce, established };
  return JSON.stringify({ ...rest, move, acceptance, digest: shared.digest, held: addresses.possible.size });
}

class HostileNetwork {
  readonly #random: Random;
  readonly #inbox = new HeartbeatInbox(SETTINGS.pairId, { signing: KEY, accepted: [KEY] });
  readonly #recorded: Recorded[] = [];
  #peer = new SessionEnd("backup");
  state: State;
  nowMs = 1_000_000;
  real = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.state = createState({ settings: SETTINGS, seed: this.#random.hex(64), nowMs: this.nowMs });
    this.#step({ kind: "start", adoptable: [] });
    for (const side of PATHS) this.#step({ kind: "carrier", side, up: true });
  }

  /** Time passes; the pair's own heartbeats come and go. */
  interval(): void {
    const endMs = this.nowMs + SETTINGS.intervalMs;
    while (this.nowMs < endMs) {
      const due = nextDeadline(this.state) ?? endMs;
      this.nowMs = Math.min(endMs, Math.max(this.nowMs, due));
      for (const side of PATHS) {
        const at = { lastFrameAtMs: this.nowMs, lastNeighbourAtMs: this.nowMs };
        this.#step({ kind: "evidence", side, askable: true, ...at });
      }
      this.#step({ kind: "tick" });
    }
    for (const path of PATHS) {
      const { heartbeat } = this.#peer.send(path, this.nowMs);
      const packet: Heartbeat = { ...heartbeat, payload: { ...PEER_SAYS, term: this.state.term } };
      this.#record(packet, path);
      this.real += 1;
      this.#take(path, sealHeartbeat(packet, KEY));
    }
    this.#read();
  }

  /** The peer's daemon is restarted: what it sent before is from a boot that is gone. */
  restartPeer(): void {
    this.#peer = new SessionEnd("backup");
    for (let round = 0; round < 5; round += 1) this.interval();
  }

  /** So many packets of somebody else's, of every kind. */
  hostile(count: number): void {
    for (let number = 0; number < count; number += 1) {
      const path = this.#random.pick(["public", "private"] as const);
      this.#take(path, this.#hostilePacket());
      // The loop looks when it likes to: after each, or after many.
      if (this.#random.chance(0.2)) this.#read();
    }
    this.#read();
  }

  #hostilePacket(): Uint8Array {
    const found = this.#recorded[this.#random.whole(0, this.#recorded.length - 1)];
    const bytes = found?.bytes ?? new Uint8Array(0);
    switch (this.#random.whole(0, 4)) {
      case 0:
        return bytes.subarray(0, this.#random.whole(0, bytes.length - 1));
      case 1: {
        const flipped = bytes.slice();
        const at = this.#random.whole(0, flipped.length - 1);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << this.#random.whole(0, 7));
        return flipped;
      }
      case 2: {
        const forged = bytes.slice();
        for (let at = 40; at < 80; at += 1) forged[at] = this.#random.whole(0, 255);
        return forged;
      }
      default:
        // As it was: replayed on either path, or, being our own, reflected.
        return bytes;
    }
  }

  #take(path: PathName, bytes: Uint8Array): void {
    this.#inbox.take(path, bytes);
  }

  #read(): void {
    for (const input of this.#inbox.empty()) this.#step(input);
  }

  #record(heartbeat: Heartbeat, path: PathName, key = KEY): void {
    this.#recorded.push({ bytes: sealHeartbeat(heartbeat, key), path });
    if (this.#recorded.length > RECORDED_MAX) this.#recorded.splice(this.#random.whole(0, RECORDED_MAX / 2), 1);
    if (this.#random.chance(0.05)) this.#record(heartbeat, path, OTHER_KEY);
  }

  #step(input: Input): void {
    const { state, effects } = step(this.state, input, this.nowMs);
    this.state = state;
    for (const effect of effects) {
      if (effect.kind === "send-heartbeat") {
        const { heartbeat, path } = effect;
        this.#record(heartbeat, path);
        this.#peer.receive({ heartbeat, path, atMs: this.nowMs, boot: 0 }, this.nowMs);
      } else if (effect.kind === "lease") {
        const results = effect.vips.map((vip) => ({ vip, result: "created" as const }));
        this.#step({ kind: "lease-outcome", batch: effect.batch, results });
      }
    }
  }
}

function counts(state: State): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const path of PATHS) {
    for (const [reason, count] of Object.entries(state.session.paths[path].refused)) {
      sums[reason] = (sums[reason] ?? 0) + (count ?? 0);
    }
  }
  return sums;
}

/** Gives a pair at rest that many hostile packets, and says what came of it. */
export function runHostile(count: number, seed: number): HostileRun {
  const network = new HostileNetwork(seed);
  const problems: string[] = [];
  for (let round = 0; round < 10; round += 1) network.interval();
  if (network.state.phase.kind !== "active") problems.push("the pair is not at rest");
  for (let left = count; left > 0; left -= HOSTILE_PER_INTERVAL) {
    const before = essence(network.state);
    network.hostile(Math.min(left, HOSTILE_PER_INTERVAL));
    if (essence(network.state) !== before) problems.push(`changed: ${before} to ${essence(network.state)}`);
    network.interval();
    if (left % (40 * HOSTILE_PER_INTERVAL) === 0) network.restartPeer();
  }
  const { paths } = network.state.session;
  const accepted = paths.public.accepted + paths.private.accepted;
  return { count, refused: counts(network.state), real: network.real, accepted, problems: problems.slice(0, 5) };
}

if (import.meta.main) {
  const [count = "1000000", seed = "1"] = process.argv.slice(2);
  const run = runHostile(Number(count), Number(seed));
  process.stdout.write(`${JSON.stringify(run, undefined, 2)}\n`);
  process.exitCode = run.problems.length === 0 ? 0 : 1;
}
