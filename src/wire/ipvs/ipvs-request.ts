/**
 * The requests of which a table of thousands makes thousands, written straight: the bytes are those that the schemas of
 * ipvs-service.ts write for the same values (a property test holds the two together), without the objects in between.
 */
import { addressBytes, type Family } from "../../model/address.ts";
import { TUNNEL_TYPES, WEIGHT_MAX } from "../../model/real-server.ts";
import { ROW, type ServerRows } from "../../model/server-rows.ts";
import type { ServiceKey } from "../../model/virtual-service.ts";
import type { Writer } from "../bytes/bytes.ts";
import { familyNumber } from "../bytes/inet-address.ts";
import {
  FORWARDING_METHODS,
  IP_PROTOCOLS,
  IP_VS_TUNNEL_ENCAP_FLAG_CSUM,
  IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM,
} from "./ipvs-numbers.ts";

const NLA_F_NESTED = 0x8000;
/** IPVS_CMD_ATTR_SERVICE, IPVS_CMD_ATTR_DEST */
const SERVICE = 1;
const DESTINATION = 2;
/** Header and payload of an attribute (linux/netlink.h). */
const U16_BYTES = 4 + 2;
const U32_BYTES = 4 + 4;
const U8_BYTES = 4 + 1;
const TUNNEL = FORWARDING_METHODS.indexOf("tunnel");
/** By their numbers in a row. */
const TUNNEL_FLAGS = [0, IP_VS_TUNNEL_ENCAP_FLAG_CSUM, IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM];

function u32(writer: Writer, id: number, value: number): void {
  writer.u16(U32_BYTES);
  writer.u16(id);
  writer.u32(value);
}

function u16(writer: Writer, id: number, value: number): void {
  writer.u16(U16_BYTES);
  writer.u16(id);
  writer.u16(value);
  writer.u16(0);
}

function be16(writer: Writer, id: number, value: number): void {
  writer.u16(U16_BYTES);
  writer.u16(id);
  writer.be16(value);
  writer.u16(0);
}

function beginNest(writer: Writer, id: number): number {
  const start = writer.position;
  writer.u16(0);
  writer.u16(id | NLA_F_NESTED);
  return start;
}

function endNest(writer: Writer, start: number): void {
  writer.patchU16(start, writer.position - start);
}

/** What names a service, as every request about its servers has it. Made once for each service. */
export class ServiceName {
  #key: ServiceKey | undefined;
  #address: Uint8Array = new Uint8Array(0);

  set(key: ServiceKey): void {
    this.#key = key;
    this.#address = key.kind === "address" ? addressBytes(key.address) : new Uint8Array(0);
  }

  /** Writes the nest IPVS_CMD_ATTR_SERVICE. */
  write(writer: Writer): void {
    const key = this.#key;
    if (key === undefined) return;
    const nest = beginNest(writer, SERVICE);
    u16(writer, 1, familyNumber(key.kind === "fwmark" ? key.family : key.address.family));
    if (key.kind === "fwmark") u32(writer, 5, key.mark);
    else {
      u16(writer, 2, IP_PROTOCOLS[key.protocol]);
      writer.u16(4 + this.#address.length);
      writer.u16(3);
      writer.bytes(this.#address);
      be16(writer, 4, key.port);
    }
    endNest(writer, nest);
  }
}

/**
 * Writes the nest IPVS_CMD_ATTR_DEST with everything about the server of a row.
 * @throws RangeError for a weight that the kernel has no room for.
 */
export function writeDestination(writer: Writer, rows: ServerRows, row: number): void {
  const weight = rows.get(row, ROW.weight);
  if (weight > WEIGHT_MAX) throw new RangeError(`weight ${weight} is over ${WEIGHT_MAX}`);
  const nest = beginNest(writer, DESTINATION);
  const family: Family = rows.family(row);
  const addressLength = family === "inet" ? 4 : 16;
  writer.u16(4 + addressLength);
  writer.u16(1);
  for (let index = 0; index < addressLength; index += 1) writer.u8(rows.addressByte(row, index));
  be16(writer, 2, rows.get(row, ROW.port));
  u32(writer, 3, rows.get(row, ROW.forward));
  u32(writer, 4, weight);
  u32(writer, 5, rows.get(row, ROW.upperThreshold));
  u32(writer, 6, rows.get(row, ROW.lowerThreshold));
  u16(writer, 11, familyNumber(family));
  if (rows.get(row, ROW.forward) === TUNNEL) writeTunnel(writer, rows, row);
  endNest(writer, nest);
}

/** Absent attributes are 0 to the kernel: ipip without port and checksum. */
function writeTunnel(writer: Writer, rows: ServerRows, row: number): void {
  const type = rows.get(row, ROW.tunnelType);
  const port = rows.get(row, ROW.tunnelPort);
  const checksum = rows.get(row, ROW.tunnelChecksum);
  if (TUNNEL_TYPES[type] === "ipip" && port === 0 && checksum === 0) return;
  writer.u16(U8_BYTES);
  writer.u16(13);
  writer.u8(type);
  writer.zeros(3);
  be16(writer, 14, port);
  u16(writer, 15, TUNNEL_FLAGS[checksum] ?? 0);
}
