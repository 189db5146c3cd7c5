/** The part of a heartbeat by which two routers find out which of their settings differ. */
import { DecodeError } from "../../lib/errors.ts";
import type { Reader, Writer } from "../bytes/bytes.ts";
import { SETTINGS_WINDOW, type SettingsReport, type SettingWord } from "./heartbeat.ts";

const WORD_BYTES = 8;

/** Appends the part. @throws RangeError when a number is out of range or there are too many settings. */
export function writeSettings(writer: Writer, { from, to, settings }: SettingsReport): void {
  if (settings.length > SETTINGS_WINDOW) throw new RangeError(`${settings.length} settings are too many`);
  writer.be32(from);
  writer.be32(to);
  for (const { id, value } of settings) {
    writer.be32(id);
    writer.be32(value);
  }
}

/** Reads to the end. @throws DecodeError */
export function readSettings(reader: Reader): SettingsReport {
  const from = reader.be32("from");
  const to = reader.be32("to");
  if (from > to) throw new DecodeError("from", `${from} is beyond ${to}`);
  if (reader.remaining > SETTINGS_WINDOW * WORD_BYTES) throw new DecodeError("settings", "too many");
  const settings: SettingWord[] = [];
  while (reader.remaining > 0) {
    const id = reader.be32("id");
    if (id < from || id > to || id <= (settings.at(-1)?.id ?? -1)) {
      throw new DecodeError("id", "out of its range or out of order");
    }
    settings.push({ id, value: reader.be32("value") });
  }
  return { from, to, settings };
}
