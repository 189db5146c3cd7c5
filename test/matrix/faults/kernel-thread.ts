/** The daemon lives and speaks, and the thread that changes its addresses does not, or has too much to do. */
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { LAB_KINDS } from "../../lab/run-in-lab.ts";
import { DROPPED_MS, type Fault, NOTHING_MS } from "../fault.ts";

const AFTERWARDS_MS = 4000;
const RELOADS = 1000;
const RELOAD_EVERY_MS = 10;

/** The first worker of a router process is the one that it cannot do without. */
function kernelThreadOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
    .map(Number)
    .toSorted((one, other) => one - other);
  const worker = threads.find((thread) => readFileSync(`/proc/${pid}/task/${thread}/comm`, "latin1") === "Worker\n");
  if (worker === undefined) throw new Error("the kernel thread was not found");
  return worker;
}

/** Until the process that is returned ends. */
async function hang(thread: number): Promise<AsyncDisposable> {
  const program = resolve(import.meta.dir, "../hang-thread.ts");
  const holder = Bun.spawn([process.execPath, program, String(thread)], { stdio: ["ignore", "pipe", "inherit"] });
  await holder.stdout.getReader().read();
  return {
    async [Symbol.asyncDispose]() {
      holder.kill("SIGKILL");
      await holder.exited;
    },
  };
}

function hung(seconds: number): Fault {
  return {
    name: `only the kernel thread of the active hangs for ${seconds} s`,
    kinds: seconds === 6 ? LAB_KINDS : ["namespaces"],
    expected: { owner: "either", gapMs: DROPPED_MS },
    note: "its heartbeats go on; its kernel serves on until the lease ends, and the gap is what comes after",
    async act(stage) {
      const { pid } = stage.router("lvs1");
      if (pid === undefined) throw new Error("lvs1 does not run");
      {
        await using _ = await hang(kernelThreadOf(pid));
        await Bun.sleep(seconds * 1000);
      }
      await Bun.sleep(AFTERWARDS_MS);
    },
  };
}

export const KERNEL_THREAD: readonly Fault[] = [
  hung(3.5),
  hung(6),
  hung(12),
  {
    name: `${1000 / RELOAD_EVERY_MS} reloads a second at the active for ${(RELOADS * RELOAD_EVERY_MS) / 1000} s`,
    kinds: ["namespaces"],
    expected: { owner: "lvs1", gapMs: NOTHING_MS },
    async act(stage) {
      const beganMs = performance.now();
      for (let count = 1; count <= RELOADS; count++) {
        stage.router("lvs1").signal("SIGHUP");
        await Bun.sleep(Math.max(0, beganMs + count * RELOAD_EVERY_MS - performance.now()));
      }
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs1");
    },
  },
];
