/**
 * A whole Linux kernel with IPVS as an ordinary process: Debian's user-mode-linux on the host's own files.
 * It needs no root. The root file system is mounted read-only, so nothing inside can change the host but for the
 * folders that the caller names.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { KernelConsole, type KernelEnd, type KernelMemory } from "./kernel-console.ts";
import { type LabCommand, type LabOutcome, shellWord } from "./lab-command.ts";
import { ProcessorClaim } from "./processor-claim.ts";

const KERNEL = "linux.uml";
const INIT = resolve(import.meta.dir, "uml-init.sh");
/** The places that uml-init.sh covers with a tmpfs: what the job needs from below them is mounted again. */
const HIDDEN = ["/tmp", "/var/tmp", "/var/lib", "/var/log", "/run"];
/** Descriptor 5 ends when this process does, even by SIGKILL: then everything in the kernel's process group goes too. */
const GUARDED = '{ read -r _ <&5; kill -KILL 0; } >/dev/null 2>&1 3>&- 4>&- & exec taskset --cpu-list "$0" "$@" 5<&-';
const MEBIBYTE = 1024 * 1024;
const SHARED_MEMORY = "/dev/shm";

/**
 * Boots the kernel, runs the command as its only job and waits for the end.
 * Returns how it went; never leaves a process or a file behind.
 */
export async function runInUml(job: LabCommand): Promise<LabOutcome> {
  const folder = mkdtempSync(join(tmpdir(), "tandem-uml-"));
  using claim = ProcessorClaim.take();
  try {
    writeJob(folder, job);
    return await boot(folder, claim.processor, job);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeJob(folder: string, job: LabCommand): void {
  const exported = Object.entries(job.environment).map(([name, value]) => `export ${name}=${shellWord(value)}\n`);
  writeFileSync(join(folder, "environment.sh"), exported.join(""));
  const words = job.command.map(shellWord).join(" ");
  writeFileSync(join(folder, "command.sh"), `cd ${shellWord(job.directory)} && exec ${words}\n`);
  writeFileSync(join(folder, "mounts.sh"), mountLines(job).join(""));
}

/** Shell lines that mount folders of the host at their own places; a folder before those inside it. */
function mountLines(job: LabCommand): string[] {
  const readable = [job.directory, resolve(import.meta.dir, "../..")].filter((path) =>
    HIDDEN.some((hidden) => path === hidden || path.startsWith(`${hidden}/`)),
  );
  // The function is uml-init.sh's.
  return [
    ...[...new Set(readable)].sort().map((path) => `hostfs ro, ${shellWord(path)}\n`),
    ...[...job.writableDirectories].sort().map((path) => `hostfs "" ${shellWord(path)}\n`),
  ];
}

/** The guest's memory is a sparse file on the host: what it doesn't touch costs nothing. */
function memory(): KernelMemory {
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? "0";
  const mebibytes = Number(available) > 3 * MEBIBYTE ? 1024 : 640;
  return { mebibytes, folder: roomInSharedMemory() > mebibytes ? SHARED_MEMORY : tmpdir() };
}

/** In mebibytes; none where code can't be run from it, as on hardened machines. */
function roomInSharedMemory(): number {
  if (!existsSync(SHARED_MEMORY)) return 0;
  const mounts = readFileSync("/proc/self/mounts", "utf8");
  if (new RegExp(`^\\S+ ${SHARED_MEMORY} \\S+ (?:\\S+,)?noexec\\b`, "m").test(mounts)) return 0;
  const { bavail, bsize } = statfsSync(SHARED_MEMORY);
  return (bavail * bsize) / MEBIBYTE;
}

async function boot(folder: string, processor: number, job: LabCommand): Promise<LabOutcome> {
  const guestMemory = memory();
  const kernel = spawn(
    "sh",
    [
      ...[
        "-c",
        GUARDED,
        `${processor}`,
        KERNEL,
        `mem=${guestMemory.mebibytes}M`,
        "root=/dev/root",
        "rootfstype=hostfs",
        "rootflags=/",
        "ro",
      ],
      ...[`init=${INIT}`, "con0=null,fd:1", "con1=null,fd:3", "con2=null,fd:4", "con=null", "quiet", "panic=-1"],
      ...[`uml_dir=${folder}/`, "umid=kernel", "--", folder],
    ],
    {
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe"],
      env: { ...process.env, TMPDIR: guestMemory.folder },
    },
  );
  let stopped: LabOutcome | undefined;
  const stop = (outcome: LabOutcome) => {
    stopped ??= outcome;
    killGroup(kernel.pid);
  };
  const console = new KernelConsole();
  const streams = [
    forward(kernel.stdio[1], (bytes) => console.add(bytes)),
    forward(kernel.stdio[2], (bytes) => console.add(bytes)),
    forward(kernel.stdio[3], (bytes) => job.onOutput("stdout", bytes)),
    forward(kernel.stdio[4], (bytes) => job.onOutput("stderr", bytes)),
  ];
  const timer = setTimeout(() => stop({ kind: "time-limit", limitMs: job.timeLimitMs }), job.timeLimitMs);
  const interrupt = () => stop({ kind: "interrupted" });
  job.signal.addEventListener("abort", interrupt);
  if (job.signal.aborted) interrupt();
  try {
    const end = await ended(kernel);
    killGroup(kernel.pid);
    await Promise.all(streams);
    if (stopped !== undefined) return stopped;
    if ("kind" in end) return end;
    for (const warning of console.memoryWarnings(guestMemory)) {
      job.onOutput("stderr", new TextEncoder().encode(`lab: ${warning}\n`));
    }
    return readStatus(folder) ?? { kind: "broken", reason: console.whyEnded(end, guestMemory) };
  } finally {
    clearTimeout(timer);
    job.signal.removeEventListener("abort", interrupt);
    killGroup(kernel.pid);
  }
}

/** Resolves when the process is gone; with an outcome only when it couldn't be started at all. */
function ended(kernel: ReturnType<typeof spawn>): Promise<KernelEnd | (LabOutcome & { kind: "broken" })> {
  return new Promise((done) => {
    kernel.once("error", (error) => done({ kind: "broken", reason: `${KERNEL} cannot be started: ${error.message}` }));
    kernel.once("exit", (code, signal) => done({ code, signal }));
  });
}

/** None when the kernel did not come as far as the command's end. */
function readStatus(folder: string): LabOutcome | undefined {
  const path = join(folder, "status");
  const status = existsSync(path) ? Number.parseInt(readFileSync(path, "utf8"), 10) : Number.NaN;
  return Number.isInteger(status) ? { kind: "ended", status } : undefined;
}

/** The kernel's process group is its own, since it was started detached: nothing else is in it. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

function forward(stream: unknown, take: (bytes: Uint8Array) => void): Promise<void> {
  const readable = stream as Readable;
  return new Promise((done) => {
    readable.on("data", take);
    readable.once("close", () => done());
  });
}
