import { NetlinkError } from "../../lib/errors.ts";
import { errnoName, errnoReason } from "../../sys/libc/errno.ts";
import type { Refusal } from "./netlink-connection.ts";

/** asm-generic/errno-base.h */
const EPERM = 1;
const EACCES = 13;
export const ROOT_HINT = "run it as root (it needs CAP_NET_ADMIN)";

/** What was tried when the kernel refused. */
export interface Attempt {
  /** A verb phrase: `add virtual service`. */
  readonly operation: string;
  readonly subject?: string;
  /** What the errno means here, a clause; without it the errno's usual meaning is told. */
  readonly reason?: string;
  readonly hint?: string;
  /** The kernel lacks what was asked for: exit code 4. */
  readonly unsupported?: boolean;
}

/** The error that people see for a refusal of the kernel, its own words included. */
export function netlinkError(refusal: Refusal, attempt: Attempt): NetlinkError {
  const { errno, kernelMessage } = refusal;
  const name = errnoName(errno);
  const meaning = attempt.reason === undefined ? errnoReason(errno) : `${attempt.reason} (${name})`;
  // EACCES has other causes besides, which the caller may know.
  const hint = errno === EPERM ? ROOT_HINT : (attempt.hint ?? (errno === EACCES ? ROOT_HINT : undefined));
  const facts = {
    operation: attempt.operation,
    reason: kernelMessage === undefined ? meaning : `${meaning}; the kernel says: ${kernelMessage}`,
    errno,
    errnoName: name,
    ...(attempt.subject === undefined ? {} : { subject: attempt.subject }),
    ...(kernelMessage === undefined ? {} : { kernelMessage }),
    ...(hint === undefined ? {} : { hint }),
  };
  return new NetlinkError(facts, attempt.unsupported === true ? 4 : undefined);
}
