/** What is known of the interfaces that the VIPs are configured for. */
import type { PathName } from "../../model/pair.ts";
import type { Vip } from "../../model/vip.ts";
import type { SidedVip } from "./settings.ts";
import type { State } from "./state.ts";
import type { InterfaceReport } from "./surroundings.ts";

/** As last read; undefined: this machine's surroundings were not told yet. */
export function reportOf(state: State, name: string): InterfaceReport | undefined {
  return state.surroundings?.interfaces.find((report) => report.name === name);
}

/** The sides whose path uses the interface of this VIP; where nothing was told, the one it is configured for. */
export function sidesOf(state: State, { vip, side }: SidedVip): readonly PathName[] {
  return reportOf(state, vip.interface)?.sides ?? [side];
}

/** The interface that a side's path uses, by its name. */
export function interfaceOf(state: State, side: PathName): string | undefined {
  if (state.surroundings !== undefined) {
    return state.surroundings.interfaces.find((report) => report.sides.includes(side))?.name;
  }
  return state.settings.vips.find((sided) => sided.side === side)?.vip.interface;
}

/** The VIP can be set: its interface is there and up. */
export function isSettable(state: State, vip: Vip): boolean {
  const report = reportOf(state, vip.interface);
  return report === undefined || report.link?.up === true;
}
