/** A whole lab: the network, its real servers, and a pair of routers that is up. */
import { PRIVATE_VIP, PUBLIC_VIP, type RouterName, Topology, type TopologyOptions } from "../topology.ts";
import { OwnerSampler } from "./owner-sampler.ts";
import { Pair } from "./pair.ts";
import { RealServer } from "./real-server.ts";

/** Both daemons begin at once on one slow CPU. */
const READY_LIMIT_MS = 90_000;
const ASK_AGAIN_MS = 50;

export class PairLab implements AsyncDisposable {
  readonly topology: Topology;
  readonly pair: Pair;
  readonly servers: readonly RealServer[];

  private constructor(topology: Topology, pair: Pair, servers: readonly RealServer[]) {
    this.topology = topology;
    this.pair = pair;
    this.servers = servers;
  }

  /** Builds the network and starts the real servers; the routers get their files and are not started yet. */
  static async prepare(config: string, options: TopologyOptions = {}): Promise<PairLab> {
    const topology = Topology.create(options);
    const servers = await Promise.all(topology.serverNames.map((name) => RealServer.start(topology, name)));
    return new PairLab(topology, await Pair.prepare(topology, config), servers);
  }

  /** The same with both routers up: lvs1 active, lvs2 standby, every server found well by both. */
  static async start(config: string, options: TopologyOptions = {}): Promise<PairLab> {
    const lab = await PairLab.prepare(config, options);
    try {
      await lab.startRouters();
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  server(name: string): RealServer {
    const found = this.servers.find((server) => server.name === name);
    if (found === undefined) throw new Error(`no such real server: ${name}`);
    return found;
  }

  /**
   * Starts lvs1, then lvs2, and waits until all is well. One after the other: on a slow CPU the second might be up a
   * second before the first, take the VIPs, and give them back only after 30 s.
   */
  async startRouters(): Promise<void> {
    const [first, second] = this.pair.routers;
    first.start();
    await this.until("lvs1 active", READY_LIMIT_MS, async () => (await first.status())?.router.role === "active");
    second.start();
    await this.ready();
  }

  /** Waits until lvs1 is active, both hear each other, and both find every checked server up. */
  async ready(): Promise<void> {
    await this.until("lvs1 active, lvs2 standby, every server up", READY_LIMIT_MS, async () => {
      const [active, standby] = await Promise.all(this.pair.routers.map((router) => router.status()));
      if (active?.router.role !== "active" || active.peer.alive !== true || standby?.peer.alive !== true) return false;
      const all = [...active.services, ...standby.services].flatMap((service) => service.servers);
      return all.every((server) => server.state === "up" || server.state === "unchecked");
    });
  }

  /** Waits until a router is in that role and hears its peer. */
  async awaitRole(name: RouterName, role: "active" | "standby", limitMs = READY_LIMIT_MS): Promise<void> {
    await this.until(`${name} ${role} and hearing its peer`, limitMs, async () => {
      const status = await this.pair.router(name).status();
      return status?.router.role === role && status.peer.alive;
    });
  }

  /** Looks at both VIPs, or at those that are named. */
  sampleOwners(everyMs = 4, vips: readonly string[] = [PUBLIC_VIP, PRIVATE_VIP]): OwnerSampler {
    return OwnerSampler.start(this.topology, vips, everyMs);
  }

  /** Waits until a condition holds. Throws with what both routers logged when it doesn't within the time. */
  async until(what: string, limitMs: number, holds: () => Promise<boolean> | boolean): Promise<number> {
    const beganMs = performance.now();
    while (!(await holds())) {
      const elapsedMs = performance.now() - beganMs;
      if (elapsedMs > limitMs) throw new Error(`not within ${limitMs} ms: ${what}\n${this.pair.logs()}`);
      await Bun.sleep(ASK_AGAIN_MS);
    }
    return performance.now() - beganMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pair[Symbol.asyncDispose]();
    for (const server of this.servers) server[Symbol.dispose]();
    this.topology[Symbol.dispose]();
  }
}
