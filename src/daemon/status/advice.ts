/** What is wrong, in words, with the command that mends it. */
import type { Vip } from "../../model/vip.ts";
import type { Unfitness } from "../../wire/heartbeat/heartbeat.ts";

/** Something that is not as it should be, in words. */
export interface Advice {
  readonly text: string;
  /** The command that mends it, or that leads to what does; absent: there is none. */
  readonly mend?: string;
}

/** A command that is to be given on the other router. */
export function mendOn(router: string, mend: string | undefined): string | undefined {
  return mend === undefined ? undefined : `${mend}   # on ${router}`;
}

/** The advice, with the command where there is one. */
export function advise(text: string, mend: string | undefined): Advice {
  return mend === undefined ? { text } : { text, mend };
}

/** For an interface without a carrier. */
export function linkMend(name: string, isDown: boolean): string {
  return isDown ? `ip link set ${name} up` : `ip link show ${name}   # then the cable, and the switch's port`;
}

/** What makes a router fit for the VIP again; undefined: no command does. */
export function unfitMend(
  { interface: name }: Vip,
  why: Unfitness,
  settingsLost: readonly string[] = [],
): string | undefined {
  switch (why) {
    case "link-down":
      return linkMend(name, true);
    case "no-interface":
      return "ip link";
    case "no-carrier":
      return linkMend(name, false);
    case "no-address":
      return `ip address show dev ${name}`;
    case "no-ipvs":
      return "modprobe ip_vs";
    case "no-route":
      return "ip route show default";
    case "settings":
      return settingsLost.length === 0 ? undefined : `sysctl ${settingsLost.join(" ")}`;
    case "refused":
    case "silent":
      return undefined;
  }
}
