/** The command table's entries of `service`. */
import { SAVED_FORMATS } from "../../import/words/import-formats.ts";
import { SCHEDULERS } from "../../model/scheduler.ts";
import { SYNC_DAEMON_STATES } from "../../model/sync-daemon.ts";
import { SCHEDULER_FLAGS } from "../../model/virtual-service.ts";
import { CHANGES_JSON } from "./json-shapes.ts";
import {
  DRAIN_DESCRIPTION,
  drainOrder,
  UNDRAIN_DESCRIPTION,
  undrainFlags,
  undrainOrder,
  waitFlags,
} from "./order-specs.ts";
import {
  type GroupSpec,
  listFlag,
  manyArguments,
  oneArgument,
  optionalArgument,
  requiredFlag,
  resolveFlag,
  switchFlag,
  valueFlag,
  verb,
} from "./spec-types.ts";
import {
  address,
  choice,
  endpoint,
  file,
  integer,
  interfaceName,
  service as serviceKey,
  services as serviceKeys,
  watchInterval,
  wholeSeconds,
} from "./value-kinds.ts";

const SERVICE_DOC =
  "the virtual service: tcp://203.0.113.10:80, udp://[2001:db8::10]:53, sctp://…, fwmark:7, fwmark:7/inet6; or the name of its [[service]]";
const SERVICES_DOC = "the virtual service, or the name of a [[service]]: each address that it listens on";

const settings = {
  scheduler: valueFlag(choice(SCHEDULERS), {
    valueName: "NAME",
    defaultText: "wlc",
    doc: "how work is spread over the real servers",
  }),
  schedulerFlag: listFlag(choice([...SCHEDULER_FLAGS, "sh-fallback", "sh-port", "mh-fallback", "mh-port"]), {
    valueName: "FLAG",
    doc: "a flag of the scheduler; repeatable",
  }),
  persistence: valueFlag(wholeSeconds, {
    valueName: "TIME",
    doc: "a client keeps its real server for this long: 300s",
  }),
  persistencePrefix: valueFlag(integer(0, 128), {
    valueName: "BITS",
    doc: "clients of one network of this length share a real server",
  }),
  persistenceNetmask: valueFlag(address, {
    valueName: "MASK",
    doc: "the same for IPv4 as a mask: 255.255.255.0, also one with holes",
  }),
  persistenceEngine: valueFlag(choice(["sip"]), { valueName: "NAME", doc: "the persistence engine" }),
  onePacket: switchFlag("schedule each packet by itself (UDP)"),
};

export const serviceList = verb({
  summary: "list virtual services with their real servers and counters",
  arguments: { service: optionalArgument(serviceKey, "SERVICE", "only this one") },
  flags: {
    stats: switchFlag("show packets and bytes since the counters were zeroed"),
    rates: switchFlag("show packets, bytes and connections a second, counted over --interval"),
    connections: switchFlag("show the connections with state and expiry instead"),
    server: valueFlag(endpoint, { valueName: "SERVER", doc: "only this real server: 10.0.0.11:80, or without a port" }),
    watch: switchFlag("show it again and again until q is typed"),
    interval: valueFlag(watchInterval, {
      valueName: "TIME",
      defaultText: "1s",
      doc: "with --watch and --rates: the time between two readings",
    }),
    resolve: resolveFlag,
  },
  examples: [
    { command: "service list", doc: "the kernel's whole table" },
    { command: "service list tcp://203.0.113.10:80 --rates", doc: "what one service does now" },
    { command: "service list --rates --watch --interval 2s", doc: "what all of them do, redrawn every two seconds" },
    { command: "service list --connections --server 10.0.0.11:80", doc: "the connections of one real server" },
  ],
  changes: false,
  jsonDoc:
    "{version, services: [{service, scheduler, schedulerFlags, persistence, onePacket, stats, servers: [{server, forward, weight, upperThreshold, lowerThreshold, tunnel, activeConnections, inactiveConnections, persistentConnections, stats}]}]}; with --rates each has rates: {connections, packetsIn, packetsOut, bytesIn, bytesOut} a second; with --connections {version, connections: [{protocol, client, virtual, server, state, expiresSeconds, persistent, engineData}]}",
});

export const serviceAdd = verb({
  summary: "add a virtual service",
  arguments: { service: oneArgument(serviceKey, "SERVICE", SERVICE_DOC) },
  flags: { ...settings, orEdit: switchFlag("when it exists, give it these settings"), resolve: resolveFlag },
  examples: [
    { command: "service add tcp://203.0.113.10:80 --scheduler wlc", doc: "weighted least connections" },
    {
      command: "service add fwmark:7 --scheduler rr --persistence 300s",
      doc: "all packets with mark 7, clients sticky",
    },
  ],
  changes: true,
  jsonDoc: CHANGES_JSON,
});

export const serviceEdit = verb({
  summary: "change settings of a virtual service; what is not named stays",
  arguments: { service: oneArgument(serviceKey, "SERVICE", SERVICE_DOC) },
  flags: {
    scheduler: { ...settings.scheduler, defaultText: "as it is" },
    schedulerFlag: settings.schedulerFlag,
    persistence: settings.persistence,
    persistencePrefix: settings.persistencePrefix,
    persistenceNetmask: settings.persistenceNetmask,
    persistenceEngine: settings.persistenceEngine,
    noPersistence: switchFlag("clients no longer keep their real server"),
    onePacket: settings.onePacket,
    noOnePacket: switchFlag("schedule connections, not packets"),
    noSchedulerFlags: switchFlag("clear the scheduler's flags"),
    resolve: resolveFlag,
  },
  examples: [
    { command: "service edit tcp://203.0.113.10:80 --scheduler sh", doc: "another scheduler, connections stay" },
  ],
  changes: true,
  jsonDoc: CHANGES_JSON,
});

export const serviceDel = verb({
  summary: "remove virtual services with their real servers",
  arguments: { services: manyArguments(serviceKey, "SERVICE", "the virtual services") },
  flags: { ifExists: switchFlag("succeed when a service is not there"), resolve: resolveFlag },
  examples: [{ command: "service del tcp://203.0.113.10:80", doc: "remove one service" }],
  changes: true,
  jsonDoc: CHANGES_JSON,
});

export const serviceDrain = verb({
  summary: "give a service no new connections; open ones go on",
  description: [
    "All its real servers are drained, those that are down as well. New clients are refused, or go to the sorry server where there is one.",
    ...DRAIN_DESCRIPTION,
  ],
  arguments: { services: oneArgument(serviceKeys, "SERVICE", SERVICES_DOC) },
  flags: { ...waitFlags, resolve: resolveFlag },
  examples: [
    { command: "service drain web --wait --timeout 30m", doc: "a planned stop that breaks no connection" },
    { command: "service drain tcp://203.0.113.10:80", doc: "only one of the addresses that it listens on" },
  ],
  ...drainOrder,
});

export const serviceUndrain = verb({
  summary: "give the real servers of a drained service work again",
  description: [
    "Takes back every order for a real server of the service, also one that was drained by itself.",
    ...UNDRAIN_DESCRIPTION,
  ],
  arguments: { services: oneArgument(serviceKeys, "SERVICE", SERVICES_DOC) },
  flags: undrainFlags("the weight of each, instead of the configured one"),
  examples: [{ command: "service undrain web", doc: "after a planned stop" }],
  ...undrainOrder,
});

export const serviceFlush = verb({
  summary: "remove all virtual services with their real servers",
  description: ["One message to the kernel, however large the table is. What a daemon has configured comes back."],
  arguments: {},
  flags: {},
  examples: [{ command: "service flush --dry-run", doc: "what would go" }],
  changes: true,
  jsonDoc: CHANGES_JSON,
});

export const serviceZero = verb({
  summary: "set the counters of one or all virtual services to zero",
  arguments: { service: optionalArgument(serviceKey, "SERVICE", "only this one") },
  flags: { resolve: resolveFlag },
  examples: [{ command: "service zero", doc: "all counters" }],
  changes: true,
  jsonDoc: CHANGES_JSON,
});

const FORMATS = choice(SAVED_FORMATS);

export const serviceSave = verb({
  summary: "print the kernel's table in a form that restore reads",
  description: [
    "TOML has the timeouts of connections and the sync daemons as well; ipvsadm's lines have neither, as ipvsadm -S hasn't.",
  ],
  arguments: { file: optionalArgument(file, "FILE", "where to write it; default: standard output") },
  flags: {
    format: valueFlag(FORMATS, {
      valueName: "FORMAT",
      defaultText: "toml",
      doc: "our TOML, or the lines of ipvsadm -Sn",
    }),
  },
  examples: [
    { command: "service save table.toml", doc: "keep the table in a file" },
    { command: "service save --format ipvsadm", doc: "as ipvsadm -Sn prints it" },
  ],
  changes: false,
  jsonDoc:
    "{version, timeouts: {tcpSeconds, …}, syncDaemons: […], services: […]}; as in service timeouts, sync and list",
});

export const serviceRestore = verb({
  summary: "make the kernel's table what a file says, with the fewest changes",
  description: [
    "All or nothing: when the kernel refuses a change, those made before are undone.",
    "Timeouts and sync daemons are set where the file names them; a sync daemon that it does not name is left alone.",
    "Of ipvsadm's lines, --set, --start-daemon, --stop-daemon and --zero are left out with a warning, since a running tandem sets timeouts and starts daemons itself: service timeouts and service sync-start do it by hand.",
    "More than 20 changes of services and real servers are counted in one line; --verbose, --dry-run and --json have each.",
  ],
  arguments: { file: optionalArgument(file, "FILE", "what save has written; - or nothing: standard input") },
  flags: {
    format: valueFlag(FORMATS, { valueName: "FORMAT", doc: "toml or ipvsadm; default: detected from the text" }),
    keepOthers: switchFlag("leave services that the file does not name"),
    resolve: switchFlag("look up names of hosts and ports in ipvsadm's lines, as ipvsadm -S without -n writes them"),
    verbose: switchFlag("name each change, however many there are"),
  },
  examples: [
    { command: "service restore table.toml --dry-run", doc: "what would change" },
    { command: "service restore < rules", doc: "from ipvsadm -S" },
  ],
  changes: true,
  jsonDoc: CHANGES_JSON,
});

export const serviceApply = verb({
  summary: "make a list of changes as one: all of them, or none",
  description: [
    "Each line is a command as it would be typed: service add, edit, del and real add, edit, del, with their flags. # begins a comment.",
    "The lines are carried out on a copy of the table first, so that a mistake on the last line changes nothing; then the smallest set of changes is made. When the kernel refuses one, those made before are undone; connections of a server that was removed meanwhile are not brought back.",
  ],
  arguments: { file: optionalArgument(file, "FILE", "the list; - or nothing: standard input") },
  flags: { resolve: resolveFlag },
  examples: [{ command: "service apply changes --dry-run", doc: "what a list comes to" }],
  changes: true,
  jsonDoc: CHANGES_JSON,
});

const timeoutFlag = (doc: string) => valueFlag(wholeSeconds, { valueName: "TIME", defaultText: "as it is", doc });

export const serviceTimeouts = verb({
  summary: "show or set how long idle connections are kept, for all services",
  arguments: {},
  flags: {
    tcp: timeoutFlag("established TCP connections"),
    tcpFin: timeoutFlag("TCP connections after a FIN"),
    udp: timeoutFlag("UDP"),
  },
  examples: [
    { command: "service timeouts", doc: "what they are" },
    { command: "service timeouts --tcp 900s --udp 300s", doc: "set two, leave the third" },
  ],
  changes: true,
  jsonDoc: "{version, tcpSeconds, tcpFinSeconds, udpSeconds}; with a flag the shape of changes",
});

export const serviceSync = verb({
  summary: "list the kernel's sync daemons, which tell the other router of connections",
  arguments: {},
  flags: {},
  examples: [{ command: "service sync", doc: "those that run" }],
  changes: false,
  jsonDoc: "{version, daemons: [{state, interface, syncId, group, port, ttl, maxLengthBytes}]}",
});

const syncStateArgument = oneArgument(
  choice(SYNC_DAEMON_STATES),
  "STATE",
  "master sends connections, backup learns them; both may run",
);

export const serviceSyncStart = verb({
  summary: "start a sync daemon of the kernel",
  description: ["A running tandem daemon starts and stops them by itself, as [sync] of its configuration says."],
  arguments: { state: syncStateArgument },
  flags: {
    interface: requiredFlag(interfaceName, { valueName: "IF", doc: "where the messages go" }),
    // IP_VS_SYNC_ID: 0 to 255; a message's longest payload and the TTL as in ip_vs_sync.c.
    syncId: valueFlag(integer(0, 255), { valueName: "ID", defaultText: "0", doc: "which messages belong together" }),
    group: valueFlag(address, { valueName: "ADDR", defaultText: "224.0.0.81", doc: "the multicast group" }),
    port: valueFlag(integer(1, 65_535), { valueName: "PORT", defaultText: "8848", doc: "the UDP port" }),
    ttl: valueFlag(integer(1, 255), { valueName: "N", defaultText: "1", doc: "how many routers they may pass" }),
    maxLength: valueFlag(integer(1, 65_507), {
      valueName: "BYTES",
      doc: "the longest payload; default: what the MTU allows",
    }),
  },
  examples: [{ command: "service sync-start master --interface eth1 --sync-id 7", doc: "tell the others" }],
  changes: true,
  jsonDoc: CHANGES_JSON,
});

export const serviceSyncStop = verb({
  summary: "stop a sync daemon of the kernel",
  arguments: { state: syncStateArgument },
  flags: { ifExists: switchFlag("succeed when it does not run") },
  examples: [{ command: "service sync-stop master", doc: "no longer tell the others" }],
  changes: true,
  jsonDoc: CHANGES_JSON,
});

export const service = {
  kind: "group",
  name: "service",
  summary: "virtual services of the kernel's IPVS: list, add, change, save",
  description: [
    "Works on the kernel directly. A running daemon keeps the services of its configuration as they are there; drain and undrain go through it.",
    "The kernel's settings of IPVS for all services together, such as what becomes of connections to a removed server, are in [ipvs] of the configuration; see tandem.toml(5).",
  ],
  verbs: {
    list: serviceList,
    add: serviceAdd,
    edit: serviceEdit,
    del: serviceDel,
    drain: serviceDrain,
    undrain: serviceUndrain,
    flush: serviceFlush,
    zero: serviceZero,
    save: serviceSave,
    restore: serviceRestore,
    apply: serviceApply,
    timeouts: serviceTimeouts,
    sync: serviceSync,
    "sync-start": serviceSyncStart,
    "sync-stop": serviceSyncStop,
  },
} satisfies GroupSpec;
