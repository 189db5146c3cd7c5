import { existsSync, readFileSync } from "node:fs";
import { isSameSetting } from "../../model/ipvs-setting.ts";
import type { Finding } from "../machine/preflight.ts";
import { readSysctl, sysctlCommand } from "../machine/sysctl.ts";
import { hasIpvsTrace, loadingCommand } from "./ipvs-module.ts";

/** What the router's services need of the kernel's IPVS. */
export interface IpvsRequest {
  /** Whether there are services. */
  readonly balances: boolean;
  /** Whether one of them listens for FTP. */
  readonly hasFtp: boolean;
  /** The kernel settings that the configuration wants, below /proc/sys. */
  readonly settings: readonly { readonly path: string; readonly value: string }[];
  /** Whether a daemon runs that keeps them in force. */
  readonly isKept: boolean;
}

/** What is looked at; a test gives another one. */
export interface IpvsHost {
  readonly hasIpvs: () => boolean;
  readonly sysctl: (path: string) => string | undefined;
  readonly exists: (path: string) => boolean;
  /** The words that would load IPVS; undefined where nothing is to be loaded. */
  readonly loadingCommand: () => readonly string[] | undefined;
  /** The text of a file; undefined where there is none. */
  readonly read: (path: string) => string | undefined;
}

const THIS_HOST: IpvsHost = {
  hasIpvs: hasIpvsTrace,
  sysctl: readSysctl,
  exists: existsSync,
  loadingCommand,
  read: (path) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  },
};

const LOAD = "modprobe ip_vs";

/** Why IPVS cannot be loaded, a clause; undefined when it seems that it can. */
function obstacle(host: IpvsHost): string | undefined {
  if (host.sysctl("kernel/modules_disabled") === "1")
    return "modules can't be loaded until the next start of the machine";
  if (host.loadingCommand() === undefined) return "/proc/sys/kernel/modprobe names no program that would load it";
  const folder = `/lib/modules/${host.sysctl("kernel/osrelease") ?? ""}`;
  // modules.dep(5): a line for each module, which may be compressed.
  const isThere = /\/ip_vs\.ko(\.\w+)?:/.test(host.read(`${folder}/modules.dep`) ?? "");
  return isThere ? undefined : `${folder} has no module ip_vs`;
}

function absence(host: IpvsHost): Finding {
  const why = obstacle(host);
  if (why === undefined) {
    return { name: "no-ipvs", severity: "note", text: "IPVS is not loaded yet: tandem run loads it", mend: LOAD };
  }
  return {
    name: "no-ipvs",
    severity: "error",
    text: `the kernel has no IPVS, so it cannot balance: ${why}`,
    mend: LOAD,
  };
}

function settingFinding(
  { path, value }: IpvsRequest["settings"][number],
  isKept: boolean,
  host: IpvsHost,
): Finding | undefined {
  const current = host.sysctl(path);
  if (current === undefined) {
    const key = path.slice(path.lastIndexOf("/") + 1);
    const text = `this kernel has no setting ${path}, which [ipvs] wants to be ${value}`;
    return { name: "ipvs-setting", severity: "warning", text, mend: `remove ${key} from [ipvs]` };
  }
  if (!isKept || isSameSetting(path, current, value)) return undefined;
  return {
    name: "ipvs-setting",
    severity: "warning",
    text: `${path} is ${current}, and [ipvs] wants ${value}: the running daemon has another configuration, or the kernel refuses it`,
    mend: sysctlCommand(path, value),
  };
}

/** What of the kernel's IPVS would be in the way of the services. Reads only. */
export function ipvsFindings(request: IpvsRequest, host: IpvsHost = THIS_HOST): Finding[] {
  if (!request.balances) return [];
  if (!host.hasIpvs()) return [absence(host)];
  const findings = request.settings.flatMap((setting) => settingFinding(setting, request.isKept, host) ?? []);
  if (request.hasFtp && host.exists("/sys/module/ip_vs_ftp")) {
    findings.push({
      name: "ip-vs-ftp",
      severity: "note",
      text:
        "the module ip_vs_ftp is loaded, and a service listens for FTP on port 21: passive transfers break where the real " +
        "servers themselves announce the VIP (pasv_address); use the one or the other",
      mend: "modprobe -r ip_vs_ftp",
    });
  }
  return findings;
}
