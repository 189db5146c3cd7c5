/** The times of the rules in ticks of half a second, for the default settings: dead_after 1 s, lease 3 s. */

/** Silence of this length is death. */
export const DEAD = 2;
/** From here on the peer's kernel is asked. */
export const LATE = 1;
/** Of two standby routers that hear each other the second one takes after a second. */
export const TIE = 2;
/** Who lets its peer go first waits for 1.5 s. */
export const YIELD = 3;
/** The peer's kernel has had the VIPs for this long, seen from an active: 300 ms, which end in the second tick. */
export const SEEN = 2;
/** Two that both have proof stay for 3 s. */
export const PATIENCE = 6;
/** A silent side is blind after a second. */
export const BLIND = 2;
/** For how long an active that sees nobody remembers that its peer was there: 10 s, here no longer than all else. */
export const ALONE_MEMORY = 9;
/** An interval, a lease of 3 s and 1.1 s: what a daemon renewed until its last frame has ended. */
export const EVERY_LEASE = 9;

/** How a lease ends: in the kernel, and by the books of the daemon that slept over it. */
export interface Lease {
  readonly name: string;
  /** From the last tick in which it was renewed. */
  readonly kernel: number;
  readonly daemon: number;
}

/** Renewed just now, and ended as late as a kernel does: 3 s and 1.1 s. */
export const LATE_END: Lease = { name: "as late as can be", kernel: 8, daemon: 6 };
/** Renewed a second ago, and ended on time. */
export const EARLY_END: Lease = { name: "as early as can be", kernel: 4, daemon: 4 };
