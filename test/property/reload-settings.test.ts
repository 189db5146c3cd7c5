/**
 * What a reload does to the kernel's settings is what its plan says; what is refused leaves them as they were; and at the
 * end, whatever was killed on the way, they are the administrator's. The parts are the daemon's own, on a kernel and a
 * disk that a killed process touches no more.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Config } from "../../src/config/keys/config.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { planReload, type SysctlChange } from "../../src/daemon/reload/reload-plan.ts";
import { syncSysctls, wantedSysctls } from "../../src/daemon/settings/forwarding.ts";
import { IpvsSettingsKeeper, ipvsSysctls } from "../../src/daemon/settings/ipvs-settings.ts";
import { KernelSettings } from "../../src/daemon/settings/kernel-settings.ts";
import { SysctlKeeper } from "../../src/daemon/settings/sysctl-keeper.ts";
import type { RecordFile } from "../../src/daemon/settings/sysctl-record.ts";
import type { SysctlOutcome } from "../../src/kernel/machine/sysctl.ts";
import { Logger } from "../../src/log/logger.ts";
import { type IpvsSettings, isSameSetting } from "../../src/model/ipvs-setting.ts";
import { configuredService, realServer, virtualService } from "../support/balance-fixtures.ts";
import { BASE } from "../unit/config/base.ts";

const RUNS = 1_000;
const SILENT = new Logger({ write: () => {} }, { format: "text", level: "error", now: () => new Date(0) });
const INTERFACES = { public: "eth0", private: "eth1" };
const MACHINE = { interfaces: INTERFACES, addresses: [] };

const parsed = parseConfig(BASE);
if (!parsed.ok) throw new Error("the base is no configuration");
const BASE_CONFIG: Config = parsed.config;

/** What the real servers of a service are reached by; `none`: there is no service. */
const WAYS = ["none", "nat", "direct", "nat-ipv6", "both-nat"] as const;

function servicesOf(way: (typeof WAYS)[number]): Config["services"] {
  const inet = (forward: "nat" | "direct") =>
    configuredService({
      name: "inet",
      listen: [virtualService("tcp://203.0.113.10:80")],
      servers: [{ server: realServer("10.0.0.11:80", { forward }) }],
    });
  const inet6 = configuredService({
    name: "inet6",
    listen: [virtualService("tcp://[2001:db8::10]:80")],
    servers: [{ server: realServer("[2001:db8::11]:80", { forward: "nat" }) }],
  });
  if (way === "none") return [];
  if (way === "nat-ipv6") return [inet6];
  return way === "both-nat" ? [inet("nat"), inet6] : [inet(way)];
}

const ipvs: fc.Arbitrary<IpvsSettings> = fc.record(
  {
    expire_nodest_conn: fc.boolean(),
    conn_reuse_mode: fc.integer({ min: 0, max: 2 }),
    drop_entry: fc.integer({ min: 0, max: 3 }),
  },
  { requiredKeys: [] },
);

const config: fc.Arbitrary<Config> = fc
  .record({
    way: fc.constantFrom(...WAYS),
    ipvs,
    enabled: fc.boolean(),
    mode: fc.constantFrom("prompt" as const, "batched" as const),
  })
  .map((drawn) => ({
    ...BASE_CONFIG,
    services: servicesOf(drawn.way),
    ipvs: drawn.ipvs,
    sync: { ...BASE_CONFIG.sync, enabled: drawn.enabled, mode: drawn.mode },
  }));

/** Every setting that one of these configurations wants. */
const PATHS = (() => {
  const most = {
    ...BASE_CONFIG,
    services: servicesOf("both-nat"),
    ipvs: { expire_nodest_conn: true, conn_reuse_mode: 1, drop_entry: 1 },
    sync: { ...BASE_CONFIG.sync, enabled: true, mode: "prompt" as const },
  };
  return [...wantedSysctls(most, INTERFACES), ...syncSysctls(most), ...ipvsSysctls(most)].map(({ path }) => path);
})();

function meaning(path: string, value: string): string {
  return isSameSetting(path, value, "1") ? "1" : value;
}

/** A kernel and a disk, which outlive the processes. */
class Machine {
  readonly values: Map<string, string>;
  /** The kernel refuses to change it. */
  refused: string | undefined;
  disk: unknown;

  constructor(values: readonly string[]) {
    this.values = new Map(PATHS.map((path, index) => [path, values[index % values.length] ?? "0"]));
  }

  /** What the kernel may change by itself is the same: see `isSameSetting`. */
  settings(): Record<string, string> {
    return Object.fromEntries([...this.values].map(([path, value]) => [path, meaning(path, value)]));
  }
}

/** One process, with as much of the daemon as has to do with settings. */
class Life {
  readonly #machine: Machine;
  readonly #sysctls: SysctlKeeper;
  readonly #ipvs: IpvsSettingsKeeper;
  readonly #settings: KernelSettings;
  /** How many more writes, to the kernel or to the disk, it lives for. */
  #stepsLeft: number;
  #inForce: Config;

  constructor(machine: Machine, inForce: Config, stepsLeft = Number.POSITIVE_INFINITY) {
    this.#machine = machine;
    this.#inForce = inForce;
    this.#stepsLeft = stepsLeft;
    this.#sysctls = new SysctlKeeper(SILENT, this.#file(), {
      read: (path) => (path === "kernel/random/boot_id" ? "this boot" : machine.values.get(path)),
      write: (path, value) => this.#write(path, value),
    });
    this.#ipvs = new IpvsSettingsKeeper(this.#sysctls, SILENT);
    this.#settings = new KernelSettings(this.#sysctls, () => MACHINE);
  }

  #isAlive(): boolean {
    this.#stepsLeft -= 1;
    return this.#stepsLeft >= 0;
  }

  #file(): RecordFile {
    const machine = this.#machine;
    return {
      failure: undefined,
      get saved() {
        return machine.disk;
      },
      read: () => machine.disk,
      write: (value) => {
        if (this.#isAlive()) machine.disk = structuredClone(value);
      },
      tried: () => Promise.resolve(undefined),
    };
  }

  #write(path: string, value: string): SysctlOutcome {
    const previous = this.#machine.values.get(path);
    if (previous === undefined || !this.#isAlive()) return { kind: "absent" };
    if (previous === value) return { kind: "unchanged" };
    if (this.#machine.refused === path) return { kind: "refused", reason: "EPERM" };
    this.#machine.values.set(path, value);
    return { kind: "changed", previous };
  }

  async start(): Promise<void> {
    await this.#settings.prepare(this.#inForce);
    await this.#enforce();
  }

  /** @returns whether it was refused. */
  async reload(next: Config, isRefusedLater = false): Promise<boolean> {
    const problem = await this.#settings.try(next);
    if (problem === undefined && !isRefusedLater) this.#inForce = next;
    else {
      this.#settings.giveBackUnwanted(this.#inForce);
      this.#ipvs.configure(this.#inForce);
    }
    await this.#enforce();
    return problem !== undefined || isRefusedLater;
  }

  async #enforce(): Promise<void> {
    this.#settings.enforce(this.#inForce);
    this.#ipvs.configure(this.#inForce);
    this.#ipvs.settle();
    this.#sysctls.apply(syncSysctls(this.#inForce));
    await this.#sysctls.settled();
  }

  stop(): void {
    this.#sysctls.end();
    this.#settings.giveBack();
    this.#settings.restore();
  }
}

/** A kernel's settings after the changes of a plan; what is given back is the administrator's. */
function planned(
  before: Readonly<Record<string, string>>,
  changes: readonly SysctlChange[],
  administrators: Readonly<Record<string, string>>,
): Record<string, string> {
  const given = changes.map(({ path, to }) => [path, meaning(path, to ?? administrators[path] ?? "")] as const);
  return { ...before, ...Object.fromEntries(given) };
}

const administrators = fc.array(fc.constantFrom("0", "1", "2", "3 0", "50"), { minLength: 1, maxLength: 7 });

test("a reload sets and gives back what its plan says, and an end gives back everything", async () => {
  await fc.assert(
    fc.asyncProperty(administrators, fc.array(config, { minLength: 2, maxLength: 5 }), async (values, configs) => {
      const machine = new Machine(values);
      const own = machine.settings();
      const [first = BASE_CONFIG, ...rest] = configs;
      const life = new Life(machine, first);
      await life.start();
      let before = first;
      for (const next of rest) {
        const expected = planned(machine.settings(), planReload(before, next, INTERFACES).sysctls, own);
        expect(await life.reload(next)).toBe(false);
        expect(machine.settings()).toEqual(expected);
        before = next;
      }
      life.stop();
      expect(machine.settings()).toEqual(own);
    }),
    { numRuns: RUNS },
  );
});

test("a reload that the kernel or anything else refuses leaves every setting as it was", async () => {
  await fc.assert(
    fc.asyncProperty(
      administrators,
      config,
      config,
      fc.constantFrom(undefined, ...PATHS),
      async (values, first, next, refused) => {
        const machine = new Machine(values);
        const own = machine.settings();
        const life = new Life(machine, first);
        await life.start();
        const before = machine.settings();
        machine.refused = refused;
        // Without an essential setting it is refused by itself; otherwise something else refuses it later.
        expect(await life.reload(next, true)).toBe(true);
        machine.refused = undefined;
        await life.reload(first);
        expect(machine.settings()).toEqual(before);
        life.stop();
        expect(machine.settings()).toEqual(own);
      },
    ),
    { numRuns: RUNS },
  );
});

test("a process that is killed at any write leaves nothing that the next one does not give back", async () => {
  await fc.assert(
    fc.asyncProperty(
      administrators,
      fc.array(fc.record({ first: config, next: config, killedAfter: fc.nat(30), stops: fc.boolean() }), {
        minLength: 1,
        maxLength: 4,
      }),
      config,
      async (values, lives, last) => {
        const machine = new Machine(values);
        const own = machine.settings();
        for (const { first, next, killedAfter, stops } of lives) {
          const life = new Life(machine, first, killedAfter);
          await life.start();
          await life.reload(next);
          if (stops) life.stop();
        }
        const life = new Life(machine, last);
        await life.start();
        const nothing = { ...BASE_CONFIG, services: [] };
        expect(machine.settings()).toEqual(planned(own, planReload(nothing, last, INTERFACES).sysctls, own));
        life.stop();
        expect(machine.settings()).toEqual(own);
      },
    ),
    { numRuns: RUNS },
  );
});
