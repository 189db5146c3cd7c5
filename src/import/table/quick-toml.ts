/**
 * The quick way to read what `formatTable` writes, and what looks like it: smol-toml takes 1.0 s for 10,000 real servers
 * where nothing is warm yet (measured in the lab), this takes a tenth. See quick-table.ts.
 */
import { MAX_SERVICES } from "../../config/keys/limits.ts";
import { THRESHOLD_MAX, TUNNEL_TYPES, WEIGHT_MAX } from "../../model/real-server.ts";
import { ROW, ROW_CHECKSUMS, ROW_FORWARDINGS, type RowField, type TableRows } from "../../model/server-rows.ts";
import {
  formatServiceKey,
  PROTOCOLS,
  parseServiceKey,
  type ServiceKey,
  serviceFamily,
  type VirtualService,
} from "../../model/virtual-service.ts";
import { asBytes, ByteScanner } from "./byte-scanner.ts";
import { type PlainShape, readPlainServers } from "./plain-servers.ts";
import { NEEDS_READER, QuickTable } from "./quick-table.ts";
import type { ReadTable, TableResult } from "./table-result.ts";

const SERVICE = asBytes("[[service]]\n");
const REAL = asBytes("[[service.real]]\n");
const TUNNEL = asBytes("[service.real.tunnel]\n");
const PERSISTENCE = asBytes("[service.persistence]\n");
const LISTEN = asBytes("listen");
const EQUALS = asBytes("=");
const QUOTE = asBytes('"');
const PROTOCOL_BYTES = PROTOCOLS.map((protocol) => asBytes(`"${protocol}://`));
const LINE_END = 0x0a;
const BRACKET = 0x5b;
const PORT_MAX = 65_535;
const TUNNEL_FORWARDING = ROW_FORWARDINGS.indexOf("tunnel");

/** A key of a server or its tunnel: a number up to a limit, or one of several words by their numbers. */
interface QuickKey {
  readonly name: Uint8Array;
  readonly field: RowField;
  readonly max?: number;
  readonly words?: readonly Uint8Array[];
}

function wordKey(name: string, field: RowField, words: readonly string[]): QuickKey {
  return { name: asBytes(name), field, words: words.map((word) => asBytes(`"${word}"`)) };
}

function numberKey(name: string, field: RowField, max: number): QuickKey {
  return { name: asBytes(name), field, max };
}

const ADDRESS = asBytes("address");
const SERVER_KEYS: readonly QuickKey[] = [
  numberKey("weight", ROW.weight, WEIGHT_MAX),
  wordKey("forward", ROW.forward, ROW_FORWARDINGS),
  numberKey("upper_threshold", ROW.upperThreshold, THRESHOLD_MAX),
  numberKey("lower_threshold", ROW.lowerThreshold, THRESHOLD_MAX),
];
const TUNNEL_KEYS: readonly QuickKey[] = [
  wordKey("type", ROW.tunnelType, TUNNEL_TYPES),
  numberKey("port", ROW.tunnelPort, PORT_MAX),
  wordKey("checksum", ROW.tunnelChecksum, ROW_CHECKSUMS),
];
/** What save writes between the address and the weight, after the weight, and before the next server's address. */
const THEN_WEIGHT = asBytes('"\nweight  = ');
const THEN_FORWARD = ROW_FORWARDINGS.map((forward) => asBytes(`\nforward = "${forward}"\n`));
const NEXT_SERVER = asBytes('\n[[service.real]]\naddress = "');
const PLAIN_SHAPES = ROW_FORWARDINGS.map((name, forward): PlainShape => {
  const rest = `\nforward = "${name}"\n\n`;
  return {
    middle: THEN_WEIGHT,
    link: asBytes(`${rest}[[service.real]]\naddress = "`),
    // A table that begins there is none of this server.
    end: asBytes(`${rest}[[`),
    kept: 2,
    forward,
  };
});
/** Bits of the keys that were there, by their places. */
const SAID_WEIGHT = 1 << 0;
const SAID_FORWARD = 1 << 1;
const SAID_TYPE = 1 << 0;

/** The settings that nearly all services have. */
const SCHEDULER_ALONE = /^scheduler *= *"([^"\\]*)"\n*$/;

/** `parseTable`. */
export type ParseTable = (text: string) => TableResult;

/** The service of a file of one service. */
function readService(parse: ParseTable, key: ServiceKey, settings: string): VirtualService | undefined {
  const result = parse(`[[service]]\nlisten = "${formatServiceKey(key)}"\n${settings}`);
  if (!result.ok || result.warnings.length > 0 || result.services.length !== 1) return undefined;
  const [only] = result.services;
  // Where the header of a server is indented, the servers are among the settings.
  if (only === undefined || only.servers.length > 0 || result.settings !== undefined) return undefined;
  return { ...only.service, key };
}

/** What a service of a table can't hold: other parts of the text are the whole reader's. */
const OUTSIDE = /^\s*\[\s*pair\b/m;

class QuickToml {
  readonly #text: ByteScanner;
  readonly #parse: ParseTable | undefined;
  readonly #table: QuickTable;
  /** Of the service before, and the scheduler where they are that alone. */
  #settings = "";
  #scheduler: string | undefined;
  /** The forwarding that the next servers are likely to have. */
  #forward = 0;

  constructor(text: ByteScanner, parse: ParseTable | undefined) {
    this.#text = text;
    this.#parse = parse;
    this.#table = new QuickTable(
      parse === undefined ? undefined : (key, settings) => readService(parse, key, settings),
    );
  }

  read(): TableRows<VirtualService> | typeof NEEDS_READER | undefined {
    const text = this.#text;
    let start = text.at;
    let size = 0;
    while (!text.isEnd) {
      if (text.lineEnd()) continue;
      if (this.#isAt(SERVICE)) {
        start = text.at;
        size = this.#table.size;
      }
      if (text.accept(SERVICE) ? this.#service() : text.accept(REAL) && this.#servers()) continue;
      if (this.#parse === undefined) return NEEDS_READER;
      if (this.#table.size > size) this.#table.dropService();
      if (!this.#wholeService(start, this.#parse)) return undefined;
    }
    return this.#table.finish();
  }

  /** A service with its servers that is not as save writes it. @returns false where there is anything to say about it. */
  #wholeService(start: number, parse: ParseTable): boolean {
    const text = this.#text;
    text.at = start;
    do text.skipLine();
    while (!text.isEnd && !this.#isAt(SERVICE));
    const own = text.ascii(start, text.at);
    if (own === undefined || OUTSIDE.test(own)) return false;
    const result = parse(own);
    if (!result.ok || result.warnings.length > 0 || result.settings !== undefined) return false;
    if (this.#table.size + result.services.length > MAX_SERVICES) return false;
    return result.services.every(
      ({ service, servers }) =>
        this.#table.addService(service) && servers.every((server) => this.#table.addServer(server)),
    );
  }

  /** Everything up to the first server is the slow reader's, once for services that are set alike. */
  #service(): boolean {
    const text = this.#text;
    if (!this.#key(LISTEN)) return false;
    const key = this.#listenKey();
    if (key === undefined || !text.lineEnd()) return false;
    const start = text.at;
    while (!text.isEnd && !this.#isAt(SERVICE) && !this.#isAt(REAL)) {
      if (text.next === BRACKET && !this.#isAt(PERSISTENCE)) return false;
      text.skipLine();
    }
    const settings = text.ascii(start, text.at, this.#settings);
    if (settings === undefined) return false;
    if (settings !== this.#settings) {
      this.#settings = settings;
      this.#scheduler = SCHEDULER_ALONE.exec(settings)?.[1];
    }
    return this.#table.beginService(key, settings, this.#scheduler);
  }

  /** `"tcp://203.0.113.10:80"` quickly, or anything else that is beyond doubt. */
  #listenKey(): ServiceKey | undefined {
    const text = this.#text;
    const start = text.at;
    for (let index = 0; index < PROTOCOL_BYTES.length; index += 1) {
      const protocol = PROTOCOLS[index];
      if (protocol === undefined || !text.accept(PROTOCOL_BYTES[index] ?? QUOTE)) continue;
      const key = this.#table.key(text, protocol);
      if (key === undefined || !text.accept(QUOTE)) break;
      return key;
    }
    text.at = start;
    const listen = text.quoted();
    const key = listen === undefined ? undefined : parseServiceKey(listen);
    return key?.ok === true && isOrdinary(key.value) ? key.value : undefined;
  }

  /** The servers that follow each other, all but the header of the first. */
  #servers(): boolean {
    const text = this.#text;
    // The address must come first, as save writes it: the row is made with it.
    if (!this.#key(ADDRESS) || !text.accept(QUOTE)) return false;
    for (;;) {
      const shape = PLAIN_SHAPES[this.#forward];
      if (shape !== undefined && readPlainServers(text, this.#table, shape)) return true;
      const row = this.#table.endpoint(text);
      if (row < 0) return false;
      const forward = this.#forwardAfterWeight(row);
      if (forward >= 0) this.#forward = forward;
      if (forward >= 0 && text.accept(NEXT_SERVER)) {
        if (!this.#table.endServer(row, forward === TUNNEL_FORWARDING)) return false;
        continue;
      }
      return this.#rest(row, forward >= 0 ? SAID_WEIGHT | SAID_FORWARD : 0);
    }
  }

  /** The two lines that save writes after the address, as it writes them. @returns -1, nothing taken, where others are. */
  #forwardAfterWeight(row: number): number {
    const text = this.#text;
    const start = text.at;
    const weight = text.accept(THEN_WEIGHT) ? text.number() : -1;
    if (weight >= 0 && weight <= WEIGHT_MAX) {
      for (let forward = 0; forward < THEN_FORWARD.length; forward += 1) {
        if (!text.accept(THEN_FORWARD[forward] ?? QUOTE)) continue;
        this.#table.servers.set(row, ROW.weight, weight);
        this.#table.servers.set(row, ROW.forward, forward);
        return forward;
      }
    }
    text.at = start;
    return -1;
  }

  /** What else a server has. @param before bits of the keys that it has said, if any; else its address still needs its end. */
  #rest(row: number, before: number): boolean {
    const text = this.#text;
    const { servers } = this.#table;
    if (before === 0 && !(text.accept(QUOTE) && text.lineEnd())) return false;
    const said = this.#keys(row, SERVER_KEYS, before);
    if (said < 0) return false;
    if ((said & SAID_WEIGHT) === 0) servers.set(row, ROW.weight, 1);
    const isTunnel = servers.get(row, ROW.forward) === TUNNEL_FORWARDING;
    if (text.accept(TUNNEL)) {
      const wrapped = this.#keys(row, TUNNEL_KEYS, 0);
      if (!isTunnel || wrapped < 0 || (wrapped & SAID_TYPE) === 0) return false;
    }
    return this.#table.endServer(row, isTunnel);
  }

  /** Reads the keys of a table to its end. @returns bits by their places, or -1 where something is not ordinary. */
  #keys(row: number, keys: readonly QuickKey[], before: number): number {
    const text = this.#text;
    let said = before;
    for (;;) {
      if (text.isEnd || text.next === BRACKET) return said;
      if (text.next === LINE_END) {
        text.at += 1;
        continue;
      }
      const index = this.#keyOf(keys);
      const key = keys[index];
      if (key === undefined || (said & (1 << index)) !== 0 || !this.#value(row, key) || !text.lineEnd()) return -1;
      said |= 1 << index;
    }
  }

  #keyOf(keys: readonly QuickKey[]): number {
    for (let index = 0; index < keys.length; index += 1) {
      const key = keys[index];
      if (key !== undefined && this.#key(key.name)) return index;
    }
    return -1;
  }

  #value(row: number, { field, max, words }: QuickKey): boolean {
    if (words !== undefined) {
      for (let index = 0; index < words.length; index += 1) {
        const word = words[index];
        if (word === undefined || !this.#text.accept(word)) continue;
        this.#table.servers.set(row, field, index);
        return true;
      }
      return false;
    }
    const value = this.#text.number();
    if (value < 0 || value > (max ?? 0)) return false;
    this.#table.servers.set(row, field, value);
    return true;
  }

  /** `name =` with spaces around the equals sign, or nothing at all. */
  #key(name: Uint8Array): boolean {
    const start = this.#text.at;
    if (this.#text.accept(name)) {
      this.#text.skipSpaces();
      if (this.#text.accept(EQUALS)) {
        this.#text.skipSpaces();
        return true;
      }
    }
    this.#text.at = start;
    return false;
  }

  #isAt(header: Uint8Array): boolean {
    const start = this.#text.at;
    const isAt = this.#text.accept(header);
    this.#text.at = start;
    return isAt;
  }
}

/** Whether listening there is beyond doubt: the checks of addresses are the slow reader's. */
function isOrdinary(key: ServiceKey): boolean {
  if (key.kind === "fwmark") return true;
  const first = Number.parseInt(key.address.text, serviceFamily(key) === "inet" ? 10 : 16);
  return serviceFamily(key) === "inet" ? first >= 1 && first <= 223 : first >= 0x2000 && first <= 0x3fff;
}

/**
 * Reads a saved table.
 * @param parse `parseTable`, for what is not quite ordinary; without it the result may be that it is needed.
 * @returns undefined where `parseTable` has to read all of it: there is something to say, or the text is unusual.
 */
export function readQuickToml(bytes: Uint8Array, parse?: ParseTable): ReadTable | typeof NEEDS_READER | undefined {
  const text = new ByteScanner(bytes);
  // What stands above the services is short, and the slow reader's.
  while (!text.isEnd && !startsService(text)) text.skipLine();
  const above = text.ascii(0, text.at);
  if (above === undefined || above.includes("service") || above.includes("pair")) return undefined;
  const isBare = above.trim() === "";
  if (!isBare && parse === undefined) return NEEDS_READER;
  const head = isBare ? undefined : parse?.(above);
  if (head !== undefined && (!head.ok || head.warnings.length > 0)) return undefined;
  const table = new QuickToml(text, parse).read();
  if (table === undefined || table === NEEDS_READER) return table;
  return { table, ...(head?.settings === undefined ? {} : { settings: head.settings }) };
}

function startsService(text: ByteScanner): boolean {
  const start = text.at;
  const starts = text.accept(SERVICE);
  text.at = start;
  return starts;
}
