/** The timeouts and sync daemons of a saved table: what IPVS has once for all services. */
import { optional, required, type Table, tables, whole } from "../../config/keys/table-type.ts";
import { interfaceName } from "../../config/keys/text-types.ts";
import { resolveTimeouts, TIMEOUTS, timeoutFields } from "../../config/keys/timeouts.ts";
import { choice, integer, parsedText } from "../../config/keys/value-type.ts";
import { tableLines } from "../../config/toml/toml-text.ts";
import { problem } from "../../lib/parsed.ts";
import { parseAddress } from "../../model/address.ts";
import { type ConnectionTimeouts, isMulticast, SYNC_DAEMON_STATES, type SyncDaemon } from "../../model/sync-daemon.ts";

/** What a saved table says besides services: what IPVS has once for all of them. */
export interface SavedSettings {
  /** 0: the text does not say. */
  readonly timeouts: ConnectionTimeouts;
  readonly daemons: readonly SyncDaemon[];
}

const multicastAddress = parsedText(
  'a multicast address such as "224.0.0.81"',
  (text) => {
    const group = parseAddress(text);
    return group.ok && !isMulticast(group.value) ? problem(`${text} is not a multicast address`) : group;
  },
  (group) => group.text,
);

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

const NO_TIMEOUTS: ConnectionTimeouts = { tcpSeconds: 0, tcpFinSeconds: 0, udpSeconds: 0 };

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
  timeouts: Table<typeof TIMEOUTS.spec> | undefined,
  daemonTables: readonly DaemonTable[] | undefined,
): SavedSettings | undefined {
  if (timeouts === undefined && daemonTables === undefined) return undefined;
  const daemons = (daemonTables ?? []).flatMap((entry) => resolveDaemon(entry) ?? []);
  const [first, second] = daemonTables ?? [];
  if (first !== undefined && second !== undefined && first.fields.state === second.fields.state) {
    second.place.key("state").error("a machine has one master and one backup daemon at most");
  }
  return {
    timeouts: timeouts === undefined ? NO_TIMEOUTS : resolveTimeouts(timeouts),
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
function settingsLines({ timeouts, daemons }: SavedSettings): readonly string[] {
  const timeoutLines = tableLines(TIMEOUTS, timeoutFields(timeouts));
  return [...timeoutLines, "", ...daemons.flatMap((daemon) => [...daemonLines(daemon), ""])];
}

/** The lines of settings, each with its end. */
export function settingsText(settings: SavedSettings): string {
  return settingsLines(settings)
    .map((line) => `${line}\n`)
    .join("");
}
