/** More is kept of nothing: a part may print for an hour. */
const LINES_MAX = 4;
const LINE_LENGTH_MAX = 10_000;

/** How `bun test` writes: the file whose tests come next, each test's end, and errors outside of tests. */
const FILE = /^\S+\.test\.ts:$/;
const TEST_END = /^\((?:pass|fail|skip)\) /;
const FAILED = /^\(fail\) /;
const ERROR = /^(?:error|panic|set-up|lab)\b.*:/;

/**
 * Reads along what a part of the tests prints, to tell where it broke off: then there is no report, or one that does not
 * name the cause.
 */
export class PartOutput {
  readonly #failed: string[] = [];
  readonly #errors: string[] = [];
  readonly #last: string[] = [];
  #file: string | undefined;
  #test: string | undefined;
  readonly #decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  readonly #rests = { stdout: "", stderr: "" };

  add(stream: "stdout" | "stderr", bytes: Uint8Array): void {
    const lines = (this.#rests[stream] + this.#decoders[stream].decode(bytes, { stream: true })).split("\n");
    this.#rests[stream] = (lines.pop() ?? "").slice(-LINE_LENGTH_MAX);
    for (const line of lines) this.#read(line);
  }

  /** What is known, a line for each fact. */
  story(): string[] {
    const unended = Object.values(this.#rests).filter((rest) => rest.trim() !== "");
    const known = [
      ...this.#failed,
      ...this.#errors,
      ...(this.#file === undefined ? [] : [`the last file begun was ${this.#file}`]),
      ...(this.#test === undefined ? [] : [`the last test that ended was ${this.#test}`]),
    ];
    const last = [...this.#last, ...unended].slice(-LINES_MAX);
    return known.length > 0 ? known : last.map((line) => `its last words: ${line}`);
  }

  #read(coloured: string): void {
    const line = Bun.stripANSI(coloured).trimEnd();
    if (line.trim() === "") return;
    keep(this.#last, line);
    if (FILE.test(line)) this.#file = line.slice(0, -1);
    else if (TEST_END.test(line)) this.#test = line;
    if (FAILED.test(line)) keep(this.#failed, line);
    if (ERROR.test(line)) keep(this.#errors, line);
  }
}

function keep(lines: string[], line: string): void {
  lines.push(line);
  if (lines.length > LINES_MAX) lines.shift();
}
