/** What `doctor` says of a running daemon. */
import { SilentDaemonError } from "../../daemon/control/control-client.ts";
import { notReadyText, unprovableText } from "../../daemon/status/fitness-warnings.ts";
import type { StatusReport, VipStatus } from "../../daemon/status/status-report.ts";
import type { Finding } from "../../kernel/machine/preflight.ts";
import { TandemError } from "../../lib/errors.ts";
import type { CommandContext } from "../line/context.ts";
import { askStatus } from "../line/daemon-report.ts";

/** What a running daemon knows and a look at this host alone does not show; undefined: no daemon answers. */
export async function daemonFindings(context: CommandContext): Promise<readonly Finding[] | undefined> {
  try {
    return findingsOf(await askStatus(context));
  } catch (error) {
    if (error instanceof SilentDaemonError) return [silentFinding(error)];
    if (error instanceof TandemError) return undefined;
    throw error;
  }
}

function silentFinding({ subject, reason }: SilentDaemonError): Finding {
  const mend = "systemctl restart tandem   # or kill -CONT, where somebody stopped it";
  return { name: "silent-daemon", severity: "error", text: `the daemon of ${subject}: ${reason}`, mend };
}

/** Every alarm, and what else keeps the pair from working, as an error; whatever else the daemon warns of as a warning. */
export function findingsOf(report: StatusReport): readonly Finding[] {
  const { router, peer, alarms, vips, warnings, advice } = report;
  const alarming = alarms.map(({ kind, text, mend = "" }): Finding => ({ name: kind, severity: "error", text, mend }));
  const unready = router.role === "standby" && peer.alive && peer.role === "active" ? router.notReady : null;
  const mends = new Map(advice.map(({ text, mend = "" }) => [text, mend]));
  const said = new Set([
    ...alarms.map(({ text }) => text),
    ...vips.flatMap(({ address, unprovable }) =>
      unprovable === null || unprovable === undefined ? [] : [unprovableText(bare(address), peer.name, unprovable)],
    ),
    ...(unready === null ? [] : [notReadyText(router.name, unready)]),
  ]);
  return [
    ...alarming,
    ...vips.flatMap((vip) => unprovableFinding(vip, peer.name)),
    ...(unready === null ? [] : [unreadyFinding(router.name, unready)]),
    ...warnings
      .filter((text) => !said.has(text))
      .map((text): Finding => ({ name: "daemon-warning", severity: "warning", text, mend: mends.get(text) ?? "" })),
  ];
}

/** Without its prefix length. */
function bare(address: string): string {
  return address.slice(0, address.indexOf("/"));
}

function unreadyFinding(router: string, why: string): Finding {
  return { name: "not-ready", severity: "error", text: `${router} could not take over: ${why}`, mend: "" };
}

/** Without those warnings of the daemon that say of a VIP, or at length, what a look at this host has found as well. */
export function withoutRepetitions(ofDaemon: readonly Finding[], ofHost: readonly Finding[]): readonly Finding[] {
  const isFound = ({ name, text }: Finding): boolean => {
    if (name !== "daemon-warning") return false;
    return ofHost.some((found) => {
      return text.endsWith(found.text) || (found.name === "no-ipvs" && text.startsWith("the kernel has no IPVS"));
    });
  };
  return ofDaemon.filter((finding) => !isFound(finding));
}

const PROBLEMS: Readonly<Record<"silent" | "answers", { readonly how: string; readonly mend: string }>> = {
  silent: {
    how: "does not answer ARP or neighbour solicitations for it although it has it, so its death cannot be told from a blip",
    mend: "sysctl net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_filter   # there; and look for a filter of ARP",
  },
  answers: {
    how: "answers for it although it does not have it, so it will look alive when it is dead",
    mend: "sysctl net.ipv4.conf.all.proxy_arp   # there",
  },
};

function unprovableFinding({ address, unprovable }: VipStatus, peer: string): Finding[] {
  if (unprovable === null || unprovable === undefined) return [];
  const { how, mend } = PROBLEMS[unprovable];
  return [{ name: "unprovable-vip", severity: "error", text: `${address}: ${peer}'s kernel ${how}`, mend }];
}
