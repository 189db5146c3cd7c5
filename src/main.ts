import { BALANCER_ARGUMENT } from "./daemon/balancer/balancer-argument.ts";
import { FILTER_LOOK_ARGUMENT } from "./daemon/firewall/filter-look-argument.ts";
import { IPVS_LOADER_ARGUMENT } from "./daemon/settings/ipvs-loader-argument.ts";

/**
 * Commands that do one thing and end. The build makes the engine slow to compile what runs often (binary.ts), which is
 * right for these and for nothing that stays.
 */
const SHORT_COMMANDS = new Set(["service", "real", "vip"]);

/** Words in, exit code out; the only place that ends the process. */
async function main(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
    const { writeVersion } = await import("./cli/docs/version-command.ts");
    if (writeVersion()) return 0;
  }
  if (!SHORT_COMMANDS.has(argv[0] ?? "")) Bun.unsafe.setJITPolicy(1);
  if (argv[0] === BALANCER_ARGUMENT && process.send !== undefined) {
    const { runBalancer } = await import("./daemon/balancer/balancer-process.ts");
    return await runBalancer(argv[1] ?? "");
  }
  if (argv.length === 1 && argv[0] === IPVS_LOADER_ARGUMENT) {
    const { runIpvsLoader } = await import("./daemon/settings/ipvs-loading.ts");
    return runIpvsLoader();
  }
  if (argv.length === 1 && argv[0] === FILTER_LOOK_ARGUMENT) {
    const { runFilterLook } = await import("./daemon/firewall/filter-look.ts");
    return runFilterLook();
  }
  const { runProgram } = await import("./cli/main/run-program.ts");
  return await runProgram(argv);
}

main(process.argv.slice(2)).then((code) => process.exit(code));
