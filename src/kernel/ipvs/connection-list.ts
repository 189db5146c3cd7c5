/** Each connection of the kernel's table, one by one. */
import { closeSync, openSync, readSync } from "node:fs";
import { SupportError, TandemError } from "../../lib/errors.ts";
import type { IpvsConnection } from "../../model/ipvs-connection.ts";
import {
  CONNECTION_LINE_CHARACTERS_MAX,
  isConnectionHeading,
  readConnectionLine,
} from "../../wire/ipvs/ipvs-connections.ts";
import { understood } from "../netlink/netlink-connection.ts";

const CONNECTIONS_FILE = "/proc/net/ip_vs_conn";
const CHUNK_BYTES = 65_536;

function open(): number {
  try {
    return openSync(CONNECTIONS_FILE, "r");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const facts = { operation: "list the connections", cause };
    if (code === "ENOENT") {
      throw new SupportError({ ...facts, reason: "this kernel has not loaded IPVS", hint: "run `modprobe ip_vs`" });
    }
    if (code === "EACCES" || code === "EPERM") {
      throw new SupportError({ ...facts, reason: `not permitted (${code})`, hint: "run it as root" });
    }
    throw new TandemError({ ...facts, reason: code });
  }
}

/**
 * Shows each connection of the kernel's table to `visit`, piece by piece: a table of a million connections does not
 * have to fit in memory. It changes while it is read, so one may be missing or come twice.
 * @throws SupportError (exit code 4), TandemError
 */
export function visitConnections(visit: (connection: IpvsConnection) => void): void {
  const fd = open();
  try {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const length = readSync(fd, chunk);
      rest += decoder.decode(chunk.subarray(0, length), { stream: length > 0 });
      const lines = rest.split("\n");
      rest = length > 0 ? (lines.pop() ?? "") : "";
      if (rest.length > CONNECTION_LINE_CHARACTERS_MAX) understood(() => readConnectionLine(rest));
      for (const line of lines) {
        if (line !== "" && !isConnectionHeading(line)) visit(understood(() => readConnectionLine(line)));
      }
      if (length === 0) return;
    }
  } finally {
    closeSync(fd);
  }
}
