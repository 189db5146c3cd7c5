/**
 * A name that one process of a network namespace can have at a time: that of a UNIX socket in the abstract namespace, of
 * which each network namespace has one of its own (unix(7)). The kernel takes it back when the process ends, however.
 */
import { assert } from "../../lib/assert.ts";
import { AF_UNIX, EADDRINUSE, EAGAIN, SOCK_NONBLOCK, SOCK_STREAM } from "../libc/constants.ts";
import { syscallError } from "../libc/errno.ts";
import { closeFd, type Fd } from "../libc/fd.ts";
import { libc, readErrno } from "../libc/libc.ts";
import { peerCredentials } from "./peer-credentials.ts";
import { openSocket } from "./socket.ts";
import { unixSocketAddress } from "./unix-datagram.ts";

/** Nobody is ever accepted: that many may ask who has the name, after which that stays unknown. */
const BACKLOG = 64;

export type NameClaim =
  | { readonly kind: "claimed"; readonly fd: Fd }
  /** @property processId undefined where the kernel does not tell. */
  | { readonly kind: "taken"; readonly processId: number | undefined };

function addressOf(name: string): Uint8Array {
  const address = unixSocketAddress(`@${name}`);
  assert(address !== undefined, "the name has room in an address");
  return address;
}

function openStream(): Fd {
  return openSocket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, "open a UNIX socket");
}

/** Takes a name until the descriptor is closed, or says who has it. @throws SyscallError. */
export function claimName(name: string): NameClaim {
  const address = addressOf(name);
  const fd = openStream();
  if (libc().bind(fd, address, address.length) === 0) {
    // So that others can ask who has it.
    libc().listen(fd, BACKLOG);
    return { kind: "claimed", fd };
  }
  const isTaken = readErrno() === EADDRINUSE;
  const error = syscallError("take a name of this network namespace", `@${name}`);
  closeFd(fd);
  if (!isTaken) throw error;
  return nameHolder(name) ?? { kind: "taken", processId: undefined };
}

/** Who has a name; undefined when it is free. It stays so meanwhile. @throws SyscallError. */
export function nameHolder(name: string): Extract<NameClaim, { kind: "taken" }> | undefined {
  const address = addressOf(name);
  const fd = openStream();
  try {
    if (libc().connect(fd, address, address.length) === 0) {
      return { kind: "taken", processId: peerCredentials(fd)?.processId };
    }
    // The backlog is full (unix_stream_connect).
    return readErrno() === EAGAIN ? { kind: "taken", processId: undefined } : undefined;
  } finally {
    closeFd(fd);
  }
}
