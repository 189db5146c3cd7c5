/**
 * Settings of interfaces as the kernel tells their changes (linux/netconf.h). struct netconfmsg is one byte, the family;
 * attributes begin at the next multiple of 4.
 */

import { Reader } from "../bytes/bytes.ts";
import { required } from "../bytes/inet-address.ts";
import { attributes, i32 } from "../netlink/netlink-attributes.ts";

const HEADER_PADDING_BYTES = 3;

/** linux/netconf.h: enum { NETCONFA_* } */
const netconfAttributes = attributes("NETCONFA", { interfaceIndex: [1, i32], forwarding: [2, i32] });

export interface SettingChange {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  /** Negative where it is not a setting of one interface. */
  readonly interfaceIndex: number;
  /** Absent where another setting has changed. */
  readonly forwarding?: boolean;
}

/** Reads the payload of RTM_NEWNETCONF. @throws DecodeError */
export function readNetconf(payload: Uint8Array): SettingChange {
  const reader = new Reader(payload);
  const family = reader.u8("ncm_family");
  reader.skip(Math.min(HEADER_PADDING_BYTES, reader.remaining));
  const values = netconfAttributes.decode(reader);
  const interfaceIndex = required(values.interfaceIndex, "interfaceIndex");
  const { forwarding } = values;
  return { family, interfaceIndex, ...(forwarding === undefined ? {} : { forwarding: forwarding !== 0 }) };
}
