/** A kind of packets that a router depends on. */
import type { Family, IpAddress } from "../../model/address.ts";
import type { ADDRESS_TYPE, CONNTRACK_STATE } from "../../model/packet-filter.ts";

/** What must get through a router's packet filter. */
export type FlowConcern = "answers" | "clients" | "servers" | "heartbeats" | "sync" | "neighbours";

/** One kind of packets that the router needs. */
export interface RouterFlow {
  readonly concern: FlowConcern;
  /** Names it among those of the same concern: `10.0.0.11:80`. */
  readonly label: string;
  readonly hook: "input" | "forward" | "output";
  readonly family: Family | "arp";
  /** IANA's number; absent for ARP. */
  readonly protocol?: number;
  readonly source?: IpAddress;
  readonly destination?: IpAddress;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** By one of these it comes, or leaves; none: not known. */
  readonly in: readonly FlowInterface[];
  readonly out: readonly FlowInterface[];
  /** As connection tracking sees them; absent: not known. */
  readonly conntrack?: keyof typeof CONNTRACK_STATE;
  /** What the routes say of the destination while this router is active; absent: not known. */
  readonly destinationType?: keyof typeof ADDRESS_TYPE;
}

export interface FlowInterface {
  readonly name: string;
  readonly index: number;
}
