import {
  CTRL_CMD_GETFAMILY,
  CTRL_VERSION,
  familyAttributes,
  GENL_ID_CTRL,
  readGenericHeader,
  writeGenericHeader,
} from "../wire/genetlink.ts";
import { type NetlinkConnection, understood } from "./netlink-connection.ts";
import { netlinkError } from "./netlink-failure.ts";

/** asm-generic/errno-base.h */
const ENOENT = 2;

/**
 * The number by which this kernel knows a generic-netlink family; asking makes the kernel load its module.
 * @returns undefined when it has no such family. @throws NetlinkError, TandemError
 */
export function findGenericFamily(connection: NetlinkConnection, name: string): number | undefined {
  const { messages, refusal } = connection.request({
    type: GENL_ID_CTRL,
    write(writer) {
      writeGenericHeader(writer, CTRL_CMD_GETFAMILY, CTRL_VERSION);
      familyAttributes.encode(writer, { name });
    },
  });
  if (refusal?.errno === ENOENT) return undefined;
  if (refusal !== undefined) throw netlinkError(refusal, { operation: "look for the netlink family", subject: name });
  const message = messages[0];
  return message === undefined
    ? undefined
    : understood(() => familyAttributes.decode(readGenericHeader(message.payload).attributes).id);
}
