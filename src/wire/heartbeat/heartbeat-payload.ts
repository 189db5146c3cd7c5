/**
 * The payload of a heartbeat: fields of the form { type u8, length be16, value }, in any order, each at most once.
 * A field of an unknown type is skipped, so that a later version can add some; a known one has exactly its layout.
 * Fields of 64 and above are for later versions.
 */
import { DecodeError } from "../../lib/errors.ts";
import { addressBytes, addressFromBytes } from "../../model/address.ts";
import { type MacAddress, macBytes, macFromBytes } from "../../model/mac-address.ts";
import type { PathName } from "../../model/pair.ts";
import type { SharedEntry } from "../../model/shared-entry.ts";
import { Reader, type Writer } from "../bytes/bytes.ts";
import {
  AGREEMENT_STEPS,
  type AgreementWord,
  type HeartbeatPayload,
  MAC_REPORT_LIMIT,
  MOVE_REASONS,
  type SideReport,
  SOFTWARE_LIMIT_BYTES,
  type TableReport,
  VIP_REPORT_LIMIT,
  type VipReport,
  type WarmthReport,
} from "./heartbeat.ts";
import { readFitness, writeFitness } from "./heartbeat-fitness.ts";
import { readSettings, writeSettings } from "./heartbeat-settings.ts";
import { isOfOlderKind, readKept, readShared, writeKept, writeShared } from "./heartbeat-shared.ts";
import { readSyncWord, writeSyncWord } from "./heartbeat-sync.ts";
import { readViews, writeViews } from "./heartbeat-views.ts";

const FIELD = {
  state: 1,
  heard: 2,
  sides: 3,
  vips: 4,
  config: 5,
  software: 6,
  agreement: 7,
  table: 8,
  warmth: 9,
  sendNumber: 10,
  shared: 11,
  sync: 12,
  stepping: 13,
  views: 14,
  strays: 15,
  fitness: 16,
  lease: 17,
  kept: 18,
  settings: 19,
};
/** An age that stands for "never". */
const NEVER = 0xffff_ffff;
/** Bits of the state field, lowest first. */
const STATE_BITS = ["active", "ready", "leaving", "hold", "abstaining", "holding", "automatic"] as const;

function writeField(writer: Writer, type: number, write: () => void): void {
  writer.u8(type);
  const lengthAt = writer.position;
  writer.be16(0);
  write();
  writer.patchBe16(lengthAt, writer.position - lengthAt - 2);
}

function writeAge(writer: Writer, ageMs: number | undefined): void {
  writer.be32(ageMs === undefined ? NEVER : Math.min(NEVER - 1, Math.max(0, Math.round(ageMs))));
}

function readAge(reader: Reader, field: string): number | undefined {
  const ageMs = reader.be32(field);
  return ageMs === NEVER ? undefined : ageMs;
}

function readFlag(reader: Reader, field: string): boolean {
  const value = reader.u8(field);
  if (value > 1) throw new DecodeError(field, `${value} is not 0 or 1`);
  return value === 1;
}

function writeState(writer: Writer, payload: HeartbeatPayload): void {
  const bits: Record<(typeof STATE_BITS)[number], boolean> = {
    active: payload.role === "active",
    ready: payload.ready,
    leaving: payload.leaving,
    hold: payload.hold,
    abstaining: payload.abstaining,
    holding: payload.holding,
    automatic: payload.failback === "automatic",
  };
  writer.u8(STATE_BITS.reduce((value, name, index) => value | (bits[name] ? 1 << index : 0), 0));
  writer.be32(payload.term);
  writer.be32(payload.lastActiveTerm);
}

type StateFields = Pick<
  HeartbeatPayload,
  "role" | "term" | "lastActiveTerm" | "ready" | "leaving" | "hold" | "abstaining" | "holding" | "failback"
>;

function readState(reader: Reader): StateFields {
  const value = reader.u8("flags");
  if (value >= 1 << STATE_BITS.length) throw new DecodeError("flags", `unknown bits in ${value}`);
  const bit = (name: (typeof STATE_BITS)[number]) => (value & (1 << STATE_BITS.indexOf(name))) !== 0;
  return {
    role: bit("active") ? "active" : "standby",
    ready: bit("ready"),
    leaving: bit("leaving"),
    hold: bit("hold"),
    abstaining: bit("abstaining"),
    holding: bit("holding"),
    failback: bit("automatic") ? "automatic" : "manual",
    term: reader.be32("term"),
    lastActiveTerm: reader.be32("lastActiveTerm"),
  };
}

function writeSide(writer: Writer, side: SideReport): void {
  writer.u8(side.carrier ? 1 : 0);
  writeAge(writer, side.frameAgeMs);
  writeAge(writer, side.neighbourAgeMs);
}

function readSide(reader: Reader): SideReport {
  const carrier = readFlag(reader, "carrier");
  const frameAgeMs = readAge(reader, "frameAge");
  const neighbourAgeMs = readAge(reader, "neighbourAge");
  return {
    carrier,
    ...(frameAgeMs === undefined ? {} : { frameAgeMs }),
    ...(neighbourAgeMs === undefined ? {} : { neighbourAgeMs }),
  };
}

function readHeard(reader: Reader): HeartbeatPayload["heardAgeMs"] {
  const publicMs = readAge(reader, "public");
  const privateMs = readAge(reader, "private");
  return {
    ...(publicMs === undefined ? {} : { public: publicMs }),
    ...(privateMs === undefined ? {} : { private: privateMs }),
  };
}

/** The distinct MACs first; each VIP then names one by its place, from 1; 0 is none. */
function writeVips(writer: Writer, payload: HeartbeatPayload): void {
  const vips = payload.vips.slice(0, VIP_REPORT_LIMIT);
  const macs = [...new Set(vips.flatMap((vip) => (vip.mac === undefined ? [] : [vip.mac])))].slice(0, MAC_REPORT_LIMIT);
  writer.be16(payload.vipCount);
  writer.u8(macs.length);
  for (const mac of macs) writer.bytes(macBytes(mac));
  writer.u8(vips.length);
  for (const vip of vips) {
    const place = vip.mac === undefined ? 0 : macs.indexOf(vip.mac) + 1;
    writer.u8((vip.address.family === "inet6" ? 1 : 0) | (vip.held ? 2 : 0) | (place << 2));
    writer.bytes(addressBytes(vip.address));
  }
}

function readVip(reader: Reader, macs: readonly MacAddress[]): VipReport {
  const head = reader.u8("vip");
  const place = head >> 2;
  if (place > macs.length) throw new DecodeError("vip", `names MAC ${place} of ${macs.length}`);
  const mac = macs[place - 1];
  const address = addressFromBytes(reader.bytes((head & 1) === 1 ? 16 : 4, "address"));
  return { address, held: (head & 2) !== 0, ...(mac === undefined ? {} : { mac }) };
}

function readVips(reader: Reader): Pick<HeartbeatPayload, "vips" | "vipCount"> {
  const vipCount = reader.be16("count");
  const macCount = reader.u8("macs");
  if (macCount > MAC_REPORT_LIMIT) throw new DecodeError("macs", `${macCount} are more than ${MAC_REPORT_LIMIT}`);
  const macs = Array.from({ length: macCount }, () => macFromBytes(reader.bytes(6, "mac")));
  const listed = reader.u8("listed");
  if (listed > VIP_REPORT_LIMIT) throw new DecodeError("listed", `${listed} are more than ${VIP_REPORT_LIMIT}`);
  return { vipCount, vips: Array.from({ length: listed }, () => readVip(reader, macs)) };
}

function readSoftware(reader: Reader): string {
  const bytes = reader.rest();
  if (bytes.length > SOFTWARE_LIMIT_BYTES) throw new DecodeError("", `${bytes.length} bytes are too many`);
  // It is printed on terminals: nothing but printable ASCII.
  if (bytes.some((byte) => byte < 0x20 || byte > 0x7e)) throw new DecodeError("", "not printable ASCII");
  return new TextDecoder().decode(bytes);
}

function readAgreement(reader: Reader): AgreementWord {
  const step = AGREEMENT_STEPS[reader.u8("step")];
  const id = reader.be32("id");
  const reason = MOVE_REASONS[reader.u8("reason")];
  if (step === undefined || reason === undefined) throw new DecodeError("", "unknown step or reason");
  return { step, id, reason };
}

function readTable(reader: Reader): TableReport {
  return {
    complete: readFlag(reader, "complete"),
    services: reader.be32("services"),
    servers: reader.be32("servers"),
    serversUp: reader.be32("serversUp"),
  };
}

function readWarmth(reader: Reader): WarmthReport {
  return { wanted: reader.be32("wanted"), present: reader.be32("present"), fullSync: readFlag(reader, "fullSync") };
}

function readSendNumber(reader: Reader): number {
  const value = reader.be64("number");
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new DecodeError("number", `${value} is too large`);
  return Number(value);
}

function readLeaseAge(reader: Reader): Pick<HeartbeatPayload, "leaseAgeMs"> {
  const leaseAgeMs = readAge(reader, "age");
  return leaseAgeMs === undefined ? {} : { leaseAgeMs };
}

/** Appends the payload. @throws RangeError when a number is out of range or the buffer too small. */
export function writePayload(writer: Writer, payload: HeartbeatPayload): void {
  writeField(writer, FIELD.state, () => writeState(writer, payload));
  writeField(writer, FIELD.heard, () => {
    writeAge(writer, payload.heardAgeMs.public);
    writeAge(writer, payload.heardAgeMs.private);
  });
  writeField(writer, FIELD.sides, () => {
    writeSide(writer, payload.sides.public);
    writeSide(writer, payload.sides.private);
  });
  writeField(writer, FIELD.vips, () => writeVips(writer, payload));
  writeField(writer, FIELD.config, () => writer.bytes(Uint8Array.fromHex(payload.configFingerprint)));
  writeField(writer, FIELD.software, () =>
    writer.bytes(new TextEncoder().encode(payload.software).subarray(0, SOFTWARE_LIMIT_BYTES)),
  );
  writeOptional(writer, payload);
}

function writeOptional(writer: Writer, payload: HeartbeatPayload): void {
  const { agreement, table, warmth, sendNumber, shared, sync, stepping, views, settings, fitness, leaseAgeMs } =
    payload;
  if (fitness !== undefined) writeField(writer, FIELD.fitness, () => writeFitness(writer, fitness));
  if (leaseAgeMs !== undefined) writeField(writer, FIELD.lease, () => writeAge(writer, leaseAgeMs));
  if (payload.strays !== undefined) writeField(writer, FIELD.strays, () => {});
  if (views !== undefined) writeField(writer, FIELD.views, () => writeViews(writer, views));
  if (settings !== undefined) writeField(writer, FIELD.settings, () => writeSettings(writer, settings));
  if (stepping !== undefined) writeField(writer, FIELD.stepping, () => {});
  if (sync !== undefined) writeField(writer, FIELD.sync, () => writeSyncWord(writer, sync));
  if (shared !== undefined) {
    writeField(writer, FIELD.shared, () => writeShared(writer, shared));
    const kept = shared.entries.filter((entry) => !isOfOlderKind(entry));
    if (kept.length > 0) writeField(writer, FIELD.kept, () => writeKept(writer, kept));
  }
  if (sendNumber !== undefined) writeField(writer, FIELD.sendNumber, () => writer.be64(BigInt(sendNumber)));
  if (agreement !== undefined) {
    writeField(writer, FIELD.agreement, () => {
      writer.u8(AGREEMENT_STEPS.indexOf(agreement.step));
      writer.be32(agreement.id);
      writer.u8(MOVE_REASONS.indexOf(agreement.reason));
    });
  }
  if (table !== undefined) {
    writeField(writer, FIELD.table, () => {
      writer.u8(table.complete ? 1 : 0);
      for (const count of [table.services, table.servers, table.serversUp]) writer.be32(count);
    });
  }
  if (warmth !== undefined) {
    writeField(writer, FIELD.warmth, () => {
      for (const count of [warmth.wanted, warmth.present]) writer.be32(count);
      writer.u8(warmth.fullSync ? 1 : 0);
    });
  }
}

type Fields = { -readonly [K in keyof HeartbeatPayload]?: HeartbeatPayload[K] } & {
  /** A part of `shared` in a field of its own. */
  kept?: readonly SharedEntry[];
};

const READERS: Readonly<Record<number, readonly [name: string, read: (reader: Reader) => Fields]>> = {
  [FIELD.state]: ["state", readState],
  [FIELD.heard]: ["heard", (reader) => ({ heardAgeMs: readHeard(reader) })],
  [FIELD.sides]: ["sides", (reader) => ({ sides: readSides(reader) })],
  [FIELD.vips]: ["vips", readVips],
  [FIELD.config]: ["config", (reader) => ({ configFingerprint: reader.bytes(8, "fingerprint").toHex() })],
  [FIELD.software]: ["software", (reader) => ({ software: readSoftware(reader) })],
  [FIELD.agreement]: ["agreement", (reader) => ({ agreement: readAgreement(reader) })],
  [FIELD.table]: ["table", (reader) => ({ table: readTable(reader) })],
  [FIELD.warmth]: ["warmth", (reader) => ({ warmth: readWarmth(reader) })],
  [FIELD.sendNumber]: ["sendNumber", (reader) => ({ sendNumber: readSendNumber(reader) })],
  [FIELD.strays]: ["strays", () => ({ strays: true })],
  [FIELD.views]: ["views", (reader) => ({ views: readViews(reader) })],
  [FIELD.stepping]: ["stepping", () => ({ stepping: true })],
  [FIELD.fitness]: ["fitness", (reader) => ({ fitness: readFitness(reader) })],
  [FIELD.lease]: ["lease", readLeaseAge],
  [FIELD.shared]: ["shared", (reader) => ({ shared: readShared(reader) })],
  [FIELD.sync]: ["sync", (reader) => ({ sync: readSyncWord(reader) })],
  [FIELD.settings]: ["settings", (reader) => ({ settings: readSettings(reader) })],
  [FIELD.kept]: ["kept", (reader) => ({ kept: readKept(reader) })],
};

function readSides(reader: Reader): { readonly [P in PathName]: SideReport } {
  return { public: readSide(reader), private: readSide(reader) };
}

function inside<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof DecodeError ? error.within(name) : error;
  }
}

/** Reads a whole payload. @throws DecodeError with the path of the field. */
export function readPayload(bytes: Uint8Array): HeartbeatPayload {
  const reader = new Reader(bytes);
  const fields: Fields = {};
  const seen = new Set<number>();
  while (reader.remaining > 0) {
    const type = reader.u8("type");
    const value = reader.bytes(reader.be16("length"), "value");
    const known = READERS[type];
    if (known === undefined) continue;
    const [name, read] = known;
    if (seen.has(type)) throw new DecodeError(name, "twice");
    seen.add(type);
    inside(name, () => {
      const part = new Reader(value);
      Object.assign(fields, read(part));
      part.finish();
    });
  }
  const { kept, ...rest } = fields;
  if (!isWhole(rest)) throw new DecodeError("", "a required field is missing");
  const { shared } = rest;
  if (kept === undefined || shared === undefined) return rest;
  return { ...rest, shared: { ...shared, entries: [...shared.entries, ...kept] } };
}

function isWhole(fields: Fields): fields is HeartbeatPayload {
  return (
    fields.role !== undefined &&
    fields.heardAgeMs !== undefined &&
    fields.sides !== undefined &&
    fields.vips !== undefined &&
    fields.configFingerprint !== undefined &&
    fields.software !== undefined
  );
}
