import { readFileSync } from "node:fs";
import { enterNetworkNamespace } from "../../src/sys/process/network-namespace.ts";

/**
 * An empty IPVS table, each time a new one: IPVS keeps real servers that were removed in a list for two minutes and
 * searches all of it for each one that is added (ip_vs_trash_get_dest), so that a table that was only flushed is loaded
 * at a twentieth of the speed, whoever loads it.
 */

const OWN = "/proc/1/ns/net";
/** Taking a namespace down is work that goes on after its name is gone, on the one processor of the lab. */
const QUIET_MS = 400;
/** A machine that is never idle is measured as it is after so many looks. */
const LOOKS_MAX = 25;
let made = 0;

/** What the processors have done but wait, in ticks of 10 ms (proc(5), /proc/stat). */
function busyTicks(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (
    readFileSync("/proc/stat", "latin1").split("\n")[0] ?? ""
  )
    .split(/ +/)
    .map(Number);
  return user + nice + system + irq + softirq;
}

/** Waits until nothing is done any more in the background. */
function awaitQuiet(): void {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const before = busyTicks();
    Bun.sleepSync(QUIET_MS);
    if (busyTicks() - before <= 1) return;
  }
}

function run(...command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command], { stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
}

/** Runs `use` with this thread, and what it starts, in a namespace of its own with its loopback up. */
export async function inFreshNamespace<T>(use: () => T | Promise<T>): Promise<T> {
  made += 1;
  const name = `bench${made}`;
  run("ip", "netns", "add", name);
  run("ip", "-n", name, "link", "set", "lo", "up");
  enterNetworkNamespace(`/run/netns/${name}`);
  try {
    return await use();
  } finally {
    run("ipvsadm", "-C");
    enterNetworkNamespace(OWN);
    run("ip", "netns", "del", name);
    awaitQuiet();
  }
}

/** A program and the libraries that it is linked with. */
export function filesOf(program: string): string[] {
  const path = Bun.which(program) ?? program;
  const libraries = Bun.spawnSync(["ldd", path]).stdout.toString();
  return [path, ...[...libraries.matchAll(/(\/\S+) \(/g)].flatMap(([, library]) => library ?? [])];
}

/** Reads a file once, so that it is in the page cache. */
export function warm(path: string): void {
  readFileSync(path);
}
