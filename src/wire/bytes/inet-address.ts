import { DecodeError } from "../../lib/errors.ts";
import { addressFromBytes, type Family, type IpAddress } from "../../model/address.ts";

/** linux/socket.h */
export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_INET6 = 10;

/** The number of an address family, linux/socket.h. */
export function familyNumber(family: Family): number {
  return family === "inet" ? AF_INET : AF_INET6;
}

/** @throws DecodeError for a family that IPVS does not have. */
export function familyOf(number: number, field: string): Family {
  if (number === AF_INET) return "inet";
  if (number === AF_INET6) return "inet6";
  throw new DecodeError(field, `${number} is neither AF_INET nor AF_INET6`);
}

/** An address of IPVS: the kernel sends 16 bytes (union nf_inet_addr) and IPv4 uses the first 4. */
export function readInetAddress(family: Family, bytes: Uint8Array, field: string): IpAddress {
  const needed = family === "inet" ? 4 : 16;
  if (bytes.length < needed) throw new DecodeError(field, `needs ${needed} bytes, got ${bytes.length}`);
  return addressFromBytes(bytes.subarray(0, needed));
}

/** What an attribute must have for the message to mean something. @throws DecodeError that names it when absent. */
export function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw new DecodeError(field, "is missing");
  return value;
}
