import { readRegularBytes } from "../../sys/process/regular-file.ts";

/**
 * The text of a small regular file; nothing else can hold this process up.
 * @returns undefined when there is none of that name
 * @throws Error that says what is wrong with it, or what the system says
 */
export function readRegularFile(path: string, maxBytes: number): string | undefined {
  const bytes = readRegularBytes(path, maxBytes);
  return bytes === undefined ? undefined : new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
