import { formatEndpoint } from "../../model/address.ts";
import { formatServiceKey, type VirtualService } from "../../model/virtual-service.ts";
import type { Config, ConfiguredServer, ConfiguredService, ConfiguredVip } from "../keys/config.ts";
import { IPVS } from "../keys/ipvs-keys.ts";
import { SYNC } from "../keys/schema.ts";
import { TIMEOUTS } from "../keys/timeouts.ts";
import { canonicalJson } from "./canonical-json.ts";
import { settingsOf } from "./setting-changes.ts";

/** A part of a configuration that differs or does not, by a name that people find in their file. */
export interface NamedSetting {
  /** `pair.dead_after`, `vip 203.0.113.10 on eth0`, `service web: scheduler`, `gate proxy` */
  readonly name: string;
  /** Equal values have equal texts. */
  readonly value: string;
}

/** Tables some of whose keys stand for nothing while they are absent. */
const PARTIAL_TABLES = [SYNC, IPVS, TIMEOUTS];

/** The keys outside of the lists; one that is not set has a name too, so that a router that lacks it can tell. */
function plainSettings(config: Config): readonly NamedSetting[] {
  const settings = new Map(settingsOf(config));
  for (const { header, spec } of PARTIAL_TABLES) {
    for (const key of Object.keys(spec)) {
      const name = `${header.slice(1, -1)}.${key}`;
      settings.set(name, settings.get(name) ?? "");
    }
  }
  // What is logged does not change what the pair does.
  return [...settings].flatMap(([name, value]) => (name.startsWith("log.") ? [] : [{ name, value }]));
}

function vipSetting({ prefix, interface: on, ...rest }: ConfiguredVip): NamedSetting {
  return {
    name: `vip ${prefix.address.text} on ${on}`,
    value: canonicalJson({ ...rest, length: prefix.prefixLength }),
  };
}

const LISTEN_KEYS = {
  scheduler: "scheduler",
  schedulerFlags: "scheduler_flags",
  persistence: "persistence",
  onePacket: "one_packet",
} satisfies Record<Exclude<keyof VirtualService, "key">, string>;

const SERVICE_KEYS = {
  sorry: "sorry",
  onFailure: "on_failure",
  slowStartMs: "slow_start",
  panicPercent: "panic_percent",
  quorum: "quorum",
} satisfies Record<Exclude<keyof ConfiguredService, "name" | "listen" | "servers" | "template">, string>;

/** All texts of them, each once, whatever their order. */
function distinct(texts: readonly string[]): string {
  return [...new Set(texts)].sort().join(" ");
}

/** The one that most of them have; of several such the first in their order. */
function commonest(texts: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].toSorted(([a, many], [b, more]) => more - many || (a < b ? -1 : 1))[0]?.[0];
}

function forwardText({ server: { forward, tunnel } }: Pick<ConfiguredServer, "server">): string {
  return canonicalJson({ forward, tunnel });
}

function checkText({ check, furtherChecks }: Omit<ConfiguredServer, "server">): string {
  return canonicalJson({ check, furtherChecks });
}

/**
 * How the servers are reached and checked is the service's as far as most of them agree, and a server's own where it is
 * another one: a service's check that differs is one setting and not one for each server.
 */
function serverSettings({ servers, template }: ConfiguredService): readonly NamedSetting[] {
  const forward = template === undefined ? commonest(servers.map(forwardText)) : canonicalJson(template.forward);
  const check = template === undefined ? commonest(servers.map(checkText)) : checkText(template);
  return [
    { name: "forward", value: forward ?? "" },
    { name: "check", value: check ?? "" },
    ...servers.map((configured): NamedSetting => {
      const { endpoint, forward: _forward, tunnel: _tunnel, ...rest } = configured.server;
      const [ownForward, ownCheck] = [forwardText(configured), checkText(configured)];
      const own = [ownForward === forward ? "" : ownForward, ownCheck === check ? "" : ownCheck];
      return { name: `real ${formatEndpoint(endpoint)}`, value: canonicalJson([rest, ...own]) };
    }),
  ];
}

function serviceSettings(service: ConfiguredService): readonly NamedSetting[] {
  const { listen } = service;
  const settings: readonly NamedSetting[] = [
    { name: "listen", value: distinct(listen.map(({ key }) => formatServiceKey(key))) },
    ...Object.entries(LISTEN_KEYS).map(([field, name]) => ({
      name,
      value: distinct(listen.map((one) => canonicalJson(one[field as keyof typeof LISTEN_KEYS]))),
    })),
    ...Object.entries(SERVICE_KEYS).map(([field, name]) => ({
      name,
      value: canonicalJson(service[field as keyof typeof SERVICE_KEYS]),
    })),
    ...serverSettings(service),
  ];
  return settings.map(({ name, value }) => ({ name: `service ${service.name}: ${name}`, value }));
}

/** Everything by which two configurations differ to `configFingerprint`, each by its name, in the order of a file. */
export function* namedSettings(config: Config): Generator<NamedSetting, void> {
  yield* plainSettings(config);
  for (const vip of config.vips) yield vipSetting(vip);
  for (const service of config.services) yield* serviceSettings(service);
  for (const gate of config.gates) yield { name: `gate ${gate.name}`, value: canonicalJson(gate) };
}
