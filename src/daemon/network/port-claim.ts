import { HeartbeatSocket } from "../../kernel/neighbours/heartbeat-socket.ts";
import { SyscallError, TandemError } from "../../lib/errors.ts";
import { PATHS, type PathName } from "../../model/pair.ts";
import type { PathEnds } from "./path-sockets.ts";

function isTaken(ends: PathEnds, port: number): boolean {
  try {
    HeartbeatSocket.open({ ...ends, port, onDatagram: () => {} }).close();
    return false;
  } catch (error) {
    if (error instanceof SyscallError) return error.errnoName === "EADDRINUSE";
    throw error;
  }
}

/**
 * A daemon whose heartbeat ports are all taken is deaf from the start, and most likely the second one here: it would take
 * the first one's VIPs for its own, and remove them at its end.
 * @throws TandemError when the port is taken on both paths; one free path is enough to go on
 */
export function requireFreePort(ends: Readonly<Record<PathName, PathEnds>>, port: number): void {
  if (!PATHS.every((path) => isTaken(ends[path], port))) return;
  const locals = PATHS.map((path) => ends[path].local.text).join(" and ");
  throw new TandemError({
    operation: "start",
    reason: `another program has UDP port ${port} of ${locals}; it may be another tandem`,
    hint: `\`ss -lunp 'sport = :${port}'\` names it; a second pair on this machine needs a port of its own in [pair]`,
  });
}
