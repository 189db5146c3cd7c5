/**
 * Real servers from the kernel's messages straight into rows of numbers. The first message of a kind is read by the
 * schema, and where everything in it is gets remembered: a message with the same headers at the same places is then a
 * few copies. Whatever looks different is read by the schema again, which also refuses what makes no sense.
 */

import type { Family } from "../../model/address.ts";
import { ROW, ROW_ADDRESS, type ServerRows } from "../../model/server-rows.ts";
import { Reader } from "../bytes/bytes.ts";
import { AF_INET } from "../bytes/inet-address.ts";
import { commandAttributes, FORWARDING_METHODS } from "./ipvs-numbers.ts";
import { toObservedServer } from "./ipvs-server.ts";

/** struct nlattr (linux/netlink.h): u16 length of header and payload, u16 type, whose two upper bits are flags. */
const HEADER_BYTES = 4;
const TYPE_MASK = 0x3fff;
const WORD_BYTES = 4;

const IPVS_CMD_ATTR_DEST = 2;
const TUNNEL = FORWARDING_METHODS.indexOf("tunnel");

/** enum { IPVS_DEST_ATTR_* } by their numbers: the column that the first four bytes of the payload go to, as they are. */
const COLUMNS: readonly number[] = [
  -1,
  ROW_ADDRESS,
  ROW.port,
  ROW.forward,
  ROW.weight,
  ROW.upperThreshold,
  ROW.lowerThreshold,
  ROW.activeConnections,
  ROW.inactiveConnections,
  ROW.persistentConnections,
  -1,
  ROW.isInet6,
  -1,
  ROW.tunnelType,
  ROW.tunnelPort,
  ROW.tunnelChecksum,
];

/** Where things are in a message, in words from its first attribute. */
interface Layout {
  readonly bytes: number;
  /** Each attribute of the server: where, its header, and the column of its payload or -1. */
  readonly places: readonly number[];
  readonly headers: readonly number[];
  readonly columns: readonly number[];
}

/**
 * The layout of a message that the schema has read. Undefined for one that is not made of words, that has something
 * besides one server, or that has an attribute twice: no kernel sends that.
 */
function layoutOf(view: DataView, start: number, end: number): Layout | undefined {
  const nestType = view.getUint16(start + 2, true) & TYPE_MASK;
  if (nestType !== IPVS_CMD_ATTR_DEST || view.getUint16(start, true) !== end - start) return undefined;
  const places = [0];
  const headers = [view.getUint32(start, true)];
  const columns = [-1];
  for (let at = start + HEADER_BYTES; at < end; ) {
    const length = view.getUint16(at, true);
    const column = COLUMNS[view.getUint16(at + 2, true) & TYPE_MASK] ?? -1;
    if (column >= 0 && columns.includes(column)) return undefined;
    places.push((at - start) / WORD_BYTES);
    headers.push(view.getUint32(at, true));
    columns.push(column);
    at += (length + 3) & ~3;
  }
  const needed = [ROW_ADDRESS, ROW.port, ROW.forward, ROW.weight, ROW.isInet6];
  return needed.every((column) => columns.includes(column))
    ? { bytes: end - start, places, headers, columns }
    : undefined;
}

/** Adds servers to rows, one message of the kernel after another. */
export class ServerRowDecoder {
  readonly #rows: ServerRows;
  #view: DataView | undefined;
  #words: Uint32Array = new Uint32Array(0);
  #layout: Layout | undefined;

  constructor(rows: ServerRows) {
    this.#rows = rows;
  }

  /**
   * Adds the server of one message, whose attributes are from `start` to `end` of the datagram.
   * @param serviceFamily that of servers of kernels before 3.18, which send none.
   * @throws DecodeError, and then the rows are as before.
   */
  add(view: DataView, start: number, end: number, serviceFamily: Family): void {
    if (view !== this.#view) {
      this.#view = view;
      const isAligned = view.byteOffset % WORD_BYTES === 0;
      const words = isAligned ? Math.floor(view.byteLength / WORD_BYTES) : 0;
      this.#words = isAligned ? new Uint32Array(view.buffer, view.byteOffset, words) : new Uint32Array(0);
    }
    const layout = this.#layout;
    const canCopy = layout !== undefined && end - start === layout.bytes && start % WORD_BYTES === 0;
    if (canCopy && this.#copy(layout, start / WORD_BYTES)) return;
    const payload = new Uint8Array(view.buffer, view.byteOffset + start, end - start);
    const { destination } = commandAttributes.decode(new Reader(payload));
    this.#rows.addObserved(toObservedServer(destination ?? {}, serviceFamily));
    this.#layout = end > start ? layoutOf(view, start, end) : undefined;
  }

  /** Copies an IPv4 server of the known layout. @returns false, and adds nothing, where it is another thing. */
  #copy(layout: Layout, start: number): boolean {
    const words = this.#words;
    const { places, headers, columns } = layout;
    const row = this.#rows.add();
    const numbers = this.#rows.numbers(row);
    const base = this.#rows.start(row);
    for (let index = 0; index < places.length; index += 1) {
      const at = start + (places[index] ?? 0);
      if (words[at] !== headers[index]) {
        this.#rows.truncate(row);
        return false;
      }
      const column = columns[index] ?? -1;
      if (column >= 0) numbers[base + column] = words[at + 1] ?? 0;
    }
    if (finish(numbers, base)) return true;
    this.#rows.truncate(row);
    return false;
  }
}

/** Makes of the words what a row has. @returns false for what is not an IPv4 server without a tunnel's settings. */
function finish(numbers: Uint32Array, base: number): boolean {
  const method = numbers[base + ROW.forward] ?? 0;
  if (((numbers[base + ROW.isInet6] ?? 0) & 0xffff) !== AF_INET || method >= FORWARDING_METHODS.length) return false;
  const port = numbers[base + ROW.port] ?? 0;
  numbers[base + ROW.port] = ((port & 0xff) << 8) | ((port >>> 8) & 0xff);
  numbers[base + ROW.isInet6] = 0;
  if (method === TUNNEL) {
    const type = (numbers[base + ROW.tunnelType] ?? 0) & 0xff;
    const port = (numbers[base + ROW.tunnelPort] ?? 0) & 0xffff;
    const flags = (numbers[base + ROW.tunnelChecksum] ?? 0) & 0xffff;
    if ((type | port | flags) !== 0) return false;
  }
  numbers[base + ROW.tunnelType] = 0;
  numbers[base + ROW.tunnelPort] = 0;
  numbers[base + ROW.tunnelChecksum] = 0;
  return true;
}
