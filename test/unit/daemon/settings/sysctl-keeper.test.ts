import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StateDirectory } from "../../../../src/daemon/host/state-store.ts";
import type { WantedSysctl } from "../../../../src/daemon/settings/forwarding.ts";
import { SysctlKeeper } from "../../../../src/daemon/settings/sysctl-keeper.ts";
import { Logger } from "../../../../src/log/logger.ts";

const WANTED = { path: "net/ipv4/ip_forward", value: "1", why: "NAT routes" };
const OTHER = { path: "net/ipv4/vs/sync_threshold", value: "3 0", why: "young connections" };

/** A kernel with some settings, and a state directory that outlives the processes. */
class Machine implements AsyncDisposable {
  readonly settings = new Map([
    ["kernel/random/boot_id", "first"],
    [WANTED.path, "0"],
    [OTHER.path, "3 50"],
  ]);
  /** What the kernel refuses, and how. */
  readonly refused = new Map<string, string>();
  readonly logged: string[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), "tandem-sysctl-"));
  readonly #directories: StateDirectory[] = [];

  /** A process begins. */
  keeper(): SysctlKeeper {
    const directory = new StateDirectory(this.folder, { now: () => 0, onProblem: () => {}, onMended: () => {} });
    this.#directories.push(directory);
    const logger = new Logger(
      { write: (line) => this.logged.push(line) },
      { format: "text", level: "warn", now: () => new Date(0) },
    );
    return new SysctlKeeper(logger, directory.file("sysctls.json"), {
      read: (path) => this.settings.get(path),
      write: (path, value) => {
        const previous = this.settings.get(path);
        if (previous === undefined) return { kind: "absent" };
        if (previous === value) return { kind: "unchanged" };
        const reason = this.refused.get(path);
        if (reason !== undefined) return { kind: "refused", reason };
        this.settings.set(path, value);
        return { kind: "changed", previous };
      },
    });
  }

  /** What was to be written is on the disk, and what waited for that is set. */
  async settled(): Promise<void> {
    await Promise.all(this.#directories.map((directory) => directory.settled()));
    await Bun.sleep(0);
    await Promise.all(this.#directories.map((directory) => directory.settled()));
  }

  async applied(keeper: SysctlKeeper, wanted: readonly WantedSysctl[]): Promise<void> {
    keeper.apply(wanted);
    await this.settled();
  }

  values(): (string | undefined)[] {
    return [WANTED, OTHER].map(({ path }) => this.settings.get(path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settled();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe("SysctlKeeper", () => {
  test("sets what differs and gives it back at the end", async () => {
    await using machine = new Machine();
    const keeper = machine.keeper();
    expect(keeper.set(WANTED)).toEqual({ kind: "recording" });
    await machine.applied(keeper, [WANTED, OTHER]);
    expect(machine.values()).toEqual(["1", "3 0"]);
    expect(keeper.apply([WANTED, OTHER])).toBe(0);
    keeper.restore();
    expect(machine.values()).toEqual(["0", "3 50"]);
  });

  test("sets what waits for the disk, the newest value only, and says when that is done", async () => {
    await using machine = new Machine();
    const keeper = machine.keeper();
    keeper.set({ ...WANTED, value: "5" });
    keeper.set(WANTED);
    keeper.set(OTHER);
    expect(machine.values()).toEqual(["0", "3 50"]);
    await keeper.settled();
    expect(machine.values()).toEqual(["1", "3 0"]);
  });

  test("sets nothing any more at its end", async () => {
    await using machine = new Machine();
    const keeper = machine.keeper();
    keeper.set(WANTED);
    keeper.end();
    await machine.settled();
    expect([keeper.set(OTHER), machine.values()]).toEqual([{ kind: "unchanged" }, ["0", "3 50"]]);
  });

  test("leaves alone what had the value already, and what is absent", async () => {
    await using machine = new Machine();
    machine.settings.set(WANTED.path, "1");
    const keeper = machine.keeper();
    expect(keeper.apply([WANTED, { ...OTHER, path: "net/ipv4/vs/none" }])).toBe(0);
    keeper.restore();
    expect(machine.settings.get(WANTED.path)).toBe("1");
  });

  test("gives back what a process before it found, that was killed", async () => {
    await using machine = new Machine();
    await machine.applied(machine.keeper(), [WANTED, OTHER]);
    const next = machine.keeper();
    expect(next.apply([WANTED, OTHER])).toBe(0);
    next.restore();
    expect(machine.values()).toEqual(["0", "3 50"]);
    await machine.settled();
    machine.keeper().restore();
    expect(machine.values()).toEqual(["0", "3 50"]);
  });

  test("remembers the first value of a setting that it sets to and fro", async () => {
    await using machine = new Machine();
    const path = WANTED.path;
    machine.settings.set(path, "7");
    const keeper = machine.keeper();
    for (const value of ["0", "1", "0"]) await machine.applied(keeper, [{ ...WANTED, value }]);
    machine.keeper().restore();
    expect(machine.settings.get(path)).toBe("7");
  });

  test.each(["that set it", "after it"])(
    "the process %s keeps its hands off what somebody has changed",
    async (which) => {
      await using machine = new Machine();
      const keeper = machine.keeper();
      await machine.applied(keeper, [WANTED, OTHER]);
      machine.settings.set(OTHER.path, "5 5");
      (which === "after it" ? machine.keeper() : keeper).restore();
      expect(machine.values()).toEqual(["0", "5 5"]);
    },
  );

  test("after a boot all settings are the kernel's own again", async () => {
    await using machine = new Machine();
    await machine.applied(machine.keeper(), [WANTED]);
    machine.settings.set("kernel/random/boot_id", "second");
    machine.keeper().restore();
    expect(machine.settings.get(WANTED.path)).toBe("1");
  });

  test.each([
    "not JSON",
    "[]",
    '{"boot":"first","settings":7}',
    '{"boot":"first","settings":[7,{"path":"net/x"},{"path":"../../etc/passwd","previous":"a","ours":"b"}]}',
    '{"boot":"first","settings":[{"path":"kernel/random/boot_id","previous":"a","ours":"first"}]}',
  ])("takes nothing from a file that says %s", async (text) => {
    await using machine = new Machine();
    writeFileSync(join(machine.folder, "sysctls.json"), text);
    machine.keeper().restore();
    expect(machine.settings.get("kernel/random/boot_id")).toBe("first");
    expect(machine.values()).toEqual(["0", "3 50"]);
  });

  test("what it keeps is on the disk as long as it is needed", async () => {
    await using machine = new Machine();
    const keeper = machine.keeper();
    await machine.applied(keeper, [WANTED]);
    const kept = () => JSON.parse(readFileSync(join(machine.folder, "sysctls.json"), "utf8")) as unknown;
    expect(kept()).toEqual({
      version: 1,
      boot: "first",
      settings: [{ path: WANTED.path, previous: "0", ours: "1" }],
    });
    keeper.restore();
    await machine.settled();
    expect(kept()).toEqual({ version: 1, boot: "first", settings: [] });
  });

  test("gives some back before the end, and the rest then", async () => {
    await using machine = new Machine();
    const keeper = machine.keeper();
    await machine.applied(keeper, [WANTED, OTHER]);
    keeper.giveBack((path) => path.startsWith("net/ipv4/vs/"));
    expect(machine.values()).toEqual(["1", "3 50"]);
    // Nobody's but the administrator's from now on.
    machine.settings.set(OTHER.path, "3 0");
    keeper.restore();
    expect(machine.values()).toEqual(["0", "3 0"]);
  });

  test.each(["drop_entry", "drop_packet", "secure_tcp"])(
    "takes what the kernel makes of an automatic %s for what was set",
    async (name) => {
      await using machine = new Machine();
      const path = `net/ipv4/vs/${name}`;
      machine.settings.set(path, "0");
      const keeper = machine.keeper();
      await machine.applied(keeper, [{ path, value: "1", why: "memory" }]);
      expect(machine.settings.get(path)).toBe("1");
      // Memory is short.
      machine.settings.set(path, "2");
      expect(keeper.set({ path, value: "1", why: "memory" })).toEqual({ kind: "unchanged" });
      await machine.settled();
      machine.keeper().restore();
      expect(machine.settings.get(path)).toBe("0");
    },
  );

  test("gives back at the end what the kernel refused to take back before", async () => {
    await using machine = new Machine();
    const keeper = machine.keeper();
    await machine.applied(keeper, [WANTED, OTHER]);
    machine.refused.set(OTHER.path, "ENOMEM");
    keeper.giveBack((path) => path === OTHER.path);
    expect(machine.values()).toEqual(["1", "3 0"]);
    machine.refused.clear();
    keeper.restore();
    expect(machine.values()).toEqual(["0", "3 50"]);
  });

  test("tells once why the kernel refuses a setting, and again when the reason is another one", async () => {
    await using machine = new Machine();
    const keeper = machine.keeper();
    for (const reason of ["EINVAL", "EINVAL", "EACCES", undefined, "EACCES"]) {
      machine.settings.set(OTHER.path, "3 50");
      if (reason === undefined) machine.refused.clear();
      else machine.refused.set(OTHER.path, reason);
      await machine.applied(keeper, [OTHER]);
    }
    expect(machine.logged.map((line) => /\((\w+)\)/.exec(line)?.[1])).toEqual(["EINVAL", "EACCES", "EACCES"]);
  });

  test("gives back what another part of the process has changed, some of it later", async () => {
    await using machine = new Machine();
    const path = "net/ipv4/conf/eth0/promote_secondaries";
    machine.settings.set(path, "1");
    const keeper = machine.keeper();
    await machine.applied(keeper, [WANTED]);
    keeper.adopt([{ path, previous: "0", value: "1" }], "others stay");
    keeper.giveBack((one) => one !== path);
    expect([machine.settings.get(WANTED.path), machine.settings.get(path)]).toEqual(["0", "1"]);
    await machine.settled();
    // What was not given back is given back by the next process.
    machine.keeper().restore();
    expect(machine.settings.get(path)).toBe("0");
  });

  test("finds the settings of an interface that has another name by now", async () => {
    await using machine = new Machine();
    const keeper = machine.keeper();
    const path = (name: string) => `net/ipv4/conf/${name}/promote_secondaries`;
    machine.settings.set(path("eth0"), "1").set(path("eth1"), "1");
    keeper.adopt(
      ["eth0", "eth1"].map((name) => ({ path: path(name), previous: "0", value: "1" })),
      "others stay",
    );
    machine.settings.delete(path("eth0"));
    machine.settings.set(path("lan0"), "1");
    keeper.renamed("eth0", "lan0");
    keeper.restore();
    expect(["lan0", "eth1"].map((name) => machine.settings.get(path(name)))).toEqual(["0", "0"]);
  });
});
