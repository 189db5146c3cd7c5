import type { ConnectionTimeouts } from "../../model/sync-daemon.ts";
import { optional, type Table, table } from "./table-type.ts";
import { duration } from "./text-types.ts";

/** `[timeouts]`, in a configuration and in a saved table. */

// ip_vs_set_timeout (net/netfilter/ipvs/ip_vs_ctl.c): INT_MAX / HZ, and HZ is at least 100.
const timeout = duration("1s", "21474836s", "seconds");
const UNCHANGED = { fallbackText: "as the kernel has it" };

export const TIMEOUTS = table("[timeouts]", "How long the kernel keeps idle connections of all services.", {
  tcp: optional(timeout, {
    meaning: "Established TCP connections.",
    ...UNCHANGED,
    example: '"15m"',
    alias: ["tcp_timeout"],
  }),
  tcp_fin: optional(timeout, {
    meaning: "TCP connections after a FIN.",
    ...UNCHANGED,
    example: '"2m"',
    alias: ["tcpfin", "tcpfin_timeout"],
  }),
  udp: optional(timeout, { meaning: "UDP.", ...UNCHANGED, example: '"5m"', alias: ["udp_timeout"] }),
});

/** The timeouts that a table names; 0 for those that it leaves as they are. */
export function resolveTimeouts({ fields }: Table<typeof TIMEOUTS.spec>): ConnectionTimeouts {
  const seconds = (ms: number | undefined) => (ms ?? 0) / 1000;
  return { tcpSeconds: seconds(fields.tcp), tcpFinSeconds: seconds(fields.tcp_fin), udpSeconds: seconds(fields.udp) };
}

/** The values of the table's keys; a timeout of 0 says nothing. */
export function timeoutFields({ tcpSeconds, tcpFinSeconds, udpSeconds }: ConnectionTimeouts) {
  const milliseconds = (seconds: number) => (seconds === 0 ? undefined : seconds * 1000);
  return { tcp: milliseconds(tcpSeconds), tcp_fin: milliseconds(tcpFinSeconds), udp: milliseconds(udpSeconds) };
}
