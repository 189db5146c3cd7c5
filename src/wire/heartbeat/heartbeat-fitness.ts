/** The fitness of a router within a heartbeat: { routes u8, vips u8 each, gates { digest 3 bytes, state u8 } each }. */
import { DecodeError } from "../../lib/errors.ts";
import type { Family } from "../../model/address.ts";
import type { Reader, Writer } from "../bytes/bytes.ts";
import {
  type FitnessReport,
  GATE_STATES,
  GATES_LIMIT,
  type GateWord,
  UNFITNESS_REASONS,
  VIP_REPORT_LIMIT,
  type VipFitness,
} from "./heartbeat.ts";

const FAMILIES: readonly Family[] = ["inet", "inet6"];
/** Beside the number of the reason in a VIP's byte. */
const ANSWERED = 0x80;
const DIGEST_BYTES = 3;

/** @throws RangeError when there are more VIPs or gates than a heartbeat lists. */
export function writeFitness(writer: Writer, { vips, defaultRoutes, gates }: FitnessReport): void {
  if (vips.length > VIP_REPORT_LIMIT) throw new RangeError(`${vips.length} VIPs are too many`);
  if (gates.length > GATES_LIMIT) throw new RangeError(`${gates.length} gates are too many`);
  writer.u8(FAMILIES.reduce((bits, family, index) => bits | (defaultRoutes.includes(family) ? 1 << index : 0), 0));
  writer.u8(vips.length);
  for (const { unfit, answered } of vips) {
    writer.u8((unfit === undefined ? 0 : UNFITNESS_REASONS.indexOf(unfit) + 1) | (answered ? ANSWERED : 0));
  }
  for (const { digest, state } of gates) {
    writer.bytes(Uint8Array.fromHex(digest));
    writer.u8(GATE_STATES.indexOf(state));
  }
}

function readVipFitness(reader: Reader): VipFitness {
  const byte = reader.u8("vip");
  const answered = (byte & ANSWERED) !== 0;
  const number = byte & ~ANSWERED;
  if (number === 0) return { answered };
  const unfit = UNFITNESS_REASONS[number - 1];
  if (unfit === undefined) throw new DecodeError("vip", `unknown reason ${number}`);
  return { unfit, answered };
}

function readGate(reader: Reader): GateWord {
  const digest = reader.bytes(DIGEST_BYTES, "digest").toHex();
  const state = GATE_STATES[reader.u8("gate")];
  if (state === undefined) throw new DecodeError("gate", "unknown state");
  return { digest, state };
}

/** Reads to the end. @throws DecodeError. */
export function readFitness(reader: Reader): FitnessReport {
  const bits = reader.u8("routes");
  if (bits >= 1 << FAMILIES.length) throw new DecodeError("routes", `unknown bits in ${bits}`);
  const count = reader.u8("vips");
  if (count > VIP_REPORT_LIMIT) throw new DecodeError("vips", `${count} are more than ${VIP_REPORT_LIMIT}`);
  const vips = Array.from({ length: count }, () => readVipFitness(reader));
  const gates: GateWord[] = [];
  while (reader.remaining > 0) {
    if (gates.length === GATES_LIMIT) throw new DecodeError("gates", "too many");
    gates.push(readGate(reader));
  }
  return { vips, defaultRoutes: FAMILIES.filter((_, index) => (bits & (1 << index)) !== 0), gates };
}
