/**
 * Reads lines of ipvsadm into rows. What `ipvsadm -Sn` prints (one blank between the words, in its order, a service's
 * servers below it) is taken apart here; every other line goes to the reader of single lines (ipvsadm.ts), which knows
 * all of ipvsadm's spellings and what is wrong with a line, and is loaded only when there is such a line.
 */
import { formatEndpoint, parseEndpoint } from "../../model/address.ts";
import { THRESHOLD_MAX, WEIGHT_MAX } from "../../model/real-server.ts";
import { ROW, ROW_FORWARDINGS, type RowField } from "../../model/server-rows.ts";
import type { Protocol, ServiceKey, VirtualService } from "../../model/virtual-service.ts";
import { asBytes, ByteScanner } from "../table/byte-scanner.ts";
import { type PlainShape, readPlainServers } from "../table/plain-servers.ts";
import { NEEDS_READER, QuickTable } from "../table/quick-table.ts";

const ADD_SERVICE = asBytes("-A ");
const WEIGHT = asBytes(" -w ");
const PLAIN_TUNNEL = asBytes(" --tun-type ipip");
const PROTOCOLS: readonly (readonly [Uint8Array, Protocol])[] = [
  [asBytes("-t "), "tcp"],
  [asBytes("-u "), "udp"],
  [asBytes("--sctp-service "), "sctp"],
];
const FORWARDINGS = (
  [
    ["-m", "nat"],
    ["-g", "direct"],
    ["-i", "tunnel"],
  ] as const
).map(([word, forward]) => ({
  word: asBytes(` ${word}`),
  middle: asBytes(` ${word} -w `),
  forward: ROW_FORWARDINGS.indexOf(forward),
}));
const NEW_LINE = asBytes("\n");
const THRESHOLDS: readonly (readonly [Uint8Array, RowField])[] = [
  [asBytes(" -x "), ROW.upperThreshold],
  [asBytes(" -y "), ROW.lowerThreshold],
];
const SPACE = 0x20;
const LINE_END = 0x0a;
const NAT = ROW_FORWARDINGS.indexOf("nat");
const TUNNEL = ROW_FORWARDINGS.indexOf("tunnel");

/** The settings that nearly all services have. */
const SCHEDULER_ALONE = /^ -s ([^- ][^ ]*)$/;

/** The reader of lines that are not as `ipvsadm -Sn` prints them. */
export interface UnusualLines {
  /** Carries out a line, or keeps what is wrong with it. @param number of the line, from 1. */
  read(line: string, number: number, table: QuickTable): void;
  /** A service from the words behind its key; undefined where there is something to say about them. */
  service(words: string, settings: string): VirtualService | undefined;
  /** `-t 203.0.113.10:80`, as `ipvsadm -Sn` prints the key. */
  keyWords(key: ServiceKey): string;
  /** Whether a line changed what stands above it, so that this reader holds the table and needs every further line. */
  readonly takesAll: boolean;
  /** Whether so much is wrong that the rest is not worth reading. */
  readonly isFull: boolean;
}

/** The servers of a service that are forwarded to alike. */
function shapeOf(key: ServiceKey, forward: number, link: Uint8Array): PlainShape | undefined {
  const middle = FORWARDINGS.find((choice) => choice.forward === forward)?.middle;
  if (middle === undefined) return undefined;
  const port = key.kind === "fwmark" || forward === NAT ? {} : { port: key.port };
  return { middle, link, end: NEW_LINE, kept: 0, forward, ...port };
}

class IpvsadmReader {
  readonly #text: ByteScanner;
  readonly #lines: UnusualLines | undefined;
  readonly #table: QuickTable;
  /** How many lines end before `#counted`. */
  #lineNumber = 1;
  #counted = 0;
  /** The words that name the service at hand, and how its servers' lines begin. */
  #words = "";
  #lineStart: Uint8Array = new Uint8Array(0);
  /** The shape that the service's next servers are likely to have. */
  #shape: PlainShape | undefined;
  #forward = NAT;
  /** Of the service before, and the scheduler where they are that alone. */
  #settings = "";
  #scheduler: string | undefined;

  constructor(text: ByteScanner, lines: UnusualLines | undefined) {
    this.#text = text;
    this.#lines = lines;
    this.#table = new QuickTable(
      lines === undefined ? undefined : (_, settings) => lines.service(this.#words, settings),
    );
  }

  read(): QuickTable | typeof NEEDS_READER {
    const text = this.#text;
    const lines = this.#lines;
    while (!text.isEnd && lines?.isFull !== true) {
      if (text.lineEnd() || (lines?.takesAll !== true && this.#usual())) continue;
      if (lines === undefined) return NEEDS_READER;
      this.#unusual(lines);
    }
    return this.#table;
  }

  /** Reads a service, or servers. @returns false in the line that is another thing. */
  #usual(): boolean {
    const text = this.#text;
    if (this.#table.service !== undefined && text.accept(this.#lineStart)) return this.#servers();
    const start = text.at;
    if (text.accept(ADD_SERVICE) && this.#service()) return true;
    text.at = start;
    return false;
  }

  /** Has the line read that the text is in. */
  #unusual(lines: UnusualLines): void {
    const text = this.#text;
    const start = text.at === 0 ? 0 : text.bytes.lastIndexOf(LINE_END, text.at - 1) + 1;
    for (let at = text.bytes.indexOf(LINE_END, this.#counted); at >= 0 && at < start; ) {
      this.#lineNumber += 1;
      this.#counted = at + 1;
      at = text.bytes.indexOf(LINE_END, this.#counted);
    }
    text.skipLine();
    const { service } = this.#table;
    lines.read(text.utf8(start, text.at).replace(/\n$/, ""), this.#lineNumber, this.#table);
    const now = this.#table.service;
    if (now !== undefined && now !== service) this.#expectServers(now.key, lines.keyWords(now.key));
  }

  /** The lines of this service's servers are likely to come next. */
  #expectServers(key: ServiceKey, words: string): void {
    this.#words = words;
    const link = asBytes(`\n-a ${words} -r `);
    this.#lineStart = link.subarray(1);
    this.#shape = shapeOf(key, this.#forward, link);
  }

  #service(): boolean {
    const text = this.#text;
    const start = text.at;
    const protocol = PROTOCOLS.find(([word]) => text.accept(word))?.[1];
    if (protocol === undefined) return false;
    const key = this.#table.key(text, protocol) ?? this.#inet6Key(protocol);
    if (key === undefined || text.next !== SPACE) return false;
    const settingsStart = text.at;
    text.skipLine();
    const end = text.bytes[text.at - 1] === LINE_END ? text.at - 1 : text.at;
    const settings = text.ascii(settingsStart, end, this.#settings);
    if (settings === undefined) return false;
    this.#words = text.slice(start, settingsStart);
    if (settings !== this.#settings) {
      this.#settings = settings;
      this.#scheduler = SCHEDULER_ALONE.exec(settings)?.[1];
    }
    if (!this.#table.beginService(key, settings, this.#scheduler)) return false;
    this.#expectServers(key, this.#words);
    return true;
  }

  /** Of an IPv6 address only the spelling that save has. */
  #inet6Key(protocol: Protocol): ServiceKey | undefined {
    const words = this.#text.upTo(SPACE) ?? "";
    const endpoint = parseEndpoint(words);
    if (!endpoint.ok || formatEndpoint(endpoint.value) !== words) return undefined;
    return { kind: "address", protocol, ...endpoint.value };
  }

  /** Servers from the address of the first one on. */
  #servers(): boolean {
    const shape = this.#shape;
    if (shape !== undefined && readPlainServers(this.#text, this.#table, shape)) return true;
    const { count } = this.#table.servers;
    if (this.#server()) return true;
    this.#table.truncate(count);
    return false;
  }

  #server(): boolean {
    const text = this.#text;
    const { servers, service } = this.#table;
    if (service === undefined) return false;
    const row = this.#table.endpoint(text);
    if (row < 0) return false;
    const forward = this.#forwarding();
    if (forward < 0 || !text.accept(WEIGHT)) return false;
    servers.set(row, ROW.forward, forward);
    if (forward !== this.#forward) {
      this.#forward = forward;
      this.#shape = this.#shape && shapeOf(service.key, forward, this.#shape.link);
    }
    if (!this.#number(row, ROW.weight, WEIGHT_MAX)) return false;
    if (forward === TUNNEL) text.accept(PLAIN_TUNNEL);
    for (let index = 0; index < THRESHOLDS.length; index += 1) {
      const threshold = THRESHOLDS[index];
      if (threshold === undefined || !text.accept(threshold[0])) continue;
      if (!this.#number(row, threshold[1], THRESHOLD_MAX)) return false;
    }
    this.#setPort(row, forward, service.key);
    // The end of the line stays where the line is given up.
    if (!(text.isEnd || text.next === LINE_END) || !this.#table.endServer(row, forward === TUNNEL)) return false;
    return text.lineEnd();
  }

  #forwarding(): number {
    for (let index = 0; index < FORWARDINGS.length; index += 1) {
      const choice = FORWARDINGS[index];
      if (choice !== undefined && this.#text.accept(choice.word)) return choice.forward;
    }
    return -1;
  }

  #number(row: number, field: RowField, max: number): boolean {
    const value = this.#text.number();
    this.#table.servers.set(row, field, Math.max(0, value));
    return value >= 0 && value <= max;
  }

  /** The port that the kernel gets (ipvsadm-server.ts, withServicePort). */
  #setPort(row: number, forward: number, key: ServiceKey): void {
    const { servers } = this.#table;
    if (key.kind === "fwmark" || (forward === NAT && servers.get(row, ROW.port) !== 0)) return;
    servers.set(row, ROW.port, key.port);
  }
}

/**
 * Reads lines of ipvsadm.
 * @param lines without it the result may be that it is needed.
 * @returns the table that was read, unless `lines` took all of it.
 */
export function readIpvsadm(bytes: Uint8Array, lines?: UnusualLines): QuickTable | typeof NEEDS_READER {
  return new IpvsadmReader(new ByteScanner(bytes), lines).read();
}
