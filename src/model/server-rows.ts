import { assert } from "../lib/assert.ts";
import { addressBytes, addressFromBytes, type Family } from "./address.ts";
import { NO_TRAFFIC, type ObservedServer, type ObservedService, type WantedService } from "./ipvs-table.ts";
import { type ObservedForwarding, TUNNEL_TYPES, type Tunnel } from "./real-server.ts";
import type { VirtualService } from "./virtual-service.ts";

/**
 * Real servers as the kernel has them, as rows of numbers. A table of 10,000 servers made of objects touches 40 MB, and
 * touching it for the first time is most of what a list of it costs (measured); as rows it is 0.6 MB.
 */

/** Forwardings and checksums by their numbers in a row; the first are those of the kernel (IP_VS_CONN_F_*). */
export const ROW_FORWARDINGS = ["nat", "local", "tunnel", "direct", "bypass"] as const satisfies ObservedForwarding[];
export const ROW_CHECKSUMS = ["none", "full", "remote"] as const satisfies Tunnel["checksum"][];

/** What a row has, each a u32, but for the address, which has 4 or 16 bytes in the four at the end. */
export const ROW = {
  port: 0,
  forward: 1,
  weight: 2,
  upperThreshold: 3,
  lowerThreshold: 4,
  activeConnections: 5,
  inactiveConnections: 6,
  persistentConnections: 7,
  /** 1 for IPv6. */
  isInet6: 8,
  tunnelType: 9,
  tunnelPort: 10,
  tunnelChecksum: 11,
} as const;
export type RowField = (typeof ROW)[keyof typeof ROW];

/** What a server is set to, beside its weight and its forwarding. */
export const ROW_THRESHOLDS = [ROW.upperThreshold, ROW.lowerThreshold] as const;
export const ROW_TUNNEL = [ROW.tunnelType, ROW.tunnelPort, ROW.tunnelChecksum] as const;

/** Where the address begins in a row, and how long a row is. */
export const ROW_ADDRESS = 12;
export const ROW_NUMBERS = 16;
const NUMBER_BYTES = 4;
/** Rows are kept in pages, so that more of them copy nothing. */
const PAGE_BITS = 10;
const PAGE_ROWS = 1 << PAGE_BITS;

const TUNNEL = ROW_FORWARDINGS.indexOf("tunnel");

class Page {
  readonly numbers = new Uint32Array(PAGE_ROWS * ROW_NUMBERS);
  readonly bytes = new Uint8Array(this.numbers.buffer);
}

function startOf(row: number): number {
  return (row & (PAGE_ROWS - 1)) * ROW_NUMBERS;
}

export class ServerRows {
  readonly #pages: Page[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Adds a row of zeros. @returns its number. */
  add(): number {
    const row = this.#count;
    if (row >> PAGE_BITS === this.#pages.length) this.#pages.push(new Page());
    const start = startOf(row);
    this.#page(row).numbers.fill(0, start, start + ROW_NUMBERS);
    this.#count = row + 1;
    return row;
  }

  /** Adds a server that is an object, with its connections. */
  addObserved({ server, activeConnections, inactiveConnections, persistentConnections }: ObservedServer): void {
    const row = this.addServer(server);
    this.set(row, ROW.activeConnections, activeConnections);
    this.set(row, ROW.inactiveConnections, inactiveConnections);
    this.set(row, ROW.persistentConnections, persistentConnections);
  }

  /** Adds a server that is an object. @returns the number of its row. */
  addServer(server: ObservedServer["server"]): number {
    const row = this.add();
    const { tunnel, endpoint } = server;
    const bytes = addressBytes(endpoint.address);
    for (let index = 0; index < bytes.length; index += 1) this.setAddressByte(row, index, bytes[index] ?? 0);
    this.set(row, ROW.isInet6, endpoint.address.family === "inet6" ? 1 : 0);
    this.set(row, ROW.port, endpoint.port);
    this.set(row, ROW.forward, ROW_FORWARDINGS.indexOf(server.forward));
    this.set(row, ROW.weight, server.weight);
    this.set(row, ROW.upperThreshold, server.upperThreshold);
    this.set(row, ROW.lowerThreshold, server.lowerThreshold);
    if (tunnel === undefined) return row;
    this.set(row, ROW.tunnelType, TUNNEL_TYPES.indexOf(tunnel.type));
    this.set(row, ROW.tunnelPort, tunnel.port);
    this.set(row, ROW.tunnelChecksum, ROW_CHECKSUMS.indexOf(tunnel.checksum));
    return row;
  }

  /** The numbers of the page that a row is in. With `start`, for those who read or write thousands of rows. */
  numbers(row: number): Uint32Array {
    return this.#page(row).numbers;
  }

  /** Where a row begins among the numbers of its page. */
  start(row: number): number {
    return startOf(row);
  }

  /** Forgets the rows from `count` on. */
  truncate(count: number): void {
    this.#count = Math.min(this.#count, count);
  }

  get(row: number, field: RowField): number {
    return this.#page(row).numbers[startOf(row) + field] ?? 0;
  }

  set(row: number, field: RowField, value: number): void {
    this.#page(row).numbers[startOf(row) + field] = value;
  }

  /** Byte `index` of the address, in network order. */
  addressByte(row: number, index: number): number {
    return this.#page(row).bytes[(startOf(row) + ROW_ADDRESS) * NUMBER_BYTES + index] ?? 0;
  }

  setAddressByte(row: number, index: number, value: number): void {
    this.#page(row).bytes[(startOf(row) + ROW_ADDRESS) * NUMBER_BYTES + index] = value;
  }

  /** The number of the forwarding of a server with neither thresholds nor a tunnel, as nearly all are; -1 for the others. */
  plainForward(row: number): number {
    const { numbers } = this.#page(row);
    const start = startOf(row);
    if (numbers[start + ROW.upperThreshold] !== 0 || numbers[start + ROW.lowerThreshold] !== 0) return -1;
    const forward = numbers[start + ROW.forward] ?? 0;
    return forward === TUNNEL ? -1 : forward;
  }

  /** Whether the lower threshold is not above the upper one. */
  hasOrderedThresholds(row: number): boolean {
    return this.get(row, ROW.lowerThreshold) <= this.get(row, ROW.upperThreshold);
  }

  family(row: number): Family {
    return this.get(row, ROW.isInet6) === 0 ? "inet" : "inet6";
  }

  /** The server as an object. Rows hold no counters of traffic: they are 0. */
  observed(row: number): ObservedServer {
    const start = (startOf(row) + ROW_ADDRESS) * NUMBER_BYTES;
    const addressLength = this.family(row) === "inet" ? 4 : 16;
    const tunnel = this.#tunnel(row);
    return {
      server: {
        endpoint: {
          address: addressFromBytes(this.#page(row).bytes.subarray(start, start + addressLength)),
          port: this.get(row, ROW.port),
        },
        forward: ROW_FORWARDINGS[this.get(row, ROW.forward)] ?? "nat",
        weight: this.get(row, ROW.weight),
        upperThreshold: this.get(row, ROW.upperThreshold),
        lowerThreshold: this.get(row, ROW.lowerThreshold),
        ...(tunnel === undefined ? {} : { tunnel }),
      },
      activeConnections: this.get(row, ROW.activeConnections),
      inactiveConnections: this.get(row, ROW.inactiveConnections),
      persistentConnections: this.get(row, ROW.persistentConnections),
      stats: NO_TRAFFIC,
    };
  }

  /** Plain ipip, which is all zeros, is the absence of a tunnel's settings. */
  #tunnel(row: number): Tunnel | undefined {
    const type = TUNNEL_TYPES[this.get(row, ROW.tunnelType)] ?? "ipip";
    const port = this.get(row, ROW.tunnelPort);
    const checksum = ROW_CHECKSUMS[this.get(row, ROW.tunnelChecksum)] ?? "none";
    return type === "ipip" && port === 0 && checksum === "none" ? undefined : { type, port, checksum };
  }

  #page(row: number): Page {
    const page = this.#pages[row >> PAGE_BITS];
    assert(page !== undefined, "the row was added");
    return page;
  }
}

/** Services without their servers, and all servers in their order: service `i` has the rows from `ends[i - 1]` to `ends[i]`. */
export interface TableRows<S> {
  readonly services: readonly S[];
  readonly servers: ServerRows;
  readonly ends: readonly number[];
}

/** A table of objects as rows. */
export function tableRows(table: readonly WantedService[]): TableRows<VirtualService> {
  const servers = new ServerRows();
  const ends = table.map((entry) => {
    for (const server of entry.servers) servers.addServer(server);
    return servers.count;
  });
  return { services: table.map(({ service }) => service), servers, ends };
}

/** The services and servers of rows as objects, as they are wanted. */
export function wantedTable(table: TableRows<VirtualService>): WantedService[] {
  return observedTable(table).map(({ service, servers }) => ({
    service,
    servers: servers.map(({ server }) => server),
  }));
}

/** The same table as objects. Its counters are 0. */
export function observedTable({ services, servers, ends }: TableRows<VirtualService>): ObservedService[] {
  let row = 0;
  return services.map((service, index) => {
    const observed: ObservedServer[] = [];
    for (const end = ends[index] ?? 0; row < end; row += 1) observed.push(servers.observed(row));
    return { service, servers: observed, stats: NO_TRAFFIC };
  });
}
