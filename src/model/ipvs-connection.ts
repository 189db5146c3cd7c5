import type { Endpoint } from "./address.ts";

/** A connection in the kernel's table. */
export interface IpvsConnection {
  /** `tcp`, `udp`, `sctp`; `ip` for the memory of a client by firewall mark. */
  readonly protocol: string;
  /** Port 0: no connection but the memory of a persistent client. */
  readonly client: Endpoint;
  /** What the client connected to. */
  readonly virtual: Endpoint;
  readonly server: Endpoint;
  /** The kernel's name: `ESTABLISHED`. */
  readonly state: string;
  /** Seconds until the kernel forgets it, unless a packet comes. */
  readonly expiresSeconds: number;
  /** What the persistence engine goes by, such as a SIP call's id. */
  readonly engineData?: string;
}

/** Whether it only remembers which server a persistent client has. */
export function isClientMemory(connection: IpvsConnection): boolean {
  return connection.client.port === 0 && MEMORY_STATES.has(connection.state);
}

/** Once a connection of the client was established its memory is assured (linux/ip_vs.h, IP_VS_CTPL_S_ASSURED; tried). */
const MEMORY_STATES: ReadonlySet<string> = new Set(["NONE", "ASSURED"]);
