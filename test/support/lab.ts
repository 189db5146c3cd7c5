/** Tests of the real kernel change it: they run only where the lab says that everything may be changed. */

/** @throws when the test was not started by the lab. It must fail there, not pass over what it should prove. */
export function requireLab(): void {
  if (process.env["TANDEM_LAB_KIND"] === undefined) {
    throw new Error("this test changes the kernel: run it in the lab, by `bun test/lab/run.ts bun test test/kernel`");
  }
}

/** Runs a program to its end. @returns what it wrote on stdout. @throws when it fails, with what it wrote on stderr. */
export function run(...command: readonly string[]): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...command]);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: exit ${exitCode}: ${stderr.toString()}`);
  return stdout.toString();
}
