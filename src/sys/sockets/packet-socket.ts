/** Raw packet sockets: whole Ethernet frames, past the IP layer. */
import { AF_PACKET, SO_PRIORITY, SOCK_NONBLOCK, SOCK_RAW, SOL_SOCKET, TC_PRIO_CONTROL } from "../libc/constants.ts";
import { closeFd, type Fd } from "../libc/fd.ts";
import { bindSocket, openSocket, type SendOutcome, sendDatagram, trySocketOption } from "./socket.ts";
import { packetSocketAddress } from "./socket-address.ts";
import { attachFilter, type FilterClause } from "./socket-filter.ts";

const OPERATION = "open a raw packet socket";
const HINT = "Run it as root, or with the capability CAP_NET_RAW.";

/** Sends a whole frame out of an interface; the addresses in it are the caller's. Never throws for what a network does. */
export function sendFrame(fd: Fd, frame: Uint8Array, interfaceIndex: number): SendOutcome {
  return sendDatagram(fd, frame, packetSocketAddress(0, interfaceIndex));
}

/** A socket that only sends. @throws SyscallError. */
export function openFrameSender(): Fd {
  // With protocol 0 the kernel gives it no frames.
  const fd = openSocket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0, OPERATION, HINT);
  trySocketOption(fd, SOL_SOCKET, SO_PRIORITY, TC_PRIO_CONTROL);
  return fd;
}

/**
 * A socket that sends, and receives the frames of `etherType` that come in on one interface and pass the filter.
 * Frames that leave this machine are not among them: only sockets for all types of frames get those.
 * @throws SyscallError.
 */
export function openFrameReceiver(etherType: number, interfaceIndex: number, filter: readonly FilterClause[]): Fd {
  const fd = openFrameSender();
  try {
    // Filter first, then bind: from then on frames come in.
    attachFilter(fd, filter);
    bindSocket(fd, packetSocketAddress(etherType, interfaceIndex), OPERATION, `on interface ${interfaceIndex}`);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return fd;
}
