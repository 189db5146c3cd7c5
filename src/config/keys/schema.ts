import { hostAddress, multicastGroup, vipPrefix } from "./address-types.ts";
import { GATES } from "./gate-schema.ts";
import { includePatterns } from "./include-type.ts";
import { IPVS } from "./ipvs-keys.ts";
import { optionalProgram } from "./program-type.ts";
import { SERVICES } from "./service-schema.ts";
import { implied, optional, required, table, tables, withDefault } from "./table-type.ts";
import { absolutePath, addressLabel, duration, interfaceName, plainName } from "./text-types.ts";
import { TIMEOUTS } from "./timeouts.ts";
import { boolean, choice, integer, list } from "./value-type.ts";

/**
 * The whole file as one declaration: what may stand where, its default and its meaning. The parser, the messages, the
 * rendering and the manual page all follow from it, so that they can't disagree.
 */

/** All leases are renewed in one netlink send, of which about 60 kB fit at about 100 bytes each. */
const MAX_VIPS = 500;
const MAX_NEIGHBOURS = 100;

function router(id: "primary" | "backup", which: string) {
  return table(`[pair.${id}]`, `The ${which} router of the pair. A machine knows itself by its addresses.`, {
    name: required(plainName, {
      meaning: "What logs and commands call it.",
      example: id === "primary" ? '"lvs1"' : '"lvs2"',
    }),
    public: required(hostAddress, {
      meaning: "Its own address on the clients' side; heartbeats go to it.",
      example: id === "primary" ? '"203.0.113.2"' : '"203.0.113.3"',
    }),
    private: required(hostAddress, {
      meaning: "Its own address on the real servers' side; heartbeats go to it as well.",
      example: id === "primary" ? '"10.0.0.2"' : '"10.0.0.3"',
    }),
  });
}

export const ROUTERS = { primary: router("primary", "first"), backup: router("backup", "second") };

export const PAIR = table("[pair]", "The two routers and how they watch each other.", {
  key_file: required(absolutePath, {
    meaning:
      "The file with the key that heartbeats are signed with, the same on both routers, made by: tandem heartbeat " +
      "keygen. Only its owner may read it.",
    example: '"/etc/tandem/pair.key"',
    alias: ["key", "auth_key"],
  }),
  interval: withDefault(duration("10ms", "1m"), 200, {
    meaning: "The time between two heartbeats on each path.",
    example: '"100ms"',
    alias: ["advert_int", "keepalive"],
  }),
  dead_after: withDefault(duration("20ms", "10m"), 1000, {
    meaning: "The peer counts as dead after this long without a heartbeat on any path; at least twice interval.",
    example: '"500ms"',
    alias: ["deadtime", "dead_interval"],
  }),
  failback: withDefault(choice(["automatic", "manual"]), "automatic", {
    meaning: "Whether a primary that is back and ready gets its role back by itself, or by: tandem failover switch.",
    example: '"manual"',
    alias: ["preempt", "nopreempt"],
  }),
  failback_after: withDefault(duration("1s", "1h"), 30_000, {
    meaning:
      "How long the primary must have been back and ready before it gets its role back by itself. The time doubles " +
      "with each tenure that then failed, up to an hour.",
    example: '"2m"',
    alias: ["preempt_delay"],
  }),
  lease: withDefault(duration("1s", "1h", "seconds"), 3000, {
    meaning: "The kernel drops a VIP that tandem has not renewed for this long.",
    example: '"3s"',
  }),
  port: withDefault(integer(1, 65_535), 5390, { meaning: "The UDP port of the heartbeats.", example: "5390" }),
  neighbours: withDefault(list(hostAddress, "a list of addresses", { max: MAX_NEIGHBOURS, bareItem: true }), [], {
    meaning:
      "Addresses whose answers show that a router's side works. The empty list stands for the gateways of the " +
      "route table and the real servers.",
    example: '["203.0.113.1"]',
    alias: ["neighbors"],
  }),
  stop: withDefault(choice(["release", "keep"]), "release", {
    meaning:
      "What an orderly stop does with the VIPs when the other router is not there to take them: release them at " +
      "once, or keep them for 60 s, which bridges an upgrade.",
    example: '"keep"',
  }),
  views: withDefault(choice(["warn", "act"]), "warn", {
    meaning: "What follows when the standby sees more services alive than the active: a warning, or a hand-over.",
    example: '"act"',
  }),
  primary: required(ROUTERS.primary, { meaning: "The first router.", example: "" }),
  backup: required(ROUTERS.backup, { meaning: "The second router.", example: "" }),
});

export const VIPS = tables(
  "[[vip]]",
  "A virtual IP address, which the active router has. All of them move together.",
  {
    address: required(vipPrefix, {
      meaning:
        "The address with the prefix length of its network. It may be a link-local one of IPv6, such as hosts use for " +
        "their gateway; no service can listen on that.",
      example: '"203.0.113.10/24"',
      alias: ["ip", "virtual_ipaddress"],
    }),
    interface: required(interfaceName, { meaning: "The interface that gets it.", example: '"eth0"', alias: ["dev"] }),
    label: optional(addressLabel, {
      meaning:
        "The address's label, which old tools show as an interface: the interface's name, a colon, and more. IPv4 only.",
      fallbackText: "none",
      example: '"eth0:1"',
    }),
    required: withDefault(boolean, true, {
      meaning:
        "Whether it counts when the two routers are compared. With false it moves with the others, but that a router " +
        "can't serve it moves nothing and keeps nothing from moving.",
      example: "false",
    }),
  },
  MAX_VIPS,
);

/**
 * start_sync_thread() of ip_vs_sync.c: a backup daemon raises less to this; more than 65,535 with the headers of IPv6 and
 * UDP fits no datagram.
 */
export const SYNC_LENGTH_BYTES_MIN = 1_024;
const SYNC_LENGTH_BYTES_MAX = 65_487;

export const SYNC = table("[sync]", "Connection synchronisation between the routers' kernels.", {
  enabled: optional(boolean, {
    meaning: "Whether the standby's kernel learns the active's connections.",
    fallbackText: "true where there are services",
    example: "false",
  }),
  interface: optional(interfaceName, {
    meaning: "The interface that connections are sent on.",
    fallbackText: "the one with the private address",
    example: '"eth1"',
    alias: ["syncd_iface", "mcast_interface"],
  }),
  id: withDefault(integer(0, 255), 1, {
    meaning: "Tells two pairs on one network apart; 0 takes everyone's.",
    example: "1",
    alias: ["syncid", "syncd_id"],
  }),
  group: withDefault(multicastGroup, "224.0.0.81", { meaning: "The multicast group.", example: '"224.0.0.81"' }),
  port: withDefault(integer(1, 65_535), 8848, { meaning: "The UDP port.", example: "8848" }),
  ttl: withDefault(integer(1, 255), 1, {
    meaning: "How many routers the messages may pass: more than 1 where the peer is not on the same network.",
    example: "2",
    alias: ["mcast_ttl", "syncd_ttl"],
  }),
  max_length: optional(integer(SYNC_LENGTH_BYTES_MIN, SYNC_LENGTH_BYTES_MAX), {
    meaning: "The longest message in bytes, with sync = batched; both routers need the same.",
    fallbackText: "what one packet of the interface can carry",
    example: "8000",
    alias: ["maxlen", "sync_maxlen", "syncd_maxlen"],
  }),
  sync: withDefault(choice(["prompt", "batched"]), "prompt", {
    meaning:
      "prompt: each connection at once, so that none is lost when a router dies. batched: fewer packets, for very busy sites.",
    example: '"batched"',
    alias: ["mode"],
  }),
});

export const HOOKS = table("[hooks]", "Programs that are run when something changes. No shell is involved.", {
  active: withDefault(optionalProgram, [], {
    meaning: "Run when this router has become active; the empty list is no program.",
    example: '["/usr/local/sbin/notify", "active"]',
    alias: ["notify_master", "active_cmd"],
  }),
  standby: withDefault(optionalProgram, [], {
    meaning: "Run when this router has become standby.",
    example: '["/usr/local/sbin/notify", "standby"]',
    alias: ["notify_backup", "inactive_cmd"],
  }),
  verdict: withDefault(optionalProgram, [], {
    meaning:
      "Run when a real server goes up or down, on both routers, with TANDEM_SERVICE, TANDEM_SERVER, TANDEM_FROM, " +
      "TANDEM_VERDICT and TANDEM_REASON in its environment.",
    example: '["/usr/local/sbin/notify", "server"]',
    alias: ["notify_up", "notify_down", "checkcommand"],
  }),
  quorum: withDefault(optionalProgram, [], {
    meaning:
      "Run when a service loses its quorum or has it again, on both routers, with TANDEM_SERVICE, TANDEM_LISTEN and " +
      'TANDEM_QUORUM ("lost" or "regained") in its environment.',
    example: '["/usr/local/sbin/notify", "quorum"]',
    alias: ["quorum_up", "quorum_down"],
  }),
  takeover: withDefault(optionalProgram, [], {
    meaning:
      "A step of each takeover: run before this router sets the VIPs, and waited for, where something else has to move " +
      "as well (a cloud's address, by a call of its interface). A restarted daemon that finds its VIPs in place, and one " +
      "whose peer was away or began to take over in vain, run it again without waiting.",
    example: '["/usr/local/sbin/move-address", "here"]',
  }),
  takeover_failure: withDefault(choice(["abort", "continue"]), "abort", {
    meaning:
      "What it means when that program fails or takes too long. abort: no takeover now; the other router may try, and " +
      "this one tries again, after ever longer pauses. continue: the VIPs are set all the same.",
    example: '"continue"',
  }),
  timeout: withDefault(duration("100ms", "10m"), 10_000, {
    meaning: "A program that takes longer is ended, with all that it started.",
    example: '"10s"',
  }),
});

export const LOG = table("[log]", "What is logged, on standard error.", {
  format: withDefault(choice(["text", "json"]), "text", {
    meaning: "Lines for people, or one JSON object a line.",
    example: '"json"',
  }),
  level: withDefault(choice(["debug", "info", "warn", "error"]), "info", {
    meaning: "The least important messages that are shown.",
    example: '"debug"',
  }),
});

export const FILE = table("", "What stands above the first table.", {
  include: optional(includePatterns, {
    meaning:
      "Other files with [[vip]], [[service]] and [[gate]] tables, which go on with those of this file: a path, or a list " +
      "of them. A relative path begins at the folder of this file; in the name of the file, * and ? stand for any " +
      "characters and for one, and a name that begins with a point is not meant. The files of one pattern are read in " +
      "the order of their names. A pattern may match nothing, but a file that is named must be there. Included files " +
      "can include no others. Both routers need the same tables, in whichever files they stand.",
    fallbackText: "none",
    example: '["conf.d/*.toml"]',
    alias: ["includes", "import", "conf_dir"],
  }),
  pair: required(PAIR, { meaning: "The two routers.", example: "" }),
  vip: optional(VIPS, { meaning: "The addresses that move.", example: "", alias: ["vips", "virtual_ipaddress"] }),
  service: optional(SERVICES, {
    meaning: "The services.",
    example: "",
    alias: ["services", "virtual_server", "virtual"],
  }),
  gate: optional(GATES, {
    meaning: "What must hold on the active router.",
    example: "",
    alias: ["gates", "vrrp_script", "track_script", "track_interface", "track_process", "track_file"],
  }),
  sync: implied(SYNC, { meaning: "Connection synchronisation.", example: "" }),
  ipvs: implied(IPVS, { meaning: "Settings of the kernel's IPVS.", example: "" }),
  timeouts: optional(TIMEOUTS, { meaning: "The timeouts of connections.", example: "", alias: ["lvs_timeouts"] }),
  hooks: implied(HOOKS, { meaning: "Programs.", example: "", alias: ["notify"] }),
  log: implied(LOG, { meaning: "Logging.", example: "", alias: ["logging"] }),
});
