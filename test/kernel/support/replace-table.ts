import { ptr } from "bun:ffi";
import { AF_INET, IPPROTO_IP, IPPROTO_RAW, SOCK_RAW } from "../../../src/sys/libc/constants.ts";
import { closeFd } from "../../../src/sys/libc/fd.ts";
import { askIptables } from "../../../src/sys/sockets/iptables-socket.ts";
import { openSocket, setSocketOption } from "../../../src/sys/sockets/socket.ts";
import { readTableInfo, tableInfoRequest } from "../../../src/wire/filter/iptables.ts";
import { replaceBytes, type TableText, tableBytes } from "../../support/iptables-table.ts";

/** linux/netfilter_ipv4/ip_tables.h */
const IPT_SO_SET_REPLACE = 64;
/** struct xt_counters */
const COUNTERS_BYTES = 16;

/** Gives the kernel another table `filter` of iptables, as `iptables-restore` does. */
export function replaceTable(text: TableText): void {
  const info = tableInfoRequest("filter");
  const errno = askIptables(false, "info", info);
  if (errno !== 0) throw new Error(`this kernel has no table filter (errno ${errno})`);
  const { entries } = readTableInfo(info);
  const counters = new Uint8Array(entries * COUNTERS_BYTES);
  const fd = openSocket(AF_INET, SOCK_RAW, IPPROTO_RAW, "open a raw socket");
  try {
    const bytes = replaceBytes(tableBytes(text), entries, Number(ptr(counters)));
    setSocketOption(fd, IPPROTO_IP, IPT_SO_SET_REPLACE, bytes, "replace the table filter");
  } finally {
    closeFd(fd);
  }
  // The kernel has written there by the address alone.
  if (counters.length === 0) throw new Error("the old table had no rules");
}
