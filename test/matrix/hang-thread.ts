/**
 * Stops one thread of a process, as if it hung, until this process ends; prints a line when it stands still.
 * Its argument is the thread's id. A signal would stop the whole process; what a debugger seizes stands still alone, and
 * the kernel lets go of it when the debugger is gone (ptrace(2), PTRACE_SEIZE and PTRACE_INTERRUPT).
 */
import { dlopen } from "bun:ffi";
import { readFileSync, writeSync } from "node:fs";

/** linux/ptrace.h */
const PTRACE_SEIZE = 0x4206;
const PTRACE_INTERRUPT = 0x4207;
const LOOK_AGAIN_MS = 1;

const { symbols: libc } = dlopen("libc.so.6", {
  // long ptrace(enum __ptrace_request request, pid_t pid, void *address, void *data)
  ptrace: { args: ["i32", "i32", "u64", "u64"], returns: "i64" },
});

function ptrace(what: string, request: number, thread: number): void {
  if (Number(libc.ptrace(request, thread, 0n, 0n)) < 0) throw new Error(`${what} of thread ${thread} failed`);
}

/** `t` is a tracing stop (proc(5), /proc/pid/status). */
function standsStill(thread: number): boolean {
  return /^State:\s+t/m.test(readFileSync(`/proc/${thread}/status`, "latin1"));
}

const thread = Number(process.argv[2]);
ptrace("PTRACE_SEIZE", PTRACE_SEIZE, thread);
ptrace("PTRACE_INTERRUPT", PTRACE_INTERRUPT, thread);
while (!standsStill(thread)) Bun.sleepSync(LOOK_AGAIN_MS);
writeSync(1, "hangs\n");
setInterval(() => {}, 1 << 30);
