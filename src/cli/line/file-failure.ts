/** A file of a command that could not be read or written, as an error with its exit code. */
import { dirname } from "node:path";
import { TandemError } from "../../lib/errors.ts";
import { errorCode, reasonOfCode } from "../../lib/system-reason.ts";

const FORBIDDEN = new Set(["EACCES", "EPERM", "EROFS"]);

/** A file that could not be written: exit 4 where it was not permitted, else 1. */
export function writeFailure(operation: string, file: string, cause: unknown): TandemError {
  const code = errorCode(cause);
  const isMissing = code === "ENOENT";
  return new TandemError(
    {
      operation,
      subject: file,
      reason: isMissing ? "its directory does not exist (ENOENT)" : reasonOfCode(code),
      ...(isMissing ? { hint: `mkdir -p ${dirname(file)}` } : {}),
      cause,
    },
    FORBIDDEN.has(code) ? 4 : 1,
  );
}

/** A file that was named and could not be read: exit 4 where it was not permitted, else 2. */
export function readFailure(file: string, cause: unknown): TandemError {
  const code = errorCode(cause);
  const reason = code === "ENOENT" ? "there is no such file (ENOENT)" : reasonOfCode(code);
  return new TandemError({ operation: "read", subject: file, reason, cause }, FORBIDDEN.has(code) ? 4 : 2);
}
