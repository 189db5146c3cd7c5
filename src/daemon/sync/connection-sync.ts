/** The full synchronisation: finds out what the standby's kernel lacks, and has it sent. */
import type { Config } from "../../config/keys/config.ts";
import { isPeerAlive } from "../../failover/evidence/peer.ts";
import type { Input } from "../../failover/machine/failover-input.ts";
import type { State } from "../../failover/machine/state.ts";
import type { Logger } from "../../log/logger.ts";
import type { PathName } from "../../model/pair.ts";
import type { SyncAnswer as AnswerWord, SyncWord } from "../../wire/heartbeat/heartbeat.ts";
import type { SyncStatus } from "../status/sync-status.ts";
import { SyncListing } from "./sync-listing.ts";
import { type SyncFacts, type SyncOrder, SyncPlan } from "./sync-plan.ts";
import { type SyncService, syncServices } from "./sync-services.ts";
import type { SyncThread } from "./sync-thread.ts";
import type { SyncAnswer, SyncTarget, SyncWork } from "./sync-thread-protocol.ts";

export interface ConnectionSyncOptions {
  readonly config: Config;
  readonly target: SyncTarget;
  readonly thread: Pick<SyncThread, "isBusy" | "request" | "close">;
  /** Drawn at random, 32 bits. */
  readonly firstNumber: number;
  readonly logger: Logger;
  readonly now: () => number;
  readonly state: () => State;
  readonly feed: (input: Input) => void;
}

/** How often it is looked whether there is something to do, and at most how often a path carries keys. */
export const SYNC_LOOK_EVERY_MS = 100;
/** A standby reads its table for this share of the time at most, however often it is asked. */
const LISTING_SHARE = 0.25;

/**
 * Connection synchronisation beyond the kernel's own (rule 10), in both roles: the active tells the standby's kernel of
 * its connections and finds out what that has, the standby answers.
 */
export class ConnectionSync {
  readonly #options: ConnectionSyncOptions;
  readonly #plan: SyncPlan;
  #target: SyncTarget;
  #services: readonly SyncService[];
  #listing: SyncListing | undefined;
  #listAtMs = 0;
  /** This router has just handed over: what came in the last moments is still to be told. */
  #owesLast = false;
  #wasActive = false;
  #working: SyncOrder["kind"] | "list" | undefined;
  #fed = "";
  #warned: string | undefined;
  #settled: (() => void) | undefined;
  readonly #saidAtMs: { [P in PathName]?: number } = {};

  constructor(options: ConnectionSyncOptions) {
    this.#options = options;
    this.#plan = new SyncPlan(options.firstNumber);
    this.#target = options.target;
    this.#services = syncServices(options.config);
  }

  configure(config: Config, target: SyncTarget): void {
    this.#services = syncServices(config);
    this.#target = target;
  }

  /** Does what is to be done now; to be called often, and at each change of the role. */
  look(): void {
    const state = this.#options.state();
    const isActive = state.phase.kind === "active";
    if (this.#wasActive && !isActive) this.#owesLast = hasHandedOver(state);
    this.#wasActive = isActive;
    const facts = isActive ? activeFacts(state, this.#options.now()) : undefined;
    const { isBusy } = this.#options.thread;
    if (facts !== undefined) {
      this.#owesLast = false;
      const order = this.#plan.next(facts, this.#options.now(), isBusy);
      if (order !== undefined) this.#perform(order);
      this.#tellWarmth();
    } else if (!isBusy) this.#lookAsStandby(state);
  }

  /** What the standby's kernel knows, from a heartbeat that the session accepted. */
  hear(answer: AnswerWord): void {
    if (this.#plan.hear(answer, this.#options.now())) this.look();
  }

  /** What a heartbeat on this path says of it. */
  word(path: PathName): SyncWord | undefined {
    const nowMs = this.#options.now();
    const { phase, peer } = this.#options.state();
    if (phase.kind === "active") {
      const asks = this.#plan.asks(nowMs);
      return asks === 0 ? undefined : { asks };
    }
    const listing = this.#listing;
    if (listing === undefined || peer?.says.sync?.asks !== listing.to) return undefined;
    if (nowMs - (this.#saidAtMs[path] ?? Number.NEGATIVE_INFINITY) < SYNC_LOOK_EVERY_MS) return undefined;
    this.#saidAtMs[path] = nowMs;
    const answer = listing.nextAnswer();
    return answer === undefined ? undefined : { asks: 0, answer };
  }

  status(): SyncStatus {
    const state = this.#options.state();
    const nowMs = this.#options.now();
    const isActive = state.phase.kind === "active";
    const { lastFullSync, view, failure } = this.#plan;
    const warmth = isActive ? view.warmth : state.peer?.says.warmth;
    return {
      wanted: warmth?.wanted ?? null,
      present: warmth?.present ?? null,
      fullSync: warmth?.fullSync ?? false,
      working: this.#working === "send",
      lastFullSync:
        lastFullSync === undefined
          ? null
          : {
              agoMs: Math.round(nowMs - lastFullSync.endedAtMs),
              entries: lastFullSync.entries,
              tookMs: Math.round(lastFullSync.elapsedMs),
            },
      failure: failure ?? null,
    };
  }

  /** Calls `done` when nothing is being read or sent any more. */
  settle(done: () => void): void {
    if (this.#options.thread.isBusy) this.#settled = done;
    else done();
  }

  close(): void {
    this.#options.thread.close();
  }

  #perform(order: SyncOrder): void {
    this.#request(order.kind === "send" ? { ...order, target: this.#target } : order, (answer) => {
      this.#plan.finished(answer, this.#options.now());
      const { logger } = this.#options;
      if (order.kind === "send" && answer.failure === undefined) {
        const which = order.scope === "all" ? "" : "new ";
        const ms = Math.round(answer.elapsedMs);
        logger.info("sync", `told the peer's kernel of ${answer.sent} ${which}connections in ${ms} ms`);
      }
      // The next step of a planned move that waits for it does not wait for the next look.
      this.look();
    });
  }

  #lookAsStandby(state: State): void {
    const nowMs = this.#options.now();
    if (!isPeerAlive(state, nowMs) || state.peer === undefined) return;
    if (this.#owesLast) {
      this.#owesLast = false;
      this.#request({ kind: "send", scope: "new", target: this.#target }, () => {});
      return;
    }
    const asks = state.peer.says.sync?.asks ?? 0;
    if (asks === 0 || asks === this.#listing?.to || nowMs < this.#listAtMs) return;
    this.#request({ kind: "list" }, (answer) => {
      this.#listAtMs = this.#options.now() + answer.elapsedMs * (1 / LISTING_SHARE - 1);
      if (answer.failure !== undefined) return;
      this.#listing = new SyncListing(asks, answer.keys, this.#options.config.vips.length);
    });
  }

  #request(work: SyncWork, done: (answer: SyncAnswer) => void): void {
    this.#working = work.kind;
    this.#options.thread.request(work, this.#services, (answer) => {
      this.#working = undefined;
      this.#warn(answer.failure);
      if (this.#settled === undefined) done(answer);
      else this.#settled();
    });
  }

  #tellWarmth(): void {
    const { warmth, toldFor } = this.#plan.view;
    const told = JSON.stringify({ warmth, toldFor });
    if (told === this.#fed) return;
    this.#fed = told;
    this.#options.feed({ kind: "warmth", warmth, ...(toldFor === undefined ? {} : { toldFor }) });
  }

  /** The same reason is told once. */
  #warn(failure: string | undefined): void {
    if (failure !== undefined && failure !== this.#warned) {
      this.#options.logger.warn("sync", `the connections cannot be read or told: ${failure}`);
    }
    this.#warned = failure;
  }
}

/** Who lost the role in another way has nothing to tell: what it knows may be older than what the new owner has. */
function hasHandedOver({ history }: State): boolean {
  const reason = history.at(-1)?.reason;
  return reason === "handed-over" || reason === "stopped";
}

function activeFacts(state: State, nowMs: number): SyncFacts | undefined {
  const { phase, peer, move, settings } = state;
  if (phase.kind !== "active") return undefined;
  const isStandby = peer !== undefined && isPeerAlive(state, nowMs) && peer.says.role === "standby";
  const hasTable = !settings.hasServices || peer?.says.table?.complete === true;
  return {
    tenureSinceMs: phase.sinceMs,
    standby: isStandby ? { sinceMs: peer.sinceMs, hasTable } : undefined,
    moveId: move !== undefined && move.offeredAtMs === undefined ? move.id : undefined,
  };
}
