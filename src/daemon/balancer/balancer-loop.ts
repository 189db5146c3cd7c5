/** The loop around the machine of balancing: performs its effects and feeds what came of them back. */
import type { Balancer } from "../../balance/balancer.ts";
import type { BalancerEffect, BalancerInput } from "../../balance/balancer-input.ts";
import type { GateProbe } from "../../balance/gate-checks.ts";
import type { SavedState } from "../../balance/saved/saved-state.ts";
import type { Probe } from "../../balance/servers/service-units.ts";
import { unreachable } from "../../lib/assert.ts";
import type { ProbeOutcome } from "../../model/health-check.ts";
import type { BalancerKernel, KernelAnswer } from "./balancer-kernel.ts";
import type { FromBalancer } from "./balancer-protocol.ts";

/** What the loop does its effects with. */
export interface BalancerSurroundings {
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  /** One attempt; never rejects. */
  readonly probe: (probe: Probe) => Promise<ProbeOutcome>;
  /** The same at a gate. */
  readonly probeGate: (probe: GateProbe) => Promise<ProbeOutcome>;
  readonly kernel: Pick<BalancerKernel, "list" | "read" | "apply" | "close">;
  readonly save: (state: SavedState) => void;
  readonly send: (message: FromBalancer) => void;
  /** The state machine threw: nothing is stepped any more. */
  readonly crashed: (error: unknown) => void;
}

/** setTimeout takes 31 bits of milliseconds; a deadline further away is looked at again then. */
const SLEEP_MAX_MS = 60_000;

/**
 * The loop around the balancer's state machine: gives it inputs and the time, does its effects, and sleeps until its
 * next deadline. Calls to the kernel are made one per turn of the event loop, so that probes are read in between.
 */
export class BalancerLoop {
  readonly #balancer: Balancer;
  readonly #surroundings: BalancerSurroundings;
  #timer: Timer | undefined;
  /** The deadline that the timer is set for. */
  #wakesAtMs: number | undefined;
  #closed = false;
  #outcomes: BalancerInput[] = [];

  constructor(balancer: Balancer, surroundings: BalancerSurroundings) {
    this.#balancer = balancer;
    this.#surroundings = surroundings;
  }

  get probesInFlight(): number {
    return this.#balancer.probesInFlight;
  }

  /** Gives the state machine an input and does what comes of it. */
  take(input: BalancerInput): void {
    this.#takeAll([input]);
  }

  #takeAll(inputs: readonly BalancerInput[]): void {
    if (this.#closed) return;
    const nowMs = this.#surroundings.now();
    try {
      for (const input of inputs) {
        for (const effect of this.#balancer.step(input, nowMs)) this.#do(effect);
      }
      this.#sleep();
    } catch (error) {
      this.close();
      this.#surroundings.crashed(error);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#surroundings.kernel.close();
  }

  #sleep(): void {
    const deadlineMs = this.#balancer.nextDeadline();
    if (deadlineMs === undefined || this.#closed) return;
    // Most inputs leave the next deadline as it is, and a wake for one that has gone finds nothing to do.
    if (this.#wakesAtMs !== undefined && this.#wakesAtMs <= deadlineMs) return;
    clearTimeout(this.#timer);
    this.#wakesAtMs = deadlineMs;
    const waitMs = Math.min(SLEEP_MAX_MS, Math.max(0, deadlineMs - this.#surroundings.now()));
    // Rounded up: a timer that fires a fraction early would find nothing due and turn in vain.
    this.#timer = setTimeout(() => this.#wake(), Math.ceil(waitMs));
  }

  #wake(): void {
    this.#wakesAtMs = undefined;
    this.take({ kind: "tick" });
  }

  #do(effect: BalancerEffect): void {
    switch (effect.kind) {
      case "probe":
        this.#probe(effect.probe);
        break;
      case "probe-gate":
        this.#probeGate(effect.probe);
        break;
      case "list-services":
        this.#later(
          () => this.#surroundings.kernel.list(),
          (keys) => ({ kind: "services-listed", keys }),
        );
        break;
      case "read-services":
        this.#later(
          () => this.#surroundings.kernel.read(effect.keys),
          (services) => ({ kind: "services-read", services }),
        );
        break;
      case "apply":
        this.#later(
          () => this.#surroundings.kernel.apply(effect.changes),
          (failures) => ({ kind: "applied", failures }),
        );
        break;
      case "save":
        this.#surroundings.save(effect.saved);
        break;
      case "report":
        this.#surroundings.send(effect.report);
        break;
      default:
        unreachable(effect);
    }
  }

  #probe(probe: Probe): void {
    this.#surroundings.probe(probe).then((outcome) => this.#probed({ kind: "probed", key: probe.key, outcome }));
  }

  #probeGate(probe: GateProbe): void {
    this.#surroundings
      .probeGate(probe)
      .then((outcome) => this.#probed({ kind: "gate-probed", key: probe.key, outcome }));
  }

  /** Outcomes that come in the same turn are taken together, at one reading of the clock. */
  #probed(input: BalancerInput): void {
    this.#outcomes.push(input);
    if (this.#outcomes.length > 1) return;
    queueMicrotask(() => {
      const outcomes = this.#outcomes;
      this.#outcomes = [];
      this.#takeAll(outcomes);
    });
  }

  #later<T>(ask: () => KernelAnswer<T>, toInput: (value: T) => BalancerInput): void {
    setImmediate(() => {
      if (this.#closed) return;
      const answer = ask();
      this.take(answer.ok ? toInput(answer.value) : { kind: "kernel-failed", reason: answer.reason });
    });
  }
}
