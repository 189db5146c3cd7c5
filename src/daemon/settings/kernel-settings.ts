import type { Config } from "../../config/keys/config.ts";
import type { InterfaceAddress } from "../../model/interface-address.ts";
import type { SideInterfaces } from "./failover-settings.ts";
import { backupOnly, isForwardingSetting, syncSysctls, type WantedSysctl, wantedSysctls } from "./forwarding.ts";
import { ipvsSysctls } from "./ipvs-settings.ts";
import { isPromotion, promotionSysctls } from "./promotion.ts";
import type { SysctlKeeper } from "./sysctl-keeper.ts";

/** What this machine has: which settings are wanted depends on the names of its interfaces. */
export interface SettingsMachine {
  readonly interfaces: SideInterfaces;
  readonly addresses: readonly InterfaceAddress[];
}

/**
 * The kernel settings of a configuration, from its trial to its end. Those of `[ipvs]` and of synchronisation are set by
 * their own parts, once IPVS is there; what is recorded before and given back is here for all.
 */
export class KernelSettings {
  readonly #sysctls: SysctlKeeper;
  readonly #machine: () => SettingsMachine;

  constructor(sysctls: SysctlKeeper, machine: () => SettingsMachine) {
    this.#sysctls = sysctls;
    this.#machine = machine;
  }

  /** Records all that the configuration may want, so that nothing waits for a disk when it is set. */
  prepare(config: Config): Promise<void> {
    const { interfaces, addresses } = this.#machine();
    const ofIpvs =
      config.services.length === 0 ? [] : [...ipvsSysctls(config), ...syncSysctls(config), backupOnly("standby")];
    return this.#sysctls.prepare([
      ...wantedSysctls(config, interfaces),
      ...ofIpvs,
      ...promotionSysctls(config, addresses),
    ]);
  }

  /** Sets what a configuration needs that is not in force yet. @returns why it cannot be served, a clause */
  try(config: Config): Promise<string | undefined> {
    return this.#sysctls.require(this.#forwarding(config));
  }

  /** A configuration is in force, at the start or after a reload: what was set for another one is given back. */
  enforce(config: Config): void {
    this.settle(config);
    this.giveBackUnwanted(config);
  }

  /** What this machine has has changed. */
  settle(config: Config): void {
    this.#sysctls.apply(this.#forwarding(config));
    void this.#sysctls.prepare(promotionSysctls(config, this.#machine().addresses));
  }

  /** Gives back the settings of forwarding and synchronisation that the configuration in force does not want. */
  giveBackUnwanted(config: Config): void {
    const wanted = new Set([...this.#forwarding(config), ...syncSysctls(config)].map(({ path }) => path));
    this.#sysctls.giveBack((path) => isForwardingSetting(path) && !wanted.has(path));
  }

  /** The router ends; what VIPs that are still there need stays until `restore`. */
  giveBack(): void {
    this.#sysctls.giveBack((path) => !isPromotion(path));
  }

  /** No VIP is left: everything is the administrator's again. */
  restore(): void {
    this.#sysctls.restore();
  }

  #forwarding(config: Config): readonly WantedSysctl[] {
    return wantedSysctls(config, this.#machine().interfaces);
  }
}
