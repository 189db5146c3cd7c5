import { describe, expect, test } from "bun:test";
import type { Config } from "../../../../src/config/keys/config.ts";
import { parseConfig } from "../../../../src/config/parse.ts";
import { SYSCTLS_SET } from "../../../../src/daemon/settings/forwarding.ts";
import { IpvsSettingsKeeper, ipvsSysctls } from "../../../../src/daemon/settings/ipvs-settings.ts";
import { SysctlKeeper } from "../../../../src/daemon/settings/sysctl-keeper.ts";
import { Logger } from "../../../../src/log/logger.ts";
import { QuickFile } from "../../../support/quick-disk.ts";
import { BASE } from "../../config/base.ts";

/** The base configuration with these lines in `[ipvs]`, and without its services when wanted. */
function config(lines: string, services = true): Config {
  const base = services ? BASE : BASE.slice(0, BASE.indexOf("[[service]]"));
  const result = parseConfig(`${base}\n[ipvs]\n${lines}\n`);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.config;
}

const VS = "net/ipv4/vs/";

/** A kernel with the settings given, and a keeper of `[ipvs]` on it. */
class Machine {
  readonly settings: Map<string, string>;
  readonly logged: string[] = [];
  readonly sysctls: SysctlKeeper;
  readonly keeper: IpvsSettingsKeeper;

  constructor(settings: Readonly<Record<string, string>>) {
    this.settings = new Map(Object.entries(settings).map(([name, value]) => [`${VS}${name}`, value]));
    const sink = { write: (line: string) => this.logged.push(line.slice(25).trim()) };
    const logger = new Logger(sink, { format: "text", level: "warn", now: () => new Date(0) });
    this.sysctls = new SysctlKeeper(logger, new QuickFile(), {
      read: (path) => this.settings.get(path),
      write: (path, value) => {
        const previous = this.settings.get(path);
        if (previous === undefined) return { kind: "absent" };
        this.settings.set(path, value);
        return { kind: "changed", previous };
      },
    });
    this.keeper = new IpvsSettingsKeeper(this.sysctls, logger);
  }

  put(used: Config): Readonly<Record<string, string>> {
    this.keeper.configure(used);
    this.keeper.settle();
    return this.values();
  }

  values(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.settings].map(([path, value]) => [path.slice(VS.length), value]));
  }
}

describe("ipvsSysctls()", () => {
  test("wants what serves clients where [ipvs] says nothing, and nothing without services", () => {
    expect(ipvsSysctls(config("")).map(({ path, value }) => `${path}=${value}`)).toEqual([
      "net/ipv4/vs/expire_nodest_conn=1",
      "net/ipv4/vs/expire_quiescent_template=1",
    ]);
    expect(ipvsSysctls(config("sloppy_tcp = true", false))).toEqual([]);
  });

  test("has only settings that the manual names", () => {
    const all = "sloppy_sctp = true\npmtu_disc = false\ndrop_entry = 3\nest_nice = -5\nam_droprate = 20";
    const wanted = ipvsSysctls(config(all)).map(({ path, value }) => `${path.slice(VS.length)}=${value}`);
    expect(wanted.slice(2)).toEqual(["sloppy_sctp=1", "pmtu_disc=0", "drop_entry=3", "am_droprate=20", "est_nice=-5"]);
    expect(SYSCTLS_SET.map(({ path }) => path)).toContain("net/ipv4/vs/{a key of [ipvs]}");
  });
});

describe("IpvsSettingsKeeper", () => {
  const FRESH = { expire_nodest_conn: "0", expire_quiescent_template: "0", conn_reuse_mode: "1", backup_only: "0" };

  test("sets what is wanted, puts right what somebody changes, and leaves the rest alone", () => {
    const machine = new Machine(FRESH);
    const inForce = { ...FRESH, expire_nodest_conn: "1", expire_quiescent_template: "1" };
    expect(machine.put(config(""))).toEqual(inForce);
    machine.settings.set(`${VS}expire_nodest_conn`, "0");
    machine.settings.set(`${VS}conn_reuse_mode`, "0");
    machine.keeper.settle();
    expect(machine.values()).toEqual({ ...inForce, conn_reuse_mode: "0" });
  });

  test("a reload changes settings, and gives back those that it no longer names", () => {
    const machine = new Machine(FRESH);
    machine.put(config("conn_reuse_mode = 2"));
    expect(machine.put(config("expire_nodest_conn = false\nconn_reuse_mode = 0"))).toMatchObject({
      expire_nodest_conn: "0",
      conn_reuse_mode: "0",
    });
    expect(machine.put(config(""))).toMatchObject({ expire_nodest_conn: "1", conn_reuse_mode: "1" });
  });

  test("without services all settings of IPVS are given back, those of synchronisation too", () => {
    const machine = new Machine(FRESH);
    machine.put(config(""));
    machine.sysctls.apply([{ path: `${VS}backup_only`, value: "1", why: "standby" }]);
    expect(machine.put(config("", false))).toEqual(FRESH);
  });

  test("at the end everything is as it was", () => {
    const machine = new Machine(FRESH);
    machine.put(config("conn_reuse_mode = 3"));
    machine.sysctls.restore();
    expect(machine.values()).toEqual(FRESH);
  });

  test("a setting that the kernel lacks is said once, and shown for as long as it is wanted", () => {
    const machine = new Machine(FRESH);
    machine.put(config("est_nice = 5"));
    machine.keeper.settle();
    expect(machine.logged).toEqual(["warn  ipvs: [ipvs]: this kernel has no setting net/ipv4/vs/est_nice"]);
    expect(machine.keeper.complaints).toEqual(["[ipvs]: this kernel has no setting net/ipv4/vs/est_nice"]);
    expect(machine.values()).toMatchObject({ expire_nodest_conn: "1" });
    machine.put(config(""));
    expect(machine.keeper.complaints).toEqual([]);
  });
});
