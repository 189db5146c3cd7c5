import { SO_PEERCRED, SOL_SOCKET } from "../libc/constants.ts";
import { asFd, type Fd } from "../libc/fd.ts";
import { libc } from "../libc/libc.ts";

/** The process at the other end of a UNIX socket as it was when it connected, or began to listen. */
export interface PeerCredentials {
  /** Undefined: a process of another PID namespace. */
  readonly processId: number | undefined;
  readonly userId: number;
}

/** Who is at the other end of a connected UNIX socket; undefined where the kernel does not tell. */
export function peerCredentials(fd: Fd): PeerCredentials | undefined {
  // struct ucred { pid_t pid; uid_t uid; gid_t gid; } (linux/socket.h)
  const credentials = new Uint32Array(3);
  const length = new Uint32Array([credentials.byteLength]);
  if (libc().getsockopt(asFd(fd), SOL_SOCKET, SO_PEERCRED, credentials, length) !== 0) return undefined;
  const [processId = 0, userId = 0] = credentials;
  return { processId: processId === 0 ? undefined : processId, userId };
}
