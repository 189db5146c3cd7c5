/** How this router's gates stand, as the balancer's process says; unknown while it says nothing. */
import type { GateView } from "../../balance/servers/check-report.ts";
import type { GateReport } from "../../failover/machine/surroundings.ts";
import type { Logger } from "../../log/logger.ts";
import type { Gate } from "../../model/gate.ts";

/** Why a gate is unknown while nobody checks it. */
const UNATTENDED = "the balancer, which checks it, does not answer";

export interface GateWatchOptions {
  readonly gates: readonly Gate[];
  readonly logger: Pick<Logger, "log">;
  readonly now: () => number;
  /** At each change. */
  readonly onChange: (gates: readonly GateReport[]) => void;
}

/**
 * How the gates of this router stand, from what the balancer reports. All of them are unknown while it is away: what it
 * found before says nothing about now.
 */
export class GateWatch {
  readonly #options: GateWatchOptions;
  #gates: readonly Gate[];
  #views = new Map<string, GateView>();
  #isAway = false;
  #reports: readonly GateReport[];

  constructor(options: GateWatchOptions) {
    this.#options = options;
    this.#gates = options.gates;
    this.#reports = [];
    this.#reports = this.#current();
  }

  /** All gates of the configuration, in its order. */
  get reports(): readonly GateReport[] {
    return this.#reports;
  }

  configure(gates: readonly Gate[]): void {
    this.#gates = gates;
    this.#settle();
  }

  /** What the balancer reports. */
  take(views: readonly GateView[]): void {
    this.#views = new Map(views.map((view) => [view.name, view]));
    this.#isAway = false;
    this.#settle();
  }

  /** The balancer is heard: what it reported last holds again, if it is the same process. */
  hear(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#settle();
  }

  /** The balancer has ended, or is silent. */
  lose(how: "ended" | "silent"): void {
    if (how === "ended") this.#views.clear();
    this.#isAway = true;
    this.#settle();
  }

  #settle(): void {
    const before = new Map(this.#reports.map((report) => [report.name, report]));
    const reports = this.#current();
    if (JSON.stringify(reports) === JSON.stringify(this.#reports)) return;
    this.#reports = reports;
    for (const report of reports) this.#log(report, before.get(report.name));
    this.#options.onChange(reports);
  }

  #current(): readonly GateReport[] {
    const before = new Map(this.#reports.map((report) => [report.name, report]));
    return this.#gates.map(({ name, effect }): GateReport => {
      const view = this.#isAway ? undefined : this.#views.get(name);
      if (view !== undefined) {
        const { state, sinceMs, detail } = view;
        return { name, state, sinceMs, effect, ...(detail === undefined ? {} : { detail }) };
      }
      const known = before.get(name);
      const sinceMs = known?.state === "unknown" ? known.sinceMs : this.#options.now();
      return { name, state: "unknown", sinceMs, effect, ...(this.#isAway ? { detail: UNATTENDED } : {}) };
    });
  }

  #log({ name, state, detail }: GateReport, before: GateReport | undefined): void {
    // What was unknown from the start is no news.
    if (state === before?.state || (state === "unknown" && before === undefined)) return;
    const verb = { passing: "passes", failing: "fails", unknown: "is unknown" }[state];
    this.#options.logger.log({
      level: state === "passing" ? "info" : "warn",
      part: "gate",
      message: `${name} ${verb}${detail === undefined ? "" : `: ${detail}`}`,
    });
  }
}
