import { existsSync } from "node:fs";
import { join } from "node:path";
import { StateError, SupportError, TandemError, UsageError } from "../lib/errors.ts";
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

/**
 * Asks the daemon of `runtimeDir` one thing.
 * @param onProgress gets what the daemon says meanwhile.
 * @returns the `value` of its answer; its shape depends on the command.
 * @throws TandemError when no daemon answers, or with the daemon's own reason and exit code when it refuses.
 */
export async function askDaemon(
  runtimeDir: string,
  request: ControlRequest,
  onProgress: (message: string) => void = () => {},
): Promise<unknown> {
  const path = join(runtimeDir, CONTROL_SOCKET_NAME);
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let sizeBytes = 0;
  const onLine = (text: string): void => {
    const line = decodeControlLine(text);
    if (!line.ok) {
      reject(new TandemError({ operation: "read the daemon's answer", reason: line.problem }));
    } else if (line.value.kind === "progress") onProgress(line.value.message);
    else if (line.value.kind === "done") resolve(line.value.value);
    else reject(refusal(request, line.value.reason, line.value.hint, line.value.exitCode));
  };
  const onData = (chunk: Uint8Array): void => {
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
  const gone = () => reject(new TandemError({ operation: "read the daemon's answer", reason: "the daemon went away" }));
  const socket = await Bun.connect({
    unix: path,
    socket: { data: (_socket, chunk) => onData(chunk), close: gone, end: gone, error: gone },
  }).catch((cause: unknown) => {
    throw noDaemon(path, cause);
  });
  socket.write(encodeControlRequest(request));
  try {
    return await promise;
  } finally {
    socket.end();
  }
}
