/** From where and by which way a socket of a probe leaves. */
import { IFNAMSIZ, SO_BINDTODEVICE, SO_MARK, SOL_SOCKET } from "../libc/constants.ts";
import { closeFd, type Fd } from "../libc/fd.ts";
import { bindSocket, setSocketOption } from "./socket.ts";
import { internetSocketAddress } from "./socket-address.ts";

/** What is absent is as the routes say. */
export interface Route {
  /** The local address, 4 or 16 bytes. */
  readonly source?: Uint8Array;
  readonly interface?: string;
  /** SO_MARK: 32 bits; needs CAP_NET_ADMIN. */
  readonly mark?: number;
}

function interfaceBytes(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(`${name}\0`);
  if (bytes.length < 2 || bytes.length > IFNAMSIZ) throw new RangeError(`${JSON.stringify(name)} is no interface`);
  return bytes;
}

/**
 * Makes a new socket leave by `route`; closes it when it can't.
 * @throws SyscallError: EADDRNOTAVAIL for an address that this machine has not, ENODEV, EPERM.
 */
export function leaveBy(fd: Fd, route: Route, operation: string): void {
  try {
    if (route.interface !== undefined) {
      const name = interfaceBytes(route.interface);
      setSocketOption(fd, SOL_SOCKET, SO_BINDTODEVICE, name, operation, `on ${route.interface}`);
    }
    // The option is an unsigned 32-bit number in a C int.
    if (route.mark !== undefined) {
      setSocketOption(fd, SOL_SOCKET, SO_MARK, route.mark | 0, operation, `with the mark ${route.mark}`);
    }
    if (route.source !== undefined) {
      bindSocket(fd, internetSocketAddress(route.source, 0), operation, "from its source address");
    }
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}
