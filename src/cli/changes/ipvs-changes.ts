/** Changes of the kernel's IPVS table as people read them, and the way they are made. */
import type { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import { formatEndpoint } from "../../model/address.ts";
import type { IpvsChange } from "../../model/ipvs-table.ts";
import type { RealServer } from "../../model/real-server.ts";
import { formatSchedulerFlag } from "../../model/scheduler-flag.ts";
import { formatServiceKey, type ServiceKey, serviceFamily, type VirtualService } from "../../model/virtual-service.ts";
import type { Change, ReportedChange } from "./changes.ts";

/** `sh sh-port, persistent 300s for /24`. */
export function describeSettings(service: VirtualService): string {
  const flags = service.schedulerFlags.map((flag) => formatSchedulerFlag(service.scheduler, flag));
  const parts = [[service.scheduler, ...flags].join(" ")];
  const { persistence } = service;
  if (persistence !== undefined) {
    const full = serviceFamily(service.key) === "inet" ? 32 : 128;
    const mask = persistence.irregularMask ?? `/${persistence.prefixLength}`;
    const network = mask === `/${full}` ? "" : ` for ${mask}`;
    const engine = persistence.engine === undefined ? "" : ` by ${persistence.engine}`;
    parts.push(`persistent ${persistence.timeoutSeconds}s${network}${engine}`);
  }
  if (service.onePacket) parts.push("one-packet");
  return parts.join(", ");
}

/** `nat`, `direct`, `tunnel gue port 6080`. */
export function describeForwarding(server: RealServer): string {
  const { tunnel } = server;
  if (server.forward !== "tunnel" || tunnel === undefined) return server.forward;
  const port = tunnel.type === "gue" ? ` port ${tunnel.port}` : "";
  const checksum = tunnel.checksum === "none" ? "" : ` checksum ${tunnel.checksum}`;
  return tunnel.type === "ipip" && checksum === "" ? "tunnel" : `tunnel ${tunnel.type}${port}${checksum}`;
}

/** `nat, weight 1`. */
export function describeServer(server: RealServer): string {
  const thresholds =
    server.upperThreshold === 0 && server.lowerThreshold === 0
      ? []
      : [`thresholds ${server.lowerThreshold} to ${server.upperThreshold}`];
  return [describeForwarding(server), `weight ${server.weight}`, ...thresholds].join(", ");
}

function serverSubject(key: ServiceKey, endpoint: string): string {
  return `real server ${endpoint} of ${formatServiceKey(key)}`;
}

/** One change as people read it. */
export function describeIpvsChange(change: IpvsChange): Change {
  switch (change.kind) {
    case "add-service":
    case "edit-service":
      return {
        do: change.kind === "add-service" ? "add" : "edit",
        subject: `virtual service ${formatServiceKey(change.service.key)}`,
        noun: "virtual service",
        detail: describeSettings(change.service),
      };
    case "delete-service":
      return {
        do: "remove",
        subject: `virtual service ${formatServiceKey(change.key)}`,
        noun: "virtual service",
      };
    case "add-server":
    case "edit-server":
      return {
        do: change.kind === "add-server" ? "add" : "edit",
        subject: serverSubject(change.key, formatEndpoint(change.server.endpoint)),
        noun: "real server",
        detail: describeServer(change.server),
      };
    case "delete-server":
      return {
        do: "remove",
        subject: serverSubject(change.key, formatEndpoint(change.endpoint)),
        noun: "real server",
      };
    case "zero":
      return {
        do: "zero",
        subject:
          change.key === undefined ? "the counters of all services" : `the counters of ${formatServiceKey(change.key)}`,
      };
  }
}

/** Makes the changes, or only says what they would be. */
export function performIpvsChanges(
  client: IpvsClient,
  changes: readonly IpvsChange[],
  dryRun: boolean,
): ReportedChange[] {
  if (dryRun) return changes.map((change) => ({ ...describeIpvsChange(change), outcome: { kind: "planned" } }));
  const errors = client.apply(changes);
  return changes.map((change, index) => {
    const error = errors[index];
    return {
      ...describeIpvsChange(change),
      outcome: error === undefined ? { kind: "done" } : { kind: "failed", error },
    };
  });
}

/** Something that is so already. */
export function unchanged(change: Change, reason: string): ReportedChange {
  return { ...change, outcome: { kind: "unchanged", reason } };
}
