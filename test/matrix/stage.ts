/** A pair with clients, for one fault: at best with the probe at 1 kHz on a fast kernel, or with services and IPVS. */
import type { TransitionStatus } from "../../src/daemon/status-report.ts";
import { HeldConnections } from "../lab/parts/held-connections.ts";
import type { OwnerSampler } from "../lab/parts/owner-sampler.ts";
import { pairConfig, QUICK_CHECK, serviceText } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import type { CommandResult, RouterProcess } from "../lab/parts/router-process.ts";
import { Watcher, type WatchReport } from "../lab/parts/watcher.ts";
import type { LabKind } from "../lab/run-in-lab.ts";
import { GATEWAY, PRIVATE_VIP, PUBLIC_VIP, type RouterName, serverAddress, type Topology } from "../lab/topology.ts";
import { removeHost } from "./switch-faults.ts";

/** The user-mode kernel has one slow CPU: this is what it can spare for the measuring. */
const PROBE_EVERY_MS = { namespaces: 1, uml: 10 };
const LOOK_EVERY_MS = { namespaces: 1, uml: 5 };
const POLL_OWNERS_MS = 25;
/** An echo on the routers or, with IPVS, a service that the real servers echo. */
const ECHO_PORT = 7;
const WEB = { address: PUBLIC_VIP, port: 80 };
const CONNECTIONS = 50;
/** Three seconds of talk, ten times a second: a connection is no longer young then. */
const ANSWERS = 30;
const QUIET_BEFORE_MS = 500;
/** TCP sends again at most this late after the gaps that the matrix allows. */
const CONNECTIONS_LIMIT_MS = 15_000;
const STEP_LIMIT_MS = { namespaces: 20_000, uml: 60_000 };

export interface Seen {
  readonly watched: WatchReport;
  readonly connections: { readonly opened: number; readonly lost: number };
  /** The newest transition of the router that has the VIPs in the end, if the fault led to one. */
  readonly transition: TransitionStatus | undefined;
  /** Who has the VIPs in the end. */
  readonly owners: readonly RouterName[];
}

export class Stage implements AsyncDisposable {
  readonly lab: PairLab;
  readonly kind: LabKind;
  readonly #watcher: Watcher;
  readonly #owners: OwnerSampler;
  #held: HeldConnections | undefined;

  private constructor(lab: PairLab, kind: LabKind, watcher: Watcher) {
    this.lab = lab;
    this.kind = kind;
    this.#watcher = watcher;
    this.#owners = lab.sampleOwners(POLL_OWNERS_MS);
  }

  /** The network, its servers and the files; no daemon runs yet. The settings of the pair are the defaults. */
  static async prepare(kind: LabKind): Promise<Stage> {
    const options = { servers: kind === "uml" ? 3 : 1, directServers: 1 };
    const lab = await PairLab.prepare(kind === "uml" ? configWithServices() : configOfVips(), options);
    const watcher = await Watcher.start(lab.topology, {
      target: { address: PUBLIC_VIP, port: ECHO_PORT },
      echo: kind === "namespaces",
      probeEveryMs: PROBE_EVERY_MS[kind],
      vips: [PUBLIC_VIP, PRIVATE_VIP],
      lookEveryMs: LOOK_EVERY_MS[kind],
    });
    return new Stage(lab, kind, watcher);
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
    try {
      await this.#owners.awaitOwner(by, STEP_LIMIT_MS[this.kind]);
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}\n${this.lab.pair.logs()}`);
    }
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

  owners(): readonly RouterName[] {
    return this.#owners.owners(PUBLIC_VIP);
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

  /** What the kernels and the clients notice while `act` is done. */
  async measure(act: () => Promise<void>): Promise<Seen> {
    await this.#watcher.begin();
    if (this.owners().length > 0) await this.#answered();
    await Bun.sleep(QUIET_BEFORE_MS);
    const beganMs = performance.now();
    await act();
    await this.#answered();
    const watched = await this.#watcher.end();
    const transition = await this.#newestTransition(beganMs);
    return { watched, connections: await this.#connections(), transition, owners: this.owners() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#held?.[Symbol.dispose]();
    this.#owners[Symbol.dispose]();
    await this.#watcher[Symbol.asyncDispose]();
    await this.lab[Symbol.asyncDispose]();
  }

  async #answered(): Promise<void> {
    if (await this.#watcher.answered(STEP_LIMIT_MS[this.kind])) return;
    throw new Error(`no client is answered any more\n${this.lab.pair.logs()}`);
  }

  async #newestTransition(sinceMs: number): Promise<TransitionStatus | undefined> {
    const [owner] = this.owners();
    if (owner === undefined) return undefined;
    const { stdout } = await this.router(owner).tandem("failover", "history", "--limit", "1", "--json");
    const [newest] = (JSON.parse(stdout) as { transitions: readonly TransitionStatus[] }).transitions;
    return newest !== undefined && newest.agoMs < performance.now() - sinceMs ? newest : undefined;
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

function configOfVips(): string {
  return pairConfig({ pair: [`neighbours = ["${GATEWAY}", "${serverAddress("web1")}"]`] });
}

function configWithServices(): string {
  const reals = ["web1", "web2", "web3"].map((name) => ({ address: `${serverAddress(name)}:80` }));
  const service = (name: string, listen: string) => ({ name, listen, scheduler: "rr", servers: reals });
  return pairConfig({
    services: [
      serviceText({ ...service("web", `tcp://${WEB.address}:${WEB.port}`), check: QUICK_CHECK }),
      serviceText(service("echo", `udp://${PUBLIC_VIP}:${ECHO_PORT}`)),
    ],
  });
}
