/** Kernel settings that services and synchronisation want. */
import type { Config } from "../../config/keys/config.ts";
import type { Role } from "../../model/pair.ts";
import { serviceFamily } from "../../model/virtual-service.ts";
import type { SideInterfaces } from "./failover-settings.ts";

/** A kernel setting that the router needs, below /proc/sys. */
export interface WantedSysctl {
  readonly path: string;
  readonly value: string;
  /** For the log: what does not work without it. */
  readonly why: string;
  /** Without it nothing is served: a router that has lost it is not fit. */
  readonly essential?: true;
  /** Values that it may get later, when no disk can be waited for. */
  readonly later?: readonly string[];
}

const FORWARDS = { value: "1", why: "NAT routes the real servers' answers", essential: true } as const;

/** Whether any real server of the configuration, or one that may be added to it at run time, is reached in this way. */
function forwards(config: Config, forward: "nat" | "direct" | "tunnel", family: "inet" | "inet6"): boolean {
  return config.services.some(
    (service) =>
      service.listen.some((listen) => serviceFamily(listen.key) === family) &&
      (service.template?.forward === forward || service.servers.some(({ server }) => server.forward === forward)),
  );
}

/**
 * The settings that the services of a configuration need on this router. NAT is routing: answers of the real servers
 * pass through this machine. Redirects would tell real servers a way around it, after which NAT no longer works.
 */
export function wantedSysctls(config: Config, interfaces: SideInterfaces): readonly WantedSysctl[] {
  const wanted: WantedSysctl[] = [];
  if (forwards(config, "nat", "inet")) {
    wanted.push({ ...FORWARDS, path: "net/ipv4/ip_forward" });
    const names = new Set(["all", interfaces.public, interfaces.private]);
    for (const name of names) {
      if (name === undefined) continue;
      wanted.push({
        path: `net/ipv4/conf/${name}/send_redirects`,
        value: "0",
        why: "a redirect would send real servers around this router",
      });
    }
  }
  if (forwards(config, "nat", "inet6")) {
    wanted.push({ ...FORWARDS, path: "net/ipv6/conf/all/forwarding" });
  }
  return wanted;
}

/** Whether it is one of those that services and synchronisation want, in whatever configuration. */
export function isForwardingSetting(path: string): boolean {
  return (
    /^net\/ipv4\/(ip_forward|conf\/[^/]+\/send_redirects)$|^net\/ipv6\/conf\/all\/forwarding$/.test(path) ||
    SYNC_SETTINGS.has(path)
  );
}

/**
 * The settings of connection synchronisation for failover. Tried: with the kernel's defaults a connection of two
 * packets never reaches the standby and one of three packets after two seconds; with these, after three packets at once.
 */
export function syncSysctls(config: Config): readonly WantedSysctl[] {
  if (!config.sync.enabled || config.services.length === 0) return [];
  const room = {
    path: "net/ipv4/vs/sync_sock_size",
    value: String(SYNC_SOCKET_BYTES),
    why: "a burst of connections does not overflow what the standby's kernel has not taken in yet",
  };
  if (config.sync.mode !== "prompt") return [room];
  return [
    room,
    { path: "net/ipv4/vs/sync_threshold", value: "3 0", why: "young connections reach the standby" },
    { path: "net/ipv4/vs/sync_refresh_period", value: "10", why: "idle connections stay known to the standby" },
  ];
}

const SYNC_SETTINGS: ReadonlySet<string> = new Set(
  ["sync_sock_size", "sync_threshold", "sync_refresh_period"].map((name) => `net/ipv4/vs/${name}`),
);

/** The kernel takes at most net.core.rmem_max of it, and that twice (ip_vs_sync.c, set_sock_size). */
const SYNC_SOCKET_BYTES = 4 * 1024 * 1024;

/**
 * Rule 10: a standby's kernel must not balance its own traffic to a VIP, an active one must balance all. The setting
 * works only while a backup sync daemon runs, and is absent where IPVS is not loaded.
 */
export function backupOnly(role: Role): WantedSysctl {
  return role === "standby"
    ? { path: BACKUP_ONLY, value: "1", later: ["0"], why: "a standby does not balance its own traffic to the VIPs" }
    : { path: BACKUP_ONLY, value: "0", later: ["1"], why: "an active router does not refuse the clients' connections" };
}

const BACKUP_ONLY = "net/ipv4/vs/backup_only";

/** Every kernel setting that `tandem run` may change, for the manual. */
export const SYSCTLS_SET: readonly { readonly path: string; readonly value: string; readonly when: string }[] = [
  { path: "net/ipv4/ip_forward", value: "1", when: "a service forwards IPv4 by NAT" },
  {
    path: "net/ipv4/conf/{all, INTERFACE}/send_redirects",
    value: "0",
    when: "a service forwards IPv4 by NAT; on the interfaces of both sides",
  },
  { path: "net/ipv6/conf/all/forwarding", value: "1", when: "a service forwards IPv6 by NAT" },
  {
    path: "net/ipv4/conf/INTERFACE/promote_secondaries",
    value: "1",
    when: "an IPv4 VIP is set or removed there with a shorter prefix than /32, so that the host's own addresses stay",
  },
  { path: "net/ipv4/vs/sync_sock_size", value: String(SYNC_SOCKET_BYTES), when: "[sync] is on" },
  { path: "net/ipv4/vs/sync_threshold", value: '"3 0"', when: '[sync] is on and sync is "prompt"' },
  { path: "net/ipv4/vs/sync_refresh_period", value: "10", when: '[sync] is on and sync is "prompt"' },
  {
    path: BACKUP_ONLY,
    value: "1 or 0",
    when: "there are services: 1 as standby, 0 as active, looked after each second",
  },
  {
    path: "net/ipv4/vs/{a key of [ipvs]}",
    value: "as configured",
    when: "there are services, looked after each second; expire_nodest_conn and expire_quiescent_template are 1 if [ipvs] does not say otherwise",
  },
];
