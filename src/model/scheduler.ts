/** The schedulers of the Linux kernel (net/netfilter/ipvs), the eight of the core first. */
export const CORE_SCHEDULERS = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh"] as const;
export const SCHEDULERS = [...CORE_SCHEDULERS, "sed", "nq", "mh", "fo", "ovf", "twos"] as const;
export type Scheduler = (typeof SCHEDULERS)[number];

/** What each scheduler does, for help texts and tables. */
export const SCHEDULER_MEANINGS: Readonly<Record<Scheduler, string>> = {
  rr: "round robin",
  wrr: "weighted round robin",
  lc: "least connections",
  wlc: "weighted least connections",
  lblc: "locality-based least connections",
  lblcr: "locality-based least connections with replication",
  dh: "destination hashing",
  sh: "source hashing",
  sed: "shortest expected delay",
  nq: "never queue",
  mh: "Maglev hashing",
  fo: "weighted failover",
  ovf: "weighted overflow",
  twos: "power of two choices",
};

export function isScheduler(text: string): text is Scheduler {
  return (SCHEDULERS as readonly string[]).includes(text);
}
