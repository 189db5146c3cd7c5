/** The schedulers of the Linux kernel (net/netfilter/ipvs), the eight of the core first. */
export const CORE_SCHEDULERS = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh"] as const;
export const SCHEDULERS = [...CORE_SCHEDULERS, "sed", "nq", "mh", "fo", "ovf", "twos"] as const;
export type Scheduler = (typeof SCHEDULERS)[number];

export function isScheduler(text: string): text is Scheduler {
  return (SCHEDULERS as readonly string[]).includes(text);
}
