/** The flags of a network interface, without waiting for the kernel's RTNL lock as a netlink request would. */
import { AF_INET, SOCK_DGRAM } from "../libc/constants.ts";
import { syscallError } from "../libc/errno.ts";
import { closeFd } from "../libc/fd.ts";
import { libc, readErrno } from "../libc/libc.ts";
import { openSocket } from "./socket.ts";

/** linux/sockios.h */
const SIOCGIFFLAGS = 0x8913;
/** linux/if.h */
const IFNAMSIZ = 16;
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
/** asm-generic/errno-base.h */
const ENODEV = 19;
/** struct ifreq (linux/if.h) on 64 bits: the name, then a union, which begins with `short ifr_flags`. */
const IFREQ_BYTES = 40;

export interface InterfaceFlags {
  /** Switched on by an administrator. */
  readonly up: boolean;
  /**
   * Its operational state is up or unknown: it has a carrier, and so has what it stands on (a bond, a VLAN's device).
   * After a carrier was lost the kernel may take up to a second to say so (LW_URGENT, net/core/link_watch.c).
   */
  readonly running: boolean;
}

/**
 * Reads them.
 * @param name of an interface that is there: for any other one the kernel would look for a module that drives it
 *   (dev_load, net/core/dev_ioctl.c).
 * @returns undefined when it has gone meanwhile.
 * @throws SyscallError.
 */
export function interfaceFlags(name: string): InterfaceFlags | undefined {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length === 0 || bytes.length >= IFNAMSIZ) return undefined;
  const request = new Uint8Array(IFREQ_BYTES);
  request.set(bytes);
  const fd = openSocket(AF_INET, SOCK_DGRAM, 0, "open a socket");
  try {
    if (libc().ioctl(fd, SIOCGIFFLAGS, request) !== 0) {
      if (readErrno() === ENODEV) return undefined;
      throw syscallError("read the flags of an interface", name);
    }
  } finally {
    closeFd(fd);
  }
  const flags = new Int16Array(request.buffer, IFNAMSIZ, 1)[0] ?? 0;
  return { up: (flags & IFF_UP) !== 0, running: (flags & IFF_RUNNING) !== 0 };
}
