/**
 * Generic netlink: a header of its own below netlink's, and the controller that tells the number of a family
 * (linux/genetlink.h).
 *
 * The header, 4 bytes: 0 u8 command   1 u8 version   2 u16 reserved
 */

import { Reader, type Writer } from "../bytes/bytes.ts";
import { attributes, cstring, u16, u32 } from "./netlink-attributes.ts";

export const GENERIC_HEADER_BYTES = 4;
/** The netlink type of messages to the controller itself. */
export const GENL_ID_CTRL = 0x10;
export const CTRL_CMD_GETFAMILY = 3;
/** `nlctrl` has answered to both 1 and 2; linux/genetlink.h names no constant, net/netlink/genetlink.c registers 2. */
export const CTRL_VERSION = 2;

/** linux/genetlink.h: enum { CTRL_ATTR_* }. */
export const familyAttributes = attributes("CTRL_ATTR", {
  id: [1, u16],
  name: [2, cstring],
  version: [3, u32],
  maxAttribute: [5, u32],
});

export function writeGenericHeader(writer: Writer, command: number, version: number): void {
  writer.u8(command);
  writer.u8(version);
  writer.u16(0);
}

/** Skips the header and gives a reader at the attributes. @throws DecodeError */
export function readGenericHeader(payload: Uint8Array): { readonly command: number; readonly attributes: Reader } {
  const reader = new Reader(payload);
  const command = reader.u8("command");
  reader.u8("version");
  reader.u16("reserved");
  return { command, attributes: reader };
}
