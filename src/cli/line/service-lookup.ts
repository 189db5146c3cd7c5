/**
 * Virtual services by the names of their `[[service]]`: as the running daemon has them, else as the configuration does.
 */
import { loadConfig } from "../../config/load.ts";
import { daemonAnswers } from "../../daemon/control/control-client.ts";
import { TandemError } from "../../lib/errors.ts";
import { parsed, problem } from "../../lib/parsed.ts";
import { parseServiceKey } from "../../model/virtual-service.ts";
import type { CommandContext } from "./context.ts";
import { askStatus } from "./daemon-report.ts";
import { configPath, runtimeDir } from "./directories.ts";
import type { KnownServices } from "./service-names.ts";

function ofFile(path: string): KnownServices {
  try {
    const { result } = loadConfig(path);
    if (!result.ok) return problem(`no daemon answers, and ${path} has mistakes (tandem config check names them)`);
    return parsed(new Map(result.config.services.map(({ name, listen }) => [name, listen.map(({ key }) => key)])));
  } catch (error) {
    if (!(error instanceof TandemError)) throw error;
    return problem(`no daemon answers, and ${path} cannot be read: ${error.reason}`);
  }
}

async function ofDaemon(context: CommandContext): Promise<KnownServices> {
  const { services } = await askStatus(context);
  const keysOf = (listen: readonly string[]) =>
    listen.map(parseServiceKey).flatMap((key) => (key.ok ? [key.value] : []));
  return parsed(new Map(services.map(({ name, listen }) => [name, keysOf(listen)])));
}

/** The services of the daemon's configuration, or, where none runs, of the file. */
export async function lookUpServices(context: CommandContext): Promise<KnownServices> {
  return (await daemonAnswers(runtimeDir(context))) ? await ofDaemon(context) : ofFile(configPath(context));
}
