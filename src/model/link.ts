import type { MacAddress } from "./mac-address.ts";

/** A network interface of this machine as the kernel has it now. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** Absent where the interface has no Ethernet address (tunnels). */
  readonly mac: MacAddress | undefined;
  /** Switched on by an administrator. */
  readonly up: boolean;
  /** The cable is in and the other side is there; false also while the interface is not up. */
  readonly carrier: boolean;
  readonly loopback: boolean;
  readonly mtuBytes: number;
}
