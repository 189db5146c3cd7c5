/** How a router sees a service: `alive` when a real server of it is up; `unknown` before the first verdicts. */
export const SERVICE_SIGHTS = ["unknown", "dead", "alive"] as const;
export type ServiceSight = (typeof SERVICE_SIGHTS)[number];
