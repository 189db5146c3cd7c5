/** The daemon of one router: makes its parts, connects them, and takes them apart at the end. */
import { randomBytes } from "node:crypto";
import type { CheckReport } from "../../balance/servers/check-report.ts";
import { keysDigest } from "../../config/key-file.ts";
import type { Config } from "../../config/keys/config.ts";
import { configFingerprint } from "../../config/render/fingerprint.ts";
import type { Input, OperatorCommand } from "../../failover/machine/failover-input.ts";
import type { FailoverSettings } from "../../failover/machine/settings.ts";
import { TandemError } from "../../lib/errors.ts";
import { VERSION } from "../../lib/version.ts";
import type { LogHealth } from "../../log/log-stream.ts";
import type { LogFields, Logger } from "../../log/logger.ts";
import { PATHS, type RouterId } from "../../model/pair.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import type { BalancerSupervisor } from "../balancer/balancer-supervisor.ts";
import { Balancing, needsBalancer } from "../balancer/balancing.ts";
import type { ControlHandler } from "../control/control-server.ts";
import { ControlUpkeep } from "../control/control-upkeep.ts";
import { type ControlSubject, OperatorDesk } from "../control/router-control.ts";
import { lookAside } from "../firewall/filter-look.ts";
import { FilterWatch } from "../firewall/filter-watch.ts";
import { auxiliary } from "../host/auxiliary.ts";
import { CrashReport, stackOf } from "../host/crash-report.ts";
import { HookRunner } from "../host/hooks.ts";
import { patiently } from "../host/patiently.ts";
import { becomePunctual } from "../host/punctuality.ts";
import { ServiceManager } from "../host/service-manager.ts";
import { ServicesClaim } from "../host/services-claim.ts";
import { logStatus, stateStatus, type Upkeep } from "../host/upkeep.ts";
import { KernelThread } from "../kernel-thread/kernel-thread.ts";
import { pathEnds } from "../network/path-sockets.ts";
import { requireFreePort } from "../network/port-claim.ts";
import { pairIdOfConfig, RouterNetwork } from "../network/router-network.ts";
import { type AppliedConfig, type AppliedHere, AppliedRecord } from "../reload/applied-config.ts";
import { type ConfigurationFile, findingsOf, type UsableConfig } from "../reload/configuration.ts";
import { planReload } from "../reload/reload-plan.ts";
import { ReloadQueue, type ReloadRequest } from "../reload/reload-queue.ts";
import { ReloadRecord } from "../reload/reload-record.ts";
import { type ReloadCause, type ReloadResult, refused } from "../reload/reload-result.ts";
import { Reload } from "../reload/reload-transaction.ts";
import { SettingDigester } from "../reload/setting-digester.ts";
import type { Former } from "../reload/start-config.ts";
import { awaitRemoval, awaitRivals, awaitVips, rivalTexts, settingsBeside } from "../reload/vip-trial.ts";
import { failoverSettings } from "../settings/failover-settings.ts";
import { IpvsSupport } from "../settings/ipvs-support.ts";
import { KernelSettings } from "../settings/kernel-settings.ts";
import { PROMOTION_WHY } from "../settings/promotion.ts";
import { SysctlKeeper } from "../settings/sysctl-keeper.ts";
import { type KeptOrder, KeptState, type Unsaved } from "../status/kept-state.ts";
import { keptStatus } from "../status/kept-status.ts";
import { pathStatus, peerStatus, statusReport } from "../status/router-status.ts";
import type { HeartbeatReport, KeptStatus, StatusReport, TransitionStatus } from "../status/status-report.ts";
import { TransitionLog } from "../status/transition-log.ts";
import { Router } from "./router.ts";
import { KernelWorld } from "./router-world.ts";
import { Synchronisation } from "./synchronisation.ts";

export interface DaemonOptions {
  readonly file: ConfigurationFile;
  readonly runtimeDir: string;
  readonly stateDir: string;
  readonly usable: UsableConfig;
  /** What came of reading the file: the configuration may be the one that was in force last. */
  readonly atStart: ReloadResult;
  /** What a process before this one may have left in the kernel. */
  readonly former: Former;
  readonly router: RouterId;
  readonly logger: Logger;
  /** How logging goes. */
  readonly logHealth: () => LogHealth;
}

/** The kernel may hold its lock for seconds, and the balancer hang: the end of this process does not wait for that. */
const END_LIMIT_MS = 1_000;
/** Nor for a disk that does not answer, to which the last that is to be kept goes after that. */
const DISK_LIMIT_MS = 2_000;
/** A neighbour's kernel answers within a few milliseconds; a second question goes out meanwhile. */
const TWIN_WAIT_MS = 30;
/** How often a hanging balancer is looked for. */
const SUPERVISE_EVERY_MS = 1_000;

/** The daemon of one router: puts the parts together, and takes them apart at the end. */
export class RouterDaemon implements ControlSubject {
  /** 0 after all was handed over, released or left; 1 when the router could not go on. */
  readonly ended: Promise<0 | 1>;
  readonly #end: (exitCode: 0 | 1) => void;
  readonly #options: DaemonOptions;
  readonly #logger: Logger;
  readonly #serviceManager: ServiceManager;
  readonly #kept: KeptState;
  readonly #sysctls: SysctlKeeper;
  readonly #kernelSettings: KernelSettings;
  readonly #ipvs: IpvsSupport;
  readonly #firewall: FilterWatch;
  readonly #digester = new SettingDigester();
  readonly #synchronisation: Synchronisation;
  readonly #network: RouterNetwork;
  readonly #kernelThread: KernelThread;
  readonly #hooks: HookRunner;
  readonly #desk: OperatorDesk;
  readonly #transitions: TransitionLog;
  readonly #world: KernelWorld;
  readonly #router: Router;
  readonly #timers: Timer[] = [];
  readonly #reloads = new ReloadQueue((request) => this.#reload(request), monotonicMs);
  readonly #transaction: Reload;
  readonly #applied: AppliedRecord;
  readonly #reloadRecord: ReloadRecord;
  #balancing: Balancing | undefined;
  #control: ControlUpkeep | undefined;
  /** The configuration in force. */
  #inForce: UsableConfig;
  /** The machine's first input is `start`; what comes before it is not told. */
  #begun = false;
  /** Other machines with this router's own addresses, seen before its first heartbeat. */
  readonly #twins: Input[] = [];
  #reportedTurns = 0;
  #finishing = false;
  /** VIPs of a process before this one may be in the kernel. */
  #hasLeftVips = false;

  /** @throws TandemError when a required resource is unavailable. */
  static async start(options: DaemonOptions): Promise<RouterDaemon> {
    const { pair } = options.usable.config;
    await patiently(() => requireFreePort(pathEnds(pair, options.router), pair.port));
    const claim = new ServicesClaim();
    if (options.usable.config.services.length > 0) await patiently(() => claim.take("start"));
    const daemon = new RouterDaemon(options, claim);
    // The socket comes first: it tells whether another daemon answers here already.
    const handle: ControlHandler = (...asked) => daemon.#desk.handle(...asked);
    daemon.#control = await ControlUpkeep.start(options.runtimeDir, handle, options.logger);
    daemon.#network.lookForTwins();
    await Promise.all([Bun.sleep(TWIN_WAIT_MS), daemon.#kernelSettings.prepare(daemon.#config)]);
    daemon.#begin();
    return daemon;
  }

  private constructor(options: DaemonOptions, claim: ServicesClaim) {
    const { promise, resolve } = Promise.withResolvers<0 | 1>();
    this.ended = promise;
    this.#end = resolve;
    this.#options = options;
    this.#logger = options.logger;
    this.#inForce = options.usable;
    this.#transaction = this.#makeReload();
    this.#reloadRecord = new ReloadRecord(options.atStart, monotonicMs(), new Date());
    this.#hooks = new HookRunner(this.#config.hooks);
    this.#desk = new OperatorDesk(this);
    this.#serviceManager = new ServiceManager(process.env, (problem) => this.#logger.warn("router", problem));
    this.#kept = new KeptState(options.stateDir, options.logger, monotonicMs);
    this.#applied = new AppliedRecord(this.#kept.applied, () => this.#appliedNow());
    this.#sysctls = new SysctlKeeper(options.logger, this.#kept.sysctls);
    this.#kernelSettings = new KernelSettings(this.#sysctls, () => this.#network);
    this.#ipvs = this.#makeIpvs(claim);
    this.#firewall = new FilterWatch({ logger: options.logger, now: monotonicMs, look: (config) => lookAside(config) });
    this.#transitions = new TransitionLog(this.#kept.history);
    this.#kernelThread = new KernelThread(
      (reason) => this.fail(reason),
      (changed) => this.#sysctls.adopt(changed, PROMOTION_WHY),
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
    const before = this.#kept.read();
    this.#network.open();
    this.#world = this.#makeWorld();
    this.#router = new Router(
      {
        settings: this.#settings(),
        ...before,
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

  status(withTable: boolean, ready: (make: () => StatusReport) => void): void {
    const report = (checks: readonly CheckReport[], balancerAnswers?: boolean) => {
      const at = new Date();
      const made = statusReport(this.#router.state, {
        config: this.#config,
        interfaces: this.#network.interfaces,
        software: VERSION,
        pid: process.pid,
        configWarnings: this.#inForce.warnings,
        reload: this.#reloadRecord.status(monotonicMs(), this.#inForce.digest),
        ipvsWarnings: this.#ipvs.warnings,
        firewallWarnings: this.#firewall.warnings,
        checks,
        views: this.#balancing?.views ?? [],
        gates: this.#balancing?.gates ?? [],
        balancerAnswers,
        balancerRestlessness: this.balancer?.restlessness,
        sync: this.#synchronisation.status(),
        upkeep: this.#upkeep(),
        nowMs: monotonicMs(),
        at,
      });
      return { ...made, transitions: this.#transitions.list(at) };
    };
    if (withTable && this.#balancing !== undefined) {
      this.#balancing.checks((checks) => ready(() => report(checks ?? [], checks !== undefined)));
    } else ready(() => report([]));
  }

  #upkeep(): Upkeep {
    const nowMs = monotonicMs();
    const { directory } = this.#kept;
    const failures = [...directory.failures, ...(this.#balancing?.stateFailures ?? [])];
    return {
      log: logStatus(this.#options.logHealth(), nowMs),
      state: stateStatus(directory.path, failures, nowMs),
    };
  }

  unsaved(order: KeptOrder): Promise<Unsaved | undefined> {
    // What the balancer said of an order may wait for its turn.
    this.#router.flush();
    return this.#kept.unsaved(order, () => this.#router.state);
  }

  history(): readonly TransitionStatus[] {
    return this.#transitions.list(new Date());
  }

  kept(): readonly KeptStatus[] {
    return keptStatus(this.#router.state.shared, this.#config);
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

  note(message: string, fields: LogFields): void {
    this.#logger.info("control", message, fields);
  }

  operate(id: number, command: OperatorCommand): void {
    this.#router.feed({ kind: "operator", id, command });
  }

  reload(force: boolean, done: (result: ReloadResult) => void): void {
    this.#reloads.request({ by: "operator", force }, done);
  }

  /** SIGHUP: nobody waits for an answer, which is in the log and in the status. */
  reloadBySignal(): void {
    this.#reloads.request({ by: "signal", force: false }, () => {});
  }

  applied(): AppliedHere {
    const keys = keysDigest(this.#inForce.keys);
    return { ...this.#appliedNow(), router: this.#options.router, interfaces: this.#network.interfaces, keys };
  }

  #appliedNow(): AppliedConfig {
    const { text, digest } = this.#inForce;
    const at = this.#reloadRecord.appliedAt.toISOString();
    return { path: this.#options.file.path, text, digest, at };
  }

  async #reload({ by, force }: ReloadRequest): Promise<ReloadResult> {
    this.#serviceManager.notify("RELOADING=1");
    try {
      const result = await this.#transaction.run(force);
      this.#noteReload(result, by);
      return result;
    } catch (error) {
      // Half of a configuration may be in force.
      this.crash(error);
      return refused({ text: "tandem broke down while it reloaded; see the log", exitCode: 1 });
    }
  }

  #noteReload(result: ReloadResult, by: ReloadCause): void {
    this.#reloadRecord.note(result, by, monotonicMs(), new Date());
    for (const line of this.#reloadRecord.lines) this.#logger.log({ part: "config", ...line });
    this.#serviceManager.notify("READY=1", `${this.#name} is ${this.#options.router}; ${result.text}`);
  }

  #makeReload(): Reload {
    return new Reload({
      file: this.#options.file,
      inForce: () => this.#inForce,
      role: () => (this.#router.state.phase.kind === "active" ? "active" : "standby"),
      isEnding: () => this.#finishing,
      otherPair: (config) => pairIdOfConfig(config) !== pairIdOfConfig(this.#config),
      findings: (usable) => findingsOf(usable, this.#options.file.path, this.#options.router),
      plan: (before, after) => planReload(before, after, this.#network.interfaces),
      add: (usable) => this.#add(usable),
      restore: () => this.#restore(),
      note: (usable) => this.#applied.note(usable),
      unsaved: () => this.#applied.unsaved(),
      forget: () => this.#applied.forget(),
      keep: ({ text, digest }) => {
        return this.#applied.keep({ path: this.#options.file.path, text, digest, at: new Date().toISOString() });
      },
      commit: (usable) => {
        this.#commit(usable);
        void this.#applied.settle(this.#othersGone());
      },
      warnings: () => rivalTexts(this.#router.state, monotonicMs()),
    });
  }

  get #config(): Config {
    return this.#inForce.config;
  }

  get #name(): string {
    return this.#config.pair[this.#options.router].name;
  }

  /** For those who have no socket at hand: the state and what is wrong now, in the log. */
  logState(): void {
    this.status(false, (make) => auxiliary(this.#logger, "the state for the log", () => this.#logReport(make())));
  }

  #logReport({ router, peer, paths, warnings }: StatusReport): void {
    const up = paths.filter((path) => path.up).map(({ path }) => path);
    this.#logger.info("router", `${router.name} is ${router.doing}; ${router.next}`, {
      term: router.term,
      peer: peer.alive ? peer.role : "silent",
      paths: up.join(" and ") || "none",
    });
    for (const warning of warnings) this.#logger.warn("router", warning);
  }

  /** SIGTERM: hands over where there is a peer, else what `[pair] stop` says. */
  stop(): void {
    this.#logger.info("router", "told to stop");
    this.#serviceManager.notify("STOPPING=1");
    this.#router.feed({ kind: "stop" });
  }

  #begin(): void {
    becomePunctual(this.#logger);
    this.#ipvs.configure(this.#config, true);
    if (needsBalancer(this.#config)) this.#startBalancing();
    this.#kernelSettings.enforce(this.#config);
    this.#begun = true;
    // The carriers in the same turn, and first: the peer must not be told that there are none.
    this.#router.feed(...this.#twins, ...this.#network.known(), this.#ipvsInput(), {
      kind: "start",
      adoptable: this.#network.adoptableVips(),
    });
    this.#feedGates();
    this.#removeLeftVips();
    this.#network.start();
    const { intervalMs } = this.#config.pair;
    this.#timers.push(
      setInterval(() => {
        // In every role: who never asks hears nobody on a quiet network, and would take itself for the broken one.
        this.#network.askNeighbours();
        this.#router.feed(...this.#network.evidence());
      }, intervalMs),
      setInterval(() => {
        auxiliary(this.#logger, "the look after the balancer", () => this.#balancing?.supervisor.watch());
        auxiliary(this.#logger, "the look after IPVS", () => this.#ipvs.watch());
        auxiliary(this.#logger, "the look at the firewall", () => this.#firewall.watch(this.#config));
      }, SUPERVISE_EVERY_MS),
    );
    const { watchdogEveryMs } = this.#serviceManager;
    if (watchdogEveryMs !== undefined) {
      this.#timers.push(setInterval(() => this.#reportAlive(), watchdogEveryMs));
    }
    this.#serviceManager.notify("READY=1", `${this.#name} is ${this.#options.router}`);
    this.#logger.info("router", `tandem ${VERSION} runs`, {
      router: this.#options.router,
      name: this.#name,
      vips: this.#config.vips.length,
      services: this.#config.services.length,
    });
    const { atStart } = this.#options;
    // Until what a process before this one left is gone, its record has to say so.
    if (atStart.outcome === "applied") void this.#othersGone().then(() => this.#applied.settle(Promise.resolve(true)));
    else {
      for (const line of this.#reloadRecord.lines) this.#logger.log({ part: "config", ...line });
    }
    for (const warning of this.#inForce.warnings) this.#logger.warn("config", warning);
  }

  /** A process before this one set them, and they are wanted no more: nobody waits for the end of their leases. */
  #removeLeftVips(): void {
    const { vips } = this.#options.former;
    if (vips.length === 0) return;
    const leaseOnly = vips.map(({ prefix }) => prefix.address.text);
    this.#hasLeftVips = true;
    this.#kernelThread.request({ kind: "drop", vips, leaseOnly }, () => {
      this.#hasLeftVips = false;
    });
  }

  /** @returns whether the kernel has nothing of another configuration any more; false: not within some seconds. */
  #othersGone(): Promise<boolean> {
    const isRestGone = () => !this.#hasLeftVips && (this.#balancing?.isComplete ?? true);
    return awaitRemoval(() => this.#router.state, isRestGone, monotonicMs);
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
      former: this.#options.former.services,
      stateDir: this.#options.stateDir,
      logger: this.#logger,
      now: monotonicMs,
      role: this.#router.state.phase.kind === "active" ? "active" : "standby",
      onInput: (input) => this.#router.feed(input),
      // Without services IPVS is none of ours.
      onTable: () => {
        if (this.#config.services.length > 0) this.#synchronisation.configure(this.#config);
      },
    });
    this.#balancing.start();
  }

  #makeIpvs(claim: ServicesClaim): IpvsSupport {
    return new IpvsSupport({
      claim,
      logger: this.#logger,
      sysctls: this.#sysctls,
      now: monotonicMs,
      onChange: (available) => {
        // Its settings are there only now.
        if (available) void this.#kernelSettings.prepare(this.#config);
        if (this.#begun) this.#router.feed(this.#ipvsInput());
        // What failed while IPVS was not there is done now.
        if (available) this.#balancing?.configure(this.#config);
      },
    });
  }

  /** A router without the IPVS that its services need is unfit. */
  #ipvsInput(): Input {
    const { missing } = this.#ipvs;
    return { kind: "ipvs", ...(missing === undefined ? {} : { missing }) };
  }

  /** A new configuration has been put in the place of `before`. */
  #settleBalancing(before: Config): void {
    const isNeeded = needsBalancer(this.#config);
    if (this.#balancing === undefined) {
      if (!isNeeded) return;
      this.#startBalancing();
      this.#feedGates();
    } else if (isNeeded || before.services.length > 0) {
      // Without services any more it still has to take them out of the kernel.
      this.#balancing.configure(this.#config);
    } else {
      this.#balancing.stop();
      this.#balancing = undefined;
      this.#feedGates();
    }
  }

  #feedGates(): void {
    this.#router.feed({ kind: "gates", gates: this.#balancing?.gates ?? [] });
  }

  #settings(config = this.#config): FailoverSettings {
    return failoverSettings(config, {
      router: this.#options.router,
      pairId: pairIdOfConfig(config),
      interfaces: this.#network.interfaces,
      configFingerprint: configFingerprint(config),
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
        else this.#twins.push(...inputs.filter(({ kind }) => kind === "twin"));
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

  #makeWorld(): KernelWorld {
    return new KernelWorld({
      network: this.#network,
      kernelThread: this.#kernelThread,
      synchronisation: this.#synchronisation,
      hooks: this.#hooks,
      kept: this.#kept,
      desk: this.#desk,
      logger: this.#logger,
      balancer: () => this.#balancing?.supervisor,
      router: () => this.#router,
      onOrders: (orders) => this.#balancing?.setOrders(orders),
      onDigests: () => this.#digestSettings(),
      onTransition: (transition) => {
        auxiliary(this.#logger, "the history", () => this.#transitions.add(transition, monotonicMs(), new Date()));
        this.#synchronisation.look();
      },
      now: monotonicMs,
      exit: () => this.#finish(0),
      crash: (error) => this.crash(error),
    });
  }

  #digestSettings(): void {
    const { config, keys } = this.#inForce;
    const fingerprint = configFingerprint(config);
    this.#digester.start(config, keys.accepted, (digests) =>
      this.#router.feed({ kind: "setting-digests", fingerprint, digests }),
    );
  }

  /** Another interface carries an own address than before: VIPs may belong to another side. */
  #sidesChanged(): void {
    if (!this.#begun) return;
    this.#kernelSettings.settle(this.#config);
    this.#router.feed({ kind: "reload", settings: this.#settings() });
  }

  /** First what can fail, beside what is there. @returns why it did; undefined: it did not. */
  async #add(usable: UsableConfig): Promise<string | undefined> {
    const { config, keys } = usable;
    try {
      this.#ipvs.claim(config);
      this.#network.configure(config, keys);
    } catch (error) {
      if (error instanceof TandemError) return error.message;
      throw error;
    }
    // All else has it already.
    if (config === this.#config) return undefined;
    const refusal = await this.#kernelSettings.try(config);
    return refusal ?? (await this.#tryBalancing(config)) ?? (await this.#tryVips(config));
  }

  #tryBalancing(config: Config): Promise<string | undefined> {
    if (!needsBalancer(config)) return Promise.resolve(undefined);
    if (this.#balancing === undefined) this.#startBalancing();
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#balancing?.try(config, resolve);
    return promise;
  }

  /** A standby sets none: what its kernel would refuse shows when it takes. */
  async #tryVips(config: Config): Promise<string | undefined> {
    if (this.#router.state.phase.kind !== "active") return undefined;
    const before = this.#router.state.settings;
    const beside = settingsBeside(this.#settings(config), before);
    this.#router.feed({ kind: "reload", settings: beside });
    const refusal = await awaitVips(() => this.#router.state, monotonicMs);
    if (refusal === undefined) await awaitRivals(before, beside);
    return refusal;
  }

  /** Whatever was tried is taken back: all parts are made to fit the configuration in force. */
  #restore(): void {
    const { config, keys } = this.#inForce;
    this.#network.configure(config, keys);
    this.#ipvs.configure(config);
    this.#kernelSettings.giveBackUnwanted(config);
    this.#balancing?.configure(config);
    this.#router.feed(this.#ipvsInput(), { kind: "reload", settings: this.#settings() });
  }

  /** What was added is there: the rest follows, and what is not wanted any more goes. */
  #commit(usable: UsableConfig): void {
    const { config: before, keys } = this.#inForce;
    const isSame = usable.config === before;
    this.#inForce = usable;
    this.#logger.configure(usable.config.log.format, usable.config.log.level);
    this.#hooks.configure(usable.config.hooks);
    this.#kernelSettings.enforce(usable.config);
    this.#ipvs.configure(usable.config);
    this.#firewall.lookSoon();
    if (isSame) {
      // The settings are digested with the keys.
      if (!Bun.deepEquals(keys, usable.keys)) this.#router.feed({ kind: "reload", settings: this.#settings() });
      return;
    }
    this.#settleBalancing(before);
    // With services the kernel's table comes first, which is told when it is complete.
    if (usable.config.services.length === 0) this.#synchronisation.configure(usable.config);
    this.#router.feed(this.#ipvsInput(), { kind: "reload", settings: this.#settings() });
  }

  /**
   * The router is in a state that it cannot go on from: it withdraws its VIPs and ends. Where even that is not to be
   * had any more, the kernel drops them when their leases end.
   */
  fail(reason: string, lastAct?: () => Promise<void>): void {
    if (this.#finishing) return;
    this.#logger.error("router", `${reason}; this router withdraws its VIPs and ends`);
    const vips = [...this.#router.state.addresses.possible.values()];
    if (vips.length > 0) {
      const removed = this.#network.removing();
      this.#kernelThread.request({ kind: "drop", vips }, ({ outcomes }) =>
        removed(vips.filter((_, index) => outcomes[index]?.kind !== "failed")),
      );
    }
    this.#finish(1, lastAct);
  }

  /** The same for a defect of tandem itself, which leaves its state for a report. */
  crash(error: unknown): void {
    const { state } = this.#router;
    const report = new CrashReport(this.#options.stateDir, "router", error, new Date());
    this.fail(`${report.summary}; its state is left in ${report.path}`, async () => {
      const problem = await report.write(state);
      if (problem !== undefined)
        this.#logger.error("router", `cannot write ${report.path}: ${problem}; ${stackOf(error)}`);
    });
  }

  #finish(exitCode: 0 | 1, lastAct: () => Promise<void> = () => Promise.resolve()): void {
    this.#finishing = true;
    // The way out comes first, whatever goes wrong below.
    const out = Promise.withResolvers<void>();
    const limit = setTimeout(out.resolve, END_LIMIT_MS);
    void out.promise.then(async () => {
      clearTimeout(limit);
      // A record of settings that were given back would have the next process give them back again.
      await Promise.race([this.#kept.directory.settled(), Bun.sleep(DISK_LIMIT_MS)]);
      this.#kernelThread.close();
      this.#synchronisation.close();
      this.#ipvs.close();
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
    this.#digester.stop();
    const release = this.#config.pair.stop === "release";
    const steps = [
      () => this.#router.stop(),
      () => this.#sysctls.end(),
      () => this.#reloads.close(),
      // It dies with this process, and must have saved by then.
      () => parts.push(this.balancer?.stop() ?? Promise.resolve()),
      () => this.#control?.close(),
      () => this.#network.close(),
      () => (release ? this.#kernelSettings.giveBack() : undefined),
      () => parts.push(lastAct()),
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
      if (release && !this.#network.holdsVips) this.#kernelSettings.restore();
      out.resolve();
    });
  }
}
