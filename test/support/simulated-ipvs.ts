import { NetlinkError } from "../../src/lib/errors.ts";
import { formatEndpoint } from "../../src/model/address.ts";
import { type IpvsChange, NO_TRAFFIC, type ObservedService } from "../../src/model/ipvs-table.ts";
import { type RealServer, realServerKey } from "../../src/model/real-server.ts";
import type { ConnectionTimeouts } from "../../src/model/sync-daemon.ts";
import { formatServiceKey, type ServiceKey, type VirtualService } from "../../src/model/virtual-service.ts";

const ERRNO = { ENOENT: 2, ESRCH: 3, EEXIST: 17, ERANGE: 34 } as const;
type ErrnoName = keyof typeof ERRNO;

/** An IPVS table that keeps state and refuses what the kernel refuses (net/netfilter/ipvs/ip_vs_ctl.c). */
export class SimulatedIpvs {
  readonly table = new Map<string, { service: VirtualService; readonly servers: Map<string, RealServer> }>();
  /** Schedulers whose module is there; another one is refused with ENOENT. */
  readonly schedulers = new Set(["rr", "wrr", "lc", "wlc", "sh"]);
  /** Every change that was asked for, in order. */
  readonly asked: IpvsChange[] = [];

  timeouts: ConnectionTimeouts = { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 };

  /** 0 leaves a timeout as it is (ip_vs_set_timeout). */
  setConnectionTimeouts({ tcpSeconds, tcpFinSeconds, udpSeconds }: ConnectionTimeouts): void {
    this.timeouts = {
      tcpSeconds: tcpSeconds || this.timeouts.tcpSeconds,
      tcpFinSeconds: tcpFinSeconds || this.timeouts.tcpFinSeconds,
      udpSeconds: udpSeconds || this.timeouts.udpSeconds,
    };
  }

  services(): ObservedService[] {
    return [...this.table.values()].map(({ service }) => ({ service, servers: [], stats: NO_TRAFFIC }));
  }

  service(key: ServiceKey): ObservedService | undefined {
    const found = this.table.get(formatServiceKey(key));
    if (found === undefined) return undefined;
    const servers = [...found.servers.values()].map((server) => ({
      server,
      activeConnections: 0,
      inactiveConnections: 0,
      persistentConnections: 0,
      stats: NO_TRAFFIC,
    }));
    return { service: found.service, servers, stats: NO_TRAFFIC };
  }

  /** All services with their servers, by the text of the key. */
  observed(): Map<string, ObservedService> {
    const observed = new Map<string, ObservedService>();
    for (const { service } of this.table.values()) {
      const found = this.service(service.key);
      if (found !== undefined) observed.set(formatServiceKey(service.key), found);
    }
    return observed;
  }

  /** Weights by server by service, for whole-value comparison. */
  weights(): Record<string, Record<string, number>> {
    const result: Record<string, Record<string, number>> = {};
    for (const [name, { servers }] of this.table) {
      result[name] = Object.fromEntries([...servers].map(([server, { weight }]) => [server, weight]));
    }
    return result;
  }

  apply(changes: readonly IpvsChange[]): (NetlinkError | undefined)[] {
    return changes.map((change) => {
      this.asked.push(change);
      const errnoName = this.#apply(change);
      if (errnoName === undefined) return undefined;
      return new NetlinkError({ operation: change.kind, reason: errnoName, errno: ERRNO[errnoName], errnoName });
    });
  }

  close(): void {}

  #apply(change: IpvsChange): ErrnoName | undefined {
    switch (change.kind) {
      case "add-service":
      case "edit-service":
        return this.#setService(change.kind === "add-service", change.service);
      case "delete-service":
        return this.table.delete(formatServiceKey(change.key)) ? undefined : "ESRCH";
      case "add-server":
      case "edit-server":
        return this.#setServer(change.kind === "add-server", change.key, change.server);
      case "delete-server": {
        const service = this.table.get(formatServiceKey(change.key));
        if (service === undefined) return "ESRCH";
        return service.servers.delete(formatEndpoint(change.endpoint)) ? undefined : "ENOENT";
      }
      case "zero":
        return undefined;
    }
  }

  #setService(add: boolean, service: VirtualService): ErrnoName | undefined {
    const name = formatServiceKey(service.key);
    const existing = this.table.get(name);
    if (add && existing !== undefined) return "EEXIST";
    if (!add && existing === undefined) return "ESRCH";
    if (!this.schedulers.has(service.scheduler)) return "ENOENT";
    if (existing === undefined) this.table.set(name, { service, servers: new Map() });
    else existing.service = service;
    return undefined;
  }

  #setServer(add: boolean, key: ServiceKey, server: RealServer): ErrnoName | undefined {
    const service = this.table.get(formatServiceKey(key));
    if (service === undefined) return "ESRCH";
    if (server.weight < 0 || server.lowerThreshold > server.upperThreshold) return "ERANGE";
    const present = service.servers.has(realServerKey(server));
    if (add && present) return "EEXIST";
    if (!add && !present) return "ENOENT";
    service.servers.set(realServerKey(server), server);
    return undefined;
  }
}
