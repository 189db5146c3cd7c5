/**
 * Loaded before the daemon's sources: counts what it does to the kernel's settings and to the disk, before and after
 * each, and kills the process at the step that the environment names. Where that names a file as well, what is counted
 * begins once the file is there, and what is asked of the kernel thread, which has the addresses, and of the balancer, which
 * has the table, are steps, too.
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

/** The module's own class with a step before each of these calls, and one after it or before its callback. */
function countedClass(path: string, name: string, methods: readonly string[]): string {
  const wrapped = methods.flatMap((method) => [
    `  ${method}(...words) {`,
    "    step();",
    "    const done = words.at(-1);",
    "    const isCalledBack = typeof done === 'function';",
    `    super.${method}(...(isCalledBack ? words.with(-1, (...answer) => (step(), done(...answer))) : words));`,
    "    if (!isCalledBack) step();",
    "  }",
  ]);
  return [
    `import { step } from ${JSON.stringify(import.meta.path)};`,
    `import * as whole from ${JSON.stringify(`${path}?whole`)};`,
    `export * from ${JSON.stringify(`${path}?whole`)};`,
    `export class ${name} extends whole.${name} {`,
    ...wrapped,
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
      return { loader: "ts", contents: countedClass(path, "KernelThread", ["request"]) };
    });
    build.onLoad({ filter: /src\/daemon\/balancer\/balancer-supervisor\.ts$/ }, ({ path }) => {
      return { loader: "ts", contents: countedClass(path, "BalancerSupervisor", ["try", "configure"]) };
    });
  },
});
