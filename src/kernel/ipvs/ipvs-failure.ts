/**
 * What the kernel means when it refuses a change of the IPVS table, a timeout or a sync daemon: each place in Linux's
 * net/netfilter/ipvs/ip_vs_ctl.c and ip_vs_sync.c that gives an error number, as a sentence with the way out.
 */
import type { NetlinkError } from "../../lib/errors.ts";
import { formatEndpoint } from "../../model/address.ts";
import type { IpvsChange } from "../../model/ipvs-table.ts";
import { type RealServer, WEIGHT_MAX } from "../../model/real-server.ts";
import { isMulticast, type SyncDaemon } from "../../model/sync-daemon.ts";
import { formatServiceKey, type ServiceKey, serviceFamily, type VirtualService } from "../../model/virtual-service.ts";
import type { Refusal } from "../netlink/netlink-connection.ts";
import { netlinkError } from "../netlink/netlink-failure.ts";

/** asm-generic/errno-base.h and errno.h */
const ENOENT = 2;
const ESRCH = 3;
const ENOMEM = 12;
const EEXIST = 17;
const ENODEV = 19;
const EINVAL = 22;
const ERANGE = 34;
const ENOPROTOOPT = 92;
const EAFNOSUPPORT = 97;
const EADDRINUSE = 98;
const EADDRNOTAVAIL = 99;
const ENETUNREACH = 101;
const ENOBUFS = 105;

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
  readonly unsupported?: boolean;
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

/** What an error number means whatever was tried. */
function commonMeaning(errno: number): Meaning | undefined {
  switch (errno) {
    case EAFNOSUPPORT:
      return { reason: "this kernel has no IPVS for IPv6", unsupported: true };
    case ENOPROTOOPT:
      return { reason: "the IPVS module is being removed", hint: "run `modprobe ip_vs`", unsupported: true };
    case ENOMEM:
      return { reason: "the kernel has no memory left for it", hint: "free memory of this machine, and try again" };
    default:
      return undefined;
  }
}

function meaningOf(errno: number, change: IpvsChange): Meaning {
  const common = commonMeaning(errno);
  if (common !== undefined) return common;
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
  // ip_vs_add_service, ip_vs_edit_service: only IPv6 prefixes are looked at.
  if (errno === EINVAL && service.persistence !== undefined && serviceFamily(service.key) === "inet6") {
    return { reason: `the persistence prefix ${service.persistence.prefixLength} is not one of 1 to 128` };
  }
  if (errno !== ENOENT) return {};
  // The kernel looks for the scheduler and for the persistence engine by name and does not say which it lacks.
  const engine = service.persistence?.engine;
  const scheduler = `the kernel has no scheduler ${service.scheduler}`;
  const load = `modprobe ip_vs_${service.scheduler}`;
  if (engine === undefined) {
    const hint = `run \`${load}\`; where that finds no module, this kernel was built without it: take another scheduler`;
    return { reason: scheduler, hint, unsupported: true };
  }
  return {
    reason: `${scheduler} or no persistence engine ${engine}`,
    hint: `run \`${load}\` and \`modprobe ip_vs_pe_${engine}\`; what finds no module, this kernel was built without`,
    unsupported: true,
  };
}

function serverMeaning(errno: number, key: ServiceKey, server: RealServer): Meaning {
  if (errno === EEXIST) return { reason: "the service has it already", hint: "use `tandem real edit`" };
  if (errno === ENOENT) return { reason: "the service has no such real server", hint: "use `tandem real add`" };
  if (errno === ESRCH) return { reason: "there is no such virtual service", hint: "use `tandem service add` first" };
  if (errno === ERANGE) {
    const { lowerThreshold, upperThreshold, weight } = server;
    return lowerThreshold > upperThreshold
      ? { reason: `the lower threshold ${lowerThreshold} is above the upper one ${upperThreshold}` }
      : { reason: `the weight ${weight} is not one of 0 to ${WEIGHT_MAX}` };
  }
  if (errno !== EINVAL) return {};
  if (serviceFamily(key) !== server.endpoint.address.family) return mixedMeaning(server);
  if (server.tunnel?.type === "gue" && server.tunnel.port === 0) {
    return { reason: "a gue tunnel needs a port", hint: "name it with --tunnel-port" };
  }
  return addressMeaning(server);
}

/** ip_vs_genl_set_cmd: a server of the other family. */
function mixedMeaning(server: RealServer): Meaning {
  const reason = "the service and the real server are of different address families";
  if (server.forward !== "tunnel") {
    return { reason: `${reason}, which works with tunnels only`, hint: "use --forward tunnel" };
  }
  return {
    reason: `${reason}, which the sync daemon cannot tell the other router of`,
    hint: "`tandem service sync` shows which runs, `tandem service sync-stop` ends it",
  };
}

/** RTN_LOCAL, RTN_UNICAST: ip_vs_new_dest takes no broadcast or multicast address, and of IPv6 no link-local one. */
function addressMeaning({ endpoint: { address } }: RealServer): Meaning {
  const hint = `\`ip route get ${address.text}\` shows what it is to this machine`;
  if (address.family === "inet") return { reason: "the address is a broadcast, multicast or reserved one", hint };
  return { reason: "the address is a multicast or link-local one", hint };
}

/** The error of timeouts that the kernel refused. */
export function timeoutsFailure(refusal: Refusal): NetlinkError {
  // ip_vs_set_timeout: INT_MAX / HZ, and HZ is 100 to 1000 (kernel/Kconfig.hz).
  const meaning =
    refusal.errno === EINVAL
      ? {
          reason: "a timeout is longer than the kernel can count",
          hint: "2147483s (24 days) fit every kernel, 21474836s (248 days) those with 100 ticks a second",
        }
      : commonMeaning(refusal.errno);
  return netlinkError(refusal, { operation: "set the connection timeouts", ...meaning });
}

/** The error of a sync daemon that the kernel did not start. */
export function syncDaemonFailure(refusal: Refusal, daemon: SyncDaemon): NetlinkError {
  const subject = `${daemon.state} on ${daemon.interface}`;
  return netlinkError(refusal, {
    operation: "start the sync daemon",
    subject,
    ...(commonMeaning(refusal.errno) ?? syncDaemonMeaning(refusal.errno, daemon)),
  });
}

function syncDaemonMeaning(errno: number, daemon: SyncDaemon): Meaning {
  const { state, interface: name, group } = daemon;
  switch (errno) {
    case EEXIST:
      return { reason: "it runs already", hint: `\`tandem service sync-stop ${state}\` ends it` };
    case ENODEV:
      return { reason: `there is no interface ${name}`, hint: "`ip link` lists those that there are" };
    case EADDRINUSE:
      return { reason: "something else has the port", hint: "take another one with --port" };
    case EADDRNOTAVAIL:
      return { reason: `${name} has no address to send from`, hint: `give ${name} an address` };
    case ENETUNREACH:
      return { reason: `${name} is down, or has no way to the group`, hint: `\`ip link set ${name} up\`` };
    case ENOBUFS:
      return {
        reason: "this machine is in as many multicast groups as it may be",
        hint: "raise net.ipv4.igmp_max_memberships",
      };
    case EINVAL:
      return group !== undefined && !isMulticast(group)
        ? { reason: `${group.text} is not a multicast address` }
        : {
            reason: "a real server is of another address family than its service, and the daemons cannot tell of those",
            hint: "`tandem real list` shows it",
          };
    default:
      return {};
  }
}
