import { Balancer, type BalancerOptions } from "../../src/balance/balancer.ts";
import type { BalancerEffect, BalancerInput } from "../../src/balance/balancer-input.ts";
import type { SavedState } from "../../src/balance/saved/saved-state.ts";
import type { BalancerReport } from "../../src/balance/servers/check-report.ts";
import type { ProbeOutcome } from "../../src/model/health-check.ts";
import { formatServiceKey } from "../../src/model/virtual-service.ts";
import { SUCCESS } from "./balance-fixtures.ts";
import { SimulatedIpvs } from "./simulated-ipvs.ts";

/** More turns than any test needs between two moments: beyond it the machine chases its own tail. */
const TURNS_MAX = 10_000;

/** Runs a balancer in virtual time on a simulated kernel and simulated servers. */
export class BalancerDriver {
  readonly kernel: SimulatedIpvs;
  readonly reports: BalancerReport[] = [];
  /** What a probe of this address and port finds, or of this kind there (`10.0.0.11:80 http`); absent: success. */
  readonly outcomes = new Map<string, ProbeOutcome>();
  /** What an attempt at the gate of this name finds; absent: success. */
  readonly gateOutcomes = new Map<string, ProbeOutcome>();
  /** Attempts at gates, by name. */
  readonly gatesBegun: string[] = [];
  /** Set: the kernel cannot be asked. */
  kernelTrouble: string | undefined;
  /** Calls of the kernel, by effect. */
  readonly kernelCalls: string[] = [];
  probesBegun = 0;
  saved: SavedState | undefined;
  nowMs: number;
  #balancer: Balancer;

  /** @param Machine the class under test; a mutant has the same form. */
  constructor(
    options: Partial<BalancerOptions> = {},
    kernel = new SimulatedIpvs(),
    nowMs = 1_000_000,
    Machine: typeof Balancer = Balancer,
  ) {
    this.kernel = kernel;
    this.nowMs = nowMs;
    this.#balancer = new Machine({ bootId: "boot", seed: 1, ...options });
  }

  /** Gives one input and all that follows from it at this moment. */
  give(input: BalancerInput): void {
    const effects = [...this.#balancer.step(input, this.nowMs)];
    for (let turn = 0; effects.length > 0; turn += 1) {
      if (turn > TURNS_MAX) throw new Error("the balancer does not settle");
      const answer = this.#do(effects.shift());
      if (answer !== undefined) effects.push(...this.#balancer.step(answer, this.nowMs));
    }
  }

  /** Lets so many milliseconds pass, with every deadline in them. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let turn = 0; ; turn += 1) {
      if (turn > TURNS_MAX) throw new Error("the balancer's deadline does not advance");
      const deadlineMs = this.#balancer.nextDeadline();
      if (deadlineMs === undefined || deadlineMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, deadlineMs);
      this.give({ kind: "tick" });
    }
    this.nowMs = untilMs;
  }

  /** The reports of one kind since the last call. */
  take<K extends BalancerReport["kind"]>(kind: K): Extract<BalancerReport, { kind: K }>[] {
    const taken = this.reports.filter((report): report is Extract<BalancerReport, { kind: K }> => report.kind === kind);
    const left = this.reports.filter((report) => report.kind !== kind);
    this.reports.splice(0, this.reports.length, ...left);
    return taken;
  }

  #do(effect: BalancerEffect | undefined): BalancerInput | undefined {
    switch (effect?.kind) {
      case "probe": {
        this.probesBegun += 1;
        const { address, port } = effect.probe.target;
        const place = `${address.text}:${port}`;
        const { kind } = effect.probe.check.method;
        const outcome = this.outcomes.get(`${place} ${kind}`) ?? this.outcomes.get(place) ?? SUCCESS;
        return { kind: "probed", key: effect.probe.key, outcome };
      }
      case "probe-gate": {
        const { key, gate } = effect.probe;
        this.gatesBegun.push(gate.name);
        return { kind: "gate-probed", key, outcome: this.gateOutcomes.get(gate.name) ?? SUCCESS };
      }
      case "save":
        this.saved = effect.saved;
        return undefined;
      case "report":
        this.reports.push(effect.report);
        return undefined;
      case "list-services":
      case "read-services":
      case "apply":
        this.kernelCalls.push(effect.kind);
        return this.kernelTrouble === undefined
          ? this.#ask(effect)
          : { kind: "kernel-failed", reason: this.kernelTrouble };
      case undefined:
        return undefined;
    }
  }

  #ask(effect: Extract<BalancerEffect, { kind: "list-services" | "read-services" | "apply" }>): BalancerInput {
    switch (effect.kind) {
      case "list-services":
        return {
          kind: "services-listed",
          keys: this.kernel.services().map(({ service }) => formatServiceKey(service.key)),
        };
      case "read-services":
        return {
          kind: "services-read",
          services: new Map(effect.keys.map((key) => [formatServiceKey(key), this.kernel.service(key)])),
        };
      case "apply":
        return { kind: "applied", failures: this.kernel.apply(effect.changes).map((error) => error?.message) };
    }
  }
}
