/** Questions to the older packet filter, iptables, which answers as an option of raw sockets. */
import { AF_INET, AF_INET6, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_RAW, SOCK_RAW } from "../libc/constants.ts";
import { closeFd } from "../libc/fd.ts";
import { openSocket, readSocketOption } from "./socket.ts";

/** linux/netfilter_ipv4/ip_tables.h; IPv6 has the same numbers. */
const QUESTIONS = { info: 64 /* IPT_SO_GET_INFO */, entries: 65 /* IPT_SO_GET_ENTRIES */ } as const;

/**
 * Asks the kernel about a table; the answer is put over the question. A table that is not there yet is made by being
 * asked for: ask only for those in /proc/net/ip_tables_names.
 * @returns the errno, 0 when it answered. @throws SyscallError when there is no socket to ask with.
 */
export function askIptables(inet6: boolean, question: keyof typeof QUESTIONS, value: Uint8Array): number {
  const hint = "Run it as root, or with the capabilities CAP_NET_RAW and CAP_NET_ADMIN.";
  const fd = openSocket(inet6 ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_RAW, "open a raw socket", hint);
  try {
    return readSocketOption(fd, inet6 ? IPPROTO_IPV6 : IPPROTO_IP, QUESTIONS[question], value);
  } finally {
    closeFd(fd);
  }
}
