import { BALANCER_ARGUMENT } from "./daemon/balancer-argument.ts";
import { versionText } from "./lib/version.ts";

/**
 * Commands that do one thing and end. The build makes the engine slow to compile what runs often (binary.ts), which is
 * right for these and for nothing that stays.
 */
const SHORT_COMMANDS = new Set(["service", "real", "vip"]);

/** Words in, exit code out; the only place that ends the process. */
async function main(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && argv[0] === "--version") {
    try {
      // Loading it takes 1 ms, which no other command needs to pay.
      const { writeSync } = await import("node:fs");
      writeSync(1, `${versionText()}\n`);
      return 0;
    } catch {
      // The program below says the same and what is wrong with the stream.
    }
  }
  if (!SHORT_COMMANDS.has(argv[0] ?? "")) Bun.unsafe.setJITPolicy(1);
  if (argv[0] === BALANCER_ARGUMENT && process.send !== undefined) {
    const { runBalancer } = await import("./daemon/balancer.ts");
    return await runBalancer(argv[1] ?? "");
  }
  const { runProgram } = await import("./cli/program.ts");
  return await runProgram(argv);
}

main(process.argv.slice(2)).then((code) => process.exit(code));
