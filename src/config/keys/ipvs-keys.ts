import type { IpvsSettings } from "../../model/ipvs-setting.ts";
import type { ConfiguredService } from "./config.ts";
import { optional, type Table, table, withDefault } from "./table-type.ts";
import { boolean, integer, type ScalarType } from "./value-type.ts";

/** `[ipvs]`: what the kernel's IPVS does in all services of this network namespace. */

const UNCHANGED = { fallbackText: "as the kernel has it" };
/** The defences against floods (ip_vs_ctl.c, proc_do_defense_mode). */
const defence = integer(0, 3);
const DEFENCE_MEANING =
  "0: never. 1 and 2: while memory is short (amemthresh); the kernel itself changes from one to the other. 3: always.";
const INT_MAX = 2_147_483_647;

/** A setting that stays as the kernel has it unless the file names it. */
function untouched<T>(type: ScalarType<T>, example: string, meaning: string) {
  return optional(type, { meaning, ...UNCHANGED, example });
}

export const IPVS = table(
  "[ipvs]",
  "How the kernel's IPVS treats connections, for all services together: settings of net.ipv4.vs in the router's network " +
    "namespace, by the kernel's names. They are set while there are services, put right again when somebody changes " +
    "one, and given back at the end as they were. One that this kernel lacks is a warning. " +
    "What becomes of open connections is under CONNECTIONS below.",
  {
    expire_nodest_conn: withDefault(boolean, true, {
      meaning:
        "Whether a real server's connections end when it is removed from the table. true: a client of UDP is sent to " +
        "another server with its next packet, and an open TCP connection is reset when its client next sends. false, the " +
        "kernel's default: their packets are dropped in silence until they time out (UDP after 5 minutes without a " +
        "packet) or the server is back.",
      example: "true",
    }),
    expire_quiescent_template: withDefault(boolean, true, {
      meaning:
        "Whether a persistent client leaves a server of weight 0 (quiesced or drained) at its next connection. false, " +
        "the kernel's default: it is sent there for as long as it comes back within the time of persistence.",
      example: "true",
    }),
    conn_reuse_mode: untouched(
      integer(0, 3),
      "1",
      "What happens when a client uses a port again whose last connection is not forgotten yet. 0: it gets the same " +
        "server. 1, the kernel's default: a server is chosen anew after TIME_WAIT or CLOSE, with forwarding by NAT. 2 or " +
        "3: also after FIN_WAIT, the last state seen of direct routing and tunnels.",
    ),
    sloppy_tcp: untouched(
      boolean,
      "true",
      "Whether a TCP packet in the middle of an unknown connection gets a server chosen, instead of a reset. Right only " +
        "where every router chooses the same one: with the schedulers sh, mh and dh.",
    ),
    sloppy_sctp: untouched(boolean, "true", "The same for SCTP."),
    schedule_icmp: untouched(
      boolean,
      "true",
      "Whether an ICMP error about a packet of an unknown connection gets a server chosen, as path MTU discovery behind " +
        "several routers at once needs it.",
    ),
    nat_icmp_send: untouched(
      boolean,
      "true",
      "Whether a real server behind NAT that answers on a connection which is no longer known gets ICMP port unreachable.",
    ),
    pmtu_disc: untouched(
      boolean,
      "true",
      "Whether packets that are too long for the way to the server and may not be fragmented are refused with ICMP. " +
        "false lets tunnels fragment them.",
    ),
    conntrack: untouched(
      boolean,
      "false",
      "Whether the firewall's connection tracking follows the connections of IPVS, as stateful rules about them need it.",
    ),
    snat_reroute: untouched(
      boolean,
      "true",
      "Whether the answers of servers behind NAT are routed as if they came from this router, which matters with policy " +
        "routing only.",
    ),
    ignore_tunneled: untouched(
      boolean,
      "false",
      "Whether packets of protocols that IPVS does not know, such as tunnels that end here, are kept from being balanced " +
        "again.",
    ),
    cache_bypass: untouched(
      boolean,
      "false",
      "Whether a transparent cache cluster without a server sends clients on to their destination.",
    ),
    drop_entry: untouched(defence, "1", `Whether half-open connections are dropped at random. ${DEFENCE_MEANING}`),
    drop_packet: untouched(defence, "0", `Whether one packet in so many is dropped. ${DEFENCE_MEANING}`),
    secure_tcp: untouched(
      defence,
      "0",
      `Whether TCP has a stricter table of states with timeouts of its own. ${DEFENCE_MEANING}`,
    ),
    amemthresh: untouched(integer(0, INT_MAX), "1024", "Memory is short with fewer free pages than this."),
    am_droprate: untouched(integer(0, INT_MAX), "10", "With drop_packet = 3 one packet in so many is dropped."),
    run_estimation: untouched(
      boolean,
      "true",
      "Whether the kernel estimates rates. With tens of thousands of servers that takes a processor's time; the rates of " +
        "tandem service list are counted apart from that.",
    ),
    est_nice: untouched(
      // ip_vs.h, IPVS_EST_NICE; MIN_NICE and MAX_NICE of linux/sched/prio.h
      integer(-20, 19),
      "0",
      "The niceness of the kernel's threads that estimate rates; Linux 6.2 and newer.",
    ),
  },
);

/** Schedulers that choose by the packet alone, so that both routers choose alike. */
const ALIKE: ReadonlySet<string> = new Set(["sh", "mh", "dh"]);

/** The settings that a table names or has defaults for. */
export function resolveIpvs(
  ipvs: Table<typeof IPVS.spec> | undefined,
  services: readonly ConfiguredService[] | undefined,
): IpvsSettings | undefined {
  if (ipvs === undefined) return undefined;
  const { fields, place } = ipvs;
  const other = services?.find(({ listen }) => listen.some(({ scheduler }) => !ALIKE.has(scheduler)));
  for (const name of ["sloppy_tcp", "sloppy_sctp"] as const) {
    if (fields[name] !== true || other === undefined) continue;
    const scheduler = other.listen[0]?.scheduler;
    place
      .key(name)
      .warn(
        `${name} sends what is left of a connection to any server, as the scheduler ${scheduler} of ${other.name} chooses`,
        "it is right with the schedulers sh, mh and dh",
      );
  }
  // The table's keys are the settings; the compiler forgets that on the way through entries.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) satisfies IpvsSettings;
}
