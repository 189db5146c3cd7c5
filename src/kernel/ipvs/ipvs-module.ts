/**
 * The kernel module of IPVS: whether it is there, and how it is loaded. Kernels before 5.16 never load it by themselves;
 * later ones do when somebody asks for its netlink family by name, who then waits for that.
 */
import { existsSync, readFileSync } from "node:fs";
import { SupportError } from "../../lib/errors.ts";
import { systemMessage } from "../../lib/system-reason.ts";
import { IPVS_GENL_NAME } from "../../wire/ipvs/ipvs-numbers.ts";
import { hasGenericFamily } from "../netlink/generic-family.ts";
import { NetlinkConnection } from "../netlink/netlink-connection.ts";
import { IpvsClient } from "./ipvs-client.ts";

/** ip_vs_ctl.c, ip_vs_control_net_init: made when the module is loaded, a moment before it can be used. */
const TRACE = "/proc/net/ip_vs";
/** The program that the kernel loads modules with (proc(5)); empty: it loads none. */
const LOADER = "/proc/sys/kernel/modprobe";
/** kernel/module/kmod.c, call_modprobe: the whole environment of that program. */
const ENVIRONMENT = { HOME: "/", TERM: "linux", PATH: "/sbin:/usr/sbin:/bin:/usr/bin" };

/** Whether there is a sign of IPVS: reading it takes no lock of the kernel's, so that it never waits. */
export function hasIpvsTrace(): boolean {
  return existsSync(TRACE);
}

/** Whether this kernel has IPVS: its netlink family is there. It may wait for others who talk to IPVS. */
export function hasIpvs(): boolean {
  using connection = NetlinkConnection.open("generic");
  return hasGenericFamily(connection, IPVS_GENL_NAME);
}

/**
 * A client for who must not wait until a module is loaded.
 * @throws SupportError (exit code 4) when the kernel has not loaded IPVS, or does not permit it.
 */
export function openLoadedIpvs(): IpvsClient {
  if (hasIpvsTrace()) return IpvsClient.open();
  throw new SupportError({
    operation: "use IPVS",
    reason: "this kernel has not loaded it",
    hint: "run `modprobe ip_vs`",
  });
}

/** The words that load it, as the kernel itself would; undefined where the machine's administrator wants no loading. */
export function loadingCommand(): readonly string[] | undefined {
  let program: string;
  try {
    program = readFileSync(LOADER, "utf8").trim();
  } catch {
    // A kernel without modules.
    return undefined;
  }
  return program === "" ? undefined : [program, "-q", "--", "ip_vs"];
}

/** How the loading program ended, as a clause; empty when it succeeded. */
function runLoader(command: readonly string[]): string {
  try {
    const { exitCode, signalCode, stderr } = Bun.spawnSync([...command], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      env: ENVIRONMENT,
    });
    if (exitCode === 0) return "";
    const said = stderr.toString().trim().split("\n")[0] ?? "";
    const how = signalCode === undefined || signalCode === null ? `exit code ${exitCode}` : signalCode;
    return `ended with ${how}${said === "" ? "" : ` (${said})`}`;
  } catch (error) {
    return `cannot be started (${systemMessage(error)})`;
  }
}

/**
 * Loads IPVS where it is not there, and waits for it. What counts is whether it is there in the end: the program may fail
 * although it is, where it finds no modules.
 * @returns why IPVS is not there, a clause; undefined when it is. @throws NetlinkError, SyscallError, TandemError
 */
export function loadIpvs(): string | undefined {
  if (hasIpvs()) return undefined;
  const command = loadingCommand();
  if (command === undefined) return `it is not loaded, and ${LOADER} names no program that would load it`;
  const failure = runLoader(command);
  if (hasIpvs()) return undefined;
  return `\`${command.join(" ")}\` ${failure === "" ? "succeeded without making it available" : failure}`;
}
