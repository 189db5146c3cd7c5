/**
 * Loaded before the daemon's sources: counts what it does to the kernel's settings and to the disk, before and after
 * each, and kills the process at the step that the environment names. Where that names a file as well, what is counted
 * begins once the file is there, and requests to the kernel thread, which has the addresses, are steps, too.
 */
import { existsSync } from "node:fs";
import { plugin } from "bun";

const killedAt = Number(process.env["KILL_AT_STEP"] ?? Number.POSITIVE_INFINITY);
const armedBy = process.env["KILL_ARMED_BY"];
let steps = 0;

/** A step of the process, which may be its last. */
export function step(): void {
  if (armedBy !== undefined && !existsSync(armedBy)) return;
  steps += 1;
  if (steps === killedAt) process.kill(process.pid, "SIGKILL");
}

/** The module's own function between two steps. */
function counted(path: string, name: string): string {
  return [
    `import { step } from ${JSON.stringify(import.meta.path)};`,
    `import * as whole from ${JSON.stringify(`${path}?whole`)};`,
    `export * from ${JSON.stringify(`${path}?whole`)};`,
    `export const ${name} = (...words) => {`,
    "  step();",
    `  const done = whole.${name}(...words);`,
    "  if (done instanceof Promise) return done.finally(step);",
    "  step();",
    "  return done;",
    "};",
  ].join("\n");
}

/** The kernel thread with a step before each request and one after its answer. */
function countedThread(path: string): string {
  return [
    `import { step } from ${JSON.stringify(import.meta.path)};`,
    `import * as whole from ${JSON.stringify(`${path}?whole`)};`,
    `export * from ${JSON.stringify(`${path}?whole`)};`,
    "export class KernelThread extends whole.KernelThread {",
    "  request(work, done) {",
    "    step();",
    "    super.request(work, (answer) => {",
    "      step();",
    "      done(answer);",
    "    });",
    "  }",
    "}",
  ].join("\n");
}

plugin({
  name: "faults",
  setup(build) {
    build.onLoad({ filter: /src\/kernel\/machine\/sysctl\.ts$/ }, ({ path }) => {
      return { loader: "ts", contents: counted(path, "writeSysctl") };
    });
    build.onLoad({ filter: /src\/daemon\/host\/replace-file\.ts$/ }, ({ path }) => {
      return { loader: "ts", contents: counted(path, "replaceFile") };
    });
    if (armedBy === undefined) return;
    build.onLoad({ filter: /src\/daemon\/kernel-thread\/kernel-thread\.ts$/ }, ({ path }) => {
      return { loader: "ts", contents: countedThread(path) };
    });
  },
});
