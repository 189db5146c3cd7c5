/**
 * Every error that a user may see. A lower layer states facts (operation, errno), an upper layer adds the subject,
 * and only cli/output/report-error.ts turns them into sentences. The exit codes are the contract of the program:
 * 0 done, 1 failed, 2 usage or configuration, 3 not in the required state, 4 no permission or no kernel support.
 */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 130 | 143;

export interface ErrorFacts {
  /** What was tried, as a verb phrase: `add virtual service`. */
  readonly operation: string;
  /** What it was tried on: `tcp://192.0.2.10:80`. */
  readonly subject?: string;
  /** Why it did not work, a clause: `it exists already (EEXIST)`. */
  readonly reason: string;
  /** What the reader can do about it, a sentence or a command. */
  readonly hint?: string;
  /** The error below this one. */
  readonly cause?: unknown;
}

/** An error with the facts that a sentence needs; `exitCode` is what the process ends with when nobody handles it. */
export class TandemError extends Error {
  override readonly name: string = "TandemError";
  readonly operation: string;
  readonly subject: string | undefined;
  readonly reason: string;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(facts: ErrorFacts, exitCode: ExitCode = 1) {
    const subject = facts.subject === undefined ? "" : ` ${facts.subject}`;
    super(`cannot ${facts.operation}${subject}: ${facts.reason}`, { cause: facts.cause });
    this.operation = facts.operation;
    this.subject = facts.subject;
    this.reason = facts.reason;
    this.hint = facts.hint;
    this.exitCode = exitCode;
  }
}

/** The words on the command line or a value given there are wrong: exit 2. */
export class UsageError extends TandemError {
  override readonly name: string = "UsageError";
  constructor(facts: ErrorFacts) {
    super(facts, 2);
  }
}

/** The state of the pair or of a server says no (a failing check, no active router): exit 3. */
export class StateError extends TandemError {
  override readonly name = "StateError";
  constructor(facts: ErrorFacts) {
    super(facts, 3);
  }
}

/** Not permitted, or the kernel lacks something: exit 4. */
export class SupportError extends TandemError {
  override readonly name = "SupportError";
  constructor(facts: ErrorFacts) {
    super(facts, 4);
  }
}

/** A system call that failed. `errnoName` is as in errno.h (`EPERM`). */
export class SyscallError extends TandemError {
  override readonly name = "SyscallError";
  readonly errno: number;
  readonly errnoName: string;
  constructor(facts: ErrorFacts & { readonly errno: number; readonly errnoName: string }) {
    // EPERM 1 and EACCES 13, asm-generic/errno-base.h
    super(facts, facts.errno === 1 || facts.errno === 13 ? 4 : 1);
    this.errno = facts.errno;
    this.errnoName = facts.errnoName;
  }
}

/** The kernel answered a netlink request with an error. `kernelMessage` is its extended-ack text, where it sent one. */
export class NetlinkError extends TandemError {
  override readonly name = "NetlinkError";
  readonly errno: number;
  readonly errnoName: string;
  readonly kernelMessage: string | undefined;
  constructor(
    facts: ErrorFacts & { readonly errno: number; readonly errnoName: string; readonly kernelMessage?: string },
    exitCode?: ExitCode,
  ) {
    super(facts, exitCode ?? (facts.errno === 1 || facts.errno === 13 ? 4 : 1));
    this.errno = facts.errno;
    this.errnoName = facts.errnoName;
    this.kernelMessage = facts.kernelMessage;
  }
}

/**
 * Bytes that are not what they should be: the only thing a decoder ever throws.
 * `path` grows from the inside out: `service.port: be16 needs 2 bytes, got 1`.
 */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  readonly path: string;
  readonly detail: string;
  constructor(path: string, detail: string) {
    super(path === "" ? detail : `${path}: ${detail}`);
    this.path = path;
    this.detail = detail;
  }

  /** The same error seen from one level further out. */
  within(outer: string): DecodeError {
    return new DecodeError(this.path === "" ? outer : `${outer}.${this.path}`, this.detail);
  }
}
