/**
 * Real servers from the kernel's messages straight into rows of numbers. A row means exactly what `toObservedServer`
 * makes of the same attributes, and what that refuses is refused here: a property test holds the two together.
 */
import { DecodeError } from "../lib/errors.ts";
import type { Family } from "../model/address.ts";
import { TUNNEL_TYPES } from "../model/real-server.ts";
import { ROW, type RowField, type ServerRows } from "../model/server-rows.ts";
import { familyNumber, familyOf } from "./inet-address.ts";
import { AF_INET, FORWARDING_METHODS, IP_VS_TUNNEL_ENCAP_FLAG_CSUM, IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM } from "./ipvs.ts";

/** struct nlattr (linux/netlink.h): u16 length of header and payload, u16 type, whose two upper bits are flags. */
const HEADER_BYTES = 4;
const TYPE_MASK = 0x3fff;

const IPVS_CMD_ATTR_DEST = 2;
/** enum { IPVS_DEST_ATTR_* } */
const ATTR = {
  address: 1,
  port: 2,
  method: 3,
  weight: 4,
  addressFamily: 11,
  tunnelType: 13,
  tunnelPort: 14,
  tunnelFlags: 15,
} as const;

/** Attributes of four bytes that go into a row as they are. */
const PLAIN_NUMBERS: readonly (RowField | undefined)[] = [
  undefined,
  undefined,
  undefined,
  ROW.forward,
  ROW.weight,
  ROW.upperThreshold,
  ROW.lowerThreshold,
  ROW.activeConnections,
  ROW.inactiveConnections,
  ROW.persistentConnections,
];

const REQUIRED = [
  [ATTR.address, "address"],
  [ATTR.port, "port"],
  [ATTR.method, "forwardingMethod"],
  [ATTR.weight, "weight"],
] as const;
const REQUIRED_BITS = REQUIRED.reduce((bits, [id]) => bits | (1 << id), 0);
const TUNNEL = FORWARDING_METHODS.indexOf("tunnel");

/** The length of the attribute at `at`. @throws DecodeError where it is not all there. */
function attributeLength(view: DataView, at: number, end: number): number {
  if (end - at < HEADER_BYTES) throw new DecodeError("destination", `${end - at} stray bytes at the end`);
  const length = view.getUint16(at, true);
  if (length < HEADER_BYTES || length > end - at) {
    throw new DecodeError("destination", `an attribute of ${length} bytes does not fit where ${end - at} are`);
  }
  return length;
}

/** Where the next attribute is. The last one may come without its padding. */
function after(at: number, length: number, end: number): number {
  return Math.min(at + ((length + 3) & ~3), end);
}

function checkSize(payloadBytes: number, wanted: number, id: number): void {
  if (payloadBytes === wanted) return;
  throw new DecodeError("destination", `attribute ${id} needs ${wanted} bytes, got ${payloadBytes}`);
}

/** Reads the attributes of one server. A thing that comes twice counts as it comes last. */
class RowReader {
  readonly #rows: ServerRows;
  #row = 0;
  #seen = 0;
  #address = 0;
  #addressBytes = 0;
  #family = AF_INET;

  constructor(rows: ServerRows) {
    this.#rows = rows;
  }

  read(view: DataView, start: number, end: number, serviceFamily: Family): void {
    this.#row = this.#rows.add();
    this.#seen = 0;
    this.#family = familyNumber(serviceFamily);
    for (let at = start; at < end; ) {
      const length = attributeLength(view, at, end);
      const id = view.getUint16(at + 2, true) & TYPE_MASK;
      this.#take(view, id, at + HEADER_BYTES, length - HEADER_BYTES);
      at = after(at, length, end);
    }
    this.#finish(view);
  }

  #take(view: DataView, id: number, at: number, length: number): void {
    const field = PLAIN_NUMBERS[id];
    if (field !== undefined) {
      checkSize(length, 4, id);
      this.#rows.set(this.#row, field, view.getUint32(at, true));
    } else if (id === ATTR.address) {
      this.#address = at;
      this.#addressBytes = length;
    } else if (id === ATTR.port || id === ATTR.tunnelPort) {
      checkSize(length, 2, id);
      this.#rows.set(this.#row, id === ATTR.port ? ROW.port : ROW.tunnelPort, view.getUint16(at));
    } else if (id === ATTR.addressFamily) {
      checkSize(length, 2, id);
      this.#family = view.getUint16(at, true);
    } else if (id === ATTR.tunnelType) {
      checkSize(length, 1, id);
      this.#rows.set(this.#row, ROW.tunnelType, view.getUint8(at));
    } else if (id === ATTR.tunnelFlags) {
      checkSize(length, 2, id);
      this.#rows.set(this.#row, ROW.tunnelChecksum, checksumOf(view.getUint16(at, true)));
    }
    if (id <= ATTR.tunnelFlags) this.#seen |= 1 << id;
  }

  #finish(view: DataView): void {
    const rows = this.#rows;
    const row = this.#row;
    if ((this.#seen & REQUIRED_BITS) !== REQUIRED_BITS) {
      const missing = REQUIRED.find(([id]) => (this.#seen & (1 << id)) === 0);
      throw new DecodeError(missing?.[1] ?? "destination", "is missing");
    }
    const method = rows.get(row, ROW.forward);
    if (method >= FORWARDING_METHODS.length) {
      throw new DecodeError("forwardingMethod", `${method} is not a forwarding method`);
    }
    this.#finishTunnel(method);
    const family = familyOf(this.#family, "addressFamily");
    rows.set(row, ROW.isInet6, family === "inet" ? 0 : 1);
    const needed = family === "inet" ? 4 : 16;
    if (this.#addressBytes < needed) {
      throw new DecodeError("address", `needs ${needed} bytes, got ${this.#addressBytes}`);
    }
    for (let index = 0; index < needed; index += 1) {
      rows.setAddressByte(row, index, view.getUint8(this.#address + index));
    }
  }

  /** Without tunnel forwarding its settings mean nothing. */
  #finishTunnel(method: number): void {
    const type = this.#rows.get(this.#row, ROW.tunnelType);
    if (method !== TUNNEL) {
      this.#rows.set(this.#row, ROW.tunnelType, 0);
      this.#rows.set(this.#row, ROW.tunnelPort, 0);
      this.#rows.set(this.#row, ROW.tunnelChecksum, 0);
    } else if (type >= TUNNEL_TYPES.length) throw new DecodeError("tunnelType", `${type} is not a tunnel type`);
  }
}

/** As a row has it. With both bits the kernel takes the remote one (ip_vs_xmit.c, ipvs_gue_encap). */
function checksumOf(flags: number): number {
  if ((flags & IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM) !== 0) return 2;
  return (flags & IP_VS_TUNNEL_ENCAP_FLAG_CSUM) === 0 ? 0 : 1;
}

/** Adds servers to rows, one message of the kernel after another. */
export class ServerRowDecoder {
  readonly #rows: ServerRows;
  readonly #reader: RowReader;

  constructor(rows: ServerRows) {
    this.#rows = rows;
    this.#reader = new RowReader(rows);
  }

  /**
   * Adds the server of one message, whose attributes are from `start` to `end` of the datagram.
   * @param serviceFamily that of servers of kernels before 3.18, which send none.
   * @throws DecodeError, and then the rows are as before.
   */
  add(view: DataView, start: number, end: number, serviceFamily: Family): void {
    const before = this.#rows.count;
    try {
      for (let at = start; at < end; ) {
        const length = attributeLength(view, at, end);
        if ((view.getUint16(at + 2, true) & TYPE_MASK) === IPVS_CMD_ATTR_DEST) {
          this.#rows.truncate(before);
          this.#reader.read(view, at + HEADER_BYTES, at + length, serviceFamily);
        }
        at = after(at, length, end);
      }
    } catch (error) {
      this.#rows.truncate(before);
      throw error;
    }
    if (this.#rows.count === before) throw new DecodeError("destination", "is missing");
  }
}
