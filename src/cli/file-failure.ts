import { dirname } from "node:path";
import { TandemError } from "../lib/errors.ts";

/** What the system says about a file, as a reason for people. */

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "not permitted",
  EPERM: "not permitted",
  EROFS: "its file system is read-only",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of its path is no directory",
  ENOSPC: "no space is left",
  ELOOP: "its symbolic links go in a circle",
};

const FORBIDDEN = new Set(["EACCES", "EPERM", "EROFS"]);

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

function reasonOf(code: string): string {
  const words = REASONS[code];
  return words === undefined ? code : `${words} (${code})`;
}

/** A file that could not be written: exit 4 where it was not permitted, else 1. */
export function writeFailure(operation: string, file: string, cause: unknown): TandemError {
  const code = errorCode(cause);
  const isMissing = code === "ENOENT";
  return new TandemError(
    {
      operation,
      subject: file,
      reason: isMissing ? "its directory does not exist (ENOENT)" : reasonOf(code),
      ...(isMissing ? { hint: `mkdir -p ${dirname(file)}` } : {}),
      cause,
    },
    FORBIDDEN.has(code) ? 4 : 1,
  );
}

/** A file that was named and could not be read: exit 4 where it was not permitted, else 2. */
export function readFailure(file: string, cause: unknown): TandemError {
  const code = errorCode(cause);
  const reason = code === "ENOENT" ? "there is no such file (ENOENT)" : reasonOf(code);
  return new TandemError({ operation: "read", subject: file, reason, cause }, FORBIDDEN.has(code) ? 4 : 2);
}
