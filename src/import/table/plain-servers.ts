/**
 * Servers that follow each other in a saved table and differ in address, port and weight alone, as nearly all do: what
 * stands between the numbers is compared as a whole. With fewer steps for each than its own reader takes, since nothing
 * is compiled when a table is read but once.
 */
import { asBytes, type ByteScanner } from "./byte-scanner.ts";
import type { QuickTable } from "./quick-table.ts";

const COLON = asBytes(":");

/** The bytes around the numbers of such servers. */
export interface PlainShape {
  /** Between the port and the weight. */
  readonly middle: Uint8Array;
  /** From behind the weight up to the address of the next server. */
  readonly link: Uint8Array;
  /** From behind the weight of the last server on. */
  readonly end: Uint8Array;
  /** How many bytes at the end of `end` belong to what comes then. */
  readonly kept: number;
  /** The number of the forwarding. */
  readonly forward: number;
  /** The port that they get whatever is said. */
  readonly port?: number;
}

/**
 * Reads servers of that shape, from the address of the first one on.
 * @returns false at the address of a server that its own reader has to read: it is of another shape, or there is
 *   something to say about it; true behind the last one.
 */
export function readPlainServers(text: ByteScanner, table: QuickTable, shape: PlainShape): boolean {
  if (!table.takesPlain) return false;
  const { middle, link, end, kept, forward, port: fixedPort } = shape;
  for (;;) {
    const start = text.at;
    const address = text.ipv4();
    const port = address >= 0 && text.accept(COLON) ? text.number() : -1;
    const weight = port > 0 && text.accept(middle) ? text.number() : -1;
    const hasNext = weight >= 0 && text.accept(link);
    const isLast = weight >= 0 && !hasNext && text.accept(end);
    if (!(hasNext || isLast) || !table.addPlain(address, fixedPort ?? port, weight, forward)) {
      text.at = start;
      return false;
    }
    if (!isLast) continue;
    text.at -= kept;
    return true;
  }
}
