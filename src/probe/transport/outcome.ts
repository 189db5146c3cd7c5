import { SyscallError } from "../../lib/errors.ts";
import type { ProbeFailure, ProbeOutcome } from "../../model/health-check.ts";

export function success(elapsedMs: number, reason: string, warning?: string): ProbeOutcome {
  return { result: "success", elapsedMs, reason, ...(warning === undefined ? {} : { warning }) };
}

export function failure(elapsedMs: number, kind: ProbeFailure, reason: string): ProbeOutcome {
  return { result: "failure", elapsedMs, reason, failure: kind };
}

/** This machine could not even try; with what can be done about it. */
export function localFailure(error: unknown): ProbeOutcome {
  if (!(error instanceof SyscallError)) return failure(0, "local", `cannot try: ${String(error)}`);
  const { hint } = error;
  const advice = hint === undefined ? "" : `; ${hint.charAt(0).toLowerCase()}${hint.slice(1).replace(/\.$/, "")}`;
  return failure(0, "local", `${error.message}${advice}`);
}

/** asm-generic/errno.h: what the names of a failed connection mean for a probe. */
const FAILURES: Readonly<Record<string, readonly [ProbeFailure, string]>> = {
  ECONNREFUSED: ["refused", "refused"],
  ECONNRESET: ["reset", "reset by the server"],
  EPIPE: ["reset", "reset by the server"],
  ECONNABORTED: ["reset", "aborted"],
  ENETUNREACH: ["unreachable", "no route to it"],
  EHOSTUNREACH: ["unreachable", "the host does not answer ARP, or a router says it is unreachable"],
  EHOSTDOWN: ["unreachable", "the host is down"],
  ENETDOWN: ["unreachable", "the interface is down"],
  ETIMEDOUT: ["timeout", "the kernel gave up"],
  // What a firewall's "administratively prohibited" and a prohibit route give (ip(7)).
  EACCES: ["unreachable", "prohibited on the way"],
  // What a blackhole route gives (fib_semantics.c, fib_props).
  EINVAL: ["unreachable", "the route there discards everything"],
  EPERM: ["local", "forbidden by this machine's firewall"],
  EADDRNOTAVAIL: ["local", "no local address or port left"],
  EMFILE: ["local", "too many open files in this process"],
  ENFILE: ["local", "too many open files in the system"],
  ENOBUFS: ["local", "no buffer space left"],
  ENOMEM: ["local", "out of memory"],
};

/** What a connection's errno means: the kind of failure and a clause with the name in it. */
export function connectionFailure(errnoName: string): { readonly failure: ProbeFailure; readonly detail: string } {
  const known = FAILURES[errnoName];
  return known === undefined
    ? { failure: "unreachable", detail: errnoName }
    : { failure: known[0], detail: `${known[1]} (${errnoName})` };
}
