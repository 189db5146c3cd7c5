/** The command table's entries of `real`. */
import { FORWARDINGS, THRESHOLD_MAX, TUNNEL_TYPES, WEIGHT_MAX } from "../../model/real-server.ts";
import { CHANGES_JSON, ORDERS_JSON } from "./json-shapes.ts";
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
  oneArgument,
  optionalArgument,
  resolveFlag,
  switchFlag,
  valueFlag,
  verb,
} from "./spec-types.ts";
import { choice, endpoint, integer, port, service as serviceKey, servicesOrAll, watchInterval } from "./value-kinds.ts";

const serviceArgument = oneArgument(
  serviceKey,
  "SERVICE",
  "the virtual service, such as tcp://203.0.113.10:80, or the name of its [[service]]",
);
const serverArgument = oneArgument(
  endpoint,
  "SERVER",
  "the real server, such as 10.0.0.11:80; without a port: the port of the service",
);

const THRESHOLD_LIMIT = "Linux 6.12 refuses more than that, as ipvsadm does.";

const settings = {
  forward: valueFlag(choice(FORWARDINGS), { valueName: "HOW", defaultText: "nat", doc: "nat, direct or tunnel" }),
  weight: valueFlag(integer(0, WEIGHT_MAX), {
    valueName: "N",
    defaultText: "1",
    doc: "its share of the work; 0 gets no new connections",
  }),
  upperThreshold: valueFlag(integer(0, THRESHOLD_MAX), {
    valueName: "N",
    doc: `no new work at this many connections, at most ${THRESHOLD_MAX}; 0: no limit`,
    longDoc: THRESHOLD_LIMIT,
  }),
  lowerThreshold: valueFlag(integer(0, THRESHOLD_MAX), {
    valueName: "N",
    doc: `new work again below this many, at most ${THRESHOLD_MAX}`,
    longDoc: THRESHOLD_LIMIT,
  }),
  tunnelType: valueFlag(choice(TUNNEL_TYPES), { valueName: "TYPE", defaultText: "ipip", doc: "ipip, gue or gre" }),
  tunnelPort: valueFlag(port, { valueName: "PORT", doc: "the UDP port of gue" }),
  tunnelChecksum: valueFlag(choice(["none", "full", "remote"]), {
    valueName: "KIND",
    defaultText: "none",
    doc: "checksums in the tunnel's header",
  }),
};

const KEPT =
  "With --keep a running daemon keeps the change beside its configuration: it holds at both routers and lasts over reload, restart and failover, until real reset gives the server back to the configuration. Without it the kernel is changed directly, and a daemon that has the service configured undoes that.";
const keepFlag = switchFlag("through the daemon: it lasts, at both routers", {
  longDoc: "At most 1000 real servers can be changed so; drains and weights come on top.",
});

export const realList = verb({
  summary: "list real servers with weights and connections",
  arguments: { service: optionalArgument(serviceKey, "SERVICE", "only those of this virtual service") },
  flags: {
    watch: switchFlag("show them again and again until q is typed"),
    interval: valueFlag(watchInterval, {
      valueName: "TIME",
      defaultText: "1s",
      doc: "with --watch: the time between two readings",
    }),
    resolve: resolveFlag,
  },
  examples: [
    { command: "real list tcp://203.0.113.10:80", doc: "the real servers of one service" },
    { command: "real list --watch", doc: "all of them, redrawn every second" },
  ],
  uses: ["runtimeDir"],
  changes: false,
  jsonDoc:
    "{version, servers: [{service, server, forward, weight, …, kept}], removed: [{service, server}]}; each as in service list; kept is added or changed where an operator did that beside the daemon's configuration, else null; removed has those that one removed so",
});

export const realAdd = verb({
  summary: "add a real server to a virtual service",
  description: [
    KEPT,
    "A server that is added so is checked, and without --forward reached, as most of the service's configured real servers are, or as the service says where it has none.",
  ],
  arguments: { service: serviceArgument, server: serverArgument },
  flags: {
    ...settings,
    orEdit: switchFlag("when it exists, give it these settings"),
    keep: keepFlag,
    resolve: resolveFlag,
  },
  examples: [
    { command: "real add tcp://203.0.113.10:80 10.0.0.11:80 --weight 2", doc: "by NAT, twice the work" },
    { command: "real add tcp://203.0.113.10:80 10.0.0.12 --forward direct", doc: "by direct routing" },
    { command: "real add web 10.0.0.13 --keep", doc: "beside the daemon's configuration, at both routers" },
    { command: "real add tcp://www.example.com:http web1:8080 --resolve", doc: "by names" },
  ],
  uses: ["runtimeDir"],
  changes: true,
  jsonDoc: CHANGES_JSON,
});

export const realEdit = verb({
  summary: "change settings of a real server; what is not named stays",
  description: [KEPT],
  arguments: { service: serviceArgument, server: serverArgument },
  flags: {
    ...settings,
    forward: { ...settings.forward, defaultText: "as it is" },
    weight: { ...settings.weight, defaultText: "as it is" },
    keep: keepFlag,
    resolve: resolveFlag,
  },
  examples: [{ command: "real edit tcp://203.0.113.10:80 10.0.0.11:80 --weight 5", doc: "another weight" }],
  uses: ["runtimeDir"],
  changes: true,
  jsonDoc: CHANGES_JSON,
});

export const realDel = verb({
  summary: "remove a real server from a virtual service",
  description: [
    KEPT,
    "What becomes of its open connections is the kernel's setting expire_nodest_conn: where it is 1, as tandem run sets it, they end at once; where it is 0, the kernel's own default, their packets are dropped until they time out.",
  ],
  arguments: { service: serviceArgument, server: serverArgument },
  flags: { ifExists: switchFlag("succeed when it is not there"), keep: keepFlag, resolve: resolveFlag },
  examples: [{ command: "real del tcp://203.0.113.10:80 10.0.0.11:80", doc: "its connections break; see drain" }],
  uses: ["runtimeDir"],
  changes: true,
  jsonDoc: CHANGES_JSON,
});

export const realReset = verb({
  summary: "give a real server back to the configuration",
  description: [
    "Ends what add, edit and del with --keep have changed of it: one that was added goes, one that was removed comes back, and settings are those of the configuration again. A drain or a weight that was ordered stays; see undrain.",
  ],
  arguments: { service: serviceArgument, server: serverArgument },
  flags: { resolve: resolveFlag },
  examples: [{ command: "real reset web 10.0.0.13", doc: "after the configuration was changed as well" }],
  uses: ["runtimeDir"],
  changes: true,
  jsonDoc: ORDERS_JSON,
});

const everyServiceArgument = oneArgument(
  servicesOrAll,
  "SERVICE",
  "the virtual service, or the name of a [[service]]; all: each one that has the real server",
);

export const realDrain = verb({
  summary: "give a real server no new connections; open ones go on",
  description: [
    ...DRAIN_DESCRIPTION,
    "The last real server of a service that still gets work is drained too, with a warning: new clients are refused then, or go to the sorry server.",
    "A persistent client goes elsewhere with its next connection where the kernel's setting expire_quiescent_template is 1, as tandem run sets it; where it is 0, it comes back to the drained server.",
  ],
  arguments: { service: everyServiceArgument, server: serverArgument },
  flags: {
    ...waitFlags,
    delete: switchFlag("then remove it from the kernel's table (without a daemon)"),
    resolve: resolveFlag,
  },
  examples: [
    { command: "real drain tcp://203.0.113.10:80 10.0.0.11:80 --wait --timeout 5m", doc: "before maintenance" },
    { command: "real drain web 10.0.0.11", doc: "in each virtual service of the [[service]] web" },
    { command: "real drain all 10.0.0.11:80", doc: "in each service that has it" },
    { command: "real drain fwmark:7 10.0.0.11:80 --wait --delete", doc: "and remove it when nothing is open" },
  ],
  ...drainOrder,
});

export const realUndrain = verb({
  summary: "give a drained real server work again",
  description: UNDRAIN_DESCRIPTION,
  arguments: { service: everyServiceArgument, server: serverArgument },
  flags: undrainFlags("the weight, instead of the configured one"),
  examples: [
    { command: "real undrain tcp://203.0.113.10:80 10.0.0.11:80", doc: "after maintenance" },
    { command: "real undrain all 10.0.0.11:80 --weight 1", doc: "with little work at first" },
  ],
  ...undrainOrder,
});

export const real = {
  kind: "group",
  name: "real",
  summary: "real servers of virtual services: list, add, change, drain",
  description: [
    "Works on the kernel directly. A running daemon keeps the real servers of its configuration as they are there; drain, undrain and reset go through it, and add, edit and del with --keep.",
  ],
  verbs: {
    list: realList,
    add: realAdd,
    edit: realEdit,
    del: realDel,
    reset: realReset,
    drain: realDrain,
    undrain: realUndrain,
  },
} satisfies GroupSpec;
