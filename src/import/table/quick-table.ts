/**
 * A table that is being read: ordinary lines become rows of numbers at once. What is not ordinary, mistakes above all, is
 * left to the readers that know everything: a line of ipvsadm (ipvsadm.ts), in TOML a service with its servers, or the
 * whole text where something is wrong (table-toml.ts).
 */
import { MAX_SERVERS, MAX_SERVICES } from "../../config/keys/limits.ts";
import { addressBytes, parseAddress } from "../../model/address.ts";
import { type RealServer, WEIGHT_MAX } from "../../model/real-server.ts";
import { ROW, ROW_ADDRESS, ServerRows, type TableRows } from "../../model/server-rows.ts";
import {
  formatServiceKey,
  type Protocol,
  type ServiceKey,
  serviceFamily,
  type VirtualService,
} from "../../model/virtual-service.ts";
import { asBytes, type ByteScanner } from "./byte-scanner.ts";

const COLON = asBytes(":");
const OPEN = asBytes("[");
const CLOSE = asBytes("]");
const CLOSE_BYTE = 0x5d;
const PORT_MAX = 65_535;
/** An address is four numbers of a row. */
const ADDRESS_NUMBERS = 4;
/** The first bytes of the addresses that machines have (RFC 1122 section 3.2.1.3): classes A to C. */
const CLASS_A = 1;
const CLASS_C = 223;
const SLOTS_AT_FIRST = 4_096;
const PORTS = 65_536;

/** The bytes of an address as a row has them, the first one lowest, of the address as a number; and back. */
function inRowOrder(address: number): number {
  return ((address >>> 24) | ((address >>> 8) & 0xff00) | ((address << 8) & 0xff_0000) | (address << 24)) >>> 0;
}

/** Which servers of the service at hand are there already, by address and port. */
class EndpointSet {
  readonly #rows: ServerRows;
  /** Row + 1, at the place of its hash or behind; 0 is free. Rows of earlier services stay and count as other ones. */
  #slots = new Int32Array(SLOTS_AT_FIRST);

  constructor(rows: ServerRows) {
    this.#rows = rows;
  }

  /** Adds a row. @returns false when one from `first` on has the same address and port. */
  add(row: number, first: number): boolean {
    if (row * 2 >= this.#slots.length) this.#grow(row, first);
    const mask = this.#slots.length - 1;
    let slot = this.#hash(row) & mask;
    for (;;) {
      const other = (this.#slots[slot] ?? 0) - 1;
      if (other < 0) break;
      if (other >= first && this.#isSame(row, other)) return false;
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = row + 1;
    return true;
  }

  #hash(row: number): number {
    const numbers = this.#rows.numbers(row);
    const start = this.#rows.start(row);
    let hash = (numbers[start + ROW.port] ?? 0) * 31;
    // The multiplier of Knuth's hash: 2^32 divided by the golden ratio.
    hash = Math.imul(hash ^ (numbers[start + ROW_ADDRESS] ?? 0), 0x9e37_79b1);
    hash = Math.imul(hash ^ (numbers[start + ROW_ADDRESS + ADDRESS_NUMBERS - 1] ?? 0), 0x9e37_79b1);
    return hash ^ (hash >>> 15);
  }

  #isSame(a: number, b: number): boolean {
    const rows = this.#rows;
    if (rows.get(a, ROW.port) !== rows.get(b, ROW.port)) return false;
    if (rows.get(a, ROW.isInet6) !== rows.get(b, ROW.isInet6)) return false;
    for (let index = 0; index < ADDRESS_NUMBERS; index += 1) {
      const inA = rows.numbers(a)[rows.start(a) + ROW_ADDRESS + index];
      if (inA !== rows.numbers(b)[rows.start(b) + ROW_ADDRESS + index]) return false;
    }
    return true;
  }

  /** Rows of other services are not taken along. */
  #grow(row: number, first: number): void {
    let length = this.#slots.length;
    while (row * 2 >= length) length *= 4;
    this.#slots = new Int32Array(length);
    const mask = length - 1;
    for (let each = first; each < row; each += 1) {
      let slot = this.#hash(each) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = each + 1;
    }
  }
}

/** What reads the settings of a service as a text, the slow way; undefined where there is anything to say about it. */
export type ReadService = (key: ServiceKey, settings: string) => VirtualService | undefined;

/** Nothing was read, since the slow reader is needed for a part of the text and was not given: it takes long to load. */
export const NEEDS_READER = Symbol("needs the slow reader");

/** IP_VS_SCHEDNAME_MAXLEN (linux/ip_vs.h) less the final NUL. */
const SCHEDULER = /^[!-~]{1,15}$/;

export class QuickTable {
  readonly servers = new ServerRows();
  readonly #services: VirtualService[] = [];
  readonly #ends: number[] = [];
  readonly #names = new Set<string>();
  readonly #endpoints = new EndpointSet(this.servers);
  readonly #readService: ReadService | undefined;
  #needsReader = false;
  /** Services that are set alike are read once. */
  readonly #known = new Map<string, VirtualService>();
  /** The first row of the service at hand. */
  #first = 0;
  /** The first row that is not among `#endpoints`. */
  #entered = 0;
  /** Between which the IPv4 servers of the service at hand are, by `orderOf`: one outside is there for the first time. */
  #least = Number.POSITIVE_INFINITY;
  #greatest = -1;

  /** @param readService undefined: the slow reader is not there. */
  constructor(readService: ReadService | undefined) {
    this.#readService = readService;
  }

  /** Whether the slow reader was missed. */
  get needsReader(): boolean {
    return this.#needsReader;
  }

  /** The service at hand. */
  get service(): VirtualService | undefined {
    return this.#services[this.#services.length - 1];
  }

  /**
   * Ends the service at hand and begins one.
   * @param scheduler where the settings name that and nothing else.
   * @returns false where it can't be done the quick way.
   */
  beginService(key: ServiceKey, settings: string, scheduler?: string): boolean {
    const name = formatServiceKey(key);
    if (this.#names.has(name) || this.#services.length >= MAX_SERVICES) return false;
    const isPlain = scheduler !== undefined && SCHEDULER.test(scheduler) && (key.kind === "fwmark" || key.port !== 0);
    const service = isPlain ? { key, scheduler, schedulerFlags: [], onePacket: false } : this.#settled(key, settings);
    return service !== undefined && this.addService(service);
  }

  /** Ends the service at hand and begins this one. @returns false where the table has it already. */
  addService(service: VirtualService): boolean {
    const name = formatServiceKey(service.key);
    if (this.#names.has(name)) return false;
    this.#endService();
    this.#names.add(name);
    this.#services.push(service);
    return true;
  }

  /** Forgets the service at hand; another one has to be begun before servers are added. */
  dropService(): void {
    const service = this.#services.pop();
    if (service === undefined) return;
    this.#names.delete(formatServiceKey(service.key));
    this.truncate(this.#first);
    this.#ends.pop();
  }

  /** How many services there are. */
  get size(): number {
    return this.#services.length;
  }

  /** Whether the table has a service, by the text of its key. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Adds a server to the service at hand. @returns false, and adds nothing, where that has it already. */
  addServer(server: RealServer): boolean {
    const { servers } = this;
    const row = servers.addServer(server);
    if (this.#isNew(row, servers.family(row) === "inet" ? this.#orderOf(row) : undefined)) return true;
    this.truncate(row);
    return false;
  }

  /** Forgets rows that were begun, from `count` on. */
  truncate(count: number): void {
    this.servers.truncate(count);
    this.#entered = Math.min(this.#entered, count);
  }

  /** What a service listens on, as `203.0.113.10:80`; undefined where no such thing stands. */
  key(text: ByteScanner, protocol: Protocol): ServiceKey | undefined {
    const start = text.at;
    const first = Math.floor(text.ipv4() / 2 ** 24);
    const end = text.at;
    if (first >= CLASS_A && first <= CLASS_C && text.accept(COLON)) {
      const port = text.number();
      const address = { family: "inet", text: text.slice(start, end) } as const;
      if (port >= 0 && port <= PORT_MAX) return { kind: "address", protocol, address, port };
    }
    text.at = start;
    return undefined;
  }

  /** Reads `10.0.0.11:80`, `[2001:db8::11]:80` or one without a port into a new row; -1 where none stands. */
  endpoint(text: ByteScanner): number {
    const row = this.servers.add();
    if (!(this.#ipv4(text, row) || this.#ipv6(text, row))) return -1;
    if (!text.accept(COLON)) return row;
    const port = text.number();
    this.servers.set(row, ROW.port, port);
    return port < 0 || port > PORT_MAX ? -1 : row;
  }

  /** Ends a row. @returns false where its service has it already, or something about it is not ordinary. */
  endServer(row: number, isTunnel: boolean): boolean {
    const { service, servers } = this;
    if (service === undefined || row - this.#first >= MAX_SERVERS) return false;
    if (!isTunnel && servers.family(row) !== serviceFamily(service.key)) return false;
    if (!servers.hasOrderedThresholds(row)) return false;
    return this.#isNew(row, servers.family(row) === "inet" ? this.#orderOf(row) : undefined);
  }

  /** Whether servers may be added with `addPlain`. */
  get takesPlain(): boolean {
    const { service } = this;
    return service !== undefined && serviceFamily(service.key) === "inet";
  }

  /**
   * Adds an IPv4 server without thresholds and tunnel's settings.
   * @returns false, and adds nothing, where something about it is not ordinary.
   */
  addPlain(address: number, port: number, weight: number, forward: number): boolean {
    const first = address >>> 24;
    if (first < CLASS_A || first > CLASS_C || port > PORT_MAX || weight > WEIGHT_MAX) return false;
    const { servers } = this;
    const row = servers.add();
    const numbers = servers.numbers(row);
    const start = servers.start(row);
    numbers[start + ROW_ADDRESS] = inRowOrder(address);
    numbers[start + ROW.port] = port;
    numbers[start + ROW.weight] = weight;
    numbers[start + ROW.forward] = forward;
    if (row - this.#first < MAX_SERVERS && this.#isNew(row, address * PORTS + port)) return true;
    this.truncate(row);
    return false;
  }

  finish(): TableRows<VirtualService> {
    this.#endService();
    return { services: this.#services, servers: this.servers, ends: this.#ends };
  }

  #endService(): void {
    if (this.#services.length > 0) this.#ends.push(this.servers.count);
    this.#first = this.servers.count;
    this.#entered = this.#first;
    this.#least = Number.POSITIVE_INFINITY;
    this.#greatest = -1;
  }

  /** The order of IPv4 servers by address and port. */
  #orderOf(row: number): number {
    const { servers } = this;
    const number = servers.numbers(row)[servers.start(row) + ROW_ADDRESS] ?? 0;
    return inRowOrder(number) * PORTS + servers.get(row, ROW.port);
  }

  /**
   * Whether no row of the service at hand has the address and port of a row. Most tables are in order, up or down, so that
   * the set is seldom needed.
   * @param order undefined: not an IPv4 server
   */
  #isNew(row: number, order: number | undefined): boolean {
    if (order !== undefined && (order > this.#greatest || order < this.#least)) {
      if (order > this.#greatest) this.#greatest = order;
      if (order < this.#least) this.#least = order;
      return true;
    }
    for (; this.#entered < row; this.#entered += 1) this.#endpoints.add(this.#entered, this.#first);
    this.#entered = row + 1;
    return this.#endpoints.add(row, this.#first);
  }

  #settled(key: ServiceKey, settings: string): VirtualService | undefined {
    // What may matter to the settings besides themselves.
    const kind = key.kind === "fwmark" ? "fwmark" : `${key.protocol} ${key.port === 0}`;
    const name = `${kind} ${serviceFamily(key)} ${settings}`;
    const known = this.#known.get(name);
    if (known !== undefined) return { ...known, key };
    const service = this.#readService?.(key, settings);
    if (this.#readService === undefined) this.#needsReader = true;
    if (service !== undefined) this.#known.set(name, service);
    return service;
  }

  /** Addresses of machines only, classes A to C: what else there is, is not ordinary. */
  #ipv4(text: ByteScanner, row: number): boolean {
    const start = text.at;
    const address = text.ipv4();
    const first = Math.floor(address / 2 ** 24);
    if (first < CLASS_A || first > CLASS_C) {
      text.at = start;
      return false;
    }
    this.servers.numbers(row)[this.servers.start(row) + ROW_ADDRESS] = inRowOrder(address);
    return true;
  }

  /** Global and unique local addresses only (RFC 4291, RFC 4193). */
  #ipv6(text: ByteScanner, row: number): boolean {
    if (!text.accept(OPEN)) return false;
    const parsed = parseAddress(text.upTo(CLOSE_BYTE) ?? "");
    if (!parsed.ok || parsed.value.family !== "inet6" || !text.accept(CLOSE)) return false;
    const bytes = addressBytes(parsed.value);
    const first = bytes[0] ?? 0;
    if (!((first >= 0x20 && first <= 0x3f) || first === 0xfc || first === 0xfd)) return false;
    this.servers.set(row, ROW.isInet6, 1);
    for (let index = 0; index < bytes.length; index += 1) this.servers.setAddressByte(row, index, bytes[index] ?? 0);
    return true;
  }
}
