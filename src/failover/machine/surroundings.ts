/** What this machine looks like around the VIPs, as last read from its kernel: the facts that fitness is judged by (rule 16). */
import type { Family } from "../../model/address.ts";
import type { PathName } from "../../model/pair.ts";
import type { Vip } from "../../model/vip.ts";

/** An interface that carries a VIP of the configuration or one of this router's own addresses, by its configured name. */
export interface InterfaceReport {
  readonly name: string;
  /** Absent: there is no interface of that name. */
  readonly link?: { readonly up: boolean; readonly carrier: boolean };
  /** The sides whose path uses this interface, or used it when the own address was last there. */
  readonly sides: readonly PathName[];
  /** The own addresses of those sides are there; true where the interface is no side's. */
  readonly ownAddress: boolean;
}

/** A whole picture, not a change. */
export interface Surroundings {
  readonly interfaces: readonly InterfaceReport[];
  /** The families that have a default route. */
  readonly defaultRoutes: readonly Family[];
  /** Kernel settings that this daemon has set for its VIPs and that somebody changed since: names as `net.ipv4.ip_forward`. */
  readonly settingsLost: readonly string[];
}

/** A VIP of the configuration that is in this kernel without being this daemon's lease (rule 20). */
export interface ForeignVip {
  readonly vip: Vip;
  /** As the kernel has it, for people: `203.0.113.10/24 on eth0`, with peer address and label where it has them. */
  readonly text: string;
  /** It is on the loopback interface, where it serves another purpose as a rule: it is left there. */
  readonly fixed: boolean;
}

/** What the balancer found of one gate (rule 17). */
export interface GateReport {
  readonly name: string;
  readonly state: "unknown" | "passing" | "failing";
  /** Since when it has been in this state. */
  readonly sinceMs: number;
  readonly effect: "hand-over" | "warn";
  /** Why it fails, a clause; or why it counts as passing without being checked. */
  readonly detail?: string;
}
