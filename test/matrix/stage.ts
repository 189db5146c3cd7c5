/** A pair with clients, for one fault: at best with the probe at 1 kHz on a fast kernel, or with services and IPVS. */
import { readFileSync, writeFileSync } from "node:fs";
import type { TransitionStatus } from "../../src/daemon/status/status-report.ts";
import { HeldConnections } from "../lab/parts/held-connections.ts";
import { OwnerSampler } from "../lab/parts/owner-sampler.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import type { CommandResult, RouterProcess } from "../lab/parts/router-process.ts";
import { Watcher, type WatchReport } from "../lab/parts/watcher.ts";
import type { LabKind } from "../lab/run-in-lab.ts";
import { CLONE, PRIVATE_VIP, PUBLIC_VIP, type RouterHost, type RouterName, type Topology } from "../lab/topology.ts";
import { CONNECTIONS } from "./fault.ts";
import { configOf, networkOf, type Staging, targetsOf, WEB } from "./staging.ts";
import { removeHost } from "./switch-faults.ts";

/** The user-mode kernel has one slow CPU: this is what it can spare for the measuring. */
const PROBE_EVERY_MS = { namespaces: 1, uml: 10 };
const LOOK_EVERY_MS = { namespaces: 1, uml: 5 };
const POLL_OWNERS_MS = 25;
/** Three seconds of talk, ten times a second: a connection is no longer young then. */
const ANSWERS = 30;
const QUIET_BEFORE_MS = 500;
/** TCP sends again at most this late after the gaps that the matrix allows. */
const CONNECTIONS_LIMIT_MS = 15_000;
/** After something else has gone wrong already. */
const ANSWER_MS = 500;
const STEP_LIMIT_MS = { namespaces: 20_000, uml: 60_000 };

export interface Seen {
  readonly watched: WatchReport;
  readonly connections: { readonly opened: number; readonly lost: number };
  /** The newest transition of the router that has the VIPs in the end, if the fault led to one. */
  readonly transition: TransitionStatus | undefined;
  /** Who has the VIPs in the end. */
  readonly owners: readonly RouterHost[];
  /** What should have come and did not; the figures are those until then. */
  readonly problem?: string;
}

export class Stage implements AsyncDisposable {
  readonly lab: PairLab;
  readonly kind: LabKind;
  readonly #vips: readonly string[];
  readonly #watcher: Watcher;
  readonly #owners: OwnerSampler;
  #held: HeldConnections | undefined;
  readonly #kept = new AsyncDisposableStack();
  /** The fault, on the clock of `performance.now()`. */
  #beganMs = 0;

  private constructor(lab: PairLab, kind: LabKind, watcher: Watcher, vips: readonly string[]) {
    this.lab = lab;
    this.kind = kind;
    this.#vips = vips;
    this.#watcher = watcher;
    this.#owners = OwnerSampler.start(lab.topology, vips, POLL_OWNERS_MS, lab.topology.routerHosts);
  }

  /** The network, its servers and the files; no daemon runs yet. The settings of the pair are the defaults. */
  static async prepare(kind: LabKind, staging: Staging = {}): Promise<Stage> {
    const lab = await PairLab.prepare(configOf(staging, kind), networkOf(staging, kind));
    await acceptConfig(lab, staging, kind);
    const vips = staging.vips ?? [PUBLIC_VIP, PRIVATE_VIP];
    const watcher = await Watcher.start(lab.topology, {
      targets: targetsOf(staging),
      echo: kind === "namespaces" && staging.echo !== "local-proxies",
      probeEveryMs: staging.everyMs ?? PROBE_EVERY_MS[kind],
      vips,
      lookEveryMs: staging.everyMs ?? LOOK_EVERY_MS[kind],
    });
    return new Stage(lab, kind, watcher, vips);
  }

  get topology(): Topology {
    return this.lab.topology;
  }

  router(name: RouterName): RouterProcess {
    return this.lab.pair.router(name);
  }

  /** lvs1 active, lvs2 standby; with services, clients that have been connected for a while. */
  async start(): Promise<void> {
    await this.lab.startRouters();
    if (this.kind === "namespaces") return;
    const held = await HeldConnections.open(this.topology, WEB, CONNECTIONS);
    this.#held = held;
    await this.until("every connection has been answered for three seconds", () => held.haveAnswers(ANSWERS));
  }

  async until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    await this.lab.until(what, STEP_LIMIT_MS[this.kind], holds);
  }

  async owned(by: RouterName): Promise<void> {
    await this.#owners.awaitOwner(by, STEP_LIMIT_MS[this.kind]);
  }

  /** Until that router has the VIPs and the other one, which runs, knows it. */
  async settled(active: RouterName): Promise<void> {
    await this.owned(active);
    const other = this.router(active === "lvs1" ? "lvs2" : "lvs1");
    await this.until(`${other.name} standby, and hears that ${active} is active`, async () => {
      const status = await other.status();
      return status?.router.role === "standby" && status.peer.alive && status.peer.role === "active";
    });
    await this.lab.awaitRole(active, "active", STEP_LIMIT_MS[this.kind]);
  }

  /** Who has one of the VIPs, or all of them. */
  owners(): readonly RouterHost[] {
    const owners = new Set(this.#vips.flatMap((vip) => this.#owners.owners(vip)));
    return this.topology.routerHosts.filter((host) => owners.has(host));
  }

  /** Does what makes gaps, or second owners, that nobody could avoid: they do not count meanwhile. */
  async unseen(act: () => Promise<unknown> | unknown): Promise<void> {
    await this.#watcher.lookAway();
    await act();
    await this.#watcher.lookAgain();
  }

  /** The same for what comes before the fault: no transition until then is one of the fault's. */
  async beforehand(act: () => Promise<unknown> | unknown): Promise<void> {
    await this.unseen(act);
    this.#beganMs = performance.now();
  }

  /** `ip WORDS…` on a host, to its end. */
  ip(host: string, words: string): void {
    this.topology.run(host, ["ip", ...words.split(" ")]);
  }

  /** The configuration's file is that for both; each reads it when it is told to. */
  reload(text: string, routers: readonly RouterName[] = ["lvs1", "lvs2"]): void {
    writeFileSync(this.lab.pair.configPath, text);
    for (const router of routers) this.router(router).signal("SIGHUP");
  }

  get config(): string {
    return readFileSync(this.lab.pair.configPath, "utf8");
  }

  /** The active's cables and its kernel's addresses are gone from one moment to the next, and its processes with them. */
  powerOff(): void {
    removeHost(this.topology, "lvs1");
    this.router("lvs1").signal("SIGKILL");
  }

  /** A program on a host; throws when it fails. */
  async command(host: string, words: readonly string[]): Promise<void> {
    const child = this.topology.on(host, () => Bun.spawn([...words], { stdio: ["ignore", "ignore", "pipe"] }));
    const [problem, exitCode] = await Promise.all([new Response(child.stderr).text(), child.exited]);
    if (exitCode !== 0) throw new Error(`${words.join(" ")} on ${host}: ${problem.trim()}`);
  }

  async tandem(router: RouterName, ...words: readonly string[]): Promise<CommandResult> {
    const result = await this.router(router).tandem(...words);
    if (result.exitCode !== 0) throw new Error(`tandem ${words.join(" ")} on ${router}: ${result.stderr.trim()}`);
    return result;
  }

  /** Until every client is answered (again). */
  async answered(limitMs = STEP_LIMIT_MS[this.kind]): Promise<void> {
    if (!(await this.#watcher.answered(limitMs))) throw new Error("a client is not answered any more");
  }

  /** What the kernels and the clients notice while `act` is done. */
  async measure(act: () => Promise<void>): Promise<Seen> {
    await this.#watcher.begin();
    if (this.owners().length > 0) await this.answered();
    if (this.owners().length > 0) await Bun.sleep(QUIET_BEFORE_MS);
    else await this.#quietBeforeStart();
    this.#beganMs = performance.now();
    const problem = await problemOf(act);
    const silence = await problemOf(() => this.answered(problem === undefined ? STEP_LIMIT_MS[this.kind] : ANSWER_MS));
    const watched = await this.#watcher.end();
    const transition = await this.#newestTransition(this.#beganMs);
    return {
      ...{ watched, connections: await this.#connections(), transition, owners: this.owners() },
      ...(problem === undefined && silence === undefined ? {} : { problem: problem ?? silence ?? "" }),
    };
  }

  /** What lives until the stage ends. */
  keep<T extends AsyncDisposable>(what: T): T {
    return this.#kept.use(what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kept.disposeAsync();
    this.#held?.[Symbol.dispose]();
    this.#owners[Symbol.dispose]();
    await this.#watcher[Symbol.asyncDispose]();
    await this.lab[Symbol.asyncDispose]();
  }

  /**
   * Nobody has the VIPs yet, which counts from the fault on; on the slow kernel from the first answer on, since what a
   * start takes there is up to its one processor.
   */
  async #quietBeforeStart(): Promise<void> {
    await this.#watcher.lookAway();
    await Bun.sleep(QUIET_BEFORE_MS);
    if (this.kind === "namespaces") await this.#watcher.lookAgain();
    else this.#lookWhenAnswered();
  }

  #lookWhenAnswered(): void {
    const answered = this.#watcher.answered(STEP_LIMIT_MS.uml);
    // A stage that ends first has said why.
    answered.then(() => this.#watcher.lookAgain()).catch(() => {});
  }

  /** Of those that have a VIP in the end. */
  async #newestTransition(sinceMs: number): Promise<TransitionStatus | undefined> {
    const newest = await Promise.all(this.owners().map((owner) => this.#newestTransitionOf(owner)));
    const [last] = newest.flatMap((one) => one ?? []).toSorted((one, other) => one.agoMs - other.agoMs);
    return last !== undefined && last.agoMs < performance.now() - sinceMs ? last : undefined;
  }

  async #newestTransitionOf(host: RouterHost): Promise<TransitionStatus | undefined> {
    const router = host === CLONE ? this.lab.pair.clone : this.router(host);
    const { exitCode, stdout } = await router.tandem("failover", "history", "--limit", "1", "--json");
    // Nobody answers where a VIP has outlived its daemon.
    if (exitCode !== 0) return undefined;
    return (JSON.parse(stdout) as { transitions: readonly TransitionStatus[] }).transitions[0];
  }

  async #connections(): Promise<Seen["connections"]> {
    const held = this.#held;
    if (held === undefined) return { opened: 0, lost: 0 };
    const endMs = performance.now() + CONNECTIONS_LIMIT_MS;
    while (held.report().stalled > 0 && performance.now() < endMs) await Bun.sleep(100);
    const { opened, broken, stalled } = held.report();
    return { opened, lost: broken + stalled };
  }
}

/** Where another build does not know a table yet, the row shows what it does without. */
async function acceptConfig(lab: PairLab, staging: Staging, kind: LabKind): Promise<void> {
  const { configPath, keyPath, routers } = lab.pair;
  const { exitCode, stdout, stderr } = await routers[0].tandem("config", "check", configPath);
  if (exitCode === 0) return;
  if (process.env["TANDEM_OTHER_BUILD"] === undefined || staging.tables === undefined) {
    await lab[Symbol.asyncDispose]();
    throw new Error(`the configuration is refused: ${stderr.trim() || stdout.trim()}`);
  }
  const { tables: _, ...rest } = staging;
  writeFileSync(configPath, configOf(rest, kind).replaceAll("KEY_FILE", keyPath));
}

/** What went wrong, in one line. */
async function problemOf(act: () => Promise<void>): Promise<string | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split("\n")[0];
  }
}
