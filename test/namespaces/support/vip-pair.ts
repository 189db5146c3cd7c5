/** A pair that only moves VIPs, watched while something is done to it: by its kernels, and by a client. */
import { expect } from "bun:test";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { GapProbe, type GapReport } from "../../lab/parts/gap-probe.ts";
import type { OwnerReport, OwnerSampler } from "../../lab/parts/owner-sampler.ts";
import { pairConfig } from "../../lab/parts/pair-config.ts";
import { PairLab } from "../../lab/parts/pair-lab.ts";
import type { RouterProcess } from "../../lab/parts/router-process.ts";
import { VipEcho } from "../../lab/parts/vip-echo.ts";
import { GATEWAY, PUBLIC_VIP, type RouterHost, type RouterName, serverAddress } from "../../lab/topology.ts";

/**
 * Rule 9: an agreement between the two runs out after a second, so no planned move overlaps for longer. How long it does
 * (20 ms at most on a machine that has nothing else to do) is measured by `npm run matrix`.
 */
export const AGREEMENT_MS = 1_000;
/** Until the standby has the VIPs once the old owner's kernel has dropped them. */
export const TAKEOVER_MS = 50;
/** The default of `interval`: so long it takes at most until two routers that hear each other again know. */
export const HEARTBEAT_MS = 200;
/**
 * A daemon with nobody to hand over to drops, says farewell three times and is gone: a few hundred ms, and whatever a busy
 * machine adds. A hand-over that is waited for in vain has 5 s.
 */
export const STOP_MS = 4_000;
/**
 * Daemons, probe and whatever else runs share two cores: how late anything may be that happens "at once". What waits for
 * the peer's silence is later than that by all means: that is a second.
 */
const SCHEDULING_MS = 700;
/** For what is only asked to happen at all. */
export const LOADED_MS = 60_000;

const ECHO_PORT = 7;
const LOOK_EVERY_MS = 3;
/** Answers that wait for this process, should it be held up at the end, still count. */
const GRACE_MS = 400;

export interface Watched {
  readonly owners: OwnerReport;
  readonly gap: GapReport;
}

export interface VipPairOptions {
  /** Lines for `[pair]` in place of the usual ones, but for the neighbours. */
  readonly pair?: readonly string[];
  /** Whole `[[service]]` texts; without IPVS they get no further than the daemon's own idea of them. */
  readonly services?: readonly string[];
  /** Further tables, such as `[[gate]]`. */
  readonly more?: readonly string[];
}

/** Both sides have a neighbour that can be asked: the gateway and a machine on the private side. */
const NEIGHBOURS = `neighbours = ["${GATEWAY}", "${serverAddress("web1")}"]`;
/** Short leases, so that a test of their end is short too; no fail-back in the middle of another test. */
const USUAL = ['lease = "2s"', 'failback = "manual"'];

/** The configuration of a pair, as a rule without any service. */
export function vipOnlyConfig(
  lines: readonly string[] = USUAL,
  services: readonly string[] = [],
  more: readonly string[] = [],
): string {
  return pairConfig({ pair: [NEIGHBOURS, ...lines], services, more });
}

export class VipPair implements AsyncDisposable {
  readonly lab: PairLab;
  readonly #echo: VipEcho;
  readonly owners: OwnerSampler;

  private constructor(lab: PairLab, echo: VipEcho) {
    this.lab = lab;
    this.#echo = echo;
    this.owners = lab.sampleOwners(LOOK_EVERY_MS);
  }

  /** The network and the files; no daemon runs yet. */
  static async prepare(options: VipPairOptions = {}): Promise<VipPair> {
    const lab = await PairLab.prepare(vipOnlyConfig(options.pair, options.services, options.more), { servers: 1 });
    return new VipPair(lab, await VipEcho.start(lab.topology, PUBLIC_VIP, ECHO_PORT));
  }

  /** lvs1 active, lvs2 standby. */
  static async start(options: VipPairOptions = {}): Promise<VipPair> {
    const pair = await VipPair.prepare(options);
    for (const router of pair.lab.pair.routers) router.start();
    await pair.settled("lvs1");
    return pair;
  }

  get routers(): readonly RouterProcess[] {
    return this.lab.pair.routers;
  }

  router(name: RouterName): RouterProcess {
    return this.lab.pair.router(name);
  }

  async until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    await this.lab.until(what, LOADED_MS, holds);
  }

  /** Who has had the public VIP, in the order seen. */
  static ownersOf({ owners }: Watched): readonly (readonly RouterHost[])[] {
    return (owners.changes[PUBLIC_VIP] ?? []).map((change) => change.owners);
  }

  get config(): string {
    return readFileSync(this.lab.pair.configPath, "utf8");
  }

  /** Changes the file and sends SIGHUP to both, or to these; waits until they have said what came of it. */
  async reload(config: string, saying = "is in force", routers = this.routers): Promise<void> {
    writeFileSync(this.lab.pair.configPath, config);
    await this.said(saying, routers, () => {
      for (const router of routers) router.signal("SIGHUP");
    });
  }

  /** Until each of the routers has logged such a line because of `act`. */
  async said(text: string, routers: readonly RouterProcess[], act: () => void): Promise<void> {
    const count = (router: RouterProcess) => router.log.filter((line) => line.includes(text)).length;
    const before = routers.map(count);
    act();
    await this.until(`a line with "${text}"`, () => routers.every((one, index) => count(one) > (before[index] ?? 0)));
  }

  /** Another key in the place of the pair's: daemons that run keep the old one. */
  async changeKey(): Promise<void> {
    const key = join(dirname(this.lab.pair.configPath), "pair.key");
    const made = await this.router("lvs2").tandem("heartbeat", "keygen", `${key}.new`);
    if (made.exitCode !== 0) throw new Error(`heartbeat keygen: ${made.stderr}`);
    renameSync(`${key}.new`, key);
  }

  /** Tells a daemon to stop. Returns how long it took, in ms. */
  async timeToEnd(name: RouterName): Promise<number> {
    const beganMs = performance.now();
    this.router(name).signal("SIGTERM");
    const exitCode = await this.router(name).awaitEnd(LOADED_MS);
    if (exitCode !== 0) throw new Error(`${name} ended with ${exitCode}\n${this.lab.pair.logs()}`);
    return performance.now() - beganMs;
  }

  /** Until exactly that router has every VIP. */
  async owned(by: RouterName, limitMs = LOADED_MS): Promise<void> {
    try {
      await this.owners.awaitOwner(by, limitMs);
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}\n${this.lab.pair.logs()}`);
    }
  }

  /** Until that router has the VIPs and the other one knows it. */
  async settled(active: RouterName): Promise<void> {
    await this.owned(active);
    const other = this.router(active === "lvs1" ? "lvs2" : "lvs1");
    await this.until(`${other.name} standby, and hears that ${active} is active`, async () => {
      const status = await other.status();
      return status?.router.role === "standby" && status.peer.alive && status.peer.role === "active";
    });
    await this.lab.awaitRole(active, "active");
  }

  /** What the kernels and a client at 1 kHz notice while `act` is done. */
  async watch(what: string, act: () => Promise<void>): Promise<Watched> {
    const probe = await GapProbe.start(this.lab.topology, { address: PUBLIC_VIP, port: ECHO_PORT });
    if (this.owners.owners(PUBLIC_VIP).length > 0) await this.#answeredAgain(probe);
    using owners = this.lab.sampleOwners(LOOK_EVERY_MS);
    await act();
    await this.#answeredAgain(probe);
    const watched = { owners: owners.report(), gap: await probe.stop(GRACE_MS) };
    note(what, watched);
    return watched;
  }

  async #answeredAgain(probe: GapProbe): Promise<void> {
    const before = probe.report();
    const answered = before.sent - before.lost;
    await this.until("the client is answered", () => {
      const now = probe.report();
      return now.sent - now.lost > answered;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.owners[Symbol.dispose]();
    this.#echo[Symbol.dispose]();
    await this.lab[Symbol.asyncDispose]();
  }
}

/** How long what happens at once may be seen to last: the daemons were held up for as long as the sampler was. */
export function atOnceMs({ owners }: Watched): number {
  return SCHEDULING_MS + 2 * owners.longestPauseMs;
}

/** No VIP was ever seen on both routers. */
export function expectNeverTwo({ owners }: Watched): void {
  expect(owners.twoOwnersMs).toEqual(Object.fromEntries(Object.keys(owners.twoOwnersMs).map((vip) => [vip, 0])));
}

/** The two owners of an agreed move overlapped for no longer than agreed, by what the sampler can tell. */
export function expectAgreedOverlap({ owners }: Watched): void {
  // A look that finds both says so until the next one; the daemons were held up for as long as the sampler was.
  const limitMs = AGREEMENT_MS + 2 * owners.longestPauseMs;
  for (const ms of Object.values(owners.longestTwoOwnersMs)) expect(ms).toBeLessThanOrEqual(limitMs);
}

/** Every datagram of the client was answered, and no VIP was ever on no router. */
export function expectNothingLost({ owners, gap }: Watched): void {
  const never = Object.fromEntries(Object.keys(owners.noOwnerMs).map((vip) => [vip, 0]));
  expect({ lost: gap.lost, noOwnerMs: owners.noOwnerMs }).toEqual({ lost: 0, noOwnerMs: never });
}

/** Figures are printed with TANDEM_FIGURES=1; a test never judges them. */
function note(what: string, { owners, gap }: Watched): void {
  if (process.env["TANDEM_FIGURES"] === undefined) return;
  const two = Math.max(...Object.values(owners.twoOwnersMs));
  const none = Math.max(...Object.values(owners.noOwnerMs));
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  process.stdout.write(
    `FIGURE ${what}: gap ${ms(gap.longestGapMs)}, lost ${gap.lost} of ${gap.sent}, two owners ${ms(two)}, ` +
      `none ${ms(none)}, pauses: probe ${ms(gap.longestPauseMs)}, sampler ${ms(owners.longestPauseMs)}\n`,
  );
}
