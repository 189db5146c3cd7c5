/** Performs the effects of the failover machine, and says what came of them. */
import type { Effect, StoredState } from "../../failover/machine/effect.ts";
import type { Input, LeaseResult, RemoveResult } from "../../failover/machine/failover-input.ts";
import type { Cause, Transition } from "../../failover/machine/history.ts";
import type { State } from "../../failover/machine/state.ts";
import { unreachable } from "../../lib/assert.ts";
import type { Logger } from "../../log/logger.ts";
import type { Role } from "../../model/pair.ts";
import type { SharedEntry } from "../../model/shared-entry.ts";
import type { Vip } from "../../model/vip.ts";
import type { BalancerSupervisor } from "../balancer/balancer-supervisor.ts";
import type { OperatorDesk } from "../control/router-control.ts";
import type { HookRunner } from "../host/hooks.ts";
import type { KernelThread } from "../kernel-thread/kernel-thread.ts";
import type { KernelOutcome } from "../kernel-thread/kernel-thread-protocol.ts";
import type { RouterNetwork } from "../network/router-network.ts";
import type { KeptState } from "../status/kept-state.ts";
import type { Router, RouterWorld } from "./router.ts";
import type { Synchronisation } from "./synchronisation.ts";

/** The parts that do what the failover machine wants. */
export interface WorldParts {
  readonly network: RouterNetwork;
  readonly kernelThread: KernelThread;
  readonly synchronisation: Synchronisation;
  readonly hooks: HookRunner;
  readonly kept: KeptState;
  readonly desk: OperatorDesk;
  readonly logger: Logger;
  /** Absent where the configuration has no services. */
  readonly balancer: () => BalancerSupervisor | undefined;
  readonly router: () => Router;
  /** The orders of both routers' operators. */
  readonly onOrders: (orders: readonly SharedEntry[]) => void;
  /** The digests of the settings in force are wanted. */
  readonly onDigests: () => void;
  readonly onTransition: (transition: Transition) => void;
  readonly now: () => number;
  readonly exit: () => void;
  /** The router can't go on: a defect of its own. */
  readonly crash: (error: unknown) => void;
}

/** On a loaded machine a fast peer is late now and then. */
const PREPARE_EVERY_MS = 500;

function leaseResult(vip: Vip, outcome: KernelOutcome | undefined): LeaseResult {
  switch (outcome?.kind) {
    case "renewed":
      return { vip, result: "renewed" };
    // A renewal that finds nothing to renew has lost the VIP, whether it was set again or not.
    case "created":
    case "lapsed":
      return { vip, result: "created" };
    case "failed":
      return { vip, result: "failed", error: outcome.reason };
    default:
      return { vip, result: "failed", error: "the kernel gave no answer" };
  }
}

function removeResult(vip: Vip, outcome: KernelOutcome | undefined): RemoveResult {
  if (outcome?.kind === "removed" || outcome?.kind === "absent") return { vip, result: outcome.kind };
  return { vip, result: "failed", error: outcome?.kind === "failed" ? outcome.reason : "the kernel gave no answer" };
}

/** Until when the kernel surely has the VIPs that a renewal is for; undefined when they are to be set in any case. */
function presentUntilMs(state: State, batch: number): number | undefined {
  const pending = state.addresses.leases.find((lease) => lease.batch === batch);
  return pending?.purpose === "renew" ? state.addresses.confirmedUntilMs : undefined;
}

/** Carries the effects of the failover machine out. */
export class KernelWorld implements RouterWorld {
  readonly #parts: WorldParts;
  #preparedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: WorldParts) {
    this.#parts = parts;
  }

  now(): number {
    return this.#parts.now();
  }

  drain(): readonly Input[] {
    return this.#parts.network.drain();
  }

  crashed(error: unknown): void {
    this.#parts.crash(error);
  }

  perform(effect: Effect): void {
    const { network, desk, logger, kept } = this.#parts;
    switch (effect.kind) {
      case "send-heartbeat":
        network.send(effect.path, this.#parts.synchronisation.complete(effect.path, effect.heartbeat));
        break;
      case "lease":
        this.#lease(effect.batch, effect.vips, effect.validMs);
        break;
      case "remove":
        this.#remove(effect.batch, effect.vips);
        break;
      case "ask-owner":
        this.#ask(effect);
        break;
      case "ask-neighbours":
        network.askNeighbours(true);
        break;
      case "announce":
        network.announce(effect.vips, effect.unicast, this.#parts.router().state.peerMacs);
        break;
      case "verify":
        network.verify(effect.verification, effect.vips);
        break;
      case "set-balancing":
        this.#setBalancing(effect.role);
        break;
      case "persist":
        kept.failover.write({ version: 1, ...effect.stored } satisfies StoredState & { version: 1 });
        break;
      case "persist-shared":
        kept.shared.write({ version: 1, entries: effect.entries });
        break;
      case "orders":
        this.#parts.onOrders(effect.orders);
        break;
      case "digest-settings":
        this.#parts.onDigests();
        break;
      case "hear-connections":
        this.#parts.synchronisation.hear(effect.answer);
        break;
      case "record":
        this.#record(effect.transition);
        break;
      case "notice":
        desk.tell(effect.text);
        logger.log({ level: effect.level, part: "failover", message: effect.text, fields: { name: effect.name } });
        break;
      case "run-hook":
        this.#runHook(effect.hook, effect.name, effect.causes);
        break;
      case "answer":
        desk.answer(effect.id, effect.ok, effect.text);
        break;
      case "exit":
        this.#parts.exit();
        break;
      default:
        unreachable(effect);
    }
  }

  /** A search for a peer that is late asks for its own addresses too; what is asked in good times does not. */
  #ask({ attempt, questions, peer }: Extract<Effect, { kind: "ask-owner" }>): void {
    const { network, router } = this.#parts;
    const isSearch = peer.length > 0;
    network.askOwners(questions, peer, isSearch ? router().state.peerMacs : undefined);
    if (isSearch && attempt === 1) this.#prepare();
  }

  #record(transition: Transition): void {
    const { from, to, reason, term } = transition;
    this.#parts.onTransition(transition);
    if (to === "standby") this.#parts.network.watchStrays();
    else this.#parts.network.endStrays();
    this.#parts.logger.info("failover", `${from} to ${to}`, { reason, term });
  }

  #lease(batch: number, vips: readonly Vip[], validMs: number): void {
    const { kernelThread, router } = this.#parts;
    const until = presentUntilMs(router().state, batch);
    const work = {
      kind: "lease" as const,
      vips,
      // The kernel counts whole seconds (struct ifa_cacheinfo).
      validSeconds: Math.max(1, Math.ceil(validMs / 1000)),
      ...(until === undefined ? {} : { presentUntilMs: until }),
    };
    this.#parts.network.leasing(vips);
    kernelThread.request(work, (answer) =>
      router().feed({
        kind: "lease-outcome",
        batch,
        results: vips.map((vip, index) => leaseResult(vip, answer.outcomes[index])),
      }),
    );
  }

  /** The peer is late, and so may be dead in a moment: what a takeover needs is made ready. */
  #prepare(): void {
    const { kernelThread, router, now } = this.#parts;
    if (now() - this.#preparedAtMs < PREPARE_EVERY_MS) return;
    this.#preparedAtMs = now();
    kernelThread.request({ kind: "prepare", vips: router().state.settings.vips.map(({ vip }) => vip) }, () => {});
  }

  #remove(batch: number, vips: readonly Vip[]): void {
    const { kernelThread, network, router } = this.#parts;
    const configured = new Set(router().state.settings.vips.map(({ vip }) => vip.prefix.address.text));
    const texts = vips.map((vip) => vip.prefix.address.text);
    const removed = network.removing();
    const leaseOnly = texts.filter((text) => !configured.has(text));
    kernelThread.request({ kind: "drop", vips, leaseOnly }, ({ outcomes }) => {
      const results = vips.map((vip, index) => removeResult(vip, outcomes[index]));
      router().feed({ kind: "remove-outcome", batch, results });
      removed(results.filter(({ result }) => result !== "failed").map(({ vip }) => vip));
    });
  }

  /** Rule 10, before the VIPs are added or after they are gone. */
  #setBalancing(role: Role): void {
    this.#parts.synchronisation.setRole(role);
    const supervisor = this.#parts.balancer();
    if (supervisor === undefined) return;
    supervisor.setRole(role);
    if (role === "active") supervisor.needTable();
  }

  #runHook(hook: number, name: Role | "takeover", causes: readonly Cause[]): void {
    const { hooks, router } = this.#parts;
    hooks.run({
      name,
      environment: {
        TANDEM_ROLE: name === "takeover" ? "active" : name,
        TANDEM_TERM: String(router().state.term),
        TANDEM_REASON: causes.at(-1)?.name ?? "",
        TANDEM_CAUSES: causes.map((cause) => cause.text).join("\n"),
      },
      done: (ok, detail) => router().feed({ kind: "hook-done", hook, ok, detail }),
    });
  }
}
