import type { Config } from "../config/config.ts";
import type { FailoverSettings, SidedVip } from "../failover/settings.ts";
import type { PathName, RouterId } from "../model/pair.ts";

/** The interfaces on which this router has its two addresses of the configuration. */
export type SideInterfaces = Readonly<Record<PathName, string | undefined>>;

/** A VIP belongs to the side whose interface carries it; one on a third interface counts as public. */
export function sidedVips(config: Config, interfaces: SideInterfaces): readonly SidedVip[] {
  return config.vips.map((vip) => ({ vip, side: vip.interface === interfaces.private ? "private" : "public" }));
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
    hasServices: config.services.length > 0,
    configFingerprint: facts.configFingerprint,
    software: facts.software,
    failbackStableMs: failbackAfterMs,
    ...(takeover === undefined
      ? {}
      : { takeoverStep: { limitMs: config.hooks.timeoutMs, onFailure: takeover.onFailure } }),
  };
}
