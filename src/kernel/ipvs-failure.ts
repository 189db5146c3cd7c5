/** What the kernel means when it refuses a change of the IPVS table (net/netfilter/ipvs/ip_vs_ctl.c). */
import type { NetlinkError } from "../lib/errors.ts";
import { formatEndpoint } from "../model/address.ts";
import type { IpvsChange } from "../model/ipvs-table.ts";
import type { RealServer } from "../model/real-server.ts";
import { formatServiceKey, type ServiceKey, serviceFamily, type VirtualService } from "../model/virtual-service.ts";
import type { Refusal } from "./netlink-connection.ts";
import { netlinkError } from "./netlink-failure.ts";

/** asm-generic/errno-base.h and errno.h */
const ENOENT = 2;
const ESRCH = 3;
const EEXIST = 17;
const EINVAL = 22;
const ERANGE = 34;
const EAFNOSUPPORT = 97;

const OPERATIONS = {
  "add-service": "add virtual service",
  "edit-service": "edit virtual service",
  "delete-service": "delete virtual service",
  "add-server": "add real server",
  "edit-server": "edit real server",
  "delete-server": "delete real server",
  zero: "zero the counters of",
} satisfies Readonly<Record<IpvsChange["kind"], string>>;

interface Meaning {
  readonly reason?: string;
  readonly hint?: string;
}

/** The error of a change that the kernel refused. */
export function ipvsFailure(refusal: Refusal, change: IpvsChange): NetlinkError {
  return netlinkError(refusal, {
    operation: OPERATIONS[change.kind],
    subject: subjectOf(change),
    ...meaningOf(refusal.errno, change),
  });
}

function subjectOf(change: IpvsChange): string {
  switch (change.kind) {
    case "add-service":
    case "edit-service":
      return formatServiceKey(change.service.key);
    case "add-server":
    case "edit-server":
      return `${formatEndpoint(change.server.endpoint)} of ${formatServiceKey(change.key)}`;
    case "delete-server":
      return `${formatEndpoint(change.endpoint)} of ${formatServiceKey(change.key)}`;
    default:
      return change.key === undefined ? "all services" : formatServiceKey(change.key);
  }
}

function meaningOf(errno: number, change: IpvsChange): Meaning {
  if (errno === EAFNOSUPPORT) return { reason: "this kernel has no IPVS for IPv6" };
  switch (change.kind) {
    case "add-service":
    case "edit-service":
      return serviceMeaning(errno, change.service);
    case "add-server":
    case "edit-server":
      return serverMeaning(errno, change.key, change.server);
    case "delete-server":
      return errno === ENOENT ? { reason: "the service has no such real server" } : missingService(errno);
    default:
      return missingService(errno);
  }
}

function missingService(errno: number): Meaning {
  return errno === ESRCH || errno === ENOENT ? { reason: "there is no such virtual service" } : {};
}

function serviceMeaning(errno: number, service: VirtualService): Meaning {
  if (errno === EEXIST) return { reason: "it exists already", hint: "use `tandem service edit`" };
  if (errno === ESRCH) return { reason: "there is no such virtual service", hint: "use `tandem service add`" };
  if (errno !== ENOENT) return {};
  // The kernel looks for the scheduler and for the persistence engine by name and does not say which it lacks.
  const engine = service.persistence?.engine;
  const scheduler = `the kernel has no scheduler ${service.scheduler}`;
  const load = `modprobe ip_vs_${service.scheduler}`;
  if (engine === undefined) return { reason: scheduler, hint: `run \`${load}\`` };
  return {
    reason: `${scheduler} or no persistence engine ${engine}`,
    hint: `run \`${load}\` and \`modprobe ip_vs_pe_${engine}\``,
  };
}

function serverMeaning(errno: number, key: ServiceKey, server: RealServer): Meaning {
  if (errno === EEXIST) return { reason: "the service has it already", hint: "use `tandem real edit`" };
  if (errno === ENOENT) return { reason: "the service has no such real server", hint: "use `tandem real add`" };
  if (errno === ESRCH) return { reason: "there is no such virtual service", hint: "use `tandem service add` first" };
  if (errno === ERANGE && server.lowerThreshold > server.upperThreshold) {
    return { reason: `the lower threshold ${server.lowerThreshold} is above the upper one ${server.upperThreshold}` };
  }
  if (errno !== EINVAL) return {};
  if (serviceFamily(key) !== server.endpoint.address.family) {
    return {
      reason: "the service and the real server are of different address families",
      hint: "that works only with tunnel forwarding, and only while no sync daemon runs",
    };
  }
  if (server.tunnel?.type === "gue" && server.tunnel.port === 0) return { reason: "a gue tunnel needs a port" };
  // RTN_LOCAL, RTN_UNICAST: ip_vs_new_dest takes no broadcast or multicast address, and of IPv6 no address it cannot route.
  return { reason: "the address is no unicast address of this network" };
}
