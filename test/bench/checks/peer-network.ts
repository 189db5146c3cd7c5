/** Where a router of the benchmark lives: a cable to nobody, the peer's addresses answered by the kernel's own table. */
import { run } from "../../lab/network-namespace.ts";
import { SERVERS_NETWORK } from "./servers.ts";

export const VIP = "203.0.113.10";
export const OWN = { public: "203.0.113.2", private: "192.0.2.2" } as const;
export const PEER = { public: "203.0.113.3", private: "192.0.2.3" } as const;
/** Where the beats of a program that does nothing else go to (beat.ts); nobody is there. */
export const BEATS_TO = "203.0.113.4";
export const BEAT_PORT = 5391;
/** The router's end of the cable, and the other one, where its heartbeats come out. */
export const NEAR = "bench0";
export const FAR = "bench1";
const FAR_MAC = "02:00:00:00:00:03";

/** `ip` with these words. */
export function ip(words: string): void {
  run(["ip", ...words.split(" ")]);
}

/** Only inside a lab: the whole of it is private to the lab's namespaces. */
export function makeNetwork(): void {
  if (process.env["TANDEM_LAB_KIND"] === undefined) throw new Error("only inside a lab: npm run bench:checks");
  ip("link set lo up");
  ip(`route add local ${SERVERS_NETWORK} dev lo`);
  ip(`link add ${NEAR} type veth peer name ${FAR}`);
  ip(`link set ${FAR} address ${FAR_MAC} up`);
  ip(`link set ${NEAR} up`);
  for (const address of Object.values(OWN)) ip(`addr add ${address}/24 dev ${NEAR}`);
  for (const address of [...Object.values(PEER), BEATS_TO]) {
    ip(`neigh replace ${address} lladdr ${FAR_MAC} dev ${NEAR} nud permanent`);
  }
}
