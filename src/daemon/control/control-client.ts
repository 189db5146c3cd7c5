import { existsSync } from "node:fs";
import { join } from "node:path";
import { StateError, SupportError, TandemError, UsageError } from "../../lib/errors.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import {
  CONTROL_ANSWER_BYTES_MAX,
  CONTROL_SOCKET_NAME,
  type ControlRequest,
  decodeControlLine,
  encodeControlRequest,
} from "./control-protocol.ts";

/**
 * Whether a daemon runs there. A socket that a killed daemon left behind does not count; one that may not be opened
 * does, and `askDaemon` says so.
 */
export async function daemonAnswers(runtimeDir: string): Promise<boolean> {
  const path = join(runtimeDir, CONTROL_SOCKET_NAME);
  if (!existsSync(path)) return false;
  try {
    const socket = await Bun.connect({ unix: path, socket: { data: () => {} } });
    socket.end();
    return true;
  } catch (error) {
    return isForbidden(error);
  }
}

function isForbidden(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "EACCES" || code === "EPERM";
}

/** Requests whose name is no verb, as what could not be done. */
const OPERATIONS: Partial<Readonly<Record<ControlRequest["command"], string>>> = {
  status: "get the status",
  checks: "get the results of checks",
  history: "get the history",
  heartbeats: "get what was heard",
  weight: "set the weight",
  kept: "get the changed real servers",
  keep: "change the real server",
  applied: "get the configuration in force",
};

function refusal(
  request: ControlRequest,
  reason: string,
  hint: string | undefined,
  exitCode: 1 | 2 | 3 | 4,
): TandemError {
  const facts = {
    operation: OPERATIONS[request.command] ?? request.command,
    reason,
    ...(hint === undefined ? {} : { hint }),
  };
  if (exitCode === 2) return new UsageError(facts);
  if (exitCode === 3) return new StateError(facts);
  return exitCode === 4 ? new SupportError(facts) : new TandemError(facts);
}

function noDaemon(path: string, cause: unknown): TandemError {
  if (isForbidden(cause)) {
    return new SupportError({
      operation: "talk to the daemon",
      subject: path,
      reason: "not permitted",
      hint: "run as root",
      cause,
    });
  }
  return new TandemError({
    operation: "talk to the daemon",
    subject: path,
    reason: "no tandem daemon answers there",
    hint: "start one with `tandem run`, or name its directory with --runtime-dir",
    cause,
  });
}

/** A daemon that says nothing for so long is stopped or hangs: one that lives answers in milliseconds. */
const SILENCE_LIMIT_MS = 5_000;
/** An order may have to wait for a minute: from this share of the limit on the daemon is asked whether it lives. */
const PROBE_SHARE = 0.4;

/** A daemon has the socket, and does not answer. */
export class SilentDaemonError extends TandemError {
  override readonly name = "SilentDaemonError";
  constructor(path: string) {
    super({
      operation: "talk to the daemon",
      subject: path,
      reason: "it has its socket open, but does not answer",
      hint: "it is stopped (`kill -CONT` lets it go on), hangs, or gets no processor; its VIPs end with their leases",
    });
  }
}

/** Requests that change nothing: who gets no answer to one has lost nothing but that. */
const QUESTIONS: ReadonlySet<ControlRequest["command"]> = new Set([
  "status",
  "checks",
  "history",
  "heartbeats",
  "applied",
  "kept",
]);

/** The daemon ended in the middle of a request. */
function goneAway({ command }: ControlRequest): TandemError {
  const operation = OPERATIONS[command] ?? command;
  if (QUESTIONS.has(command)) return new TandemError({ operation, reason: "the daemon went away before it answered" });
  return new TandemError({
    operation: `learn what came of the request to ${operation}`,
    reason: "the daemon went away before it answered, and may have done all of it, some or nothing",
    hint: "tandem status   # once the daemon runs again: what is in force then",
  });
}

interface Conversation {
  /** The `value` of the final line. */
  readonly answer: Promise<unknown>;
  end(): void;
}

interface Listener {
  readonly onProgress: (message: string) => void;
  /** Anything came. */
  readonly onSign: () => void;
  /** When whoever asks gives a daemon up that has not begun with the request; monotonic milliseconds. */
  readonly untilMs: number;
}

/** Sends the request and reads lines until the final one. @throws TandemError when nobody has the socket */
async function converse(path: string, request: ControlRequest, listener: Listener): Promise<Conversation> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  // Where the other side of a race wins nobody waits for it any more.
  promise.catch(() => {});
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let sizeBytes = 0;
  const onLine = (text: string): void => {
    const line = decodeControlLine(text);
    if (!line.ok) {
      reject(new TandemError({ operation: "read the daemon's answer", reason: line.problem }));
    } else if (line.value.kind === "progress") listener.onProgress(line.value.message);
    else if (line.value.kind === "done") resolve(line.value.value);
    else reject(refusal(request, line.value.reason, line.value.hint, line.value.exitCode));
  };
  const onData = (chunk: Uint8Array): void => {
    listener.onSign();
    sizeBytes += chunk.length;
    if (sizeBytes > CONTROL_ANSWER_BYTES_MAX) {
      reject(new TandemError({ operation: "read the daemon's answer", reason: "it is too long" }));
      return;
    }
    const text = decoder.decode(chunk, { stream: true });
    // Joined only when a line ends: a long answer comes in thousands of chunks.
    if (!text.includes("\n")) {
      parts.push(text);
      return;
    }
    const lines = (parts.splice(0).join("") + text).split("\n");
    const rest = lines.pop() ?? "";
    if (rest !== "") parts.push(rest);
    for (const line of lines) onLine(line);
  };
  const gone = () => reject(goneAway(request));
  const socket = await Bun.connect({
    unix: path,
    socket: { data: (_socket, chunk) => onData(chunk), close: gone, end: gone, error: gone },
  }).catch((cause: unknown) => {
    throw noDaemon(path, cause);
  });
  socket.write(encodeControlRequest(request, listener.untilMs));
  return { answer: promise, end: () => socket.end() };
}

/** Watches over one conversation: while it is silent, another one asks the daemon whether it lives. */
class Patience {
  readonly #path: string;
  readonly #limitMs: number;
  readonly #silent = Promise.withResolvers<never>();
  #limit: ReturnType<typeof setTimeout> | undefined;
  #question: ReturnType<typeof setTimeout> | undefined;
  #probe: Conversation | undefined;
  #isOver = false;

  constructor(path: string, limitMs: number) {
    this.#path = path;
    this.#limitMs = limitMs;
    this.#silent.promise.catch(() => {});
    this.note();
  }

  /** Rejects when its end has come. */
  get end(): Promise<never> {
    return this.#silent.promise;
  }

  /** The daemon gave a sign of life. */
  note(): void {
    this.#clear();
    if (this.#isOver) return;
    this.#limit = setTimeout(() => this.#silent.reject(new SilentDaemonError(this.#path)), this.#limitMs);
    this.#question = setTimeout(() => void this.#ask(), this.#limitMs * PROBE_SHARE);
  }

  close(): void {
    this.#isOver = true;
    this.#clear();
  }

  /** Whatever it answers, it lives; what ends the connection ends the other one too. */
  async #ask(): Promise<void> {
    const untilMs = monotonicMs() + this.#limitMs;
    const listener = { onProgress: () => {}, onSign: () => this.note(), untilMs };
    const probe = await converse(this.#path, { command: "heartbeats" }, listener).catch(() => undefined);
    if (this.#isOver) probe?.end();
    else this.#probe = probe;
  }

  #clear(): void {
    clearTimeout(this.#limit);
    clearTimeout(this.#question);
    this.#probe?.end();
    this.#probe = undefined;
  }
}

/**
 * Asks the daemon of `runtimeDir` one thing, and waits for the answer for as long as the daemon lives.
 * @param onProgress gets what the daemon says meanwhile
 * @param silenceMs how long it may give no sign of life
 * @returns the `value` of its answer; its shape depends on the command.
 * @throws TandemError when no daemon answers, or with the daemon's own reason and exit code when it refuses.
 */
export async function askDaemon(
  runtimeDir: string,
  request: ControlRequest,
  onProgress: (message: string) => void = () => {},
  silenceMs = SILENCE_LIMIT_MS,
): Promise<unknown> {
  const path = join(runtimeDir, CONTROL_SOCKET_NAME);
  const patience = new Patience(path, silenceMs);
  try {
    const conversation = await converse(path, request, {
      onProgress,
      onSign: () => patience.note(),
      untilMs: monotonicMs() + silenceMs,
    });
    try {
      return await Promise.race([conversation.answer, patience.end]);
    } finally {
      conversation.end();
    }
  } finally {
    patience.close();
  }
}
