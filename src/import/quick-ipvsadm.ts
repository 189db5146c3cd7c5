import { formatEndpoint, parseEndpoint } from "../model/address.ts";
import { ROW, ROW_FORWARDINGS, type RowField, type TableRows } from "../model/server-rows.ts";
import type { Protocol, ServiceKey, VirtualService } from "../model/virtual-service.ts";
import { asBytes, ByteScanner } from "./byte-scanner.ts";
import { NEEDS_READER, QuickTable } from "./quick-table.ts";
import type { TableResult } from "./table-result.ts";

/**
 * The quick way to read what `ipvsadm -Sn` prints: one blank between the words, in its order, a service's servers below
 * it. See quick-table.ts.
 */

const ADD_SERVICE = asBytes("-A ");
const ADD_SERVER = asBytes("-a ");
const REAL_SERVER = asBytes(" -r ");
const WEIGHT = asBytes(" -w ");
const PLAIN_TUNNEL = asBytes(" --tun-type ipip");
const PROTOCOLS: readonly (readonly [Uint8Array, Protocol])[] = [
  [asBytes("-t "), "tcp"],
  [asBytes("-u "), "udp"],
  [asBytes("--sctp-service "), "sctp"],
];
const FORWARDINGS: readonly (readonly [Uint8Array, number])[] = [
  [asBytes(" -m"), ROW_FORWARDINGS.indexOf("nat")],
  [asBytes(" -g"), ROW_FORWARDINGS.indexOf("direct")],
  [asBytes(" -i"), ROW_FORWARDINGS.indexOf("tunnel")],
];
const THRESHOLDS: readonly (readonly [Uint8Array, RowField])[] = [
  [asBytes(" -x "), ROW.upperThreshold],
  [asBytes(" -y "), ROW.lowerThreshold],
];
const SPACE = 0x20;
const LINE_END = 0x0a;
const WEIGHT_MAX = 2_147_483_647;
const THRESHOLD_MAX = 4_294_967_295;
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

class QuickIpvsadm {
  readonly #text: ByteScanner;
  readonly #table: QuickTable;
  /** The words that name the service at hand, as its servers' lines must have them. */
  #words: Uint8Array = new Uint8Array(0);

  constructor(text: ByteScanner, parse: ParseIpvsadm | undefined) {
    this.#text = text;
    this.#table = new QuickTable(
      parse === undefined
        ? undefined
        : (key, settings) => readService(parse, String.fromCharCode(...this.#words), key, settings),
    );
  }

  read(): TableRows<VirtualService> | typeof NEEDS_READER | undefined {
    const text = this.#text;
    while (!text.isEnd) {
      if (text.lineEnd()) continue;
      const done = text.accept(ADD_SERVER) ? this.#server() : text.accept(ADD_SERVICE) && this.#service();
      if (!done) return this.#table.needsReader ? NEEDS_READER : undefined;
    }
    return this.#table.finish();
  }

  #service(): boolean {
    const text = this.#text;
    const start = text.at;
    const protocol = PROTOCOLS.find(([word]) => text.accept(word))?.[1];
    if (protocol === undefined) return false;
    const endpoint = parseEndpoint(text.upTo(SPACE) ?? "");
    if (!endpoint.ok) return false;
    const key: ServiceKey = { kind: "address", protocol, ...endpoint.value };
    const words = text.slice(start, text.at);
    // Other spellings of an address are the slow reader's.
    if (!words.endsWith(` ${formatEndpoint(key)}`)) return false;
    const settingsStart = text.at;
    text.skipLine();
    const end = text.bytes[text.at - 1] === LINE_END ? text.at - 1 : text.at;
    const settings = text.ascii(settingsStart, end);
    if (settings === undefined) return false;
    this.#words = text.bytes.subarray(start, settingsStart);
    return this.#table.beginService(key, settings, SCHEDULER_ALONE.exec(settings)?.[1]);
  }

  #server(): boolean {
    const text = this.#text;
    const { servers, service } = this.#table;
    if (service === undefined || !text.accept(this.#words) || !text.accept(REAL_SERVER)) return false;
    const row = this.#table.endpoint(text);
    if (row < 0) return false;
    const forward = this.#forwarding();
    if (forward < 0 || !text.accept(WEIGHT)) return false;
    servers.set(row, ROW.forward, forward);
    if (!this.#number(row, ROW.weight, WEIGHT_MAX)) return false;
    if (forward === TUNNEL) text.accept(PLAIN_TUNNEL);
    for (let index = 0; index < THRESHOLDS.length; index += 1) {
      const [word, field] = THRESHOLDS[index] ?? [];
      if (word === undefined || field === undefined || !text.accept(word)) continue;
      if (!this.#number(row, field, THRESHOLD_MAX)) return false;
    }
    this.#setPort(row, forward, service.key);
    return text.lineEnd() && this.#table.endServer(row, forward === TUNNEL);
  }

  #forwarding(): number {
    for (let index = 0; index < FORWARDINGS.length; index += 1) {
      const [word, forward] = FORWARDINGS[index] ?? [];
      if (word !== undefined && forward !== undefined && this.#text.accept(word)) return forward;
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
