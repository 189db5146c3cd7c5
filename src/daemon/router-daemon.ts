import { randomBytes } from "node:crypto";
import type { CheckReport } from "../balance/report.ts";
import type { Config } from "../config/config.ts";
import { configFingerprint } from "../config/fingerprint.ts";
import type { OperatorCommand } from "../failover/input.ts";
import type { FailoverSettings } from "../failover/settings.ts";
import { TandemError } from "../lib/errors.ts";
import { VERSION } from "../lib/version.ts";
import type { Logger } from "../log/logger.ts";
import { PATHS, type RouterId } from "../model/pair.ts";
import { monotonicMs } from "../sys/clock.ts";
import type { BalancerSupervisor } from "./balancer-supervisor.ts";
import { Balancing } from "./balancing.ts";
import type { ConfigurationFile, UsableConfig } from "./configuration.ts";
import { ControlServer } from "./control-server.ts";
import { failoverSettings } from "./failover-settings.ts";
import { wantedSysctls } from "./forwarding.ts";
import { HookRunner } from "./hooks.ts";
import { KernelThread } from "./kernel-thread.ts";
import { pathEnds } from "./path-sockets.ts";
import { requireFreePort } from "./port-claim.ts";
import { isPromotion } from "./promotion.ts";
import { becomePunctual } from "./punctuality.ts";
import { ReloadQueue, type ReloadResult } from "./reload-queue.ts";
import { Router } from "./router.ts";
import { type ControlSubject, OperatorDesk } from "./router-control.ts";
import { pairIdOfConfig, RouterNetwork } from "./router-network.ts";
import { pathStatus, peerStatus, statusReport } from "./router-status.ts";
import { KernelWorld } from "./router-world.ts";
import { ServiceManager } from "./service-manager.ts";
import { makeStateDir, StateFile } from "./state-store.ts";
import type { HeartbeatReport, StatusReport, TransitionStatus } from "./status-report.ts";
import { readSharedEntries, readStoredState } from "./stored-state.ts";
import { Synchronisation } from "./synchronisation.ts";
import { SysctlKeeper } from "./sysctl-keeper.ts";
import { TransitionLog } from "./transition-log.ts";

export interface DaemonOptions {
  readonly file: ConfigurationFile;
  readonly runtimeDir: string;
  readonly stateDir: string;
  readonly usable: UsableConfig;
  readonly router: RouterId;
  readonly logger: Logger;
}

/** The kernel may hold its lock for seconds, and the balancer hang: the end of this process does not wait for that. */
const END_LIMIT_MS = 1_000;
/** How often a hanging balancer is looked for. */
const SUPERVISE_EVERY_MS = 1_000;

/** The daemon of one router: puts the parts together, and takes them apart at the end. */
export class RouterDaemon implements ControlSubject {
  /** 0 after all was handed over, released or left; 1 when the router could not go on. */
  readonly ended: Promise<0 | 1>;
  readonly #end: (exitCode: 0 | 1) => void;
  readonly #options: DaemonOptions;
  readonly #logger: Logger;
  readonly #serviceManager = new ServiceManager(process.env);
  readonly #sysctls: SysctlKeeper;
  readonly #synchronisation: Synchronisation;
  readonly #network: RouterNetwork;
  readonly #kernelThread: KernelThread;
  readonly #hooks: HookRunner;
  readonly #desk: OperatorDesk;
  readonly #transitions: TransitionLog;
  readonly #world: KernelWorld;
  readonly #router: Router;
  readonly #timers: Timer[] = [];
  readonly #reloads = new ReloadQueue(() => this.#reload(), monotonicMs);
  #balancing: Balancing | undefined;
  #control: ControlServer | undefined;
  #config: Config;
  #warnings: readonly string[];
  /** The machine's first input is `start`; what comes before it is not told. */
  #begun = false;
  #reportedTurns = 0;
  #finishing = false;

  /** @throws TandemError when something that the router needs is not to be had. */
  static async start(options: DaemonOptions): Promise<RouterDaemon> {
    makeStateDir(options.stateDir);
    const { pair } = options.usable.config;
    requireFreePort(pathEnds(pair, options.router), pair.port);
    const daemon = new RouterDaemon(options);
    // The socket comes first: it tells whether another daemon answers here already.
    daemon.#control = await ControlServer.open(options.runtimeDir, (request, reply) =>
      daemon.#desk.handle(request, reply),
    );
    daemon.#begin();
    return daemon;
  }

  private constructor(options: DaemonOptions) {
    const { promise, resolve } = Promise.withResolvers<0 | 1>();
    this.ended = promise;
    this.#end = resolve;
    this.#options = options;
    this.#logger = options.logger;
    this.#config = options.usable.config;
    this.#warnings = options.usable.warnings;
    this.#hooks = new HookRunner(this.#config.hooks);
    this.#desk = new OperatorDesk(this);
    const warn = (problem: string) => this.#logger.warn("state", problem);
    this.#sysctls = new SysctlKeeper(options.logger, new StateFile(options.stateDir, "sysctls.json", warn));
    this.#transitions = new TransitionLog(new StateFile(options.stateDir, "history.json", warn), warn);
    this.#kernelThread = new KernelThread(
      (reason) => this.fail(reason),
      (changed) => this.#sysctls.adopt(changed, "the host's own addresses outlive a VIP of their subnet"),
    );
    this.#synchronisation = new Synchronisation({
      logger: options.logger,
      kernelThread: this.#kernelThread,
      sysctls: this.#sysctls,
      router: () => this.#router,
      interfaces: () => this.#network.interfaces,
      hasServices: () => this.#config.services.length > 0,
      pairId: pairIdOfConfig(this.#config),
      now: monotonicMs,
    });
    this.#network = this.#makeNetwork();
    const store = new StateFile(options.stateDir, "failover.json", warn);
    const stored = readStoredState(store.read(warn), warn);
    this.#network.open();
    const sharedStore = new StateFile(options.stateDir, "shared.json", warn);
    const shared = readSharedEntries(sharedStore.read(warn), warn);
    this.#world = this.#makeWorld(store, sharedStore);
    this.#router = new Router(
      {
        settings: this.#settings(),
        ...(stored === undefined ? {} : { stored }),
        ...(shared === undefined ? {} : { shared }),
        // 32 bytes, from which boot id and nonces are drawn.
        seed: randomBytes(32).toString("hex"),
        nowMs: monotonicMs(),
      },
      this.#world,
    );
  }

  get balancer(): BalancerSupervisor | undefined {
    return this.#balancing?.supervisor;
  }

  status(withTable: boolean, ready: (report: StatusReport) => void): void {
    const report = (checks: readonly CheckReport[], balancerAnswers?: boolean) => {
      const at = new Date();
      const made = statusReport(this.#router.state, {
        config: this.#config,
        interfaces: this.#network.interfaces,
        software: VERSION,
        pid: process.pid,
        configWarnings: this.#warnings,
        checks,
        views: this.#balancing?.views ?? [],
        balancerAnswers,
        sync: this.#synchronisation.status(),
        nowMs: monotonicMs(),
        at,
      });
      ready({ ...made, transitions: this.#transitions.list(at) });
    };
    if (withTable && this.#balancing !== undefined) {
      this.#balancing.checks((checks) => report(checks ?? [], checks !== undefined));
    } else report([]);
  }

  history(): readonly TransitionStatus[] {
    return this.#transitions.list(new Date());
  }

  heartbeats(): HeartbeatReport {
    const { wakes, lastMs, maxMs } = this.#router.lateness;
    return {
      version: 1,
      peer: peerStatus(this.#router.state, { config: this.#config, nowMs: monotonicMs() }),
      intervalMs: this.#config.pair.intervalMs,
      paths: PATHS.map((path) => pathStatus(this.#router.state, path, this.#network.interfaces, monotonicMs())),
      loop: { wakes, lastLateMs: lastMs, maxLateMs: maxMs },
    };
  }

  operate(id: number, command: OperatorCommand): void {
    this.#logger.info("control", `an operator wants: ${command.kind}`);
    this.#router.feed({ kind: "operator", id, command });
  }

  reload(done: (result: ReloadResult) => void = () => {}): void {
    this.#reloads.request(done);
  }

  /** Reads the configuration again; a file with mistakes changes nothing. */
  #reload(): ReloadResult {
    const { path } = this.#options.file;
    try {
      const usable = this.#options.file.read();
      if (pairIdOfConfig(usable.config) !== pairIdOfConfig(this.#config)) {
        throw new TandemError({
          operation: "reload",
          subject: path,
          reason: "the pair's addresses or its port changed",
          hint: "restart the daemon for that: first the standby, then switch, then the other",
        });
      }
      this.#apply(usable);
      this.#logger.info("config", `${path} is in force`);
      return { ok: true, text: "the configuration is in force" };
    } catch (error) {
      if (!(error instanceof TandemError)) throw error;
      this.#logger.error("config", `${error.message}; the old configuration stays`);
      return { ok: false, text: error.message };
    }
  }

  /** For those who have no socket at hand: the state and what is wrong now, in the log. */
  logState(): void {
    this.status(false, ({ router, peer, paths, warnings }) => {
      const up = paths.filter((path) => path.up).map(({ path }) => path);
      this.#logger.info("router", `${router.name} is ${router.doing}; ${router.next}`, {
        term: router.term,
        peer: peer.alive ? peer.role : "silent",
        paths: up.join(" and ") || "none",
      });
      for (const warning of warnings) this.#logger.warn("router", warning);
    });
  }

  /** SIGTERM: hands over where there is a peer, else what `[pair] stop` says. */
  stop(): void {
    this.#logger.info("router", "told to stop");
    this.#serviceManager.notify("STOPPING=1");
    this.#router.feed({ kind: "stop" });
  }

  #begin(): void {
    becomePunctual(this.#logger);
    if (this.#config.services.length > 0) this.#startBalancing();
    this.#sysctls.apply(wantedSysctls(this.#config, this.#network.interfaces));
    this.#begun = true;
    // The carriers in the same turn, and first: the peer must not be told that there are none.
    this.#router.feed(...this.#network.known(), { kind: "start", adoptable: this.#network.adoptableVips() });
    this.#network.start();
    const { intervalMs } = this.#config.pair;
    this.#timers.push(
      setInterval(() => {
        // In every role: who never asks hears nobody on a quiet network, and would take itself for the broken one.
        this.#network.askNeighbours();
        this.#router.feed(...this.#network.evidence());
      }, intervalMs),
      setInterval(() => this.#balancing?.supervisor.watch(), SUPERVISE_EVERY_MS),
    );
    const { watchdogEveryMs } = this.#serviceManager;
    if (watchdogEveryMs !== undefined) {
      this.#timers.push(setInterval(() => this.#reportAlive(), watchdogEveryMs));
    }
    this.#serviceManager.notify(
      "READY=1",
      `${this.#config.pair[this.#options.router].name} is ${this.#options.router}`,
    );
    this.#logger.info("router", `tandem ${VERSION} runs`, {
      router: this.#options.router,
      name: this.#config.pair[this.#options.router].name,
      vips: this.#config.vips.length,
      services: this.#config.services.length,
    });
    for (const warning of this.#warnings) this.#logger.warn("config", warning);
  }

  /** Tells the service manager's watchdog only what is true: the router has finished a turn since the last time. */
  #reportAlive(): void {
    if (this.#router.turns === this.#reportedTurns) return;
    this.#reportedTurns = this.#router.turns;
    this.#serviceManager.notify("WATCHDOG=1");
  }

  #startBalancing(): void {
    this.#balancing = new Balancing({
      config: this.#config,
      stateDir: this.#options.stateDir,
      logger: this.#logger,
      now: monotonicMs,
      onInput: (input) => this.#router.feed(input),
      onTable: () => this.#synchronisation.configure(this.#config),
    });
    this.#balancing.start();
  }

  #settings(): FailoverSettings {
    return failoverSettings(this.#config, {
      router: this.#options.router,
      pairId: pairIdOfConfig(this.#config),
      interfaces: this.#network.interfaces,
      configFingerprint: configFingerprint(this.#config),
      software: VERSION,
    });
  }

  #makeNetwork(): RouterNetwork {
    return new RouterNetwork({
      config: this.#config,
      router: this.#options.router,
      keys: this.#options.usable.keys,
      now: monotonicMs,
      onInput: (...inputs) => {
        if (this.#begun) this.#router.feed(...inputs);
      },
      onReady: () => {
        if (this.#begun) this.#router.ready();
      },
      survey: (done) =>
        this.#kernelThread.request({ kind: "survey" }, ({ survey, outcomes: [failure] }) =>
          done(survey, failure?.kind === "failed" ? failure.reason : ""),
        ),
      readRoutes: (done) =>
        this.#kernelThread.request({ kind: "routes" }, ({ routes, outcomes: [failure], elapsedMs }) =>
          done(routes, failure?.kind === "failed" ? failure.reason : "", elapsedMs),
        ),
      onSides: () => this.#sidesChanged(),
      onRenamed: (before, after) => this.#sysctls.renamed(before, after),
      onProblem: (message) => this.#logger.error("network", message),
    });
  }

  #makeWorld(store: StateFile, sharedStore: StateFile): KernelWorld {
    return new KernelWorld({
      network: this.#network,
      kernelThread: this.#kernelThread,
      synchronisation: this.#synchronisation,
      hooks: this.#hooks,
      store,
      sharedStore,
      desk: this.#desk,
      logger: this.#logger,
      balancer: () => this.#balancing?.supervisor,
      router: () => this.#router,
      onOrders: (orders) => this.#balancing?.setOrders(orders),
      onTransition: (transition) => {
        this.#transitions.add(transition, monotonicMs(), new Date());
        this.#synchronisation.look();
      },
      now: monotonicMs,
      exit: () => this.#finish(0),
      crash: (reason) => this.fail(reason),
    });
  }

  /** Another interface carries an own address than before: VIPs may belong to another side. */
  #sidesChanged(): void {
    if (!this.#begun) return;
    this.#sysctls.apply(wantedSysctls(this.#config, this.#network.interfaces));
    this.#router.feed({ kind: "reload", settings: this.#settings() });
  }

  #apply(usable: UsableConfig): void {
    // First what can fail: then the old configuration stays in force as a whole.
    const isSame = usable.config === this.#config;
    this.#network.configure(usable.config, usable.keys);
    this.#config = usable.config;
    this.#warnings = usable.warnings;
    this.#logger.configure(usable.config.log.format, usable.config.log.level);
    this.#hooks.configure(usable.config.hooks);
    this.#sysctls.apply(wantedSysctls(usable.config, this.#network.interfaces));
    // All else has it already.
    if (isSame) return;
    if (this.#balancing !== undefined) this.#balancing.configure(usable.config);
    else if (usable.config.services.length > 0) this.#startBalancing();
    // With services the kernel's table comes first, which is told when it is complete.
    if (usable.config.services.length === 0) this.#synchronisation.configure(usable.config);
    this.#router.feed({ kind: "reload", settings: this.#settings() });
  }

  /**
   * The router is in a state that it cannot go on from: it withdraws its VIPs and ends. Where even that is not to be
   * had any more, the kernel drops them when their leases end.
   */
  fail(reason: string): void {
    if (this.#finishing) return;
    this.#logger.error("router", `${reason}; this router withdraws its VIPs and ends`);
    const vips = [...this.#router.state.addresses.possible.values()];
    if (vips.length > 0) {
      const removed = this.#network.removing();
      this.#kernelThread.request({ kind: "drop", vips }, ({ outcomes }) =>
        removed(vips.filter((_, index) => outcomes[index]?.kind !== "failed")),
      );
    }
    this.#finish(1);
  }

  #finish(exitCode: 0 | 1): void {
    this.#finishing = true;
    // The way out comes first, whatever goes wrong below.
    const out = Promise.withResolvers<void>();
    const limit = setTimeout(out.resolve, END_LIMIT_MS);
    void out.promise.then(() => {
      clearTimeout(limit);
      this.#kernelThread.close();
      this.#synchronisation.close();
      this.#logger.info("router", "ended");
      this.#end(exitCode);
    });
    // The new owner is told of the last connections before the sync daemons end.
    const parts = [
      new Promise<void>((told) =>
        this.#synchronisation.settle(() => this.#kernelThread.request({ kind: "sync", daemons: [] }, () => told())),
      ),
    ];
    for (const timer of this.#timers) clearInterval(timer);
    const release = this.#config.pair.stop === "release";
    const steps = [
      () => this.#router.stop(),
      () => this.#reloads.close(),
      // It dies with this process, and must have saved by then.
      () => parts.push(this.balancer?.stop() ?? Promise.resolve()),
      () => this.#control?.close(),
      () => this.#network.close(),
      () => (release ? this.#sysctls.restore((path) => !isPromotion(path)) : undefined),
    ];
    for (const step of steps) {
      try {
        step();
      } catch (error) {
        this.#logger.error("router", `while ending: ${error instanceof Error ? error.message : error}`);
      }
    }
    void Promise.all(parts).then(() => {
      // The kernel thread has answered by now. Where VIPs are left their leases end, and take nothing with them.
      if (release && !this.#network.holdsVips) this.#sysctls.restore();
      out.resolve();
    });
  }
}
