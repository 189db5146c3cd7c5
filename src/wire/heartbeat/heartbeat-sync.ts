/** The part of a heartbeat by which the routers compare their kernels' connections. */
import { DecodeError } from "../../lib/errors.ts";
import type { Reader, Writer } from "../bytes/bytes.ts";
import { KEY_SLICE_BITS_MAX } from "../sync/sync-key.ts";
import { SYNC_KEYS_LIMIT, type SyncAnswer, type SyncWord } from "./heartbeat.ts";

const KEY_BYTES = 4;

/** Appends the field. @throws RangeError when a number is out of range or there are too many keys. */
export function writeSyncWord(writer: Writer, { asks, answer }: SyncWord): void {
  writer.be32(asks);
  if (answer === undefined) return;
  if (answer.keys.length > SYNC_KEYS_LIMIT) throw new RangeError(`${answer.keys.length} keys are too many`);
  writer.be32(answer.to);
  writer.be32(answer.entries);
  writer.u8(answer.bits);
  writer.be32(answer.slice);
  for (const key of answer.keys) writer.be32(key);
}

/** @throws DecodeError */
export function readSyncWord(reader: Reader): SyncWord {
  const asks = reader.be32("asks");
  return reader.remaining === 0 ? { asks } : { asks, answer: readAnswer(reader) };
}

function readAnswer(reader: Reader): SyncAnswer {
  const to = reader.be32("to");
  const entries = reader.be32("entries");
  const bits = reader.u8("bits");
  const slice = reader.be32("slice");
  if (bits > KEY_SLICE_BITS_MAX) throw new DecodeError("bits", `${bits} are too many`);
  if (slice >= 2 ** bits) throw new DecodeError("slice", `${slice} is not one of ${2 ** bits}`);
  if (reader.remaining > SYNC_KEYS_LIMIT * KEY_BYTES) throw new DecodeError("keys", "too many");
  const keys: number[] = [];
  while (reader.remaining > 0) {
    const key = reader.be32("key");
    const isOfSlice = bits === 0 || key >>> (32 - bits) === slice;
    if (!isOfSlice || key <= (keys.at(-1) ?? -1)) throw new DecodeError("key", "out of its slice or out of order");
    keys.push(key);
  }
  return { to, entries, bits, slice, keys };
}
