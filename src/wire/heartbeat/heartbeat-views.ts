/** The part of a heartbeat that tells how its sender sees the services: two bits for each. */
import { DecodeError } from "../../lib/errors.ts";
import { SERVICE_SIGHTS, type ServiceSight } from "../../model/service-sight.ts";
import type { Reader, Writer } from "../bytes/bytes.ts";
import { VIEWS_LIMIT, VIEWS_WINDOW, type ViewsReport } from "./heartbeat.ts";

const SIGHTS_PER_BYTE = 4;

/** Appends the part. @throws RangeError when a number is out of range. */
export function writeViews(writer: Writer, { total, from, sights }: ViewsReport): void {
  if (sights.length > VIEWS_WINDOW) throw new RangeError(`${sights.length} sights are too many`);
  writer.be16(Math.min(total, VIEWS_LIMIT));
  writer.be16(from);
  writer.u8(sights.length);
  for (let place = 0; place < sights.length; place += SIGHTS_PER_BYTE) {
    const four = sights.slice(place, place + SIGHTS_PER_BYTE);
    writer.u8(four.reduce((byte, sight, index) => byte | (SERVICE_SIGHTS.indexOf(sight) << (2 * index)), 0));
  }
}

/** Reads the part. @throws DecodeError */
export function readViews(reader: Reader): ViewsReport {
  const total = reader.be16("total");
  const from = reader.be16("from");
  const count = reader.u8("count");
  if (count > VIEWS_WINDOW || from + count > total) throw new DecodeError("count", `${count} from ${from} of ${total}`);
  const bytes = reader.bytes(Math.ceil(count / SIGHTS_PER_BYTE), "sights");
  const sights = Array.from({ length: count }, (_, place): ServiceSight => {
    const byte = bytes[Math.floor(place / SIGHTS_PER_BYTE)] ?? 0;
    const sight = SERVICE_SIGHTS[(byte >> (2 * (place % SIGHTS_PER_BYTE))) & 3];
    if (sight === undefined) throw new DecodeError("sight", "unknown");
    return sight;
  });
  return { total, from, sights };
}
