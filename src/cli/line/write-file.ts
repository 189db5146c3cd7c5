import { chmodSync, realpathSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from "node:fs";
import { writeFailure } from "./file-failure.ts";

/** Puts a new file in the place of an old one, or of none: whoever reads finds all of the one or all of the other. */
function replaceFile(file: string, content: Uint8Array, old: Stats | undefined): void {
  const partial = `${file}.new`;
  rmSync(partial, { force: true });
  try {
    // "x": what somebody puts there meanwhile, such as a link to another file, is not written to.
    writeFileSync(partial, content, { flag: "wx" });
    if (old !== undefined) chmodSync(partial, old.mode & 0o7777);
    renameSync(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

/**
 * Writes a file as a whole or not at all. Devices and pipes are written to: a file in the place of /dev/null would take
 * that away from the whole machine. A link stays, and what it names is replaced.
 * @throws TandemError, exit 4 where it is not permitted.
 */
export function writeFile(file: string, content: Uint8Array): void {
  try {
    const old = statSync(file, { throwIfNoEntry: false });
    if (old?.isFile() === false || file.startsWith("/dev/")) writeFileSync(file, content, { flag: "a" });
    else replaceFile(old === undefined ? file : realpathSync(file), content, old);
  } catch (cause) {
    throw writeFailure("write", file, cause);
  }
}
