/** Kernel settings of `[ipvs]`, kept in force while there are services. */
import type { Config } from "../../config/keys/config.ts";
import { IPVS } from "../../config/keys/ipvs-keys.ts";
import type { Logger } from "../../log/logger.ts";
import { type IpvsSetting, ipvsSettingPath, ipvsSettingText } from "../../model/ipvs-setting.ts";
import type { WantedSysctl } from "./forwarding.ts";
import type { SetOutcome, SysctlKeeper } from "./sysctl-keeper.ts";

/** What the settings with defaults are for; the others are the administrator's own choice. */
const WHY: Readonly<Partial<Record<IpvsSetting, string>>> = {
  expire_nodest_conn: "connections end with their real server",
  expire_quiescent_template: "persistent clients leave a server of weight 0",
};

/** The kernel settings of `[ipvs]`; none without services. */
export function ipvsSysctls({ ipvs, services }: Pick<Config, "ipvs" | "services">): readonly WantedSysctl[] {
  if (services.length === 0) return [];
  return Object.entries(ipvs).map(([name, value]) => {
    const setting = name as IpvsSetting;
    return {
      path: ipvsSettingPath(setting),
      value: ipvsSettingText(value),
      why: WHY[setting] ?? "[ipvs] wants it",
    };
  });
}

/** All of the kernel's settings of IPVS are below here; … */
const IPVS_FOLDER = "net/ipv4/vs/";
/** … and these are those that a configuration can set. */
const SETTABLE: ReadonlySet<string> = new Set(Object.keys(IPVS.spec).map((name) => `${IPVS_FOLDER}${name}`));

function complaint({ path }: WantedSysctl, outcome: SetOutcome): string | undefined {
  if (outcome.kind === "absent") return `[ipvs]: this kernel has no setting ${path}`;
  if (outcome.kind === "refused") return `[ipvs]: the kernel refuses to set ${path} (${outcome.reason})`;
  return undefined;
}

/** Keeps `[ipvs]` in force while there are services, and gives back what is not wanted any more. */
export class IpvsSettingsKeeper {
  readonly #sysctls: SysctlKeeper;
  readonly #logger: Logger;
  #wanted: readonly WantedSysctl[] = [];
  #complaints: readonly string[] = [];

  constructor(sysctls: SysctlKeeper, logger: Logger) {
    this.#sysctls = sysctls;
    this.#logger = logger;
  }

  /** What of `[ipvs]` this kernel does not take, in sentences. */
  get complaints(): readonly string[] {
    return this.#complaints;
  }

  /** Takes over a configuration; `settle` puts it in force. What a process before this one set is given back as well. */
  configure(config: Config): void {
    this.#wanted = ipvsSysctls(config);
    this.#complaints = [];
    const wanted = new Set(this.#wanted.map(({ path }) => path));
    // Without services IPVS is none of ours: also what synchronisation has set.
    this.#sysctls.giveBack((path) =>
      config.services.length === 0 ? path.startsWith(IPVS_FOLDER) : SETTABLE.has(path) && !wanted.has(path),
    );
  }

  /** Sets what has another value, and says once what this kernel does not take. IPVS has to be there. */
  settle(): void {
    const complaints: string[] = [];
    for (const wanted of this.#wanted) {
      const outcome = this.#sysctls.set(wanted);
      const sentence = complaint(wanted, outcome);
      if (sentence === undefined) continue;
      complaints.push(sentence);
      // What is refused is logged where it is set.
      if (outcome.kind === "absent" && !this.#complaints.includes(sentence)) this.#logger.warn("ipvs", sentence);
    }
    this.#complaints = complaints;
  }
}
