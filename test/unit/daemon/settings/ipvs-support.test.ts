import { describe, expect, test } from "bun:test";
import type { Config } from "../../../../src/config/keys/config.ts";
import { parseConfig } from "../../../../src/config/parse.ts";
import { isBalancing, ServicesClaim } from "../../../../src/daemon/host/services-claim.ts";
import { IpvsSupport } from "../../../../src/daemon/settings/ipvs-support.ts";
import { SysctlKeeper } from "../../../../src/daemon/settings/sysctl-keeper.ts";
import { Logger } from "../../../../src/log/logger.ts";
import { QuickFile } from "../../../support/quick-disk.ts";
import { BASE } from "../../config/base.ts";

const NAME = `tandem-support-${process.pid}`;
const SETTING = "net/ipv4/vs/expire_nodest_conn";

function parsed(text: string): Config {
  const result = parseConfig(text);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.config;
}

const WITH_SERVICES = parsed(BASE);
const WITHOUT = parsed(BASE.slice(0, BASE.indexOf("[[service]]")));

/** A machine whose IPVS is loaded when the attempt ends. */
class Machine {
  readonly settings = new Map<string, string>();
  readonly logged: string[] = [];
  readonly told: boolean[] = [];
  readonly load = Promise.withResolvers<string | undefined>();
  readonly claim = new ServicesClaim(NAME);
  readonly support: IpvsSupport;

  constructor() {
    const sink = { write: (line: string) => this.logged.push(line.slice(25).trim()) };
    const logger = new Logger(sink, { format: "text", level: "info", now: () => new Date(0) });
    const sysctls = new SysctlKeeper(logger, new QuickFile(), {
      read: (path) => this.settings.get(path),
      write: (path, value) => {
        const previous = this.settings.get(path);
        if (previous === undefined) return { kind: "absent" };
        this.settings.set(path, value);
        return { kind: "changed", previous };
      },
    });
    this.support = new IpvsSupport({
      logger,
      sysctls,
      claim: this.claim,
      now: () => 0,
      onChange: (available) => this.told.push(available),
      kernel: { hasTrace: () => this.settings.size > 0, isThere: () => true, load: () => this.load.promise },
    });
  }

  async endLoad(reason: string | undefined): Promise<void> {
    if (reason === undefined) {
      this.settings.set(SETTING, "0").set("net/ipv4/vs/expire_quiescent_template", "0");
    }
    this.load.resolve(reason);
    await this.load.promise;
  }
}

describe("IpvsSupport", () => {
  test("says what is missing until IPVS is loaded, and sets what [ipvs] wants before it tells", async () => {
    const machine = new Machine();
    machine.support.configure(WITH_SERVICES, true);
    const absence = "the kernel has no IPVS, so nothing is balanced here: it is not loaded yet";
    expect([machine.told, machine.support.warnings]).toEqual([[false], [absence]]);
    await machine.endLoad(undefined);
    expect([machine.told, machine.support.warnings, machine.settings.get(SETTING)]).toEqual([[false, true], [], "1"]);
    expect(machine.logged).toEqual([
      `warn  ipvs: ${absence}`,
      `info  sysctl: ${SETTING} was 0, is 1: connections end with their real server`,
      "info  sysctl: net/ipv4/vs/expire_quiescent_template was 0, is 1: persistent clients leave a server of weight 0",
      "info  ipvs: the kernel has IPVS now",
    ]);
    machine.support.close();
  });

  test("touches no setting while IPVS is not there, and shows why it is not", async () => {
    const machine = new Machine();
    machine.support.configure(WITH_SERVICES, true);
    await machine.endLoad("`/sbin/modprobe -q -- ip_vs` ended with exit code 1");
    machine.support.watch();
    expect(machine.support.warnings).toEqual([
      "the kernel has no IPVS, so nothing is balanced here: `/sbin/modprobe -q -- ip_vs` ended with exit code 1",
    ]);
    machine.support.close();
  });

  test("claims this network namespace for a reload that adds services, and lets go of it where none are left", () => {
    const [machine, other] = [new Machine(), new Machine()];
    machine.support.claim(WITHOUT);
    expect(isBalancing(NAME)).toBe(false);
    machine.support.claim(WITH_SERVICES);
    machine.support.configure(WITH_SERVICES);
    expect(() => other.support.claim(WITH_SERVICES)).toThrow("cannot reload: another tandem with services runs");
    other.support.claim(WITHOUT);
    machine.support.configure(WITHOUT);
    expect([isBalancing(NAME), machine.support.warnings]).toEqual([false, []]);
    other.support.claim(WITH_SERVICES);
    other.support.close();
    expect(isBalancing(NAME)).toBe(false);
  });
});
