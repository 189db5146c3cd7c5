import { createHash } from "node:crypto";
import { formatEndpoint } from "../../model/address.ts";
import { formatVip } from "../../model/vip.ts";
import type { Config, ConfiguredService } from "../keys/config.ts";
import { canonicalJson } from "./canonical-json.ts";

function sortedBy<T>(items: readonly T[], text: (item: T) => string): readonly T[] {
  return items
    .map((item) => ({ item, key: text(item) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ item }) => item);
}

function sortedService(service: ConfiguredService): ConfiguredService {
  return {
    ...service,
    listen: sortedBy(service.listen, (listen) => canonicalJson(listen.key)),
    servers: sortedBy(service.servers, (configured) => formatEndpoint(configured.server.endpoint)),
  };
}

/** A configuration never changes once it is made, and of thousands of servers this takes a tenth of a second. */
const known = new WeakMap<Config, string>();

/**
 * 64 bits of SHA-256 over the effective configuration, as 16 hexadecimal digits; the same on both routers.
 * Formatting, comments, defaults written out, the order of VIPs, services, servers and gates, and `[log]`, which does
 * not change what the pair does, make no difference.
 */
export function configFingerprint(config: Config): string {
  const fingerprint = known.get(config) ?? fingerprintOf(config);
  known.set(config, fingerprint);
  return fingerprint;
}

function fingerprintOf(config: Config): string {
  const subject = {
    pair: config.pair,
    vips: sortedBy(config.vips, formatVip),
    services: sortedBy(config.services.map(sortedService), (service) => service.name),
    // Without any it is that of an older tandem, which knows none: both routers may be upgraded one after the other.
    gates: config.gates.length === 0 ? undefined : sortedBy(config.gates, (gate) => gate.name),
    sync: config.sync,
    ipvs: config.ipvs,
    timeouts: config.timeouts,
    hooks: config.hooks,
  };
  return createHash("sha256").update(canonicalJson(subject)).digest("hex").slice(0, 16);
}
