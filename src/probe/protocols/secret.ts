import { type Parsed, parsed, problem } from "../../lib/parsed.ts";
import { systemReason } from "../../lib/system-reason.ts";
import { readRegularBytes } from "../../sys/process/regular-file.ts";

/** More than any secret, less than a file that was named by mistake. */
const SECRET_BYTES_MAX = 1_024;
/** The secret's line is the first; what follows, such as a comment, is of no interest. */
const FILE_BYTES_MAX = 1024 * 1024;

/** The first line of a file, without its end; a problem says why there is none. */
export function readSecret(path: string): Parsed<Uint8Array> {
  try {
    const bytes = readRegularBytes(path, FILE_BYTES_MAX);
    if (bytes === undefined) return problem(`cannot read the secret: there is no ${path} (ENOENT)`);
    const end = bytes.indexOf(0x0a);
    const line = bytes.subarray(0, end < 0 ? bytes.length : end);
    const secret = line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
    if (secret.length === 0) return problem(`the first line of ${path} is empty`);
    return secret.length > SECRET_BYTES_MAX ? problem(`the first line of ${path} is too long`) : parsed(secret);
  } catch (error) {
    return problem(`cannot read the secret ${path}: ${systemReason(error)}`);
  }
}
