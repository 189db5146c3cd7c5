/** The standard streams and whole files of this process, by plain system calls: see sys/process/descriptor.ts for why. */

import { asFd } from "../../sys/libc/fd.ts";
import {
  isTerminal,
  type ReadOutcome,
  readToEnd,
  readWholeFile,
  type WriteOutcome,
  writeWhole,
  writeWholeIfOpen,
} from "../../sys/process/descriptor.ts";
import { TerminalKeys } from "../../sys/process/terminal-keys.ts";

const STREAMS = { stdin: asFd(0), stdout: asFd(1), stderr: asFd(2) } as const;

export type StreamName = keyof typeof STREAMS;
export type { ReadOutcome, TerminalKeys, WriteOutcome };

/**
 * Writes all bytes to a stream. Waits for a slow reader. Results for a closed standard output are a failure, as with
 * other programs; notes for a closed standard error are what somebody did not want to hear.
 */
export function writeStream(stream: StreamName, bytes: Uint8Array): WriteOutcome {
  return stream === "stdout" ? writeWholeIfOpen(STREAMS.stdout, bytes) : writeWhole(STREAMS[stream], bytes);
}

/** Whether a person is at the other end; false for a stream that is closed. */
export function isTerminalStream(stream: StreamName): boolean {
  return isTerminal(STREAMS[stream]);
}

/** The keys of whoever watches; undefined where nobody types. */
export function keysOfTerminal(): TerminalKeys | undefined {
  return TerminalKeys.open(STREAMS.stdin);
}

/** Reads standard input to its end. */
export function readStandardInput(maxBytes: number): ReadOutcome {
  return readToEnd(STREAMS.stdin, maxBytes);
}

/** Reads a whole file. */
export function readFileBytes(path: string, maxBytes: number): ReadOutcome {
  return readWholeFile(path, maxBytes);
}
