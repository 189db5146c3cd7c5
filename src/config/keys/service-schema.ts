import { FORWARDINGS, THRESHOLD_MAX, TUNNEL_TYPES, WEIGHT_MAX } from "../../model/real-server.ts";
import { SCHEDULERS } from "../../model/scheduler.ts";
import { SCHEDULER_FLAG_NAMES } from "../../model/scheduler-flag.ts";
import { listenKey, serverEndpoint } from "./address-types.ts";
import { SERVER_CHECK, SERVICE_CHECK } from "./check-schema.ts";
import { MAX_SERVERS, MAX_SERVICES } from "./limits.ts";
import { optional, required, scalarOrTable, table, tables, withDefault } from "./table-type.ts";
import { duration, plainName } from "./text-types.ts";
import { boolean, choice, integer, list } from "./value-type.ts";

/** Addresses that one service listens on. */
const MAX_LISTENS = 1000;

const FORWARD = {
  meaning:
    "How packets reach the real server. nat: rewritten both ways; the server's default gateway is a VIP. direct: on " +
    "the same network, unchanged; the server has the VIP too, silent in ARP. tunnel: wrapped in another packet.",
  example: '"direct"',
  alias: ["lb_kind", "lvs_method", "forwarding", "network"],
};
const INHERITED_FORWARD = { ...FORWARD, fallbackText: "the service's" };

/** `tunnel = "ipip"` or a table; the header says whose. */
function tunnelOf(owner: string) {
  return scalarOrTable(
    choice(["ipip", "gre"]),
    table(`[${owner}.tunnel]`, 'The header that packets to a server with forward = "tunnel" are wrapped in.', {
      type: required(choice(TUNNEL_TYPES), { meaning: "The kind of tunnel.", example: '"gue"' }),
      port: optional(integer(1, 65_535), {
        meaning: "The UDP port of gue; required there, wrong elsewhere.",
        example: "6080",
      }),
      checksum: withDefault(choice(["none", "full", "remote"]), "none", {
        meaning: "Checksums in the header: none, full (gre, gue), or offloaded to the server: remote (gue).",
        example: '"full"',
      }),
    }),
  );
}

const SERVICE_TUNNEL = tunnelOf("service");
export const SERVER_TUNNEL = tunnelOf("service.real");
export const SORRY_TUNNEL = tunnelOf("service.sorry");

export const PERSISTENCE = scalarOrTable(
  duration("1s", "31d", "seconds"),
  table("[service.persistence]", "A client keeps its real server, with settings beyond the time.", {
    timeout: withDefault(duration("1s", "31d", "seconds"), 300_000, {
      meaning: "For how long after its last connection ended.",
      example: '"5m"',
      alias: ["persistence_timeout"],
    }),
    prefix: optional(integer(0, 128), {
      meaning: "Clients of one network of this prefix length share a real server.",
      fallbackText: "each address by itself: 32, or 128 with IPv6",
      example: "24",
      alias: ["netmask", "persistence_granularity", "pmask"],
    }),
    engine: optional(choice(["sip"]), {
      meaning: "The kernel's persistence engine; sip goes by the Call-ID of SIP.",
      fallbackText: "none: by the client's address",
      example: '"sip"',
      alias: ["pe", "persistence_engine"],
    }),
  }),
);

export const SORRY = scalarOrTable(
  serverEndpoint,
  table("[service.sorry]", "The server that gets the work when no real server is left, with settings of its own.", {
    address: required(serverEndpoint, {
      meaning: "Address and port; without a port, the service's.",
      example: '"10.0.0.99:80"',
    }),
    forward: optional(choice(FORWARDINGS), INHERITED_FORWARD),
    tunnel: optional(SORRY_TUNNEL, {
      meaning: "As in [service.tunnel].",
      fallbackText: "the service's",
      example: '"gre"',
    }),
  }),
);

export const REALS = tables(
  "[[service.real]]",
  "A real server of the service.",
  {
    address: required(serverEndpoint, {
      meaning: "Address and port; without a port, the service's.",
      example: '"10.0.0.11:80"',
      alias: ["ip", "server", "host"],
    }),
    weight: withDefault(integer(0, WEIGHT_MAX), 1, {
      meaning: "Its share of the work beside the others; 0 gets no new connections.",
      example: "3",
    }),
    forward: optional(choice(FORWARDINGS), INHERITED_FORWARD),
    upper_threshold: withDefault(integer(0, THRESHOLD_MAX), 0, {
      meaning: "No new work at this many connections; 0 is no limit.",
      example: "5000",
      alias: ["uthreshold", "u_threshold"],
    }),
    lower_threshold: withDefault(integer(0, THRESHOLD_MAX), 0, {
      meaning: "New work again below this many connections; 0: three quarters of upper_threshold.",
      example: "4000",
      alias: ["lthreshold", "l_threshold"],
    }),
    tunnel: optional(SERVER_TUNNEL, {
      meaning: "As in [service.tunnel].",
      fallbackText: "the service's",
      example: '"gre"',
    }),
    check: optional(SERVER_CHECK, {
      meaning: "How this server is checked, where that differs from the service's check.",
      fallbackText: "as the service's check says",
      example: "false",
    }),
  },
  MAX_SERVERS,
);

export const SERVICES = tables(
  "[[service]]",
  "A virtual service: what clients connect to, and the real servers behind it.",
  {
    name: required(plainName, {
      meaning: "What commands and logs call it; each service has its own.",
      example: '"web"',
    }),
    listen: required(
      list(listenKey, 'a virtual service such as "tcp://203.0.113.10:80", or a list of them', {
        min: 1,
        max: MAX_LISTENS,
        bareItem: true,
      }),
      {
        meaning:
          "What clients connect to: tcp://, udp:// or sctp:// with a VIP and a port, or fwmark:NUMBER (IPv6: " +
          "fwmark:NUMBER/inet6) for packets that the firewall marks. Port 0 is every port and needs persistence.",
        example: '["tcp://203.0.113.10:80", "tcp://203.0.113.10:443"]',
        alias: ["address", "vip", "bind", "protocol", "port"],
      },
    ),
    scheduler: withDefault(choice(SCHEDULERS), "wlc", {
      meaning: "How work is spread over the real servers; the names are the kernel's.",
      example: '"wrr"',
      alias: ["lb_algo", "lvs_sched", "sched", "algorithm"],
    }),
    scheduler_flags: withDefault(
      list(choice(SCHEDULER_FLAG_NAMES), "a list of the scheduler's flags", { max: SCHEDULER_FLAG_NAMES.length }),
      [],
      {
        meaning:
          "Flags of the scheduler. sh-port, mh-port: hash the port too. sh-fallback, mh-fallback: another server " +
          "where the chosen one has weight 0.",
        example: '["sh-port"]',
        alias: ["schedflags", "flags"],
      },
    ),
    forward: withDefault(choice(FORWARDINGS), "nat", FORWARD),
    tunnel: optional(SERVICE_TUNNEL, {
      meaning: 'How packets to servers with forward = "tunnel" are wrapped.',
      fallbackText: '"ipip"',
      example: '"gre"',
    }),
    persistence: optional(PERSISTENCE, {
      meaning: "A client keeps its real server for this long after its last connection ended.",
      fallbackText: "each connection is scheduled by itself",
      example: '"5m"',
      alias: ["persistent", "persistence_timeout"],
    }),
    one_packet: withDefault(boolean, false, {
      meaning: "Each UDP packet is scheduled by itself. Only for udp:// and fwmark.",
      example: "true",
      alias: ["ops", "one-packet"],
    }),
    on_failure: withDefault(choice(["remove", "quiesce"]), "remove", {
      meaning: "A server that fails is removed, which ends its connections, or quiesced: weight 0, no new work.",
      example: '"quiesce"',
      alias: ["quiescent", "inhibit_on_failure", "quiesce_server"],
    }),
    sorry: optional(SORRY, {
      meaning: "The server that gets the work when no real server is left.",
      fallbackText: "none: clients are refused",
      example: '"10.0.0.99:80"',
      alias: ["sorry_server", "fallback"],
    }),
    slow_start: withDefault(duration("0s", "1h"), 0, {
      meaning: "A server that comes back gets its full weight only after this time, in steps; 0ms: at once.",
      example: '"30s"',
      alias: ["warmup"],
    }),
    panic_percent: withDefault(integer(0, 100), 0, {
      meaning:
        "When this share of the checked servers or fewer is left because the others died at once without refusing " +
        "connections, the last good set stays in work. 0: only when all are dead.",
      example: "25",
      alias: ["panic", "panic_threshold"],
    }),
    quorum: withDefault(integer(1, WEIGHT_MAX), 1, {
      meaning:
        "How many real servers must be up, or how much weight they must have together (quorum_by). With less, the " +
        "sorry server gets the work, or what is left does where there is none, and that is logged.",
      example: "2",
    }),
    quorum_by: withDefault(choice(["servers", "weight"]), "servers", {
      meaning: "Whether quorum counts the servers or adds up their configured weights.",
      example: '"weight"',
    }),
    quorum_hysteresis: withDefault(integer(0, WEIGHT_MAX), 0, {
      meaning: "The quorum is lost below quorum less this, and there again from quorum and this.",
      example: "1",
      alias: ["hysteresis"],
    }),
    check: optional(SERVICE_CHECK, {
      meaning: "How the real servers are checked.",
      fallbackText: "a connection every 2s where all addresses are tcp://, else none",
      example: "false",
      alias: ["checktype", "health", "healthcheck"],
    }),
    real: optional(REALS, {
      meaning: "The real servers.",
      example: "",
      alias: ["real_server", "server", "servers"],
    }),
  },
  MAX_SERVICES,
);
