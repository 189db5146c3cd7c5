import { optional, required, type Table, table, tables, whole } from "../config/table-type.ts";
import { duration, interfaceName } from "../config/text-types.ts";
import { tableLines } from "../config/toml-text.ts";
import { choice, integer, parsedText } from "../config/value-type.ts";
import { problem } from "../lib/parsed.ts";
import { parseAddress } from "../model/address.ts";
import { type ConnectionTimeouts, isMulticast, SYNC_DAEMON_STATES, type SyncDaemon } from "../model/sync-daemon.ts";

/** What a saved table says besides services: what IPVS has once for all of them. */
export interface SavedSettings {
  /** 0: the text does not say. */
  readonly timeouts: ConnectionTimeouts;
  readonly daemons: readonly SyncDaemon[];
}

// ip_vs_set_timeout (net/netfilter/ipvs/ip_vs_ctl.c): INT_MAX / HZ, and HZ is at least 100.
const timeout = duration("1s", "21474836s", "seconds");

const multicastAddress = parsedText(
  'a multicast address such as "224.0.0.81"',
  (text) => {
    const group = parseAddress(text);
    return group.ok && !isMulticast(group.value) ? problem(`${text} is not a multicast address`) : group;
  },
  (group) => group.text,
);

export const SAVED_TIMEOUTS = table("[timeouts]", "How long idle connections are kept.", {
  tcp: optional(timeout, { meaning: "Established TCP connections.", example: '"15m"' }),
  tcp_fin: optional(timeout, { meaning: "TCP connections after a FIN.", example: '"2m"' }),
  udp: optional(timeout, { meaning: "UDP.", example: '"5m"' }),
});

export const SAVED_DAEMONS = tables(
  "[[sync_daemon]]",
  "A daemon that tells the other router of connections, or learns them.",
  {
    state: required(choice(SYNC_DAEMON_STATES), { meaning: "Whether it sends or learns.", example: '"master"' }),
    interface: required(interfaceName, { meaning: "Where it does.", example: '"eth1"' }),
    id: optional(integer(0, 255), { meaning: "Tells pairs on one network apart.", example: "1" }),
    group: optional(multicastAddress, { meaning: "The multicast group.", example: '"224.0.0.81"' }),
    port: optional(integer(1, 65_535), { meaning: "The first UDP port.", example: "8848" }),
    ttl: optional(integer(1, 255), { meaning: "How many routers the packets pass.", example: "1" }),
    max_length: optional(integer(1, 65_535), { meaning: "The longest packet in bytes.", example: "1472" }),
  },
  SYNC_DAEMON_STATES.length,
);

type DaemonTable = Table<typeof SAVED_DAEMONS.item.spec>;

function resolveDaemon({ fields }: DaemonTable): SyncDaemon | undefined {
  const { state, interface: name, id, group, port, ttl, max_length: maxLengthBytes } = fields;
  const parts = whole({ state, interface: name });
  if (parts === undefined) return undefined;
  return {
    ...parts,
    syncId: id ?? 0,
    ...(group === undefined ? {} : { group }),
    ...(port === undefined ? {} : { port }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(maxLengthBytes === undefined ? {} : { maxLengthBytes }),
  };
}

/** The settings that a file has; undefined when it has none. */
export function resolveSettings(
  timeouts: Table<typeof SAVED_TIMEOUTS.spec> | undefined,
  daemonTables: readonly DaemonTable[] | undefined,
): SavedSettings | undefined {
  if (timeouts === undefined && daemonTables === undefined) return undefined;
  const seconds = (ms: number | undefined) => (ms ?? 0) / 1000;
  const daemons = (daemonTables ?? []).flatMap((entry) => resolveDaemon(entry) ?? []);
  const [first, second] = daemonTables ?? [];
  if (first !== undefined && second !== undefined && first.fields.state === second.fields.state) {
    second.place.key("state").error("a machine has one master and one backup daemon at most");
  }
  return {
    timeouts: {
      tcpSeconds: seconds(timeouts?.fields.tcp),
      tcpFinSeconds: seconds(timeouts?.fields.tcp_fin),
      udpSeconds: seconds(timeouts?.fields.udp),
    },
    daemons,
  };
}

function daemonLines(daemon: SyncDaemon): readonly string[] {
  const { state, interface: name, syncId, group, port, ttl, maxLengthBytes } = daemon;
  return tableLines(SAVED_DAEMONS.item, {
    state,
    interface: name,
    id: syncId,
    group,
    port,
    ttl,
    max_length: maxLengthBytes,
  });
}

/** Settings as TOML; a kernel without a protocol has a timeout of 0 for it, which is left out. */
export function settingsLines({ timeouts, daemons }: SavedSettings): readonly string[] {
  const milliseconds = (seconds: number) => (seconds === 0 ? undefined : seconds * 1000);
  const timeoutLines = tableLines(SAVED_TIMEOUTS, {
    tcp: milliseconds(timeouts.tcpSeconds),
    tcp_fin: milliseconds(timeouts.tcpFinSeconds),
    udp: milliseconds(timeouts.udpSeconds),
  });
  return [...timeoutLines, "", ...daemons.flatMap((daemon) => [...daemonLines(daemon), ""])];
}
