/** Runs a short program to its end, its words parted by spaces. @throws when it fails. @returns what it printed. */
export function runLine(line: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(line.split(" "), { stdin: "ignore" });
  if (exitCode !== 0) throw new Error(`${line}: exit ${exitCode}: ${stderr.toString().slice(0, 500)}`);
  return stdout.toString();
}
