/**
 * `bun flood-fixture.ts LOCAL REMOTE PORT PAIR_ID RATE SECONDS`: forged heartbeats, right in all but the signature, RATE of
 * them a second. Prints how many the kernel took.
 */
import { sealHeartbeat } from "../../../src/wire/heartbeat/heartbeat-packet.ts";
import { HEARTBEAT } from "../../support/heartbeats.ts";

const [local = "", remote = "", port = "", pairId = "", rate = "", seconds = ""] = process.argv.slice(2);
const BURST_EVERY_MS = 2;
const burst = Math.ceil((Number(rate) * BURST_EVERY_MS) / 1000);
const socket = await Bun.udpSocket({ hostname: local });
const forged = sealHeartbeat({ ...HEARTBEAT, pairId, router: "backup", path: "public" }, new Uint8Array(32).fill(9));
const packets = Array.from({ length: burst }, () => [forged, Number(port), remote]).flat();
const endMs = performance.now() + Number(seconds) * 1000;
let sent = 0;
let dueMs = performance.now();
while (performance.now() < endMs) {
  // What a busy machine made late is sent in a heap, as a real flood would come; one that is never in time sends less.
  for (let nowMs = performance.now(); dueMs < nowMs && nowMs < endMs; dueMs += BURST_EVERY_MS) {
    sent += socket.sendMany(packets);
    nowMs = performance.now();
  }
  await Bun.sleep(1);
}
socket.close();
process.stdout.write(`${sent}\n`);
