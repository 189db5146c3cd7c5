import { chmodSync, existsSync, lstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Socket, UnixSocketListener } from "bun";
import { TandemError } from "../../lib/errors.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import { type ControlClient, identify, UserNames } from "./control-peer.ts";
import {
  CONTROL_ANSWER_BYTES_MAX,
  CONTROL_REQUEST_BYTES_MAX,
  CONTROL_SOCKET_NAME,
  type ControlLine,
  type ControlRequest,
  decodeControlRequest,
  isTooLate,
} from "./control-protocol.ts";

/**
 * How a request is answered: any number of progress lines, then one `done` or `refused`. `client` tells who asks; it is to
 * be called before the handler returns.
 */
export type ControlHandler = (
  request: ControlRequest,
  reply: (line: ControlLine) => void,
  client: () => ControlClient,
) => void;

/**
 * Administrators and scripts, not a public service: of more clients at once than this those that have not asked anything
 * make room, the oldest first, and where all have asked a new one is turned away.
 */
export const CONTROL_CLIENTS_MAX = 32;

/** How long a client may take an operator's place for nothing. */
export interface ControlLimits {
  /** One that has not asked anything by then is not going to. */
  readonly requestSeconds: number;
  /** One that has taken nothing of its answer for so long is stuck, or gone. */
  readonly answerSeconds: number;
  /** One that has asked nothing for so long makes room where places are short; what a client asks comes at once. */
  readonly idleMs: number;
}

const CONTROL_LIMITS: ControlLimits = { requestSeconds: 5, answerSeconds: 30, idleMs: 100 };

/** Another daemon has the runtime directory. */
export class AnotherDaemonError extends TandemError {
  override readonly name = "AnotherDaemonError";
}

interface ClientState {
  received: string;
  /** Bytes of the answer that the socket has not taken yet. */
  waiting: Uint8Array;
  answered: boolean;
  final: boolean;
  readonly answerLimitSeconds: number;
  readonly sinceMs: number;
}

type Client = Socket<ClientState>;

/** Hands the socket what it takes; the rest waits for `drain`. Ends the connection after the final line. */
function flush(client: Client): void {
  const state = client.data;
  if (state.waiting.length > 0) {
    const written = Math.max(0, client.write(state.waiting));
    state.waiting = state.waiting.subarray(written);
    // The engine counts from here, whatever comes or goes meanwhile.
    if (written > 0) client.timeout(state.answerLimitSeconds);
  }
  if (state.waiting.length > 0) return;
  if (state.final) client.end();
  else client.timeout(0);
}

/** Never throws: whoever answers does something of more importance, and a client's end is its own business. */
function answer(client: Client, line: ControlLine): void {
  try {
    give(client, line);
  } catch {
    client.terminate();
  }
}

function give(client: Client, line: ControlLine): void {
  const state = client.data;
  if (state.final) return;
  const bytes = new TextEncoder().encode(`${JSON.stringify(line)}\n`);
  if (state.waiting.length > CONTROL_ANSWER_BYTES_MAX) throw new Error("it reads nothing of what it asked for");
  const joined = new Uint8Array(state.waiting.length + bytes.length);
  joined.set(state.waiting);
  joined.set(bytes, state.waiting.length);
  state.waiting = joined;
  state.final = line.kind !== "progress";
  flush(client);
}

function turnAway(client: Client): void {
  client.data.answered = true;
  answer(client, { kind: "refused", reason: "too many clients on the control socket", exitCode: 1 });
}

/** Bun has it, and its types don't say so. Negative: closed. */
function descriptorOf(client: Client): number {
  return "fd" in client && typeof client.fd === "number" ? client.fd : -1;
}

function receive(client: Client, chunk: string, handler: ControlHandler, users: UserNames): void {
  const state = client.data;
  if (state.answered) return;
  state.received += chunk;
  if (state.received.length > CONTROL_REQUEST_BYTES_MAX) {
    state.answered = true;
    answer(client, { kind: "refused", reason: "the request is too long", exitCode: 2 });
    return;
  }
  const end = state.received.indexOf("\n");
  if (end < 0) return;
  state.answered = true;
  const request = decodeControlRequest(state.received.slice(0, end));
  if (!request.ok) {
    answer(client, { kind: "refused", reason: request.problem, exitCode: 2 });
    return;
  }
  if (isTooLate(state.received.slice(0, end), monotonicMs())) {
    answer(client, { kind: "refused", reason: "the request came too late: its client had given up", exitCode: 1 });
    return;
  }
  client.timeout(0);
  try {
    handler(
      request.value,
      (line) => answer(client, line),
      () => identify(descriptorOf(client), users),
    );
  } catch (error) {
    // Bun would give it to the socket's `error` callback, where it looked like a client that went away.
    const reason = `the daemon could not answer: ${error instanceof Error ? error.message : error}`;
    answer(client, { kind: "refused", reason, exitCode: 1 });
  }
}

/** The daemon's end of the control socket. Only the owner of the runtime directory (root) may connect: mode 0600. */
export class ControlServer {
  readonly path: string;
  readonly #listener: UnixSocketListener<ClientState>;
  /** Which file at `path` is this server's. */
  readonly #file: FileId | undefined;
  readonly #idleMs: number;
  /** In the order in which they came. */
  readonly #clients = new Set<Client>();
  readonly #users = new UserNames();

  /**
   * Listens in `runtimeDir`, which is made when it is absent.
   * @throws TandemError when another daemon answers there already (`AnotherDaemonError`) or the directory cannot be used.
   */
  static async open(
    runtimeDir: string,
    handler: ControlHandler,
    limits: Partial<ControlLimits> = {},
  ): Promise<ControlServer> {
    const path = join(runtimeDir, CONTROL_SOCKET_NAME);
    try {
      mkdirSync(runtimeDir, { recursive: true, mode: 0o755 });
      if (existsSync(path)) {
        if (await somebodyAnswers(path)) {
          throw new AnotherDaemonError({
            operation: "start the daemon",
            subject: runtimeDir,
            reason: "another tandem runs with this runtime directory already",
            hint: "stop the other one first; a second pair on this machine needs a port, --runtime-dir and --state-dir of its own",
          });
        }
      }
      return new ControlServer(path, handler, { ...CONTROL_LIMITS, ...limits });
    } catch (cause) {
      if (cause instanceof TandemError) throw cause;
      throw new TandemError({
        operation: "open the control socket",
        subject: path,
        reason: cause instanceof Error ? cause.message : String(cause),
        cause,
      });
    }
  }

  private constructor(path: string, handler: ControlHandler, limits: ControlLimits) {
    const { requestSeconds, answerSeconds: answerLimitSeconds } = limits;
    this.path = path;
    this.#idleMs = limits.idleMs;
    // Under a name of its own, which the engine removes at the end whoever has it by then.
    const made = `${path}.${process.pid}`;
    rmSync(made, { force: true });
    this.#listener = Bun.listen<ClientState>({
      unix: made,
      socket: {
        open: (client) => {
          const waiting = new Uint8Array(0);
          const sinceMs = monotonicMs();
          client.data = { received: "", waiting, answered: false, final: false, answerLimitSeconds, sinceMs };
          client.timeout(requestSeconds);
          this.#clients.add(client);
          if (this.#clients.size > CONTROL_CLIENTS_MAX) this.#makeRoom(client);
        },
        data: (client, chunk) => receive(client, chunk.toString("utf8"), handler, this.#users),
        drain: flush,
        close: (client) => {
          this.#clients.delete(client);
        },
        timeout: (client) => client.terminate(),
        // A client that goes away in the middle is its own business.
        error: () => {},
      },
    });
    try {
      chmodSync(made, 0o600);
      renameSync(made, path);
    } catch (error) {
      this.#listener.stop(true);
      throw error;
    }
    this.#file = fileIdOf(path);
  }

  /** Whether clients still find it: its file may be swept away, and another one be in its place. */
  get isThere(): boolean {
    const found = fileIdOf(this.path);
    return found !== undefined && found.inode === this.#file?.inode && found.device === this.#file.device;
  }

  /** Stops listening and removes the socket's file, unless another daemon has one there by now. */
  close(): void {
    const isOurs = this.isThere;
    this.#listener.stop(true);
    if (isOurs) rmSync(this.path, { force: true });
  }

  /** A client that asks nothing keeps no other one from it. */
  #makeRoom(newest: Client): void {
    const idleBeforeMs = newest.data.sinceMs - this.#idleMs;
    const idle = [...this.#clients].find(
      (client) => client !== newest && !client.data.answered && client.data.sinceMs <= idleBeforeMs,
    );
    if (idle !== undefined) this.#clients.delete(idle);
    turnAway(idle ?? newest);
  }
}

interface FileId {
  readonly inode: number;
  readonly device: number;
}

function fileIdOf(path: string): FileId | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found === undefined ? undefined : { inode: found.ino, device: found.dev };
}

async function somebodyAnswers(path: string): Promise<boolean> {
  try {
    const socket = await Bun.connect({ unix: path, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}
