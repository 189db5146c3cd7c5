import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";

function requireRegular(stat: Stats, maxBytes: number): void {
  if (stat.isDirectory()) throw new Error("it is a directory");
  // A pipe or a device might have us wait for ever, and some devices do something when they are opened.
  if (!stat.isFile()) throw new Error("it is no regular file");
  if (stat.size > maxBytes) throw new Error(`it has ${stat.size} bytes; the limit is ${maxBytes}`);
}

/**
 * Reads a small regular file, and nothing else: neither a pipe nor a device nor a huge file can hold this process up.
 * @returns undefined when there is none of that name
 * @throws Error that says what is wrong with it, or what the system says
 */
export function readRegularBytes(path: string, maxBytes: number): Uint8Array | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  requireRegular(found, maxBytes);
  // Another one may be there by now: opening a pipe does not wait with this flag.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    requireRegular(stat, maxBytes);
    const bytes = Buffer.alloc(stat.size);
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(file, bytes, length, bytes.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}
