/** What the system says about a file or a stream, as a reason for people. */

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "not permitted",
  EPERM: "not permitted",
  ENOENT: "it does not exist",
  EROFS: "its file system is read-only",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of its path is no directory",
  ENOSPC: "no space is left",
  EDQUOT: "the quota is used up",
  EFBIG: "it is as long as it may be",
  EIO: "input or output error",
  EPIPE: "its reader is gone",
  EBADF: "it is not open",
  ELOOP: "its symbolic links go in a circle",
  EMFILE: "too many open files in this process",
  ENFILE: "too many open files in the system",
  ENOEXEC: "exec format error: neither a program for this machine nor a script with #!",
  ETXTBSY: "it is being written to",
  E2BIG: "its arguments are too long",
  ENAMETOOLONG: "its name is too long",
  ENOMEM: "out of memory",
  EAGAIN: "no more can be had at the moment",
  EBUSY: "it is in use",
  EEXIST: "it exists already",
  EINVAL: "it is not possible with it",
  ENODEV: "its device does not exist",
  ENXIO: "its device or its reader does not exist",
  ENOTEMPTY: "it is a directory that is not empty",
  EXDEV: "it is on another file system",
  EMLINK: "it has too many links",
  ESTALE: "it is gone from its server",
  ETIMEDOUT: "its server does not answer",
  EOPNOTSUPP: "its file system can't do that",
  ENOTSUP: "its file system can't do that",
};

/** The name of the error, as in errno.h, or what there is in its place. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error ? String(error.code) : error.message;
}

/** `no space is left (ENOSPC)`; a name without words here stands for itself. */
export function reasonOfCode(code: string): string {
  const words = REASONS[code];
  return words === undefined ? code : `${words} (${code})`;
}

/** The same of what a call threw. */
export function systemReason(error: unknown): string {
  return reasonOfCode(errorCode(error));
}

/**
 * What was thrown says of itself, in a longer form than `systemReason`: with the call and its subject. Of the errors that
 * the runtime has no words for, such as ENOEXEC, it says "unknown error"; they get ours.
 */
export function systemMessage(error: unknown): string {
  const words = REASONS[errorCode(error)];
  const message = error instanceof Error ? error.message : String(error);
  return words === undefined ? message : message.replace(/\bunknown error\b/, words);
}
