/** The plan of a reload as people read it: what is added comes first, what goes comes last, as it is done. */
import type { ReloadPlan, SysctlChange, VipChange } from "../../daemon/reload/reload-plan.ts";
import { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import { readSysctl } from "../../kernel/machine/sysctl.ts";
import { TandemError } from "../../lib/errors.ts";
import { formatEndpoint } from "../../model/address.ts";
import { isSameSetting } from "../../model/ipvs-setting.ts";
import type { IpvsChange, ObservedService } from "../../model/ipvs-table.ts";
import { formatVip } from "../../model/vip.ts";
import { formatServiceKey } from "../../model/virtual-service.ts";
import type { Change } from "../changes/changes.ts";
import { describeIpvsChange } from "../changes/ipvs-changes.ts";
import { counted } from "../output/figures.ts";

function vipChange({ do: verb, vip, before }: VipChange): Change {
  const label = (of: typeof vip) => (of.label === undefined ? "" : ` label ${of.label}`);
  const detail = before === undefined ? {} : { detail: `was ${formatVip(before)}${label(before)}` };
  return { do: verb, subject: `VIP ${formatVip(vip)}${label(vip)}`, noun: "VIP", ...detail };
}

function openConnections(servers: ObservedService["servers"]): number {
  return servers.reduce((sum, { activeConnections }) => sum + activeConnections, 0);
}

function isDeletion(change: IpvsChange): change is Extract<IpvsChange, { kind: "delete-service" | "delete-server" }> {
  return change.kind === "delete-service" || change.kind === "delete-server";
}

/** The clients that are connected to what goes; nothing where that is not known or nobody is. */
function ending(change: IpvsChange, table: ReadonlyMap<string, ObservedService>): { readonly detail?: string } {
  if (!isDeletion(change)) return {};
  const servers = table.get(formatServiceKey(change.key))?.servers ?? [];
  const name = change.kind === "delete-server" ? formatEndpoint(change.endpoint) : undefined;
  const going = servers.filter(({ server }) => name === undefined || formatEndpoint(server.endpoint) === name);
  const count = openConnections(going);
  return count === 0 ? {} : { detail: `${counted(count, "open connection")}` };
}

/** A setting that the kernel has already is not changed. */
function sysctlChange({ path, to }: SysctlChange): readonly Change[] {
  const subject = `kernel setting ${path}`;
  if (to === undefined) return [{ do: "edit", subject, detail: "back to what it was before tandem" }];
  const current = readSysctl(path);
  if (current !== undefined && isSameSetting(path, current, to)) return [];
  return [{ do: "edit", subject, detail: current === undefined ? `to ${to}` : `from ${current} to ${to}` }];
}

const RANKS: Readonly<Record<string, number>> = { add: 0, edit: 1, remove: 2 };

/** Each thing that a reload changes, in the order in which it does. */
export function reloadChanges(plan: ReloadPlan): readonly Change[] {
  // It may be large, and only what goes is looked up in it.
  const table = plan.table.some(isDeletion) ? kernelTable() : new Map<string, ObservedService>();
  const changes = [
    ...plan.vips.map(vipChange),
    ...plan.table.map((change) => ({ ...describeIpvsChange(change), ...ending(change, table) })),
    ...plan.sysctls.flatMap(sysctlChange),
    ...plan.parts,
    ...plan.settings.map(
      ({ key, from = "unset", to = "unset" }): Change => ({
        do: "edit",
        subject: key,
        detail: `from ${from} to ${to}`,
      }),
    ),
  ];
  return changes.toSorted((one, other) => (RANKS[one.do] ?? 0) - (RANKS[other.do] ?? 0));
}

/** The kernel's services by key; none where it has no IPVS or this user may not read it. */
function kernelTable(): ReadonlyMap<string, ObservedService> {
  try {
    using client = IpvsClient.open();
    return new Map(client.table().map((entry) => [formatServiceKey(entry.service.key), entry]));
  } catch (error) {
    if (error instanceof TandemError) return new Map();
    throw error;
  }
}
