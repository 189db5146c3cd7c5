import { formatEndpoint, parseEndpoint } from "../model/address.ts";
import { THRESHOLD_MAX, WEIGHT_MAX } from "../model/real-server.ts";
import { ROW, ROW_FORWARDINGS, type RowField, type TableRows } from "../model/server-rows.ts";
import type { Protocol, ServiceKey, VirtualService } from "../model/virtual-service.ts";
import { asBytes, ByteScanner } from "./byte-scanner.ts";
import { type PlainShape, readPlainServers } from "./plain-servers.ts";
import { NEEDS_READER, QuickTable } from "./quick-table.ts";
import type { TableResult } from "./table-result.ts";

/**
 * The quick way to read what `ipvsadm -Sn` prints: one blank between the words, in its order, a service's servers below
 * it. See quick-table.ts.
 */

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

/** `parseIpvsadm`. */
export type ParseIpvsadm = (text: string) => TableResult;

function readService(
  parse: ParseIpvsadm,
  words: string,
  key: ServiceKey,
  settings: string,
): VirtualService | undefined {
  const result = parse(`-A ${words}${settings}\n`);
  if (!result.ok || result.warnings.length > 0) return undefined;
  const service = result.services[0]?.service;
  return service === undefined ? undefined : { ...service, key };
}

/** The servers of a service that are forwarded to alike. */
function shapeOf(key: ServiceKey, forward: number, link: Uint8Array): PlainShape | undefined {
  const middle = FORWARDINGS.find((choice) => choice.forward === forward)?.middle;
  if (middle === undefined) return undefined;
  const port = key.kind === "fwmark" || forward === NAT ? {} : { port: key.port };
  return { middle, link, end: NEW_LINE, kept: 0, forward, ...port };
}

class QuickIpvsadm {
  readonly #text: ByteScanner;
  readonly #table: QuickTable;
  /** The words that name the service at hand, and how its servers' lines begin. */
  #words = "";
  #lineStart: Uint8Array = new Uint8Array(0);
  /** The shape that the service's next servers are likely to have. */
  #shape: PlainShape | undefined;
  #forward = NAT;
  /** Of the service before, and the scheduler where they are that alone. */
  #settings = "";
  #scheduler: string | undefined;

  constructor(text: ByteScanner, parse: ParseIpvsadm | undefined) {
    this.#text = text;
    this.#table = new QuickTable(
      parse === undefined ? undefined : (key, settings) => readService(parse, this.#words, key, settings),
    );
  }

  read(): TableRows<VirtualService> | typeof NEEDS_READER | undefined {
    const text = this.#text;
    while (!text.isEnd) {
      if (text.lineEnd()) continue;
      const isServer = this.#table.service !== undefined && text.accept(this.#lineStart);
      const done = isServer ? this.#servers() : text.accept(ADD_SERVICE) && this.#service();
      if (!done) return this.#table.needsReader ? NEEDS_READER : undefined;
    }
    return this.#table.finish();
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
    const link = asBytes(`\n-a ${this.#words} -r `);
    this.#lineStart = link.subarray(1);
    if (settings !== this.#settings) {
      this.#settings = settings;
      this.#scheduler = SCHEDULER_ALONE.exec(settings)?.[1];
    }
    if (!this.#table.beginService(key, settings, this.#scheduler)) return false;
    this.#shape = shapeOf(key, this.#forward, link);
    return true;
  }

  /** Other spellings of an address than ours are the slow reader's. */
  #inet6Key(protocol: Protocol): ServiceKey | undefined {
    const words = this.#text.upTo(SPACE) ?? "";
    const endpoint = parseEndpoint(words);
    if (!endpoint.ok || formatEndpoint(endpoint.value) !== words) return undefined;
    return { kind: "address", protocol, ...endpoint.value };
  }

  /** Servers from the address of the first one on. */
  #servers(): boolean {
    const shape = this.#shape;
    return (shape !== undefined && readPlainServers(this.#text, this.#table, shape)) || this.#server();
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
    return text.lineEnd() && this.#table.endServer(row, forward === TUNNEL);
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
 * @param parse `parseIpvsadm`, for services that are not quite ordinary; without it the result may be that it is needed.
 * @returns undefined where `parseIpvsadm` has to read all of it: there is something to say, or the lines are unusual.
 */
export function readQuickIpvsadm(
  bytes: Uint8Array,
  parse?: ParseIpvsadm,
): TableRows<VirtualService> | typeof NEEDS_READER | undefined {
  return new QuickIpvsadm(new ByteScanner(bytes), parse).read();
}
