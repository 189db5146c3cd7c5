/**
 * The router's end of balancing: starts the balancer's process, gives it configurations and orders, and makes inputs
 * of failover of what it says.
 */
import type { CheckReport, QuorumChange, ServiceView, VerdictChange } from "../../balance/servers/check-report.ts";
import { type Drain, drainKey, drainsOf } from "../../balance/servers/drains.ts";
import type { Config } from "../../config/keys/config.ts";
import type { Input } from "../../failover/machine/failover-input.ts";
import type { GateReport } from "../../failover/machine/surroundings.ts";
import { unreachable } from "../../lib/assert.ts";
import type { Logger } from "../../log/logger.ts";
import { parseAddress } from "../../model/address.ts";
import type { Role } from "../../model/pair.ts";
import type { ServiceSight } from "../../model/service-sight.ts";
import type { ServerOrder, SharedEntry, SharedSubject } from "../../model/shared-entry.ts";
import type { SyncDaemon } from "../../model/sync-daemon.ts";
import type { ServiceKey } from "../../model/virtual-service.ts";
import { auxiliary } from "../host/auxiliary.ts";
import { HookRunner } from "../host/hooks.ts";
import { ownProgram } from "../host/own-program.ts";
import type { StateFailure } from "../host/state-store.ts";
import { type SideInterfaces, watchedServices } from "../settings/failover-settings.ts";
import { keptServers } from "../status/kept-status.ts";
import { BALANCER_STATE_FILE, type BalancerConfig, type FromBalancer } from "./balancer-protocol.ts";
import { BalancerSupervisor } from "./balancer-supervisor.ts";
import { GateWatch } from "./gate-watch.ts";

/** The sync daemons of a router: it sends its connections and learns the other's, whichever role it has (rule 10). */
export function wantedSyncDaemons(config: Config, interfaces: SideInterfaces): readonly SyncDaemon[] {
  const { sync } = config;
  const name = sync.interface ?? interfaces.private;
  if (!sync.enabled || config.services.length === 0 || name === undefined) return [];
  const group = parseAddress(sync.group);
  return (["backup", "master"] as const).map((state) => ({
    state,
    interface: name,
    syncId: sync.id,
    ...(group.ok ? { group: group.value } : {}),
    port: sync.port,
    ttl: sync.ttl,
    ...(sync.mode === "batched" && sync.maxLengthBytes !== undefined ? { maxLengthBytes: sync.maxLengthBytes } : {}),
    // Tried: with one connection a message each reaches the standby at once; else it waits for a full packet. A backup
    // daemon takes it for the room it has, raises it to 1024, and would look like another one ever after.
    ...(sync.mode === "prompt" && state === "master" ? { maxLengthBytes: 1 } : {}),
  }));
}

/** Alive is what has a real server that is up; while servers are unknown, nothing is said to be dead. */
export function sightsOf(
  services: readonly { readonly name: string }[],
  views: readonly ServiceView[],
): readonly ServiceSight[] {
  const byName = new Map(views.map((view) => [view.service, view]));
  return services.map(({ name }) => {
    const view = byName.get(name);
    if (view === undefined || view.configured === 0) return "unknown";
    if (view.up > 0) return "alive";
    return view.unknown > 0 ? "unknown" : "dead";
  });
}

/** Whether a configuration has anything for a balancer to do. */
export function needsBalancer({ services, gates }: Pick<Config, "services" | "gates">): boolean {
  return services.length + gates.length > 0;
}

/** What the balancer needs of a configuration: keys stay with the router, and without services IPVS is none of ours. */
function concernOf({ services, gates, timeouts }: Config): BalancerConfig {
  return { services, gates, ...(timeouts === undefined || services.length === 0 ? {} : { timeouts }) };
}

function orderOf(drain: Drain | undefined): ServerOrder {
  if (drain === undefined) return { kind: "none" };
  return drain.kind === "drain" ? { kind: "drain" } : { kind: "weight", weight: drain.weight };
}

function drainOf(entry: SharedEntry): Drain | undefined {
  if (entry.kind !== "server" || entry.order.kind === "none") return undefined;
  const { service, server, order } = entry;
  return order.kind === "drain"
    ? { kind: "drain", service, server }
    : { kind: "weight", service, server, weight: order.weight };
}

export interface BalancingOptions {
  readonly config: Config;
  /** Services that a process before this one may have made: those that are not wanted are taken out of the kernel. */
  readonly former: readonly ServiceKey[];
  readonly stateDir: string;
  readonly logger: Logger;
  readonly now: () => number;
  /** What this router is now. */
  readonly role: Role;
  readonly onInput: (input: Input) => void;
  /** The kernel has the wanted table. */
  readonly onTable: () => void;
}

/** The router's side of balancing: the child process, and what is known from it. */
export class Balancing {
  readonly supervisor: BalancerSupervisor;
  readonly #options: BalancingOptions;
  readonly #gates: GateWatch;
  #views: readonly ServiceView[] = [];
  #complete = false;
  #stateFailure: StateFailure | undefined;
  #isStopped = false;
  #config: Config;
  readonly #hooks: HookRunner;

  constructor(options: BalancingOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#hooks = new HookRunner(options.config.hooks);
    this.#gates = new GateWatch({
      gates: options.config.gates,
      logger: options.logger,
      now: options.now,
      onChange: (gates) => options.onInput({ kind: "gates", gates }),
    });
    this.supervisor = new BalancerSupervisor(
      ownProgram(),
      options.stateDir,
      { ...concernOf(options.config), ...(options.former.length === 0 ? {} : { former: options.former }) },
      {
        onMessage: (message) =>
          auxiliary(options.logger, `the balancer's word "${message.kind}"`, () => this.#receive(message)),
        onAway: (how) => this.#gates.lose(how),
        onLog: (level, message) => options.logger.log({ level, part: "balancer", message }),
      },
      options.now,
    );
    this.supervisor.setRole(options.role);
  }

  /** There is nothing to do for it any more. */
  stop(): void {
    this.#isStopped = true;
    void this.supervisor.stop();
  }

  start(): void {
    this.supervisor.start();
  }

  /** Has the kernel try what is new; `done` gets the reason why not, or undefined. `configure` follows. */
  try(config: Config, done: (problem: string | undefined) => void): void {
    this.supervisor.try(concernOf(config), (reply) => done(reply.kind === "refused" ? reply.reason : undefined));
  }

  configure(config: Config): void {
    this.#config = config;
    this.#complete = false;
    this.#hooks.configure(config.hooks);
    this.#gates.configure(config.gates);
    this.supervisor.configure(concernOf(config));
    this.supervisor.needTable();
  }

  /** The kernel's table is what the configuration wants, as last told. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /** How each service is seen, as last told. */
  get views(): readonly ServiceView[] {
    return this.#views;
  }

  /** What the balancer cannot keep on disk. */
  get stateFailures(): readonly StateFailure[] {
    return this.#stateFailure === undefined ? [] : [this.#stateFailure];
  }

  /** How this router's gates stand, in the order of the configuration. */
  get gates(): readonly GateReport[] {
    return this.#gates.reports;
  }

  /** What is known of each real server; undefined when the balancer does not answer. */
  checks(ready: (checks: readonly CheckReport[] | undefined) => void): void {
    this.supervisor.query({ kind: "checks" }, (reply) =>
      ready(reply.kind === "answer" && reply.answer.kind === "checks" ? reply.answer.checks : undefined),
    );
  }

  #receive(message: Exclude<FromBalancer, { kind: "done" | "refused" | "answer" }>): void {
    const { logger } = this.#options;
    if (this.#isStopped) return;
    if (message.kind === "gates") this.#gates.take(message.gates);
    else this.#gates.hear();
    switch (message.kind) {
      case "table-complete":
        this.#complete = true;
        this.#tellTable();
        this.#options.onTable();
        break;
      case "views":
        this.#views = message.services;
        this.#tellTable();
        this.#options.onInput({ kind: "views", sights: sightsOf(watchedServices(this.#config), this.#views) });
        break;
      case "verdict-changed": {
        const { service, server, from, to, reason } = message.change;
        logger.log({
          level: to === "down" ? "warn" : "info",
          part: "check",
          message: `${service} ${server} is ${to} (was ${from}): ${reason}`,
        });
        this.#runVerdictHook(message.change);
        break;
      }
      case "quorum-changed":
        this.#noteQuorum(message.change);
        break;
      case "drains-changed":
        this.#ordered(message);
        break;
      case "kept-changed":
        this.#kept(message);
        break;
      case "started":
        this.#stateFailure = undefined;
        break;
      case "broken":
        logger.error("balancer", `the balancer ends: ${message.reason}`);
        break;
      case "saving":
        this.#noteSaving(message.failure);
        break;
      case "log":
        logger.log({ level: message.level, part: "balancer", message: message.message });
        break;
      // Taken above, and by the supervisor.
      case "gates":
      case "alive":
        break;
      default:
        unreachable(message);
    }
  }

  #noteSaving(reason: string | undefined): void {
    const sinceMs = this.#stateFailure?.sinceMs ?? this.#options.now();
    this.#stateFailure = reason === undefined ? undefined : { file: BALANCER_STATE_FILE, reason, sinceMs };
  }

  /** An operator's orders are for both routers; what the balancer holds by now is what a restarted one must get. */
  #ordered({ drains, made }: Extract<FromBalancer, { kind: "drains-changed" }>): void {
    if (made === undefined) return;
    this.supervisor.keepDrains(drains);
    const orders = drainsOf(drains);
    const subjects = made.map(({ service, server }): SharedSubject => {
      const drain = orders.get(drainKey(service, server));
      return { kind: "server", service, server, order: orderOf(drain) };
    });
    this.#options.onInput({ kind: "ordered", subjects });
  }

  /** The same of a server that an operator has changed beside the configuration. */
  #kept({ kept, made }: Extract<FromBalancer, { kind: "kept-changed" }>): void {
    if (made === undefined) return;
    this.supervisor.keepServers(kept);
    this.#options.onInput({ kind: "ordered", subjects: [{ kind: "kept", ...made }] });
  }

  /** The orders of both routers' operators, as the pair has them. */
  setOrders(entries: readonly SharedEntry[]): void {
    const drains = entries.flatMap((entry) => drainOf(entry) ?? []);
    this.supervisor.setOrders(drains, keptServers(entries));
    this.supervisor.needTable();
  }

  #noteQuorum({ service, listen, quorate }: QuorumChange): void {
    const what = quorate ? "it has its quorum again" : "its quorum is lost: too few real servers are up";
    const message = `${service} (${listen}): ${what}`;
    this.#options.logger.log({ level: quorate ? "info" : "error", part: "check", message });
    this.#runHook("quorum", `the quorum of ${service}`, {
      TANDEM_SERVICE: service,
      TANDEM_LISTEN: listen,
      TANDEM_QUORUM: quorate ? "regained" : "lost",
    });
  }

  /** A storm of changes is told in the log; its hooks beyond the limit of those that wait are left out, and that is logged. */
  #runVerdictHook({ service, server, from, to, reason }: VerdictChange): void {
    this.#runHook("verdict", `${service} ${server}`, {
      TANDEM_SERVICE: service,
      TANDEM_SERVER: server,
      TANDEM_FROM: from,
      TANDEM_VERDICT: to,
      TANDEM_REASON: reason,
    });
  }

  #runHook(name: "verdict" | "quorum", subject: string, environment: Readonly<Record<string, string>>): void {
    if ((this.#config.hooks[name] ?? []).length === 0) return;
    this.#hooks.run({
      name,
      environment,
      done: (ok, detail) => {
        const message = `the hook for ${subject}: ${detail}`;
        this.#options.logger.log({ level: ok ? "debug" : "warn", part: "check", message });
      },
    });
  }

  #tellTable(): void {
    const sum = (pick: (view: ServiceView) => number) => this.#views.reduce((total, view) => total + pick(view), 0);
    this.#options.onInput({
      kind: "table",
      table: {
        complete: this.#complete,
        services: this.#config.services.length,
        servers: sum((view) => view.configured),
        serversUp: sum((view) => view.up),
      },
    });
  }
}
