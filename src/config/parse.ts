import type { Config, ConfigResult } from "./keys/config.ts";
import { INCLUDABLE } from "./keys/include-type.ts";
import { resolveIpvs } from "./keys/ipvs-keys.ts";
import { tablesWithKey } from "./keys/reference.ts";
import { FILE } from "./keys/schema.ts";
import { type Table, whole } from "./keys/table-type.ts";
import { resolveTimeouts } from "./keys/timeouts.ts";
import { tomlTexts } from "./places/places.ts";
import { type Inclusion, splitSources } from "./places/source-text.ts";
import { resolveGates } from "./resolve/resolve-gates.ts";
import { ownAddresses, resolvePair } from "./resolve/resolve-pair.ts";
import { resolveHooks, resolveLog, resolveSync } from "./resolve/resolve-rest.ts";
import { resolveServices } from "./resolve/resolve-service.ts";
import { resolveVips } from "./resolve/resolve-vips.ts";
import { MAX_TOML_BYTES, parseTomlFiles } from "./toml/toml-file.ts";

export const MAX_CONFIG_BYTES = MAX_TOML_BYTES;

function resolve(file: Table<typeof FILE.spec>): Config | undefined {
  const { fields } = file;
  const pair = resolvePair(fields.pair);
  const vips = resolveVips(fields.vip, ownAddresses(fields.pair));
  // A file that was cut behind the pair's tables must not pass for one that takes every VIP away.
  if (!file.given.has("vip") && file.given.has("pair")) {
    const hint = "if the pair is to move no address, say so above the first table: vip = []";
    file.place.missing("there is no [[vip]]; a file that ends too early looks the same", hint);
  }
  const services = resolveServices(fields.service, vips);
  const sync = resolveSync(fields.sync, services, pair);
  const gates = resolveGates(fields.gate, vips);
  const { hooks, log, timeouts } = fields;
  const ipvs = resolveIpvs(fields.ipvs, services);
  const config = whole({ pair, vips, services, gates, sync, ipvs, hooks: resolveHooks(hooks), log: resolveLog(log) });
  return config === undefined || timeouts === undefined ? config : { ...config, timeouts: resolveTimeouts(timeouts) };
}

/** What came of the patterns of `include`. */
function checkInclusion(file: Table<typeof FILE.spec>, inclusion: Inclusion | undefined): void {
  const place = file.place.key("include");
  if (file.given.has("include") && inclusion === undefined) {
    place.keyError("include is followed only in the configuration itself", "put the tables that are meant here");
  }
  for (const { pattern, message } of inclusion?.problems ?? []) place.index(pattern).error(`include: ${message}`);
}

/**
 * Reads a configuration, with the files that it includes where they are in the text (`joinSources`). Pure, and nothing is
 * thrown: what is wrong with the text comes back as issues, all of them at once, in the order of the files.
 */
export function parseConfig(text: string): ConfigResult {
  const result = parseTomlFiles(tomlTexts(text), {
    type: FILE,
    resolve: (file) => {
      checkInclusion(file, splitSources(text).inclusion);
      return resolve(file);
    },
    tablesWithKey,
    includable: INCLUDABLE,
  });
  return result.ok ? { ok: true, config: result.value, warnings: result.warnings } : result;
}
