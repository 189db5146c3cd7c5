/**
 * A heartbeat in bytes: a head of 80 bytes, the payload, and 32 bytes of HMAC-SHA256 over all before them.
 *
 *      0  magic "TNDM"          8  pair id      40  echo nonce
 *      4  version               16 boot id      56  counter
 *      5  bit 0 backup,         24 nonce        64  echo counter, public
 *         bit 1 private path                    72  echo counter, private
 *      6  length of the payload                 80  payload
 *
 * Numbers are in network order. The HMAC is checked before anything of the payload is read, so that whoever lacks the
 * key reaches no more code than the head's comparisons.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { DecodeError } from "../../lib/errors.ts";
import type { IpAddress } from "../../model/address.ts";
import { Reader, Writer } from "../bytes/bytes.ts";
import type { Heartbeat, HeartbeatSource, PacketRefusal } from "./heartbeat.ts";
import { readPayload, writePayload } from "./heartbeat-payload.ts";

const MAGIC = 0x544e_444d; // "TNDM"
const VERSION = 1;
const HEAD_BYTES = 80;
const BOOT_ID_OFFSET = 16;
const COUNTER_OFFSET = 56;
const MAC_BYTES = 32;
/** Below the payload of any path MTU that Ethernet and its tunnels leave, so that no heartbeat is ever fragmented. */
export const HEARTBEAT_LIMIT_BYTES = 1400;
/** Head, HMAC and nothing between. */
export const HEARTBEAT_MIN_BYTES = HEAD_BYTES + MAC_BYTES;

const writer = new Writer(HEARTBEAT_LIMIT_BYTES);

/** Ids a pair by its four addresses, so that two pairs with one key in one network don't hear each other. 16 digits. */
export function pairIdOf(addresses: readonly IpAddress[], port: number): string {
  const text = `${addresses.map((address) => address.text).join(" ")} ${port}`;
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/**
 * The bytes of a heartbeat, signed with `key`.
 * @throws RangeError when a number is out of range.
 */
export function sealHeartbeat(heartbeat: Heartbeat, key: Uint8Array): Uint8Array<ArrayBuffer> {
  writer.reset();
  writer.be32(MAGIC);
  writer.u8(VERSION);
  writer.u8((heartbeat.router === "backup" ? 1 : 0) | (heartbeat.path === "private" ? 2 : 0));
  writer.be16(0);
  for (const id of [heartbeat.pairId, heartbeat.bootId, heartbeat.nonce, heartbeat.echoNonce]) {
    writer.bytes(Uint8Array.fromHex(id));
  }
  const { echoCounters } = heartbeat;
  for (const counter of [heartbeat.counter, echoCounters.public, echoCounters.private]) writer.be64(BigInt(counter));
  writePayload(writer, heartbeat.payload);
  writer.patchBe16(6, writer.position - HEAD_BYTES);
  writer.bytes(createHmac("sha256", key).update(writer.written()).digest());
  return writer.written().slice();
}

function readCounter(reader: Reader, field: string): number {
  const value = reader.be64(field);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new DecodeError(field, `${value} is too large`);
  return Number(value);
}

function senderOf(flags: number): Pick<Heartbeat, "router" | "path"> {
  return { router: (flags & 1) === 0 ? "primary" : "backup", path: (flags & 2) === 0 ? "public" : "private" };
}

/** Reads a packet whose HMAC was checked. @throws DecodeError */
export function decodeHeartbeat(bytes: Uint8Array): Heartbeat {
  const reader = new Reader(bytes);
  if (reader.be32("magic") !== MAGIC) throw new DecodeError("magic", "not a heartbeat");
  const version = reader.u8("version");
  if (version !== VERSION) throw new DecodeError("version", `${version} is not ${VERSION}`);
  const flags = reader.u8("flags");
  if (flags > 3) throw new DecodeError("flags", `unknown bits in ${flags}`);
  const payloadBytes = reader.be16("length");
  const hex = (length: number, field: string) => reader.bytes(length, field).toHex();
  const head = {
    pairId: hex(8, "pairId"),
    ...senderOf(flags),
    bootId: hex(8, "bootId"),
    nonce: hex(16, "nonce"),
    echoNonce: hex(16, "echoNonce"),
    counter: readCounter(reader, "counter"),
    echoCounters: {
      public: readCounter(reader, "echoPublic"),
      private: readCounter(reader, "echoPrivate"),
    },
  };
  const payload = readPayload(reader.bytes(payloadBytes, "payload"));
  reader.skip(MAC_BYTES, "hmac");
  reader.finish();
  return { ...head, payload };
}

/** Where a heartbeat says that it is from, not checked against any key; undefined where it is none. Never throws. */
export function readSource(bytes: Uint8Array): HeartbeatSource | undefined {
  if (bytes.length < HEARTBEAT_MIN_BYTES) return undefined;
  const reader = new Reader(bytes);
  if (reader.be32() !== MAGIC || reader.u8() !== VERSION) return undefined;
  const flags = reader.u8();
  if (flags > 3) return undefined;
  reader.skip(BOOT_ID_OFFSET - reader.position);
  const bootId = reader.bytes(8).toHex();
  reader.skip(COUNTER_OFFSET - reader.position);
  const counter = reader.be64();
  if (counter > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return { ...senderOf(flags), bootId, counter: Number(counter) };
}

export type OpenedPacket =
  | { readonly ok: true; readonly heartbeat: Heartbeat }
  | { readonly ok: false; readonly reason: PacketRefusal };

function headRefusal(bytes: Uint8Array, pairId: string): PacketRefusal | undefined {
  if (bytes.length < HEARTBEAT_MIN_BYTES || bytes.length > HEARTBEAT_LIMIT_BYTES) return "bad-length";
  const reader = new Reader(bytes);
  if (reader.be32() !== MAGIC) return "bad-magic";
  if (reader.u8() !== VERSION) return "bad-version";
  reader.skip(1);
  if (reader.be16() !== bytes.length - HEARTBEAT_MIN_BYTES) return "bad-length";
  return reader.bytes(8).toHex() === pairId ? undefined : "wrong-pair";
}

/**
 * Judges bytes from the network: a heartbeat of this pair, signed with one of `keys` (two during a rotation), or the
 * reason why not. Never throws.
 */
export function openHeartbeat(bytes: Uint8Array, keys: readonly Uint8Array[], pairId: string): OpenedPacket {
  const refusal = headRefusal(bytes, pairId);
  if (refusal !== undefined) return { ok: false, reason: refusal };
  const signed = bytes.subarray(0, bytes.length - MAC_BYTES);
  const mac = bytes.subarray(bytes.length - MAC_BYTES);
  const authentic = keys.some((key) => timingSafeEqual(createHmac("sha256", key).update(signed).digest(), mac));
  if (!authentic) return { ok: false, reason: "bad-mac" };
  try {
    return { ok: true, heartbeat: decodeHeartbeat(bytes) };
  } catch (error) {
    if (error instanceof DecodeError) return { ok: false, reason: "malformed" };
    throw error;
  }
}
