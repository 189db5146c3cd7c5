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
