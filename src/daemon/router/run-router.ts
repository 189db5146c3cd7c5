/** `tandem run`: from the configuration to the exit code. */
import { AddressClient } from "../../kernel/addresses/address-client.ts";
import { stderrLog } from "../../log/logger.ts";
import type { RouterId } from "../../model/pair.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import { loadApplied } from "../reload/applied-config.ts";
import { ConfigurationFile } from "../reload/configuration.ts";
import { type StartConfig, startConfig } from "../reload/start-config.ts";
import { AddressWait } from "./address-wait.ts";
import { RouterDaemon } from "./router-daemon.ts";

export interface RunOptions {
  readonly configPath: string;
  /** What `--router` says; absent: by the addresses that this machine has. */
  readonly router?: RouterId;
  readonly runtimeDir: string;
  readonly stateDir: string;
}

/** The end of the process waits no longer for a reader of its log. */
const LOG_END_LIMIT_MS = 500;

function hasOwnVips(): boolean {
  using addresses = AddressClient.open();
  return addresses.list().some(({ ours }) => ours);
}

/** @throws TandemError when neither the file nor what was in force last is of use. */
function beginWith(file: ConfigurationFile, stateDir: string): StartConfig {
  const problems: string[] = [];
  const applied = loadApplied(stateDir, (problem) => problems.push(problem));
  try {
    return startConfig(file, applied, hasOwnVips);
  } catch (error) {
    // With that record the router could perhaps have started.
    for (const problem of problems) stderrLog("text", "info", monotonicMs).logger.warn("state", problem);
    throw error;
  }
}

/**
 * The daemon of one router: runs until SIGTERM or SIGINT and until everything is handed over, released or left.
 * SIGHUP reloads the configuration, SIGUSR1 and SIGUSR2 write the state to the log. To be called once in a process, which ends with the code that this returns: 1 when
 * the router had to give up.
 * @throws TandemError when it cannot start; nothing is changed then.
 */
export async function runRouter(options: RunOptions): Promise<0 | 1> {
  const file = new ConfigurationFile(options.configPath);
  const begin = () => beginWith(file, options.stateDir);
  const first = begin();
  const { format, level } = first.usable.config.log;
  const log = stderrLog(format, level, monotonicMs);
  const waiting = new AddressWait(file, options.runtimeDir, first.usable, log.logger);
  // Before anything is touched: a signal that came while the daemon starts would end it in the middle.
  let daemon: RouterDaemon | undefined;
  let stopWanted = false;
  const stop = () => {
    stopWanted = true;
    if (daemon === undefined) waiting.stop();
    else daemon.stop();
  };
  const crash = (error: unknown) => {
    if (daemon === undefined) throw error;
    daemon.crash(error);
  };
  process
    .on("SIGTERM", stop)
    .on("SIGINT", stop)
    .on("SIGHUP", () => (daemon === undefined ? waiting.reload() : daemon.reloadBySignal()))
    // Their default would end the process in the middle, with its VIPs left to their lease.
    .on("SIGUSR1", () => daemon?.logState())
    .on("SIGUSR2", () => daemon?.logState());
  process.on("uncaughtException", crash).on("unhandledRejection", crash);
  const router = await waiting.find(options.router);
  if (router !== undefined) {
    // The file may have been read again meanwhile.
    const start = waiting.usable === first.usable ? first : begin();
    log.logger.configure(start.usable.config.log.format, start.usable.config.log.level);
    daemon = await RouterDaemon.start({
      ...options,
      ...start,
      file,
      router,
      logger: log.logger,
      logHealth: log.health,
    });
    if (stopWanted) daemon.stop();
  }
  const exitCode = (await daemon?.ended) ?? 0;
  await log.settled(LOG_END_LIMIT_MS);
  return exitCode;
}
