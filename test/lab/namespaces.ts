/**
 * A command in fresh namespaces (network, mounts, processes) of this machine's own kernel. Needs root. When the first
 * process ends, the kernel ends every other one and takes the interfaces with it: nothing is left behind.
 */
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { type LabCommand, type LabOutcome, shellWord } from "./lab-command.ts";

/** `ip netns` keeps its names in /run/netns: a /run of its own makes the names private to the lab. */
const PREPARE = [
  "mount --make-rprivate /",
  "mount -t tmpfs -o mode=755 tmpfs /run",
  "mkdir -p /run/netns /run/lock",
  "mount -t sysfs sysfs /sys",
  "ip link set lo up",
].join(" && ");

/** Why there can be no such namespaces here; undefined where there can be: root of a container may lack the right. */
export function namespacesObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces of this kernel need root";
  const tried = Bun.spawnSync(["unshare", "--net", "--mount", "--pid", "--fork", "true"]);
  return tried.success ? undefined : `this kernel allows no namespaces here: ${tried.stderr.toString().trim()}`;
}

/** Runs the job and waits for its end. Returns how it went. */
export async function runInNamespaces(job: LabCommand): Promise<LabOutcome> {
  const words = job.command.map(shellWord).join(" ");
  const child = spawn(
    "setpriv",
    [
      ...["--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"],
      ...["sh", "-c", `${PREPARE} && cd ${shellWord(job.directory)} && ${words}`],
    ],
    { detached: true, stdio: ["ignore", "pipe", "pipe"], env: job.environment },
  );
  let stopped: LabOutcome | undefined;
  const stop = (outcome: LabOutcome) => {
    stopped ??= outcome;
    child.kill("SIGKILL");
  };
  const timer = setTimeout(() => stop({ kind: "time-limit", limitMs: job.timeLimitMs }), job.timeLimitMs);
  const interrupt = () => stop({ kind: "interrupted" });
  job.signal.addEventListener("abort", interrupt);
  if (job.signal.aborted) interrupt();
  (child.stdout as Readable).on("data", (bytes: Uint8Array) => job.onOutput("stdout", bytes));
  (child.stderr as Readable).on("data", (bytes: Uint8Array) => job.onOutput("stderr", bytes));
  try {
    return await new Promise<LabOutcome>((done) => {
      child.once("error", (error) => done({ kind: "broken", reason: `unshare cannot be started: ${error.message}` }));
      child.once("close", (status) => done(stopped ?? { kind: "ended", status: status ?? 125 }));
    });
  } finally {
    clearTimeout(timer);
    job.signal.removeEventListener("abort", interrupt);
  }
}
