/** The lines for a whole table that was added, as bytes. */
import { ByteText } from "../../lib/byte-text.ts";
import { ROW, ROW_FORWARDINGS, type ServerRows, type TableRows } from "../../model/server-rows.ts";
import { formatServiceKey, type VirtualService } from "../../model/virtual-service.ts";
import { describeServer, describeSettings } from "../changes/ipvs-changes.ts";
import type { Output } from "../output/output.ts";
import { writeEndpoint } from "./endpoint-bytes.ts";

const encoder = new TextEncoder();
const LINE_END = encoder.encode(")\n");
/** By the number of the forwarding. */
const FORWARDINGS = ROW_FORWARDINGS.map((forward) => encoder.encode(`${forward}, weight `));

/** The number of the forwarding; undefined where there is more to say than that and the weight. */
function simpleForwarding(servers: ServerRows, row: number): number | undefined {
  const hasMore =
    servers.get(row, ROW.upperThreshold) !== 0 ||
    servers.get(row, ROW.lowerThreshold) !== 0 ||
    servers.get(row, ROW.tunnelType) !== 0;
  return hasMore ? undefined : servers.get(row, ROW.forward);
}

/** Says of each service and each server that it was added, in the words of `reportChanges`. */
export function writeAdditions({ services, servers, ends }: TableRows<VirtualService>, output: Output): void {
  const out = new ByteText((piece) => output.write(piece));
  const added = output.palette("good", "added");
  let row = 0;
  for (const [index, service] of services.entries()) {
    const name = formatServiceKey(service.key);
    out.text(`${added} virtual service ${name} (${describeSettings(service)})`);
    out.lineEnd();
    const begin = encoder.encode(`${added} real server `);
    const middle = encoder.encode(` of ${name} (`);
    for (const end = ends[index] ?? 0; row < end; row += 1) {
      out.bytes(begin);
      writeEndpoint(out, servers, row);
      out.bytes(middle);
      const forward = simpleForwarding(servers, row);
      if (forward === undefined) out.text(describeServer(servers.observed(row).server));
      else {
        out.bytes(FORWARDINGS[forward] ?? encoder.encode(""));
        out.decimal(servers.get(row, ROW.weight));
      }
      out.bytes(LINE_END);
    }
  }
  out.end();
}
