import { constants, type FileHandle, open, stat } from "node:fs/promises";
import type { FileState } from "../../model/gate.ts";
import type { ProbeOutcome } from "../../model/health-check.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import { failure, success } from "../transport/outcome.ts";
import { formatElapsed, quoteBytes } from "../transport/probe-text.ts";

/** A number with room to spare; what is longer is none. */
const LINE_BYTES_MAX = 32;
const WHOLE_NUMBER = /^[+-]?\d{1,15}$/;

/** Whether a number is what each state wants, and how that is said. */
const NUMBERS: Readonly<Record<Exclude<FileState, "present" | "absent">, readonly [(n: number) => boolean, string]>> = {
  zero: [(number) => number === 0, "not 0"],
  "not-negative": [(number) => number >= 0, "negative"],
  "not-positive": [(number) => number <= 0, "positive"],
};

type Finding = { readonly ok: boolean; readonly reason: string };

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" || code === "ENOTDIR";
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** The first line; empty for a missing and for an empty file. */
async function firstLine(path: string): Promise<Uint8Array> {
  let file: FileHandle;
  try {
    // A pipe without a writer would hold up whoever opens it.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isMissing(error)) return new Uint8Array();
    throw error;
  }
  try {
    if (!(await file.stat()).isFile()) throw new Error("it is no regular file");
    const bytes = new Uint8Array(LINE_BYTES_MAX + 1);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    const end = bytes.subarray(0, bytesRead).indexOf(0x0a);
    return bytes.subarray(0, end < 0 ? bytesRead : end);
  } finally {
    await file.close();
  }
}

async function judge(path: string, state: FileState): Promise<Finding> {
  if (state === "present" || state === "absent") {
    const isThere = await exists(path);
    return { ok: isThere === (state === "present"), reason: isThere ? `${path} exists` : `there is no ${path}` };
  }
  const line = await firstLine(path);
  const text = new TextDecoder("latin1").decode(line).trim();
  if (text !== "" && (line.length > LINE_BYTES_MAX || !WHOLE_NUMBER.test(text))) {
    return { ok: false, reason: `${path} has no whole number in its first line but ${quoteBytes(line)}` };
  }
  const [isGood, otherwise] = NUMBERS[state];
  const number = Number(text);
  const said = text === "" ? `${path} says nothing, which counts as 0` : `${path} says ${number}`;
  return isGood(number) ? { ok: true, reason: said } : { ok: false, reason: `${said}, which is ${otherwise}` };
}

/** Looks at files, for each gate once at a time: a file system that hangs holds a thread of the process for each look. */
export class FileLook {
  /** The gates whose last look has not come back. */
  readonly #pending = new Set<string>();

  /** Whether a gate's file is as it should be. Never rejects; what the file system refuses is a failure. */
  async run(gate: string, path: string, state: FileState, timeoutMs: number): Promise<ProbeOutcome> {
    const startedMs = monotonicMs();
    const elapsed = () => monotonicMs() - startedMs;
    if (this.#pending.has(gate)) return failure(0, "timeout", `the file system still holds the last look at ${path}`);
    this.#pending.add(gate);
    const looked = judge(path, state)
      .catch((error): Finding => {
        return { ok: false, reason: `cannot look at ${path}: ${error instanceof Error ? error.message : error}` };
      })
      .finally(() => this.#pending.delete(gate));
    const limit = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => limit.resolve(undefined), timeoutMs);
    const finding = await Promise.race([looked, limit.promise]);
    clearTimeout(timer);
    if (finding === undefined) {
      return failure(elapsed(), "timeout", `the file system did not answer within ${formatElapsed(timeoutMs)}`);
    }
    return finding.ok ? success(elapsed(), finding.reason) : failure(elapsed(), "state", finding.reason);
  }
}
