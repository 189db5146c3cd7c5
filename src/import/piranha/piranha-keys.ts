/** The keys of lvs.cf(5) that mean something here, and those that don't. */

export const PIRANHA_GLOBALS: ReadonlySet<string> = new Set([
  ...["service", "primary", "primary_private", "backup", "backup_private", "backup_active", "keepalive", "deadtime"],
  ...["network", "nat_router", "nat_nmask", "active_cmd", "inactive_cmd", "syncdaemon", "syncd_iface", "syncd_id"],
  ...["tcp_timeout", "tcpfin_timeout", "udp_timeout"],
]);

export const PIRANHA_VIRTUAL: ReadonlySet<string> = new Set([
  ...[
    "active",
    "address",
    "vip_nmask",
    "sorry_server",
    "fwmark",
    "protocol",
    "port",
    "scheduler",
    "persistent",
    "pmask",
  ],
  ...["timeout", "reentry", "send", "expect", "use_regex", "send_program", "quiesce_server"],
]);

export const PIRANHA_SERVER: ReadonlySet<string> = new Set(["address", "active", "weight", "port"]);

export const PIRANHA_DROPPED: ReadonlySet<string> = new Set([
  ...["serial_no", "primary_shared", "backup_shared", "reservation_conflict_action", "heartbeat", "heartbeat_port"],
  ...["monitor_links", "hard_shutdown", "rsh_command", "sync"],
  ...["ipvsadm", "debug_level", "debug", "load_monitor", "client_monitor", "master", "dirs", "start_cmd", "stop_cmd"],
]);
