import type { IpvsChange, ObservedService } from "../../model/ipvs-table.ts";
import { type RealServer, realServerKey, type Tunnel } from "../../model/real-server.ts";
import type { Persistence, ServiceKey, VirtualService } from "../../model/virtual-service.ts";

/** What should be: the servers, and those that stay as they are where the kernel has them. */
export interface PlannedService {
  readonly service: VirtualService;
  readonly servers: readonly RealServer[];
  readonly undecided?: readonly RealServer[];
}

function samePersistence(a: Persistence | undefined, b: Persistence | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.timeoutSeconds === b.timeoutSeconds && a.prefixLength === b.prefixLength && a.engine === b.engine;
}

/** Whether two virtual services with the same key are set alike. */
export function sameService(a: VirtualService, b: VirtualService): boolean {
  return (
    a.scheduler === b.scheduler &&
    a.onePacket === b.onePacket &&
    a.schedulerFlags.length === b.schedulerFlags.length &&
    a.schedulerFlags.every((flag) => b.schedulerFlags.includes(flag)) &&
    samePersistence(a.persistence, b.persistence)
  );
}

/** What the kernel takes when it is told no tunnel type (ip_vs_ctl.c). */
const PLAIN_TUNNEL: Tunnel = { type: "ipip", port: 0, checksum: "none" };

function sameTunnel(a: Tunnel = PLAIN_TUNNEL, b: Tunnel = PLAIN_TUNNEL): boolean {
  return a.type === b.type && a.port === b.port && a.checksum === b.checksum;
}

/** Whether the kernel's server is as wanted. */
export function sameServer(wanted: RealServer, observed: RealServer): boolean {
  // The kernel shows "local" for an address of its own, whatever it was told (ip_vs_ctl.c, __ip_vs_update_dest).
  const sameForward = wanted.forward === observed.forward || observed.forward === "local";
  return (
    sameForward &&
    wanted.weight === observed.weight &&
    wanted.upperThreshold === observed.upperThreshold &&
    wanted.lowerThreshold === observed.lowerThreshold &&
    (observed.forward !== "tunnel" || sameTunnel(wanted.tunnel, observed.tunnel))
  );
}

/**
 * The smallest ordered list of messages that makes one service as wanted. Servers are added before others are removed,
 * so that a service is never without one in between.
 * @param observed undefined: the kernel does not have the service
 */
export function planService(wanted: PlannedService, observed: ObservedService | undefined): IpvsChange[] {
  const { service } = wanted;
  const { key } = service;
  const changes: IpvsChange[] = [];
  if (observed === undefined) changes.push({ kind: "add-service", service });
  else if (!sameService(service, observed.service)) changes.push({ kind: "edit-service", service });
  const present = new Map(observed?.servers.map(({ server }) => [realServerKey(server), server]));
  const edits: IpvsChange[] = [];
  for (const server of wanted.servers) {
    const name = realServerKey(server);
    const existing = present.get(name);
    present.delete(name);
    if (existing === undefined) changes.push({ kind: "add-server", key, server });
    else if (!sameServer(server, existing)) edits.push({ kind: "edit-server", key, server });
  }
  for (const server of wanted.undecided ?? []) present.delete(realServerKey(server));
  changes.push(...edits);
  for (const { endpoint } of present.values()) changes.push({ kind: "delete-server", key, endpoint });
  return changes;
}

/**
 * The messages that make a whole table as wanted. Services that are neither wanted nor retired are foreign and stay.
 * @param observed by the text of the key (`formatServiceKey`)
 * @param retired services that were ours and are wanted no more
 */
export function planTable(
  wanted: ReadonlyMap<string, PlannedService>,
  observed: ReadonlyMap<string, ObservedService>,
  retired: ReadonlyMap<string, ServiceKey>,
): IpvsChange[] {
  const changes: IpvsChange[] = [];
  for (const [name, service] of wanted) changes.push(...planService(service, observed.get(name)));
  for (const [name, key] of retired) {
    if (!wanted.has(name) && observed.has(name)) changes.push({ kind: "delete-service", key });
  }
  return changes;
}
