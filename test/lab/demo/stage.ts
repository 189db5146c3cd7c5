/** The network, the pair and the helpers that the chapters of the demonstration share. */
import type { HeldConnections } from "../parts/held-connections.ts";
import type { Pair } from "../parts/pair.ts";
import { pairConfig, QUICK_CHECK, serviceText } from "../parts/pair-config.ts";
import { PairLab } from "../parts/pair-lab.ts";
import type { RequestTarget } from "../parts/requests.ts";
import { EXTRA_SOURCES, EXTRA_VIPS, trialPort, trialServices } from "../parts/scheduler-trials.ts";
import { PUBLIC_VIP, type RouterName, serverAddress, type Topology } from "../topology.ts";
import { type Measurement, measure } from "./measurement.ts";
import type { Screen } from "./screen.ts";

const ECHO_PORT = 7;
/** How long the primary has to be stable before it gets its role back: half the default, to keep this short. */
export const FAILBACK_AFTER_SECONDS = 15;
const SERVERS = ["web1", "web2", "web3"];

export class Stage implements AsyncDisposable {
  readonly screen: Screen;
  readonly lab: PairLab;
  readonly web: RequestTarget = { address: PUBLIC_VIP, port: trialPort("rr") };
  readonly measurements: Measurement[] = [];
  /** What did not work, as clauses. */
  readonly failures: string[] = [];
  connections: HeldConnections | undefined;
  /** When the first scheduler's requests were answered (epoch, ms). */
  firstRequestAtMs: number | undefined;
  /** When the primary was started again, on the clock of `performance.now()`. */
  primaryBackAtMs: number | undefined;

  private constructor(screen: Screen, lab: PairLab) {
    this.screen = screen;
    this.lab = lab;
  }

  static async set(screen: Screen): Promise<Stage> {
    const reals = SERVERS.map((name) => ({ address: `${serverAddress(name)}:80` }));
    const echo = serviceText({
      name: "echo",
      listen: `udp://${PUBLIC_VIP}:${ECHO_PORT}`,
      scheduler: "rr",
      servers: reals,
    });
    const pair = [`failback_after = "${FAILBACK_AFTER_SECONDS}s"`];
    const config = pairConfig({ pair, extraVips: EXTRA_VIPS, services: [...trialServices(QUICK_CHECK), echo] });
    return new Stage(screen, await PairLab.prepare(config, { clientAddresses: EXTRA_SOURCES.length }));
  }

  get topology(): Topology {
    return this.lab.topology;
  }

  get pair(): Pair {
    return this.lab.pair;
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
    options: { readonly limitMs: number; readonly label?: () => string },
  ): Promise<Measurement> {
    const lab = { topology: this.topology, echo: { address: PUBLIC_VIP, port: ECHO_PORT }, web: this.web };
    const measured = await this.screen.during(
      options.label ?? `measuring until ${next} has the VIPs`,
      measure(what, { ...lab, connections: this.connections }, async (owners) => {
        await Bun.sleep(500);
        await act();
        await owners.awaitOwner(next, options.limitMs);
      }),
    );
    this.measurements.push(measured);
    return measured;
  }

  /** Shows what is awaited. Throws when it doesn't come within the time. Returns how long it took. */
  until(what: string | (() => string), limitMs: number, holds: () => Promise<boolean> | boolean): Promise<number> {
    const name = typeof what === "string" ? what : what();
    return this.screen.during(what, this.lab.until(name, limitMs, holds));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connections?.[Symbol.dispose]();
    await this.lab[Symbol.asyncDispose]();
  }
}
