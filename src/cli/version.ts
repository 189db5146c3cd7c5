import { writeStream } from "../kernel/streams.ts";
import { versionText } from "../lib/version.ts";

/**
 * What `tandem --version` alone prints, without loading the rest of the program.
 * @returns whether it was written; when not, the whole program says what is wrong with the stream.
 */
export function writeVersion(): boolean {
  return writeStream("stdout", new TextEncoder().encode(`${versionText()}\n`)).kind === "written";
}
