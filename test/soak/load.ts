/** Work that competes with the daemons for processors, disk and the process table. */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

const WRITTEN_MEBIBYTES = 64;

/** @param niceness of the load; 19 leaves a shared machine usable */
export function startLoad(niceness: number): Disposable {
  const folder = mkdtempSync(join(tmpdir(), "tandem-soak-"));
  const file = join(folder, "file");
  const scripts = [
    ...Array.from({ length: 2 * availableParallelism() }, () => "while :; do :; done"),
    `while :; do dd if=/dev/zero of=${file} bs=1M count=${WRITTEN_MEBIBYTES} conv=fsync; rm -f ${file}; done 2>/dev/null`,
    "while :; do /bin/true; done",
  ];
  const processes = scripts.map((script) =>
    Bun.spawn(["setsid", "nice", "-n", String(niceness), "sh", "-c", script], {
      stdio: ["ignore", "ignore", "ignore"],
    }),
  );
  return {
    [Symbol.dispose]() {
      // Each leads a session of its own (a child of ours leads no group, so `setsid` does not fork).
      for (const { pid } of processes) process.kill(-pid, "SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
