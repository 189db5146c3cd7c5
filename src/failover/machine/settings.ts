/**
 * What the failover machine is told about the pair, and the times that follow from it.
 * Everything here is plain data; a reload passes a whole new value as an input.
 */
import type { PathName, RouterId } from "../../model/pair.ts";
import type { Vip } from "../../model/vip.ts";

/** A VIP with the side of the router it belongs to; a VIP on a third interface counts as public. */
export interface SidedVip {
  readonly vip: Vip;
  readonly side: PathName;
  /** A service of the configuration listens on it. */
  readonly carriesServices?: true;
  /** It counts for nothing when the routers are compared (`required = false`). */
  readonly optional?: true;
}

export interface WatchedService {
  readonly name: string;
  /** Three times what a verdict of its slowest check takes. */
  readonly patienceMs: number;
}

export interface FailoverSettings {
  /** Which router of the configuration this is. */
  readonly router: RouterId;
  /** 16 hexadecimal digits, the same on both routers: `pairIdOf` of wire/heartbeat/heartbeat-packet.ts. */
  readonly pairId: string;
  /**
   * Between two heartbeats on each path, 10 ms to 1 min; default 200. Shorter ones find a loss of both paths sooner and cost a
   * signature each; 10 ms held for an hour under full load. Both routers should have the same: each judges by its own.
   */
  readonly intervalMs: number;
  /**
   * Without a heartbeat on any path for this long the peer counts as dead, 20 ms to 10 min and at least twice `intervalMs`; default
   * 1,000. A dead machine is replaced this long after its last word. Three intervals or fewer make every lost burst a takeover.
   */
  readonly deadAfterMs: number;
  /**
   * The kernel's lifetime of a VIP, whole seconds from 1 s to 1 h; default 3,000. It is renewed each third of it. A daemon that was killed
   * or hangs holds its VIPs for this long and LEASE_SLACK_MS at most; a kernel lock that is held for longer costs them.
   */
  readonly leaseMs: number;
  /** Whether the primary gets the VIPs back by itself; default automatic. With machines that are alike, manual moves less. */
  readonly failback: "automatic" | "manual";
  /**
   * What SIGTERM without a peer does; default release: the VIPs are dropped. With keep they stay for KEEP_LEASE_MS for the daemon that is
   * started next, and nobody answers heartbeats meanwhile.
   */
  readonly stop: "release" | "keep";
  /** 0 to 500 (`[[vip]]`), each with its side, which follows from the interfaces that this machine has. */
  readonly vips: readonly SidedVip[];
  /** In the order of their names, the same on both routers. */
  readonly services: readonly WatchedService[];
  /** What a better view of the standby leads to (rule B10): default warn. To act wants checks that both routers can do alike. */
  readonly views: "warn" | "act";
  /** Whether there are services, so that a takeover has a table to wait for (rule B12). */
  readonly hasServices: boolean;
  /** 16 hexadecimal digits: a digest of the effective configuration (rule 14). */
  readonly configFingerprint: string;
  /** Version of this program, at most 32 bytes. */
  readonly software: string;
  /**
   * How long the primary must be stable before it gets its role back, 1 s to 1 h; default 30,000. It doubles with each tenure that then
   * failed, up to FAILBACK_STABLE_LIMIT_MS (rule 13).
   */
  readonly failbackStableMs: number;
  /** A program that moves what is not in this kernel, waited for in each takeover; absent: none. */
  readonly takeoverStep?: TakeoverStep;
}

export interface TakeoverStep {
  /** How long it may run before it is ended, 100 ms to 10 min (`[hooks] timeout`); default 10,000. A takeover waits for it. */
  readonly limitMs: number;
  readonly onFailure: "abort" | "continue";
}

/** Rule 13. */
export const FAILBACK_STABLE_LIMIT_MS = 3_600_000;
/** Rule 9: how long the old owner waits for the new one to prove itself. */
export const AGREEMENT_MS = 1_000;
/**
 * Rule 9: from the new owner's word that it has the VIPs until the old one drops them, where no neighbour confirms either of
 * them. With the word's way and the removal both own them for less than 20 ms.
 */
export const UNPROVEN_WAIT_MS = 10;
/** Longer where a neighbour answers: half of its echoes may be lost (see VERIFY_ROUNDS_MS). */
export const PROOF_WAIT_MS = 250;
/** A program may wait for one before it; beyond its own limit and this it is taken for failed. */
export const STEP_SLACK_MS = 2_000;
/** Rule 10: how long a planned move waits for the peer to be ready and warm. */
export const MOVE_LIMIT_MS = 60_000;
/** The same for a fail-back, which nobody waits for: a million connections take minutes to be told. */
export const FAILBACK_MOVE_LIMIT_MS = 300_000;
/** The same for SIGTERM: a service manager waits 90 s at most (systemd, DefaultTimeoutStopSec). */
export const STOP_LIMIT_MS = 5_000;
/** Rule B12: a takeover waits this long for the balancer's table, then goes by the kernel's. */
export const TABLE_WAIT_MS = 200;
/** Rule 12: how long a restarted daemon listens before it adopts the VIPs it left. */
export const ADOPT_WAIT_MS = 50;
/** Rule 12: the lease that `stop = "keep"` leaves behind. */
export const KEEP_LEASE_MS = 60_000;
/** A term rises by one with each takeover: more than this is no term, whoever says so. */
export const TERM_LIMIT = 2 ** 31;
/** Rule 6. */
export const ALONE_MEMORY_MS = 10_000;
/** Rule 5: both standby, neither was ever active: the backup waits this long for the primary. */
export const STANDBY_TIE_MS = 1_000;
/** Rule 8: Linux ignores an ARP update inside locktime, 1 s (net/ipv4/arp.c); the peers' trackers settled on 1.1 s. */
export const ANNOUNCE_AGAIN_MS = 1_100;
export const ANNOUNCE_REFRESH_MS = 60_000;
/** A refresh of many VIPs is spread: this many at a time, this long apart. */
export const ANNOUNCE_REFRESH_BATCH = 32;
export const ANNOUNCE_REFRESH_GAP_MS = 100;
/** Rule 8: rounds of echo requests from the VIP, by the time since the takeover. */
export const VERIFY_ROUNDS_MS: readonly number[] = [
  // Dense enough that with half of the packets lost an answer is there within some 100 ms.
  0, 5, 10, 20, 30, 40, 60, 80, 100, 120, 140, 160, 200, 240, 280, 320, 400, 480, 560, 640, 800,
];
export const VERIFY_LIMIT_MS = 1_000;
/** Rule 11: this many removals by others within this time are too many. */
export const GUARD_LIMIT = 5;
export const GUARD_WINDOW_MS = 60_000;
/** Rule 3: a lease ends within its length and this (tried on Linux 6.1: a lone lease of 3 s ended after 3.4 to 3.7 s). */
export const LEASE_SLACK_MS = 1_100;
/**
 * A switch that goes takes the carriers of both routers, some milliseconds apart, and each tells its own at once: what
 * the other says of its carrier is believed after this, and sooner in a fast pair. Short enough for a takeover within 50 ms.
 */
export const CARRIER_SETTLE_MS = 30;
const CARRIER_SETTLE_MIN_MS = 10;
const CARRIER_SETTLE_INTERVALS = 1.5;
/** Names a bound for lists that grow with events; the oldest go first. */
export const TRAIL_LIMIT = 24;
export const HISTORY_LIMIT = 100;

/** How long the old owner waits in all: a takeover whose step is a program's takes that program's time more. */
export function agreementMs({ takeoverStep }: FailoverSettings): number {
  return AGREEMENT_MS + (takeoverStep === undefined ? 0 : takeoverStep.limitMs + STEP_SLACK_MS);
}

/** Times derived from the settings. */
export interface Timing {
  /** The peer is late: ask its kernel, in case it dies (rule 4). */
  readonly lateAfterMs: number;
  /** Between two rounds of asking while waiting for a take. */
  readonly askEveryMs: number;
  /** Between two rounds once the peer's kernel answered for more than two leases. */
  readonly askSlowlyMs: number;
  /** Between two heartbeats while an agreement runs. */
  readonly hurryMs: number;
  /** After a carrier was lost or came, until both routers' words about theirs can be compared (rule 1). */
  readonly carrierSettleMs: number;
  readonly renewEveryMs: number;
  /** Later than this behind a deadline means that this process was asleep (rule 7). */
  readonly sleptMs: number;
}

/** Derives the times of rules 4, 3, 7 and 9 from the settings. */
export function timingOf(settings: FailoverSettings): Timing {
  const { intervalMs, deadAfterMs, leaseMs } = settings;
  return {
    lateAfterMs: deadAfterMs / 2,
    askEveryMs: Math.min(8, Math.max(3, deadAfterMs / 10)),
    askSlowlyMs: Math.max(100, intervalMs),
    hurryMs: Math.min(intervalMs, 20),
    carrierSettleMs: Math.min(
      CARRIER_SETTLE_MS,
      Math.max(CARRIER_SETTLE_MIN_MS, CARRIER_SETTLE_INTERVALS * intervalMs),
    ),
    renewEveryMs: leaseMs / 3,
    sleptMs: Math.max(intervalMs / 2, 10),
  };
}
