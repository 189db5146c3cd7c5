/** What is compared: two daemons of one product on the two routers, that can be started, asked for nothing, and hurt. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { Pair } from "../../lab/parts/pair.ts";
import { pairConfig } from "../../lab/parts/pair-config.ts";
import {
  GATEWAY,
  PRIVATE_VIP,
  PUBLIC_VIP,
  ROUTERS,
  type RouterName,
  serverAddress,
  type Topology,
} from "../../lab/topology.ts";

export const PRODUCTS = ["tandem", "keepalived"] as const;
export type Product = (typeof PRODUCTS)[number];
/** The product's own defaults, or a heartbeat every 10 ms. */
export const SETTINGS = ["defaults", "10ms"] as const;
export type Setting = (typeof SETTINGS)[number];

export interface Terms {
  readonly setting: Setting;
  /** Whether a returned primary gets the VIPs back by itself. keepalived's always does. */
  readonly failback: boolean;
}

export interface Contender extends AsyncDisposable {
  start(router: RouterName): void;
  /** To every process of the product on that router. */
  signal(router: RouterName, signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM"): void;
  /** Moves the VIPs away from the active, in the way that its makers advise. */
  switchAway(router: RouterName): Promise<void>;
}

/** How long tandem watches a returned primary before it gives the VIPs back: half a minute by default. */
const FAILBACK_AFTER = "1s";

class TandemPair implements Contender {
  readonly #pair: Pair;

  private constructor(pair: Pair) {
    this.#pair = pair;
  }

  static async prepare(topology: Topology, { setting, failback }: Terms): Promise<TandemPair> {
    const quick = setting === "10ms" ? ['interval = "10ms"', 'dead_after = "30ms"'] : [];
    const neighbours = `neighbours = ["${GATEWAY}", "${serverAddress("web1")}"]`;
    const back = failback ? [`failback_after = "${FAILBACK_AFTER}"`] : ['failback = "manual"'];
    const config = pairConfig({ pair: [neighbours, ...back, ...quick] });
    return new TandemPair(await Pair.prepare(topology, config));
  }

  start(router: RouterName): void {
    this.#pair.router(router).start();
  }

  signal(router: RouterName, signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM"): void {
    this.#pair.router(router).signal(signal);
  }

  async switchAway(router: RouterName): Promise<void> {
    const { exitCode, stderr } = await this.#pair.router(router).tandem("failover", "switch");
    if (exitCode !== 0) throw new Error(`tandem failover switch: ${stderr.trim()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pair[Symbol.asyncDispose]();
  }
}

/** Debian's keepalived: one instance on each side, in a group that moves as one. */
class KeepalivedPair implements Contender {
  readonly #folder = mkdtempSync(join(tmpdir(), "tandem-keepalived-"));
  readonly #topology: Topology;
  readonly #processes = new Map<RouterName, Subprocess<"ignore", "ignore", "ignore">>();

  constructor(topology: Topology, { setting }: Terms) {
    this.#topology = topology;
    for (const { name } of ROUTERS) writeFileSync(join(this.#folder, `${name}.conf`), keepalivedConfig(name, setting));
  }

  start(router: RouterName): void {
    const file = (kind: string) => join(this.#folder, `${router}.${kind}`);
    const pids = ["--pid", file("pid"), "--vrrp_pid", file("vrrp")];
    const command = ["keepalived", "--vrrp", "--dont-fork", "--use-file", file("conf"), ...pids];
    const started = this.#topology.on(router, () =>
      // A session of its own: its two processes get each signal together. (A child of ours leads no group: no fork.)
      Bun.spawn(["setsid", ...command], { stdio: ["ignore", "ignore", "ignore"] }),
    );
    this.#processes.set(router, started);
  }

  signal(router: RouterName, signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM"): void {
    const leader = this.#processes.get(router);
    if (leader === undefined || leader.exitCode !== null || leader.signalCode !== null) return;
    // SIGTERM is for the parent, which tells its child.
    process.kill(signal === "SIGTERM" ? leader.pid : -leader.pid, signal);
  }

  async switchAway(router: RouterName): Promise<void> {
    this.signal(router, "SIGTERM");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { name } of ROUTERS) this.signal(name, "SIGKILL");
    await Promise.all([...this.#processes.values()].map((child) => child.exited));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function keepalivedConfig(router: RouterName, setting: Setting): string {
  const first = router === ROUTERS[0].name;
  const head = first ? "  state MASTER\n  priority 150" : "  state BACKUP\n  priority 100";
  const quick = setting === "10ms" ? "  version 3\n  advert_int 0.01\n" : "";
  const instance = (name: string, link: string, id: number, vip: string) =>
    `vrrp_instance ${name} {\n${head}\n  interface ${link}\n  virtual_router_id ${id}\n${quick}` +
    `  virtual_ipaddress {\n    ${vip}/24\n  }\n}\n`;
  return [
    `global_defs {\n  router_id ${router}\n}`,
    "vrrp_sync_group pair {\n  group {\n    public\n    private\n  }\n}",
    instance("public", "eth0", 51, PUBLIC_VIP),
    instance("private", "eth1", 52, PRIVATE_VIP),
  ].join("\n");
}

/** The files of both routers; no daemon runs yet. */
export async function prepareContender(topology: Topology, product: Product, terms: Terms): Promise<Contender> {
  return product === "tandem" ? TandemPair.prepare(topology, terms) : new KeepalivedPair(topology, terms);
}
