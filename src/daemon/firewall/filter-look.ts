/** A look at the firewall's rules, in a process of its own since the kernel may take a while. */
import { readFileSync, writeSync } from "node:fs";
import { AddressClient } from "../../kernel/addresses/address-client.ts";
import { LinkClient } from "../../kernel/addresses/link-client.ts";
import { RouteClient } from "../../kernel/addresses/route-client.ts";
import { ownFilterFindings } from "../../kernel/filter/filter-preflight.ts";
import type { Finding } from "../../kernel/machine/preflight.ts";
import { readSysctl } from "../../kernel/machine/sysctl.ts";
import { SIGKILL } from "../../sys/libc/constants.ts";
import { dieWithParent, parentProcessId, signalProcessGroup } from "../../sys/process/process.ts";
import { ownProgram } from "../host/own-program.ts";
import { type FlowConfig, filterFlows } from "./filter-flows.ts";
import { FILTER_LOOK_ARGUMENT } from "./filter-look-argument.ts";

/**
 * What of this host's packet filter would eat what the router needs. Large rulesets take the kernel a while.
 * @throws SyscallError, NetlinkError: exit code 4 where this user may not look.
 */
export function lookAtFilter(config: FlowConfig): readonly Finding[] {
  using links = LinkClient.open();
  using addresses = AddressClient.open();
  using routes = RouteClient.open();
  const flows = filterFlows(config, {
    links: links.list(),
    addresses: addresses.list(),
    interfaceTowards: (address) => routes.interfaceTowards(address),
    tracksIpvs: config.conntrack ?? readSysctl("net/ipv4/vs/conntrack") === "1",
  });
  return ownFilterFindings(flows);
}

const STDIN = 0;
const STDOUT = 1;
/** What takes longer hangs. */
const LOOK_LIMIT_MS = 20_000;
/** Sentences that a status can bear. */
const WARNINGS_MAX = 10;

/** What a look found, as warnings; what cannot be judged is none. */
function warningsOf(findings: readonly Finding[]): readonly string[] {
  return findings
    .filter(({ severity }) => severity !== "note")
    .slice(0, WARNINGS_MAX)
    .map(({ text }) => `${text}; \`tandem doctor\` has the command that mends it`);
}

/** The other process: reads the configuration from its input and says what it found. @returns the exit code. */
export function runFilterLook(): number {
  dieWithParent(parentProcessId());
  const config = JSON.parse(readFileSync(STDIN, "utf8")) as FlowConfig;
  writeSync(STDOUT, JSON.stringify(warningsOf(lookAtFilter(config))));
  return 0;
}

/**
 * Looks in a process of its own: heartbeats never wait for the kernel.
 * @param command is what the program of this process is started with; another one in tests
 * @returns warnings; undefined when there was no looking. Never throws.
 */
export async function lookAside(
  config: FlowConfig,
  command: readonly string[] = [...ownProgram(), FILTER_LOOK_ARGUMENT],
): Promise<readonly string[] | undefined> {
  try {
    const looker = Bun.spawn([...command], {
      stdin: new TextEncoder().encode(JSON.stringify(config)),
      stdout: "pipe",
      stderr: "ignore",
      detached: true,
    });
    const timer = setTimeout(() => signalProcessGroup(looker.pid, SIGKILL), LOOK_LIMIT_MS);
    const [said, exitCode] = await Promise.all([new Response(looker.stdout).text(), looker.exited]);
    clearTimeout(timer);
    const warnings: unknown = exitCode === 0 ? JSON.parse(said) : undefined;
    return Array.isArray(warnings) ? warnings.map(String) : undefined;
  } catch {
    // What it said is no JSON, or no process could be started: another look comes.
    return undefined;
  }
}
