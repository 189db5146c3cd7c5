import type { Config } from "../config/config.ts";
import { whoAmI } from "../config/who-am-i.ts";
import { AddressClient } from "../kernel/address-client.ts";
import { UsageError } from "../lib/errors.ts";
import { stderrLog } from "../log/logger.ts";
import type { RouterId } from "../model/pair.ts";
import { monotonicMs } from "../sys/clock.ts";
import { loadApplied } from "./applied-config.ts";
import { ConfigurationFile } from "./configuration.ts";
import { RouterDaemon } from "./router-daemon.ts";
import { startConfig } from "./start-config.ts";

export interface RunOptions {
  readonly configPath: string;
  /** What `--router` says; absent: by the addresses that this machine has. */
  readonly router?: RouterId;
  readonly runtimeDir: string;
  readonly stateDir: string;
}

/** The end of the process waits no longer for a reader of its log. */
const LOG_END_LIMIT_MS = 500;

function ownRouter(config: Config, override: RouterId | undefined): RouterId {
  using addresses = AddressClient.open();
  const local = addresses.list().map((own) => own.prefix.address);
  const found = whoAmI(config, local, override);
  if (found.ok) return found.value;
  throw new UsageError({
    operation: "find out which router this is",
    reason: found.problem,
    hint: "say it with --router primary or --router backup, or correct [pair.primary] and [pair.backup]",
  });
}

function hasOwnVips(): boolean {
  using addresses = AddressClient.open();
  return addresses.list().some(({ ours }) => ours);
}

/**
 * The daemon of one router: runs until SIGTERM or SIGINT and until everything is handed over, released or left.
 * SIGHUP reloads the configuration, SIGUSR1 and SIGUSR2 write the state to the log. To be called once in a process, which ends with the code that this returns: 1 when
 * the router had to give up.
 * @throws TandemError when it cannot start; nothing is changed then.
 */
export async function runRouter(options: RunOptions): Promise<0 | 1> {
  const file = new ConfigurationFile(options.configPath);
  const { usable, atStart, former } = startConfig(file, loadApplied(options.stateDir), hasOwnVips);
  const router = ownRouter(usable.config, options.router);
  const log = stderrLog(usable.config.log.format, usable.config.log.level, monotonicMs);
  // Before anything is touched: a signal that came while the daemon starts would end it in the middle.
  let daemon: RouterDaemon | undefined;
  let stopWanted = false;
  const stop = () => {
    stopWanted = true;
    daemon?.stop();
  };
  const crash = (error: unknown) => {
    if (daemon === undefined) throw error;
    daemon.crash(error);
  };
  process
    .on("SIGTERM", stop)
    .on("SIGINT", stop)
    .on("SIGHUP", () => daemon?.reloadBySignal())
    // Their default would end the process in the middle, with its VIPs left to their lease.
    .on("SIGUSR1", () => daemon?.logState())
    .on("SIGUSR2", () => daemon?.logState());
  process.on("uncaughtException", crash).on("unhandledRejection", crash);
  daemon = await RouterDaemon.start({
    ...options,
    file,
    router,
    usable,
    atStart,
    logger: log.logger,
    logHealth: log.health,
  });
  if (stopWanted) daemon.stop();
  const exitCode = await daemon.ended;
  await log.settled(LOG_END_LIMIT_MS);
  return exitCode;
}
