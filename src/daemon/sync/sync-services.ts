/**
 * From a line of the kernel's connection table to what its own sync message would say of it. The table does not tell
 * how a connection is forwarded nor by which firewall mark it came: that is looked up in the configuration. Connections
 * of services that are not configured are not told of: the other router has no such service.
 */
import type { Config, ConfiguredService } from "../../config/keys/config.ts";
import { addressBytes } from "../../model/address.ts";
import type { ObservedForwarding, RealServer } from "../../model/real-server.ts";
import { serviceFamily, type VirtualService } from "../../model/virtual-service.ts";
import {
  IP_VS_CONN_F_BYPASS,
  IP_VS_CONN_F_DROUTE,
  IP_VS_CONN_F_INACTIVE,
  IP_VS_CONN_F_LOCALNODE,
  IP_VS_CONN_F_MASQ,
  IP_VS_CONN_F_TEMPLATE,
  IP_VS_CONN_F_TUNNEL,
  type SyncConnection,
  type SyncEndpoint,
} from "../../wire/sync/sync-message.ts";
import type { ConnectionRow } from "../../wire/sync/sync-row.ts";

/** A service as the sync thread gets it: plain data. */
export interface SyncService {
  /** The number of the protocol with address and port, or a mark. */
  readonly key:
    | { readonly kind: "address"; readonly protocol: number; readonly endpoint: SyncEndpoint }
    | { readonly kind: "fwmark"; readonly mark: number; readonly family: "inet" | "inet6" };
  /** 0: clients are not remembered. */
  readonly persistenceSeconds: number;
  readonly servers: readonly { readonly endpoint: SyncEndpoint; readonly flags: number }[];
}

const PROTOCOLS = { tcp: 6, udp: 17, sctp: 132 } as const;
const FORWARD_FLAGS: Readonly<Record<ObservedForwarding, number>> = {
  nat: IP_VS_CONN_F_MASQ,
  local: IP_VS_CONN_F_LOCALNODE,
  tunnel: IP_VS_CONN_F_TUNNEL,
  direct: IP_VS_CONN_F_DROUTE,
  bypass: IP_VS_CONN_F_BYPASS,
};

/** What the kernel calls the states, by their number. */
const TCP_STATES: readonly string[] = [
  // ip_vs_proto_tcp.c, tcp_state_name_table
  "NONE",
  "ESTABLISHED",
  "SYN_SENT",
  "SYN_RECV",
  "FIN_WAIT",
  "TIME_WAIT",
  "CLOSE",
  "CLOSE_WAIT",
  "LAST_ACK",
  "LISTEN",
  "SYNACK",
];
const SCTP_STATES: readonly string[] = [
  // ip_vs_proto_sctp.c, sctp_state_name_table
  "NONE",
  "INIT1",
  "INIT",
  "C-SENT",
  "C-REPLIED",
  "C-WAIT",
  "COOKIE",
  "C-ECHOED",
  "ESTABLISHED",
  "S-SENT",
  "S-RECEIVED",
  "S-ACK-SENT",
  "REJECTED",
  "CLOSED",
];
/** linux/ip_vs.h, IP_VS_CTPL_S_*: a client's memory is assured once a connection of it was established. */
const MEMORY_STATES: readonly string[] = ["NONE", "ASSURED"];
const STATES: ReadonlyMap<number, readonly string[]> = new Map([
  [PROTOCOLS.tcp, TCP_STATES],
  [PROTOCOLS.udp, ["UDP"]],
  [PROTOCOLS.sctp, SCTP_STATES],
]);
/** States in which the kernel counts a connection as active: tcp_state_active_table, and set_sctp_state. */
const ACTIVE_STATES: ReadonlyMap<number, ReadonlySet<string>> = new Map([
  [PROTOCOLS.tcp, new Set(["ESTABLISHED", "SYN_SENT", "SYN_RECV", "SYNACK"])],
  [PROTOCOLS.sctp, new Set(["ESTABLISHED"])],
]);
/** ip_vs_ctl.c, ip_vs_service_find: data connections of FTP belong to the service of its control port. */
const FTP_PORT = 21;

function syncEndpoint(endpoint: RealServer["endpoint"]): SyncEndpoint {
  return { address: addressBytes(endpoint.address), port: endpoint.port };
}

function syncService(service: ConfiguredService, { key, persistence }: VirtualService): SyncService {
  const servers = [...service.servers.map(({ server }) => server), ...(service.sorry ? [service.sorry] : [])]
    // The kernel cannot tell another one of a connection with addresses of two families.
    .filter(({ endpoint }) => endpoint.address.family === serviceFamily(key));
  return {
    key:
      key.kind === "fwmark"
        ? { kind: "fwmark", mark: key.mark, family: key.family }
        : {
            kind: "address",
            protocol: PROTOCOLS[key.protocol],
            endpoint: { address: addressBytes(key.address), port: key.port },
          },
    persistenceSeconds: persistence?.timeoutSeconds ?? 0,
    servers: servers.map((server) => ({
      endpoint: syncEndpoint(server.endpoint),
      flags: FORWARD_FLAGS[server.forward],
    })),
  };
}

/** What the sync thread has to know of a configuration. */
export function syncServices({ services }: Config): readonly SyncService[] {
  return services.flatMap((service) => service.listen.map((listen) => syncService(service, listen)));
}

/**
 * A key for a Map: a number for IPv4, whose 48 bits fit, since a hundred thousand connections are looked up in a row.
 */
function keyOf({ address, port }: SyncEndpoint): number | string {
  if (address.length !== 4) return `${address.toHex()} ${port}`;
  const low = ((address[2] ?? 0) << 8) | (address[3] ?? 0);
  return ((((address[0] ?? 0) << 8) | (address[1] ?? 0)) * 0x1_0000 + low) * 0x1_0000 + port;
}

/** Whether it only remembers which server a persistent client has. */
export function isMemory({ client, state }: ConnectionRow): boolean {
  return client.port === 0 && MEMORY_STATES.includes(state);
}

/** Whether losing it would break what a client has open; the kernel knows that of TCP and SCTP. */
export function isEstablished({ state }: ConnectionRow): boolean {
  return state === "ESTABLISHED";
}

interface KnownService {
  readonly service: SyncService;
  /** The flags of each server. */
  readonly flags: ReadonlyMap<number | string, number>;
  /** Those of a server that is gone; the kernel prefers what its own table says of one that is there. */
  readonly fallbackFlags: number;
}

function known(service: SyncService): KnownService {
  return {
    service,
    flags: new Map(service.servers.map(({ endpoint, flags }) => [keyOf(endpoint), flags])),
    fallbackFlags: service.servers[0]?.flags ?? IP_VS_CONN_F_MASQ,
  };
}

/** Looks up the services of connections. */
export class SyncServices {
  readonly #services = new Map<number, Map<number | string, KnownService>>();
  readonly #marks = new Map<number, KnownService>();

  constructor(services: readonly SyncService[]) {
    for (const service of services) {
      const { key } = service;
      if (key.kind === "fwmark") {
        this.#marks.set(key.mark, known(service));
        continue;
      }
      const ofProtocol = this.#services.get(key.protocol) ?? new Map<number | string, KnownService>();
      this.#services.set(key.protocol, ofProtocol.set(keyOf(key.endpoint), known(service)));
    }
  }

  /** What to tell the other kernel of a connection; undefined when it belongs to no configured service. */
  toSync(row: ConnectionRow): SyncConnection | undefined {
    const memory = isMemory(row);
    const found = this.#find(row);
    const state = (memory ? MEMORY_STATES : STATES.get(row.protocol))?.indexOf(row.state) ?? -1;
    if (found === undefined || state < 0) return undefined;
    const isActive = ACTIVE_STATES.get(row.protocol)?.has(row.state) === true;
    const { client, virtual, server, protocol, engine } = row;
    const { service } = found;
    return {
      protocol,
      client,
      virtual,
      server,
      flags:
        (found.flags.get(keyOf(server)) ?? found.fallbackFlags) |
        (memory ? IP_VS_CONN_F_TEMPLATE : 0) |
        (memory || !isActive ? IP_VS_CONN_F_INACTIVE : 0),
      state,
      mark: service.key.kind === "fwmark" ? service.key.mark : 0,
      // The memory of a client keeps the timeout that it was made with; a connection gets that of its next state.
      timeoutSeconds: memory ? Math.max(service.persistenceSeconds, row.expiresSeconds) : 0,
      ...(engine === undefined ? {} : { engine }),
    };
  }

  /** Whether a connection belongs to a configured service. */
  has(row: ConnectionRow): boolean {
    return this.#find(row) !== undefined;
  }

  #find({ protocol, virtual, server }: ConnectionRow): KnownService | undefined {
    const { address } = virtual;
    // The memory of a client by firewall mark has the mark in the place of the VIP (ip_vs_core.c, ip_vs_sched_persist).
    if (protocol === 0) return this.#marks.get(new DataView(address.buffer, address.byteOffset).getUint32(0));
    const ofProtocol = this.#services.get(protocol);
    return (
      ofProtocol?.get(keyOf(virtual)) ??
      ofProtocol?.get(keyOf({ address, port: 0 })) ??
      ofProtocol?.get(keyOf({ address, port: FTP_PORT })) ??
      this.#byServer(server)
    );
  }

  /** A connection by firewall mark shows nothing of it: the first mark that has its server. */
  #byServer(server: SyncEndpoint): KnownService | undefined {
    for (const found of this.#marks.values()) {
      if (found.service.servers.some(({ endpoint }) => sameBytes(endpoint.address, server.address))) return found;
    }
    return undefined;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
