import { readFileSync } from "node:fs";
import { Balancer } from "../../balance/balancer.ts";
import type { BalancerInput } from "../../balance/balancer-input.ts";
import { decodeSavedState, type SavedState } from "../../balance/saved/saved-state.ts";
import { DecodeError } from "../../lib/errors.ts";
import { killAbandonedPrograms } from "../../probe/local/confinement.ts";
import { runCheck } from "../../probe/run-check.ts";
import { GateProber } from "../../probe/run-gate.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import { dieWithParent, parentProcessId } from "../../sys/process/process.ts";
import { CrashReport, stackOf } from "../host/crash-report.ts";
import { StateDirectory, type StateFile } from "../host/state-store.ts";
import { BalancerKernel } from "./balancer-kernel.ts";
import { BalancerLoop } from "./balancer-loop.ts";
import {
  ALIVE_INTERVAL_MS,
  BALANCER_STATE_FILE,
  type BalancerConfig,
  decodeToBalancer,
  type FromBalancer,
  type ToBalancer,
} from "./balancer-protocol.ts";

/** The balancer's process: a child of the router, from its first message to the router's end. */

/** Linux: a random text for each boot (proc(5)). */
const BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id";

function readBootId(): string {
  try {
    return readFileSync(BOOT_ID_FILE, "utf8").trim();
  } catch {
    // Without it no saved time is taken for one of this boot.
    return "";
  }
}

function send(message: FromBalancer): void {
  // A channel that is just closing refuses; then "disconnect" follows and ends us.
  if (process.connected) process.send?.(message);
}

function complain(message: string): void {
  send({ kind: "log", level: "warn", message });
}

function readSaved(file: StateFile): SavedState | undefined {
  const value = file.read();
  if (value === undefined) return undefined;
  try {
    return decodeSavedState(value);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    file.leaveAside(error.message);
    return undefined;
  }
}

function openStateDirectory(path: string): StateDirectory {
  let said: string | undefined;
  const tellSaving = () => {
    const failure = directory.failures[0]?.reason;
    if (failure !== said) send({ kind: "saving", ...(failure === undefined ? {} : { failure }) });
    said = failure;
  };
  const directory: StateDirectory = new StateDirectory(path, {
    now: monotonicMs,
    onProblem: (problem) => {
      complain(problem);
      tellSaving();
    },
    onMended: (message) => {
      send({ kind: "log", level: "info", message });
      tellSaving();
    },
  });
  return directory;
}

/** They are the kernel's, not the table's: set once for each configuration, and not watched. */
function setTimeouts(kernel: BalancerKernel, { timeouts }: BalancerConfig): void {
  const answer = timeouts === undefined ? undefined : kernel.setTimeouts(timeouts);
  if (answer?.ok === false) complain(`[timeouts] are not set: ${answer.reason}`);
}

/** Leaves its state for a report, and says so. */
async function reportCrash(stateDir: string, error: unknown, state: unknown): Promise<void> {
  const report = new CrashReport(stateDir, "balancer", error, new Date());
  const problem = await report.write(state);
  const where =
    problem === undefined
      ? `its state is left in ${report.path}`
      : `cannot write ${report.path}: ${problem}; ${stackOf(error)}`;
  send({ kind: "broken", reason: `${report.summary}; ${where}` });
}

/** @param onCrash it cannot go on, and has said why */
function makeLoop(stateDir: string, file: StateFile, kernel: BalancerKernel, onCrash: () => void): BalancerLoop {
  const saved = readSaved(file);
  const balancer = new Balancer({
    bootId: readBootId(),
    seed: Math.floor(Math.random() * 0xffff_ffff),
    ...(saved === undefined ? {} : { saved }),
  });
  const gates = new GateProber();
  return new BalancerLoop(balancer, {
    now: monotonicMs,
    probe: ({ check, target }) => runCheck(check.method, target, check.timeoutMs),
    probeGate: ({ gate }) => gates.run(gate, gate.timeoutMs),
    kernel,
    save: (state) => file.write(state),
    send,
    crashed: (error) => void reportCrash(stateDir, error, balancer.describe()).finally(onCrash),
  });
}

function decode(raw: unknown): ToBalancer | undefined {
  try {
    return decodeToBalancer(raw);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    send({ kind: "log", level: "error", message: `a message of the router is not understood: ${error.message}` });
    return undefined;
  }
}

/** Says every second that the event loop turns, and by how much it was late. */
function startAlive(loop: BalancerLoop): Timer {
  let dueMs = monotonicMs() + ALIVE_INTERVAL_MS;
  return setInterval(() => {
    const atMs = monotonicMs();
    send({ kind: "alive", atMs, lateMs: Math.max(0, atMs - dueMs), probesInFlight: loop.probesInFlight });
    dueMs = atMs + ALIVE_INTERVAL_MS;
  }, ALIVE_INTERVAL_MS);
}

/**
 * Runs the balancer until the router says stop, or is gone.
 * @param stateDir where verdicts and orders are kept
 * @returns the exit code: 0 after `stop`, 1 when the router is gone or the balancer cannot go on.
 */
export async function runBalancer(stateDir: string): Promise<number> {
  const end = Promise.withResolvers<number>();
  // Without a router nobody could end us, and a new one starts its own balancer, the only one that may write to the
  // kernel's table: go at once, saving nothing. The kernel sees to it; one that was overloaded took 20 s to notice.
  dieWithParent(parentProcessId());
  process.on("disconnect", () => end.resolve(1));
  // The router is told by the same signal, and tells us when to stop.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
  killAbandonedPrograms();
  const directory = openStateDirectory(stateDir);
  const file = directory.file(BALANCER_STATE_FILE);
  const kernel = new BalancerKernel();
  const loop = makeLoop(stateDir, file, kernel, () => end.resolve(1));
  process.on("message", (raw: unknown) => {
    const message = decode(raw);
    if (message === undefined) return;
    const input: BalancerInput = message;
    loop.take(input);
    if (message.kind === "configure") setTimeouts(kernel, message.config);
    if (message.kind === "stop") directory.settled().then(() => end.resolve(0));
  });
  const alive = startAlive(loop);
  send({ kind: "started", pid: process.pid });
  const code = await end.promise;
  clearInterval(alive);
  loop.close();
  return code;
}
