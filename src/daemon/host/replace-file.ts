/** A file replaced as a whole, by another one under its name: never half of either. */
import { lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode } from "../../lib/system-reason.ts";

/** Files of a state directory are root's own: what they say is nobody else's business. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o755;

/** Puts a file with this text in the place of an old one, which is kept as `aside` where that is given. */
export type ReplaceFile = (path: string, text: string, aside?: string) => Promise<void>;

/**
 * Writes a file beside itself, syncs it and renames it: whoever reads finds all of the old one or all of the new one, also
 * after the power has failed. Its directory is made where it is absent. What is neither a file nor a link, such as a
 * device, is put aside where that is asked for, and not replaced otherwise.
 * @throws what the system says
 */
export async function replaceFile(path: string, text: string, aside?: string): Promise<void> {
  const directory = dirname(path);
  const partial = `${path}.new`;
  await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
  if (aside === undefined) await requireReplaceable(path);
  await rm(partial, { force: true });
  try {
    await writeSynced(partial, text);
    if (aside !== undefined) await rename(path, aside).catch(() => {});
    await rename(partial, path);
  } catch (error) {
    // On a full disk it would take what room there is.
    await rm(partial, { force: true }).catch(() => {});
    throw error;
  }
  await syncDirectory(directory);
}

async function requireReplaceable(path: string): Promise<void> {
  const old = await lstat(path).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  });
  if (old === undefined || old.isFile() || old.isSymbolicLink()) return;
  throw new Error("something that is no regular file has its name");
}

async function writeSynced(path: string, text: string): Promise<void> {
  // "wx": what somebody put there meanwhile, a pipe or a link, is not written to.
  const file = await open(path, "wx", FILE_MODE);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename is on the disk when its directory is: an order that was answered survives the power's failure. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } catch (error) {
    // fsync(2): a file system that knows nothing of the kind.
    if (errorCode(error) !== "EINVAL") throw error;
  } finally {
    await directory.close();
  }
}
