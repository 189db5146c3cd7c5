/** What is to be run in a lab, however that lab is made. */
export interface LabCommand {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** The folder it is run in. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Folders of the host that the command may write to; everything else it writes is gone afterwards. */
  readonly writableDirectories: readonly string[];
  readonly timeLimitMs: number;
  /** Called with each piece of output as it comes. */
  readonly onOutput: (stream: "stdout" | "stderr", bytes: Uint8Array) => void;
  /** Ends the command and the lab when it fires. */
  readonly signal: AbortSignal;
}

/** How it went: the command's exit status, or why there is none. */
export type LabOutcome =
  | { readonly kind: "ended"; readonly status: number }
  | { readonly kind: "time-limit"; readonly limitMs: number }
  | { readonly kind: "interrupted" }
  | { readonly kind: "broken"; readonly reason: string };

/** One word for a POSIX shell. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
