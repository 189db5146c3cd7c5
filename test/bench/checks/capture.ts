/** Packets as the kernel saw them, by tcpdump: when each came by, whoever is on time or late to take notice. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Packet {
  readonly atMs: number;
  /** Where it goes to, an IPv4 address as a number. */
  readonly to: number;
}

/** pcap-savefile(5): a header of 24 bytes, then records with headers of 16. */
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
/** Ethernet header, and the destination in that of IPv4. */
const DESTINATION_OFFSET = 14 + 16;
/** As much of a packet as is read. */
const SNAP_BYTES = 54;

/** The packets of a file that tcpdump wrote. */
export function decodeCapture(file: Uint8Array): Packet[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const packets: Packet[] = [];
  for (let at = FILE_HEADER_BYTES; at + RECORD_HEADER_BYTES <= file.length; ) {
    const atMs = view.getUint32(at, true) * 1_000 + view.getUint32(at + 4, true) / 1_000;
    const length = view.getUint32(at + 8, true);
    at += RECORD_HEADER_BYTES;
    if (length >= DESTINATION_OFFSET + 4 && at + length <= file.length) {
      packets.push({ atMs, to: view.getUint32(at + DESTINATION_OFFSET) });
    }
    at += length;
  }
  return packets;
}

/** Captures what passes `filter` on an interface while `during` runs. */
export async function capture(name: string, filter: string, during: () => Promise<void>): Promise<Packet[]> {
  const folder = mkdtempSync(join(tmpdir(), "tandem-capture-"));
  const file = join(folder, "packets");
  const options = ["-i", name, "-s", `${SNAP_BYTES}`, "-B", "8192", "-w", file];
  const program = Bun.spawn(["tcpdump", "-n", "-Z", "root", ...options, filter], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    // It says "listening on …" once it does.
    await program.stderr.getReader().read();
    await during();
    program.kill("SIGINT");
    await program.exited;
    return decodeCapture(readFileSync(file));
  } finally {
    program.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}
