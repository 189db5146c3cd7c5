import {
  CTRL_CMD_GETFAMILY,
  CTRL_VERSION,
  familyAttributes,
  GENL_ID_CTRL,
  readGenericHeader,
  writeGenericHeader,
} from "../../wire/netlink/genetlink.ts";
import { type NetlinkConnection, understood } from "./netlink-connection.ts";
import { netlinkError } from "./netlink-failure.ts";

/** asm-generic/errno-base.h */
const ENOENT = 2;

/**
 * Whether the kernel has a generic-netlink family now. All of them are listed, since asking for one makes the kernel look
 * for a module, and wait for that. @throws NetlinkError, TandemError
 */
export function hasGenericFamily(connection: NetlinkConnection, name: string): boolean {
  const { messages, refusal } = connection.dump({
    type: GENL_ID_CTRL,
    write: (writer) => writeGenericHeader(writer, CTRL_CMD_GETFAMILY, CTRL_VERSION),
  });
  if (refusal !== undefined) throw netlinkError(refusal, { operation: "list the netlink families" });
  return messages.some(
    ({ payload }) => understood(() => familyAttributes.decode(readGenericHeader(payload).attributes).name) === name,
  );
}

/**
 * The number by which this kernel knows a generic-netlink family; asking makes the kernel load its module and waits for that.
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
