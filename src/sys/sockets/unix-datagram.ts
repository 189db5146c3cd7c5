/** One datagram to a UNIX socket, as systemd's notification protocol wants it. */
import { AF_UNIX, SOCK_DGRAM } from "../libc/constants.ts";
import { closeFd } from "../libc/fd.ts";
import { openSocket, type SendOutcome, sendDatagram } from "./socket.ts";

/** linux/un.h: the bytes of sun_path. */
const SUN_PATH_BYTES = 108;

/** struct sockaddr_un; a leading "@" stands for the NUL of the abstract namespace. Undefined for a path without room. */
export function unixSocketAddress(path: string): Uint8Array | undefined {
  const name = new TextEncoder().encode(path);
  if (name.length === 0 || name.length >= SUN_PATH_BYTES) return undefined;
  if (path.startsWith("@")) name[0] = 0;
  const address = new Uint8Array(2 + name.length + (path.startsWith("@") ? 0 : 1));
  address.set(new Uint8Array(new Uint16Array([AF_UNIX]).buffer));
  address.set(name, 2);
  return address;
}

/** Sends `text` to the socket at `path`. Never throws for what the receiver does. @throws SyscallError without a socket. */
export function sendUnixDatagram(path: string, text: string): SendOutcome {
  const address = unixSocketAddress(path);
  if (address === undefined) return { kind: "failed", errnoName: "ENAMETOOLONG" };
  const fd = openSocket(AF_UNIX, SOCK_DGRAM, 0, "open a UNIX socket");
  try {
    return sendDatagram(fd, new TextEncoder().encode(text), address);
  } finally {
    closeFd(fd);
  }
}
