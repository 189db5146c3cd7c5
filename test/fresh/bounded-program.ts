/**
 * Programs that may take so long and no longer, and end with the one that started them: each has namespaces of its own
 * for processes and mounts, so that nothing that it has started or mounted outlives it. Needs root.
 */

export interface Ended {
  /** The exit status; undefined when it took too long or was interrupted. */
  readonly status: number | undefined;
  readonly output: string;
  readonly tookMs: number;
}

/** More is kept of no program; what failed is at the end. */
const OUTPUT_MAX = 200_000;

const ALONE = [
  ...["setpriv", "--pdeathsig", "KILL"],
  ...["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child=KILL", "--mount-proc"],
];

/** Runs a program to its end, or to the limit or the signal; then it is killed. Returns all it printed, or the end of it. */
export async function runBounded(
  command: readonly string[],
  { limitMs, signal, cwd }: { readonly limitMs: number; readonly signal: AbortSignal; readonly cwd?: string },
): Promise<Ended> {
  const beganMs = performance.now();
  const kept = { text: "" };
  const program = Bun.spawn([...ALONE, ...command], {
    ...(cwd === undefined ? {} : { cwd }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let isKilled = false;
  const kill = () => {
    isKilled = true;
    program.kill("SIGKILL");
  };
  const timer = setTimeout(kill, limitMs);
  signal.addEventListener("abort", kill);
  if (signal.aborted) kill();
  try {
    await Promise.all([keepEnd(program.stdout, kept), keepEnd(program.stderr, kept), program.exited]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
  }
  const status = isKilled ? undefined : (program.exitCode ?? 128);
  return { status, output: kept.text, tookMs: performance.now() - beganMs };
}

async function keepEnd(stream: ReadableStream<Uint8Array>, kept: { text: string }): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream)
    kept.text = (kept.text + decoder.decode(bytes, { stream: true })).slice(-OUTPUT_MAX);
}
