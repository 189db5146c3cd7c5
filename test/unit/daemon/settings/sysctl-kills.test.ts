/** A router is killed at each step that it takes with the kernel's settings and their record on disk. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replaceFile } from "../../../../src/daemon/host/replace-file.ts";
import { StateDirectory } from "../../../../src/daemon/host/state-store.ts";
import { backupOnly, type WantedSysctl } from "../../../../src/daemon/settings/forwarding.ts";
import { isPromotion } from "../../../../src/daemon/settings/promotion.ts";
import { SysctlKeeper } from "../../../../src/daemon/settings/sysctl-keeper.ts";
import { Logger } from "../../../../src/log/logger.ts";

const FORWARD: WantedSysctl = { path: "net/ipv4/ip_forward", value: "1", why: "NAT routes" };
const PROMOTE: WantedSysctl = { path: "net/ipv4/conf/eth0/promote_secondaries", value: "1", why: "others stay" };
const THRESHOLD: WantedSysctl = { path: "net/ipv4/vs/sync_threshold", value: "3 0", why: "young connections" };
const ADMINISTRATORS = {
  [FORWARD.path]: "0",
  [PROMOTE.path]: "0",
  [THRESHOLD.path]: "3 50",
  [backupOnly("active").path]: "0",
};
const SILENT = new Logger({ write: () => {} }, { format: "text", level: "error", now: () => new Date(0) });

/** A kernel and a disk, which outlive the processes. */
class Machine implements Disposable {
  readonly settings = new Map<string, string>([["kernel/random/boot_id", "one"], ...Object.entries(ADMINISTRATORS)]);
  readonly folder = mkdtempSync(join(tmpdir(), "tandem-kills-"));

  get now(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.settings].filter(([path]) => path.startsWith("net/")));
  }

  get recorded(): unknown {
    const record = JSON.parse(readFileSync(join(this.folder, "sysctls.json"), "utf8")) as { settings: unknown };
    return record.settings;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A process whose steps are counted, and which is killed at one of them: it does nothing to the machine any more. */
class Life {
  readonly died = Promise.withResolvers<"killed">();
  steps = 0;
  readonly #machine: Machine;
  readonly #killedAt: number;
  readonly #directory: StateDirectory;
  readonly keeper: SysctlKeeper;
  #writing: Promise<void> = Promise.resolve();

  constructor(machine: Machine, killedAt = Number.POSITIVE_INFINITY) {
    this.#machine = machine;
    this.#killedAt = killedAt;
    this.#directory = new StateDirectory(
      machine.folder,
      { now: () => 0, onProblem: () => {}, onMended: () => {} },
      { replace: (path, text, aside) => this.#replace(path, text, aside) },
    );
    this.keeper = new SysctlKeeper(SILENT, this.#directory.file("sysctls.json"), {
      read: (path) => machine.settings.get(path),
      write: (path, value) => this.write(path, value),
    });
  }

  /** @returns whether the process gets beyond this point. */
  #survives(): boolean {
    this.steps += 1;
    if (this.steps >= this.#killedAt) this.died.resolve("killed");
    return this.steps < this.#killedAt;
  }

  async #replace(path: string, text: string, aside: string | undefined): Promise<void> {
    if (this.#survives()) {
      this.#writing = replaceFile(path, text, aside);
      await this.#writing;
    }
    // Nobody is there to be told of it.
    if (!this.#survives()) await new Promise(() => {});
  }

  write(path: string, value: string) {
    const previous = this.#machine.settings.get(path);
    if (previous === undefined) return { kind: "absent" } as const;
    if (this.#survives()) this.#machine.settings.set(path, value);
    this.#survives();
    return { kind: "changed", previous } as const;
  }

  async #settled(): Promise<void> {
    await this.#directory.settled();
    await Bun.sleep(0);
    await this.#directory.settled();
  }

  async #start(): Promise<void> {
    await this.keeper.prepare([FORWARD, PROMOTE]);
    this.keeper.apply([FORWARD]);
    // Its kernel thread does that, and tells of it.
    if (this.#machine.settings.get(PROMOTE.path) !== "1") {
      const { path, value, why } = PROMOTE;
      const outcome = this.write(path, value);
      if (outcome.kind === "changed") this.keeper.adopt([{ path, previous: outcome.previous, value }], why);
    }
    // IPVS is there a little later.
    this.keeper.apply([THRESHOLD, backupOnly("standby")]);
    await this.#settled();
    for (const role of ["active", "standby"] as const) this.keeper.apply([backupOnly(role)]);
    await this.#settled();
  }

  async #stop(): Promise<void> {
    this.keeper.end();
    this.keeper.giveBack((path) => !isPromotion(path));
    this.keeper.restore();
    await this.#settled();
  }

  /** From a start to the end of an orderly stop. */
  async run(between: () => void = () => {}): Promise<"ended" | "killed"> {
    const whole = async () => {
      await this.#start();
      between();
      await this.#stop();
      return "ended" as const;
    };
    const outcome = await Promise.race([whole(), this.died.promise]);
    // What the kernel was asked to write by then is on the disk before another process reads it.
    await this.#writing;
    return outcome;
  }
}

describe("a router that is killed", () => {
  test("at any step of its start or its stop leaves nothing that the next orderly stop does not give back", async () => {
    let outcome = "killed";
    let killedAt = 0;
    while (outcome === "killed") {
      using machine = new Machine();
      killedAt += 1;
      outcome = await new Life(machine, killedAt).run();
      const next = new Life(machine);
      expect([killedAt, await next.run()]).toEqual([killedAt, "ended"]);
      expect([killedAt, machine.now]).toEqual([killedAt, ADMINISTRATORS]);
      expect([killedAt, machine.recorded]).toEqual([killedAt, []]);
      // What the administrator sets after that is nobody else's, whatever the record said in between.
      machine.settings.set(FORWARD.path, "1");
      await new Life(machine).run();
      expect([killedAt, machine.settings.get(FORWARD.path)]).toEqual([killedAt, "1"]);
    }
    // Five settings there and back, each before and after, and the writing of records besides.
    expect(killedAt).toBeGreaterThan(20);
  });

  test("twice in a row, at any two steps, leaves nothing either", async () => {
    using machine = new Machine();
    const whole = new Life(machine);
    await whole.run();
    for (let first = 1; first <= whole.steps; first += 2) {
      for (let second = 1; second <= whole.steps; second += 5) {
        await new Life(machine, first).run();
        await new Life(machine, second).run();
        await new Life(machine).run();
        expect([first, second, machine.now]).toEqual([first, second, ADMINISTRATORS]);
      }
    }
  });
});

test("what the administrator changes while the router runs stays, also after a kill", async () => {
  using machine = new Machine();
  await new Life(machine).run(() => machine.settings.set(THRESHOLD.path, "5 5"));
  expect(machine.now).toEqual({ ...ADMINISTRATORS, [THRESHOLD.path]: "5 5" });
});

test.each([
  ["takes nothing", () => Promise.reject(new Error("no room"))],
  ["does not answer", () => new Promise<void>(() => {})],
])("a disk that %s keeps no setting back", async (_how, replace) => {
  using machine = new Machine();
  const directory = new StateDirectory(
    machine.folder,
    { now: () => 0, onProblem: () => {}, onMended: () => {} },
    { replace },
  );
  const keeper = new SysctlKeeper(SILENT, directory.file("sysctls.json"), {
    read: (path) => machine.settings.get(path),
    write: (path, value) => {
      machine.settings.set(path, value);
      return { kind: "changed", previous: "0" };
    },
  });
  await keeper.prepare([FORWARD], 1);
  expect(keeper.set(FORWARD)).toEqual({ kind: "changed", previous: "0" });
  expect(keeper.set(backupOnly("standby"))).toEqual({ kind: "changed", previous: "0" });
});
