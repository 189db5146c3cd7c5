/**
 * The part of a heartbeat that carries what operators ordered: a digest of all that the sender knows, and some entries
 * of it, each whole, so that a lost packet costs nothing but time.
 */

import { DecodeError } from "../../lib/errors.ts";
import type { Parsed } from "../../lib/parsed.ts";
import { formatEndpoint, parseEndpoint } from "../../model/address.ts";
import type { KeptChange, KeptSettings } from "../../model/kept-server.ts";
import { FORWARDINGS, THRESHOLD_MAX, TUNNEL_TYPES, WEIGHT_MAX } from "../../model/real-server.ts";
import type { ServerOrder, SharedEntry } from "../../model/shared-entry.ts";
import { formatServiceKey, parseServiceKey } from "../../model/virtual-service.ts";
import type { Reader, Writer } from "../bytes/bytes.ts";
import { SHARED_ENTRIES_BYTES, type SharedReport } from "./heartbeat.ts";

const ORDERS = ["none", "drain", "weight"] as const satisfies readonly ServerOrder["kind"][];
const KINDS = ["hold", "server", "kept"] as const satisfies readonly SharedEntry["kind"][];
const CHANGES = ["none", "absent", "present"] as const satisfies readonly KeptChange["kind"][];
const CHECKSUMS = ["none", "full", "remote"] as const;
const HEAD_BYTES = 6;
/** Forwarding, weight, two thresholds, and whether there is a tunnel. */
const SETTINGS_BYTES = 1 + 3 * 4 + 1;
/** Type, port, checksum. */
const TUNNEL_BYTES = 1 + 2 + 1;
/** The head of a field, and the number of its entries. */
const KEPT_FIELD_BYTES = 3 + 1;

/** Whether it goes into the field that every version reads, which refuses a packet with an entry of a kind that it does not know. */
export function isOfOlderKind(entry: SharedEntry): boolean {
  return entry.kind !== "kept";
}

function keptBytes(change: KeptChange): number {
  if (change.kind !== "present") return KEPT_FIELD_BYTES + 1;
  return KEPT_FIELD_BYTES + 1 + SETTINGS_BYTES + (change.settings.tunnel === undefined ? 0 : TUNNEL_BYTES);
}

/** The bytes that an entry takes. */
export function sharedEntryBytes(entry: SharedEntry): number {
  if (entry.kind === "hold") return HEAD_BYTES + 1;
  const texts = formatServiceKey(entry.service).length + formatEndpoint(entry.server).length;
  if (entry.kind === "kept") return HEAD_BYTES + 2 + texts + keptBytes(entry.change);
  return HEAD_BYTES + 2 + texts + 1 + (entry.order.kind === "weight" ? 4 : 0);
}

/** As many of the first entries as a packet has room for. */
export function fittingEntries(entries: readonly SharedEntry[]): readonly SharedEntry[] {
  let room = SHARED_ENTRIES_BYTES;
  const end = entries.findIndex((entry) => {
    room -= sharedEntryBytes(entry);
    return room < 0;
  });
  return end < 0 ? entries : entries.slice(0, end);
}

function writeText(writer: Writer, text: string): void {
  const bytes = new TextEncoder().encode(text);
  writer.u8(bytes.length);
  writer.bytes(bytes);
}

function readText<T>(reader: Reader, field: string, parse: (text: string) => Parsed<T>): T {
  const result = parse(new TextDecoder().decode(reader.bytes(reader.u8(field), field)));
  if (!result.ok) throw new DecodeError(field, result.problem);
  return result.value;
}

function writeSettings(writer: Writer, settings: KeptSettings): void {
  writer.u8(FORWARDINGS.indexOf(settings.forward));
  for (const number of [settings.weight, settings.upperThreshold, settings.lowerThreshold]) writer.be32(number);
  const { tunnel } = settings;
  writer.u8(tunnel === undefined ? 0 : 1);
  if (tunnel === undefined) return;
  writer.u8(TUNNEL_TYPES.indexOf(tunnel.type));
  writer.be16(tunnel.port);
  writer.u8(CHECKSUMS.indexOf(tunnel.checksum));
}

function writeEntry(writer: Writer, entry: SharedEntry): void {
  writer.be32(entry.revision);
  writer.u8(entry.by === "backup" ? 1 : 0);
  writer.u8(KINDS.indexOf(entry.kind));
  if (entry.kind === "hold") {
    writer.u8(entry.held ? 1 : 0);
    return;
  }
  writeText(writer, formatServiceKey(entry.service));
  writeText(writer, formatEndpoint(entry.server));
  if (entry.kind === "kept") {
    writer.u8(CHANGES.indexOf(entry.change.kind));
    if (entry.change.kind === "present") writeSettings(writer, entry.change.settings);
    return;
  }
  writer.u8(ORDERS.indexOf(entry.order.kind));
  if (entry.order.kind === "weight") writer.be32(entry.order.weight);
}

function readOrder(reader: Reader): ServerOrder {
  const kind = ORDERS[reader.u8("order")];
  if (kind === undefined) throw new DecodeError("order", "unknown");
  if (kind !== "weight") return { kind };
  const weight = reader.be32("weight");
  if (weight > WEIGHT_MAX) throw new DecodeError("weight", `${weight} is more than ${WEIGHT_MAX}`);
  return { kind, weight };
}

function readChoice<const T extends string>(reader: Reader, field: string, choices: readonly T[]): T {
  const found = choices[reader.u8(field)];
  if (found === undefined) throw new DecodeError(field, "unknown");
  return found;
}

function readNumber(reader: Reader, field: string, limit: number): number {
  const value = reader.be32(field);
  if (value > limit) throw new DecodeError(field, `${value} is more than ${limit}`);
  return value;
}

function readTunnel(reader: Reader): Pick<KeptSettings, "tunnel"> {
  const has = reader.u8("tunnel");
  if (has > 1) throw new DecodeError("tunnel", `${has} is not 0 or 1`);
  if (has === 0) return {};
  const type = readChoice(reader, "tunnel type", TUNNEL_TYPES);
  const port = reader.be16("tunnel port");
  return { tunnel: { type, port, checksum: readChoice(reader, "checksum", CHECKSUMS) } };
}

function readChange(reader: Reader): KeptChange {
  const kind = readChoice(reader, "change", CHANGES);
  if (kind !== "present") return { kind };
  const forward = readChoice(reader, "forward", FORWARDINGS);
  const weight = readNumber(reader, "weight", WEIGHT_MAX);
  const upperThreshold = readNumber(reader, "upper threshold", THRESHOLD_MAX);
  const lowerThreshold = readNumber(reader, "lower threshold", THRESHOLD_MAX);
  return { kind, settings: { forward, weight, upperThreshold, lowerThreshold, ...readTunnel(reader) } };
}

function readEntry(reader: Reader): SharedEntry {
  const revision = reader.be32("revision");
  const by = reader.u8("by");
  const kind = KINDS[reader.u8("kind")];
  if (by > 1 || kind === undefined) throw new DecodeError("entry", "unknown router or kind");
  const stamp = { revision, by: by === 1 ? ("backup" as const) : ("primary" as const) };
  if (kind === "hold") {
    const held = reader.u8("held");
    if (held > 1) throw new DecodeError("held", `${held} is not 0 or 1`);
    return { kind: "hold", held: held === 1, ...stamp };
  }
  const service = readText(reader, "service", parseServiceKey);
  const server = readText(reader, "server", parseEndpoint);
  return kind === "kept"
    ? { kind, service, server, change: readChange(reader), ...stamp }
    : { kind, service, server, order: readOrder(reader), ...stamp };
}

function writeEntries(writer: Writer, entries: readonly SharedEntry[]): void {
  writer.u8(entries.length);
  for (const entry of entries) writeEntry(writer, entry);
}

function readEntries(reader: Reader): readonly SharedEntry[] {
  const count = reader.u8("count");
  return Array.from({ length: count }, () => readEntry(reader));
}

/** Appends the part, but for entries that older versions do not know. @throws RangeError when a number is out of range. */
export function writeShared(writer: Writer, shared: SharedReport): void {
  writer.bytes(Uint8Array.fromHex(shared.digest));
  writeEntries(writer, shared.entries.filter(isOfOlderKind));
}

/** Appends those. @throws RangeError when a number is out of range. */
export function writeKept(writer: Writer, entries: readonly SharedEntry[]): void {
  writeEntries(writer, entries);
}

/** Reads the part. @throws DecodeError */
export function readShared(reader: Reader): SharedReport {
  const digest = reader.bytes(8, "digest").toHex();
  return { digest, entries: readEntries(reader) };
}

/** Reads the further entries. @throws DecodeError */
export function readKept(reader: Reader): readonly SharedEntry[] {
  return readEntries(reader);
}
