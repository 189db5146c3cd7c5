/** The network, the pair and the helpers that the chapters of the demonstration share. */
import type { HeldConnections } from "../parts/held-connections.ts";
import { Pair } from "../parts/pair.ts";
import { pairConfig, QUICK_CHECK, serviceText } from "../parts/pair-config.ts";
import { RealServer } from "../parts/real-server.ts";
import type { RequestTarget } from "../parts/requests.ts";
import { EXTRA_SOURCES, EXTRA_VIPS, trialPort, trialServices } from "../parts/scheduler-trials.ts";
import { PUBLIC_VIP, type RouterName, serverAddress, Topology } from "../topology.ts";
import { type Measurement, measure } from "./measurement.ts";
import type { Screen } from "./screen.ts";

const ECHO_PORT = 7;

export class Stage implements AsyncDisposable {
  readonly screen: Screen;
  readonly topology: Topology;
  readonly pair: Pair;
  readonly servers: readonly RealServer[];
  readonly web: RequestTarget = { address: PUBLIC_VIP, port: trialPort("rr") };
  readonly measurements: Measurement[] = [];
  /** What did not work, as clauses. */
  readonly failures: string[] = [];
  connections: HeldConnections | undefined;

  private constructor(screen: Screen, topology: Topology, pair: Pair, servers: readonly RealServer[]) {
    this.screen = screen;
    this.topology = topology;
    this.pair = pair;
    this.servers = servers;
  }

  static async set(screen: Screen): Promise<Stage> {
    const topology = Topology.create({ clientAddresses: EXTRA_SOURCES.length });
    const servers = await Promise.all(topology.serverNames.map((name) => RealServer.start(topology, name)));
    const reals = topology.serverNames.map((name) => ({ address: `${serverAddress(name)}:80` }));
    const echo = serviceText({
      name: "echo",
      listen: `udp://${PUBLIC_VIP}:${ECHO_PORT}`,
      scheduler: "rr",
      servers: reals,
    });
    const services = [...trialServices(QUICK_CHECK), echo];
    const pair = await Pair.prepare(topology, pairConfig({ extraVips: EXTRA_VIPS, services }));
    return new Stage(screen, topology, pair, servers);
  }

  /** Says whether something came out as it should, and remembers it if not. */
  check(works: boolean, text: string): void {
    if (works) this.screen.good(text);
    else {
      this.screen.bad(text);
      this.failures.push(text);
    }
  }

  /** Measures what clients notice while `act` is done and until `next` has the VIPs. */
  async takeover(
    what: string,
    act: () => Promise<void> | void,
    next: RouterName,
    limitMs: number,
  ): Promise<Measurement> {
    const lab = { topology: this.topology, echo: { address: PUBLIC_VIP, port: ECHO_PORT }, web: this.web };
    const measured = await this.screen.during(
      `measuring until ${next} has the VIPs`,
      measure(what, { ...lab, connections: this.connections }, async (owners) => {
        await Bun.sleep(500);
        await act();
        await owners.awaitOwner(next, limitMs);
      }),
    );
    this.measurements.push(measured);
    return measured;
  }

  /** Waits until a condition holds. Throws, saying what for, when it doesn't within the time. */
  async until(what: string, limitMs: number, holds: () => Promise<boolean> | boolean): Promise<number> {
    const beganMs = performance.now();
    const wait = async () => {
      while (!(await holds())) {
        if (performance.now() - beganMs > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
        await Bun.sleep(50);
      }
    };
    await this.screen.during(what, wait());
    return performance.now() - beganMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connections?.[Symbol.dispose]();
    await this.pair[Symbol.asyncDispose]();
    for (const server of this.servers) server[Symbol.dispose]();
    this.topology[Symbol.dispose]();
  }
}
