/**
 * Loaded before the daemon's sources: counts what it does to the kernel's settings and to the disk, before and after
 * each, and kills the process at the step that the environment names.
 */
import { plugin } from "bun";

const killedAt = Number(process.env["KILL_AT_STEP"] ?? Number.POSITIVE_INFINITY);
let steps = 0;

/** A step of the process, which may be its last. */
export function step(): void {
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

plugin({
  name: "faults",
  setup(build) {
    build.onLoad({ filter: /src\/kernel\/sysctl\.ts$/ }, ({ path }) => {
      return { loader: "ts", contents: counted(path, "writeSysctl") };
    });
    build.onLoad({ filter: /src\/daemon\/replace-file\.ts$/ }, ({ path }) => {
      return { loader: "ts", contents: counted(path, "replaceFile") };
    });
  },
});
