/** What an active needs beside its VIPs: own addresses, a way back to the clients, interfaces that stay what they were. */
import { writeFileSync } from "node:fs";
import { type RouterName, THIRD_VIP } from "../../lab/topology.ts";
import { AGREED_MS, type Fault, FOUND_OUT_MS, NOTHING_MS, TOLD_AT_ONCE_MS } from "../fault.ts";
import type { Stage } from "../stage.ts";
import { type Staging, THIRD } from "../staging.ts";
import { rename } from "./third-network.ts";

const AFTERWARDS_MS = 5000;
/** Until all announcements of a takeover have been made. */
const ANNOUNCED_MS = 3000;
/** Locally administered (IEEE 802, the second bit of the first octet), and of nobody else here. */
const OTHER_MAC = "02:00:5e:00:53:01";

const BOTH_SIDES: Staging = { probes: ["public", "private"] };
const REMOTE: Staging = { probes: ["public", "remote"] };

const OWN = { public: "203.0.113.2/24 dev eth0", private: "10.0.0.2/24 dev eth1" };

function ownAddressLost(side: keyof typeof OWN): Fault {
  return {
    name: `the active loses its own address on its ${side} side`,
    kinds: ["namespaces"],
    staging: BOTH_SIDES,
    expected: { owner: "lvs2", gapMs: TOLD_AT_ONCE_MS, twoOwnersMs: AGREED_MS },
    async act(stage) {
      stage.ip("lvs1", `addr del ${OWN[side]}`);
      await stage.owned("lvs2");
      await Bun.sleep(AFTERWARDS_MS);
    },
  };
}

/** Without its own address a router still answers by its gateway, as long as it has a route there. */
const addressAndRouteLost: Fault = {
  name: "the active loses its own address on its public side, and its default route",
  kinds: ["namespaces"],
  staging: REMOTE,
  expected: { owner: "lvs2", gapMs: TOLD_AT_ONCE_MS, twoOwnersMs: AGREED_MS },
  async act(stage) {
    stage.ip("lvs1", `addr del ${OWN.public}`);
    stage.ip("lvs1", "route del default");
    await stage.owned("lvs2");
    await Bun.sleep(AFTERWARDS_MS);
  },
};

const defaultRouteLost: Fault = {
  name: "the active loses its default route",
  kinds: ["namespaces"],
  staging: REMOTE,
  expected: { owner: "lvs2", gapMs: FOUND_OUT_MS, twoOwnersMs: AGREED_MS },
  note: "of a client behind the gateway",
  async act(stage) {
    stage.ip("lvs1", "route del default");
    await stage.owned("lvs2");
    await Bun.sleep(AFTERWARDS_MS);
  },
};

/** The default route of one router only is no reason to move anything. */
function routeOfOne(name: string, before: (stage: Stage) => void, act: (stage: Stage) => void): Fault {
  return {
    name: `a default route that only one router ever had: ${name}`,
    kinds: ["namespaces"],
    routers: "down",
    expected: { owner: "lvs1", gapMs: NOTHING_MS },
    async act(stage) {
      await stage.beforehand(async () => {
        before(stage);
        await stage.lab.startRouters();
        await stage.settled("lvs1");
        await Bun.sleep(AFTERWARDS_MS / 2);
      });
      act(stage);
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs1");
    },
  };
}

function withoutRoute(router: RouterName): (stage: Stage) => void {
  return (stage) => stage.ip(router, "route del default");
}

/**
 * Neighbours could be corrected by chance: by what is announced a second after the start, or by a request of the router's
 * for a client with the VIP as the one who asks.
 */
async function leaveNothingToChance(stage: Stage, router: RouterName): Promise<void> {
  stage.topology.on(router, () => writeFileSync("/proc/sys/net/ipv4/conf/all/arp_announce", "2"));
  await stage.beforehand(() => Bun.sleep(ANNOUNCED_MS));
}

function macChanged(router: RouterName, side: "public" | "private"): Fault {
  const interfaceName = side === "public" ? "eth0" : "eth1";
  return {
    name: `the ${router === "lvs1" ? "active" : "standby"}'s ${side} interface gets another MAC`,
    kinds: ["namespaces"],
    staging: BOTH_SIDES,
    expected: { owner: "lvs1", gapMs: router === "lvs1" ? TOLD_AT_ONCE_MS : NOTHING_MS },
    async act(stage) {
      await leaveNothingToChance(stage, router);
      stage.ip(router, `link set ${interfaceName} address ${OTHER_MAC}`);
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs1");
    },
  };
}

/** The peer asks for the VIPs at the MAC that it has heard of. */
const macChangedAndDead: Fault = {
  name: "the active's public interface gets another MAC, and 1 s later its power fails",
  kinds: ["namespaces"],
  expected: { owner: "lvs2", gapMs: FOUND_OUT_MS },
  async act(stage) {
    await stage.beforehand(async () => {
      stage.ip("lvs1", `link set eth0 address ${OTHER_MAC}`);
      await Bun.sleep(1000);
    });
    stage.powerOff();
    await stage.owned("lvs2");
  },
};

/** A kernel since 6.2 renames an interface that is up (IFF_LIVE_RENAME_OK is for all of them). */
function renamed(router: RouterName, interfaceName: string): Fault {
  const active = router === "lvs1";
  return {
    name: `${interfaceName} of the ${active ? "active" : "standby"} is renamed while it is up`,
    kinds: ["namespaces"],
    staging: { ...THIRD, probes: ["public", "private", "third"] },
    expected: active
      ? { owner: "either", gapMs: TOLD_AT_ONCE_MS, twoOwnersMs: AGREED_MS }
      : { owner: "lvs1", gapMs: NOTHING_MS },
    async act(stage) {
      stage.ip(router, `link set ${interfaceName} name wan0`);
      await Bun.sleep(AFTERWARDS_MS);
    },
  };
}

/** A kernel before 6.2 wants it down for that, and its IPv4 default route goes with the link. */
const renamedDown: Fault = {
  name: "eth0 of the active is set down, renamed and set up again",
  kinds: ["namespaces"],
  staging: BOTH_SIDES,
  expected: { owner: "lvs2", gapMs: TOLD_AT_ONCE_MS, twoOwnersMs: AGREED_MS },
  async act(stage) {
    rename(stage, "lvs1", "eth0", "wan0");
    await Bun.sleep(AFTERWARDS_MS);
    await stage.settled("lvs2");
  },
};

function late(seconds: number): Fault {
  return {
    name: `the interface of a VIP appears ${seconds} s after both daemons have started`,
    kinds: ["namespaces"],
    routers: "down",
    staging: { ...THIRD, vips: [THIRD_VIP] },
    expected: { owner: "either", gapMs: TOLD_AT_ONCE_MS },
    note: "counted from the moment the interface has its address and a carrier on both",
    async act(stage) {
      await stage.beforehand(async () => {
        for (const router of ["lvs1", "lvs2"] as const) stage.topology.removeInterface(router, "eth2");
        for (const router of stage.lab.pair.routers) router.start();
        await Bun.sleep(seconds * 1000);
        for (const router of ["lvs1", "lvs2"] as const) stage.topology.addInterface(router, "eth2");
      });
      await Bun.sleep(AFTERWARDS_MS);
    },
  };
}

export const OWN_ADDRESSES: readonly Fault[] = [
  ownAddressLost("public"),
  ownAddressLost("private"),
  addressAndRouteLost,
  defaultRouteLost,
  routeOfOne("the active, which loses it", withoutRoute("lvs2"), withoutRoute("lvs1")),
  routeOfOne("the active", withoutRoute("lvs2"), () => {}),
  routeOfOne("the standby", withoutRoute("lvs1"), () => {}),
  macChanged("lvs1", "public"),
  macChanged("lvs1", "private"),
  macChanged("lvs2", "public"),
  macChangedAndDead,
  renamed("lvs1", "eth0"),
  renamed("lvs1", "eth1"),
  renamed("lvs1", "eth2"),
  renamed("lvs2", "eth0"),
  renamedDown,
  late(5),
  late(17),
];
