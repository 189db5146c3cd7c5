/** What failover is configured with, from a configuration and the interfaces of this machine. */
import type { Config, ConfiguredService } from "../../config/keys/config.ts";
import type { FailoverSettings, SidedVip, WatchedService } from "../../failover/machine/settings.ts";
import { sameAddress } from "../../model/address.ts";
import type { PathName, RouterId } from "../../model/pair.ts";
import type { Vip } from "../../model/vip.ts";

/** The interfaces on which this router has its two addresses of the configuration. */
export type SideInterfaces = Readonly<Record<PathName, string | undefined>>;

/** Whether a service listens on a VIP. A firewall mark says nothing of addresses: it may be set on any of its family. */
function carriesServices(services: readonly ConfiguredService[], { prefix }: Vip): boolean {
  return services.some(({ listen }) =>
    listen.some(({ key }) =>
      key.kind === "fwmark" ? key.family === prefix.address.family : sameAddress(key.address, prefix.address),
    ),
  );
}

/** A VIP belongs to the side whose interface carries it; one on a third interface counts as public. */
export function sidedVips(config: Config, interfaces: SideInterfaces): readonly SidedVip[] {
  return config.vips.map((vip) => ({
    vip,
    side: vip.interface === interfaces.private ? "private" : "public",
    ...(carriesServices(config.services, vip) ? { carriesServices: true } : {}),
    ...(vip.optional === true ? { optional: true } : {}),
  }));
}

/** Rule B10 of balancing: what the views have to last, in times of `fall`. */
const VIEWS_FALLS = 3;

function patienceMs({ servers }: ConfiguredService): number {
  const checks = servers.flatMap(({ check, furtherChecks = [] }) => [
    ...(check === undefined ? [] : [check]),
    ...furtherChecks,
  ]);
  return VIEWS_FALLS * Math.max(0, ...checks.map(({ fall, intervalMs }) => fall * intervalMs));
}

/** The services whose views are compared, in an order that both routers have. */
export function watchedServices(config: Pick<Config, "services">): readonly WatchedService[] {
  return config.services
    .map((service) => ({ name: service.name, patienceMs: patienceMs(service) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What the failover machine is told of a configuration on this router. */
export function failoverSettings(
  config: Config,
  facts: {
    readonly router: RouterId;
    readonly pairId: string;
    readonly interfaces: SideInterfaces;
    readonly configFingerprint: string;
    readonly software: string;
  },
): FailoverSettings {
  const { takeover } = config.hooks;
  const { intervalMs, deadAfterMs, leaseMs, failback, failbackAfterMs, stop } = config.pair;
  return {
    router: facts.router,
    pairId: facts.pairId,
    intervalMs,
    deadAfterMs,
    leaseMs,
    failback,
    stop,
    vips: sidedVips(config, facts.interfaces),
    services: watchedServices(config),
    views: config.pair.views,
    hasServices: config.services.length > 0,
    configFingerprint: facts.configFingerprint,
    software: facts.software,
    failbackStableMs: failbackAfterMs,
    ...(takeover === undefined
      ? {}
      : { takeoverStep: { limitMs: config.hooks.timeoutMs, onFailure: takeover.onFailure } }),
  };
}
