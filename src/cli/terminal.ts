import { fstatSync } from "node:fs";

export type StreamName = "stdout" | "stderr";

const FILE_DESCRIPTORS = { stdout: 1, stderr: 2 } as const;

/**
 * Whether a person watches this stream. Only a character device can be a terminal: asking Bun's own streams builds
 * them, which takes 4 ms (measured) that a script's pipe need not pay.
 */
export function isTerminal(stream: StreamName): boolean {
  try {
    return fstatSync(FILE_DESCRIPTORS[stream]).isCharacterDevice() && process[stream].isTTY === true;
  } catch {
    // The descriptor is closed.
    return false;
  }
}

/** The terminal's width; undefined when standard output is not a terminal. */
export function terminalWidthColumns(): number | undefined {
  // A terminal that does not know its size says 0.
  return isTerminal("stdout") ? process.stdout.columns || 80 : undefined;
}
