/** The setting by which the host's own addresses outlive a VIP of their subnet. */
import type { Config } from "../../config/keys/config.ts";
import { kernelPrefixLength } from "../../kernel/addresses/address-client.ts";
import type { SysctlOutcome } from "../../kernel/machine/sysctl.ts";
import { addressBits } from "../../model/address.ts";
import type { InterfaceAddress } from "../../model/interface-address.ts";
import type { WantedSysctl } from "./forwarding.ts";

/** A setting that was changed, for who has to give it back. */
export interface ChangedSetting {
  readonly path: string;
  readonly previous: string;
  readonly value: string;
}

export interface PromotionKernel {
  readonly read: (path: string) => string | undefined;
  readonly write: (path: string, value: string) => SysctlOutcome;
  /** The name that an interface has now; undefined: it is gone. */
  readonly nameOf: (index: number) => string | undefined;
}

/** Whether it is a setting that is given back only when no VIP is left. */
export function isPromotion(path: string): boolean {
  return path.endsWith("/promote_secondaries");
}

/** What does not work without it, for the log. */
export const PROMOTION_WHY = "the host's own addresses outlive a VIP of their subnet";

function pathOf(name: string): string {
  return `net/ipv4/conf/${name}/promote_secondaries`;
}

/**
 * What a `Promotion` will change for the VIPs of a configuration, as far as that can be told before they are set.
 * @param present the addresses of this machine
 */
export function promotionSysctls(
  { vips }: Pick<Config, "vips">,
  present: readonly InterfaceAddress[],
): readonly WantedSysctl[] {
  const own = vips.filter(
    (vip) => vip.prefix.address.family === "inet" && kernelPrefixLength(vip, present) < addressBits("inet"),
  );
  const names = [...new Set(own.map((vip) => vip.interface))];
  return names.map((name) => ({ path: pathOf(name), value: "1", why: PROMOTION_WHY }));
}

/**
 * Lets the other addresses of a subnet outlive its first one. An address with a prefix of its own is the first of its
 * subnet where it came first, and by the kernel's default the host's own addresses, being its secondaries, go when it
 * is deleted or when its lease ends, their routes with them (tried). An interface that is made anew has the default again.
 */
export class Promotion {
  readonly #kernel: PromotionKernel;
  #changed: ChangedSetting[] = [];

  constructor(kernel: PromotionKernel) {
    this.#kernel = kernel;
  }

  /** @returns whether the addresses of that interface are safe. */
  ensure(index: number): boolean {
    const name = this.#kernel.nameOf(index);
    // It has taken its addresses with it.
    if (name === undefined) return true;
    // The kernel asks for either (IN_DEV_ORCONF).
    if (this.#kernel.read(pathOf("all")) === "1") return true;
    const path = pathOf(name);
    const outcome = this.#kernel.write(path, "1");
    if (outcome.kind === "changed") this.#changed.push({ path, previous: outcome.previous, value: "1" });
    return outcome.kind === "changed" || outcome.kind === "unchanged";
  }

  /** What was changed since this was last asked. */
  takeChanged(): readonly ChangedSetting[] {
    const changed = this.#changed;
    this.#changed = [];
    return changed;
  }
}
