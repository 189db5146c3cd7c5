/**
 * Messages of the kernel's connection synchronisation, version 1 (net/netfilter/ipvs/ip_vs_sync.c, ip_vs_sync_mesg and
 * ip_vs_sync_v4, ip_vs_sync_v6): a head of 8 bytes and up to 255 connections, each aligned to 4 bytes.
 *
 *      0  zero                    0  bit 0 IPv6, bits 5-7 options   20  timeout, seconds
 *      1  sync id                 1  protocol                       24  client address
 *      2  size of the whole       2  size of this, version 0         …  VIP, server address
 *      4  number of connections   4  flags                           …  options: type, length, value
 *      5  version: 1              8  state
 *      6  zero                   10  ports: client, VIP, server
 *                                16  firewall mark
 *
 * Numbers are in network order. Nobody signs these messages: the kernel takes them from whoever can send to the group.
 */
import { DecodeError } from "../../lib/errors.ts";
import { Reader, Writer } from "../bytes/bytes.ts";

/** A connection, or the memory of a persistent client, as one kernel tells another of it. */
export interface SyncConnection {
  /** The number of the transport protocol; 0 for the memory of a client by firewall mark. */
  readonly protocol: number;
  /** Each address 4 bytes, or each 16. */
  readonly client: SyncEndpoint;
  readonly virtual: SyncEndpoint;
  readonly server: SyncEndpoint;
  /** IP_VS_CONN_F_*: how it is forwarded, whether it is active, whether it is the memory of a client. */
  readonly flags: number;
  /** The protocol's own number of its state. */
  readonly state: number;
  /** 0: none. */
  readonly mark: number;
  /** 0: what the receiver's kernel gives a connection in that state. */
  readonly timeoutSeconds: number;
  /** How an application helper has moved the TCP sequence numbers, as the kernel sends it: 24 bytes. */
  readonly sequences?: Uint8Array;
  /** What the persistence engine goes by. */
  readonly engine?: SyncEngine;
}

export interface SyncEndpoint {
  readonly address: Uint8Array;
  readonly port: number;
}

export interface SyncEngine {
  /** `sip`; at most 16 bytes. */
  readonly name: string;
  /** 1 to 255 bytes. */
  readonly data: Uint8Array;
}

export interface SyncMessage {
  readonly syncId: number;
  readonly connections: readonly SyncConnection[];
}

// linux/ip_vs.h, connection flags: the lowest three bits say how it is forwarded.
export const IP_VS_CONN_F_MASQ = 0;
export const IP_VS_CONN_F_LOCALNODE = 1;
export const IP_VS_CONN_F_TUNNEL = 2;
export const IP_VS_CONN_F_DROUTE = 3;
export const IP_VS_CONN_F_BYPASS = 4;
export const IP_VS_CONN_F_INACTIVE = 0x100;
export const IP_VS_CONN_F_TEMPLATE = 0x1000;

// ip_vs_sync.c
const SYNC_PROTO_VER = 1;
const STYPE_F_INET6 = 1;
const SVER_MASK = 0x0fff;
const SVER_SHIFT = 12;
const IPVS_OPT_SEQ_DATA = 1;
const IPVS_OPT_PE_DATA = 2;
const IPVS_OPT_PE_NAME = 3;
/** An option of this bit may be skipped by who does not know it. */
const IPVS_OPT_F_PARAM = 0x40;
const SEQUENCES_BYTES = 24;
/** IP_VS_PEDATA_MAXLEN and IP_VS_PENAME_MAXLEN of linux/ip_vs.h, the latter counting a NUL that is not sent. */
const ENGINE_DATA_BYTES_MAX = 255;
const ENGINE_NAME_BYTES_MAX = 16;

const ALIGNMENT_BYTES = 4;
/** Fields before the addresses. */
const FIXED_BYTES = 24;
const CONNECTIONS_MAX = 255;
/**
 * The kernel's backup daemon has room for at least this much, whatever it was told and however small the interface's
 * MTU (min_mtu in start_sync_thread); a longer message would be cut, and then dropped whole.
 */
export const SYNC_MESSAGE_BYTES_MAX = 1_024;

/** Puts connections into messages, as many as fit into each. */
export class SyncMessageWriter {
  readonly #writer = new Writer(SYNC_MESSAGE_BYTES_MAX);
  readonly #syncId: number;
  #count = 0;

  constructor(syncId: number) {
    this.#syncId = syncId;
  }

  /** Connections in the message that is being written. */
  get count(): number {
    return this.#count;
  }

  /**
   * Adds a connection where there is still room for it.
   * @returns whether there was. @throws RangeError for a number that does not fit, or addresses that don't match.
   */
  add(connection: SyncConnection): boolean {
    const writer = this.#writer;
    if (this.#count === 0) this.#begin();
    const gap = -writer.position & (ALIGNMENT_BYTES - 1);
    const size = sizeOf(connection);
    if (this.#count === CONNECTIONS_MAX || writer.position + gap + size > SYNC_MESSAGE_BYTES_MAX) return false;
    writer.align(ALIGNMENT_BYTES);
    writeConnection(writer, connection, size);
    this.#count += 1;
    return true;
  }

  /** The message, of which the next `add` begins another; undefined when nothing was added. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#count === 0) return undefined;
    this.#writer.patchBe16(2, this.#writer.position);
    const message = this.#writer.written().slice();
    // The number of connections is one byte.
    message[4] = this.#count;
    this.#count = 0;
    return message;
  }

  #begin(): void {
    const writer = this.#writer;
    writer.reset();
    writer.u8(0);
    writer.u8(this.#syncId);
    writer.be16(0);
    writer.u8(0);
    writer.u8(SYNC_PROTO_VER);
    writer.be16(0);
  }
}

function sizeOf({ client, sequences, engine }: SyncConnection): number {
  const options =
    (sequences === undefined ? 0 : 2 + SEQUENCES_BYTES) +
    (engine === undefined ? 0 : 4 + engine.data.length + new TextEncoder().encode(engine.name).length);
  return FIXED_BYTES + 3 * client.address.length + options;
}

function writeConnection(writer: Writer, connection: SyncConnection, size: number): void {
  const { client, virtual, server, sequences, engine } = connection;
  const addressBytes = client.address.length;
  const isMixed = virtual.address.length !== addressBytes || server.address.length !== addressBytes;
  if (isMixed || (addressBytes !== 4 && addressBytes !== 16)) {
    throw new RangeError("a connection's addresses are all of 4 bytes, or all of 16");
  }
  writer.u8(addressBytes === 16 ? STYPE_F_INET6 : 0);
  writer.u8(connection.protocol);
  writer.be16(size);
  writer.be32(connection.flags);
  writer.be16(connection.state);
  for (const { port } of [client, virtual, server]) writer.be16(port);
  writer.be32(connection.mark);
  writer.be32(connection.timeoutSeconds);
  for (const { address } of [client, virtual, server]) writer.bytes(address);
  if (sequences !== undefined) writeOption(writer, IPVS_OPT_SEQ_DATA, sequences, SEQUENCES_BYTES, SEQUENCES_BYTES);
  if (engine === undefined) return;
  writeOption(writer, IPVS_OPT_PE_DATA, engine.data, 1, ENGINE_DATA_BYTES_MAX);
  writeOption(writer, IPVS_OPT_PE_NAME, new TextEncoder().encode(engine.name), 1, ENGINE_NAME_BYTES_MAX);
}

function writeOption(writer: Writer, type: number, value: Uint8Array, min: number, max: number): void {
  if (value.length < min || value.length > max) throw new RangeError(`option ${type} of ${value.length} bytes`);
  writer.u8(type);
  writer.u8(value.length);
  writer.bytes(value);
}

/** Reads a whole message. @throws DecodeError */
export function decodeSyncMessage(bytes: Uint8Array): SyncMessage {
  const reader = new Reader(bytes);
  if (reader.u8("zero") !== 0) throw new DecodeError("zero", "this is no message of version 1");
  const syncId = reader.u8("syncId");
  const size = reader.be16("size");
  if (size !== bytes.length) throw new DecodeError("size", `${size} is not the message's length, ${bytes.length}`);
  const count = reader.u8("count");
  const version = reader.u8("version");
  if (version !== SYNC_PROTO_VER) throw new DecodeError("version", `${version} is not ${SYNC_PROTO_VER}`);
  reader.skip(2, "spare");
  const connections: SyncConnection[] = [];
  for (let index = 0; index < count; index += 1) {
    // The kernel pads before each connection but the first, and not after the last.
    reader.skip(-reader.position & (ALIGNMENT_BYTES - 1), "padding");
    connections.push(readConnection(reader));
  }
  if (reader.remaining >= ALIGNMENT_BYTES) reader.finish("message");
  return { syncId, connections };
}

function readConnection(reader: Reader): SyncConnection {
  const start = reader.position;
  const type = reader.u8("type");
  const protocol = reader.u8("protocol");
  const sizeAndVersion = reader.be16("size");
  if (sizeAndVersion >> SVER_SHIFT !== 0) throw new DecodeError("version", "a connection of an unknown version");
  const size = sizeAndVersion & SVER_MASK;
  const outerEnd = reader.enter(Math.max(0, size - (reader.position - start)), "connection");
  const fixed = { protocol, flags: reader.be32("flags"), state: reader.be16("state") };
  const ports = [reader.be16("clientPort"), reader.be16("virtualPort"), reader.be16("serverPort")] as const;
  const numbers = { mark: reader.be32("mark"), timeoutSeconds: reader.be32("timeout") };
  const addressBytes = (type & STYPE_F_INET6) === 0 ? 4 : 16;
  const endpoint = (port: number) => ({ address: reader.bytes(addressBytes, "address").slice(), port });
  const ends = { client: endpoint(ports[0]), virtual: endpoint(ports[1]), server: endpoint(ports[2]) };
  const options = readOptions(reader);
  reader.leave(outerEnd, "connection");
  return { ...fixed, ...ends, ...numbers, ...options };
}

function readOptions(reader: Reader): Pick<SyncConnection, "sequences" | "engine"> {
  const options = new Map<number, Uint8Array>();
  while (reader.remaining > 0) {
    const type = reader.u8("option") & ~IPVS_OPT_F_PARAM;
    const value = reader.bytes(reader.u8("length"), "option").slice();
    if (options.has(type)) throw new DecodeError("option", `option ${type} comes twice`);
    options.set(type, value);
  }
  const sequences = options.get(IPVS_OPT_SEQ_DATA);
  const data = options.get(IPVS_OPT_PE_DATA);
  const name = options.get(IPVS_OPT_PE_NAME);
  if (sequences !== undefined && sequences.length !== SEQUENCES_BYTES) {
    throw new DecodeError("sequences", `needs ${SEQUENCES_BYTES} bytes, got ${sequences.length}`);
  }
  if ((data === undefined) !== (name === undefined) || data?.length === 0 || name?.length === 0) {
    throw new DecodeError("engine", "a persistence engine needs a name and data");
  }
  if ((name?.length ?? 0) > ENGINE_NAME_BYTES_MAX) throw new DecodeError("engine", "its name is too long");
  return {
    ...(sequences === undefined ? {} : { sequences }),
    ...(data === undefined || name === undefined ? {} : { engine: { name: new TextDecoder().decode(name), data } }),
  };
}
