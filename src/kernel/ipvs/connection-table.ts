/** The kernel's table of connections, read in pieces as rows. */
import { closeSync, openSync, readSync } from "node:fs";
import { TandemError } from "../../lib/errors.ts";
import {
  CONNECTION_ROW_BYTES_MAX,
  type ConnectionRow,
  isRowHeading,
  readConnectionRow,
} from "../../wire/sync/sync-row.ts";
import { understood } from "../netlink/netlink-connection.ts";

const CONNECTIONS_FILE = "/proc/net/ip_vs_conn";
const LINE_END = 0x0a;
/** The kernel fills at most a page at each read (fs/seq_file.c); a line more is what was left of the one before. */
const CHUNK_BYTES = 65_536;

/** Takes pieces of the kernel's text and gives whole rows. */
export class ConnectionRows {
  readonly #visit: (row: ConnectionRow) => void;
  readonly #rest = new Uint8Array(CONNECTION_ROW_BYTES_MAX + 1);
  #restBytes = 0;

  constructor(visit: (row: ConnectionRow) => void) {
    this.#visit = visit;
  }

  /** @throws TandemError for a text that is no table of connections. */
  add(piece: Uint8Array): void {
    let start = 0;
    for (let end = piece.indexOf(LINE_END); end >= 0; end = piece.indexOf(LINE_END, start)) {
      this.#line(piece.subarray(start, end));
      start = end + 1;
    }
    this.#keep(piece.subarray(start));
  }

  /** The last line, when it has no end. */
  finish(): void {
    if (this.#restBytes > 0) this.#line(new Uint8Array());
  }

  #line(end: Uint8Array): void {
    if (this.#restBytes > 0) this.#keep(end);
    const line = this.#restBytes > 0 ? this.#rest.subarray(0, this.#restBytes) : end;
    this.#restBytes = 0;
    if (line.length > 0 && !isRowHeading(line)) this.#visit(understood(() => readConnectionRow(line)));
  }

  #keep(bytes: Uint8Array): void {
    if (this.#restBytes + bytes.length > this.#rest.length) {
      throw new TandemError({ operation: "read the connections", reason: "a line of the kernel's table is too long" });
    }
    this.#rest.set(bytes, this.#restBytes);
    this.#restBytes += bytes.length;
  }
}

/**
 * Shows each connection of this network namespace to `visit`, a page of the kernel's text after another. The table
 * changes meanwhile, so one may be missing or come twice; and each page costs the kernel a walk from the table's start
 * (ip_vs_conn.c, ip_vs_conn_array), so that a reading of twice as many connections takes four times as long.
 *
 * @param visit returns false to end the reading.
 * @throws TandemError without such a file (IPVS is not loaded), or for a text that is no table.
 */
export function readConnections(visit: (row: ConnectionRow) => boolean): void {
  let wanted = true;
  const rows = new ConnectionRows((row) => {
    if (wanted) wanted = visit(row);
  });
  const fd = open();
  try {
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (let length = readSync(fd, chunk); length > 0 && wanted; length = readSync(fd, chunk)) {
      rows.add(chunk.subarray(0, length));
    }
    if (wanted) rows.finish();
  } finally {
    closeSync(fd);
  }
}

function open(): number {
  try {
    return openSync(CONNECTIONS_FILE, "r");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const reason = code === "ENOENT" ? "this kernel has not loaded IPVS" : code;
    throw new TandemError({ operation: "read the connections", reason, cause });
  }
}
