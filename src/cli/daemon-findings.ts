import type { StatusReport, VipStatus } from "../daemon/status-report.ts";
import type { Finding } from "../kernel/preflight.ts";
import { TandemError } from "../lib/errors.ts";
import type { CommandContext } from "./context.ts";
import { askStatus } from "./daemon-report.ts";

/** What a running daemon knows and a look at this host alone does not show; nothing where no daemon answers. */
export async function daemonFindings(context: CommandContext): Promise<readonly Finding[]> {
  try {
    return findingsOf(await askStatus(context));
  } catch (error) {
    if (error instanceof TandemError) return [];
    throw error;
  }
}

/** Alarms, VIPs whose owner cannot be proven, and a standby that could not take over. */
export function findingsOf(report: StatusReport): readonly Finding[] {
  const { router, peer, alarms, vips } = report;
  const alarming = alarms.map(
    ({ kind, text }): Finding => ({ name: kind, severity: "error", text, mend: "tandem status" }),
  );
  const unready = router.role === "standby" && peer.alive && peer.role === "active" ? router.notReady : null;
  return [
    ...alarming,
    ...vips.flatMap((vip) => unprovableFinding(vip, peer.name)),
    ...(unready === null
      ? []
      : [
          {
            name: "not-ready",
            severity: "error" as const,
            text: `${router.name} could not take over: ${unready}`,
            mend: "tandem status",
          },
        ]),
  ];
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
