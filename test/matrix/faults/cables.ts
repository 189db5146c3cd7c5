/** Cables and switches. */
import type { RouterName } from "../../lab/topology.ts";
import { AGREED_MS, CONNECTIONS, DEAD_AFTER_MS, type Fault, NOTHING_MS, SILENCE_MS, TOLD_MS } from "../fault.ts";
import { loseFrames, passAll, switchOff, switchOn } from "../switch-faults.ts";

const SWITCH_OFF_MS = 3000;
const LOSS_PERCENT = 30;
const LOSS_MS = 15_000;
const ISOLATED_MS = 4000;
/** Until the two have noticed what they can't see, and have settled. */
const UNNOTICED_MS = 3000;

const INTERFACE = { public: "eth0", private: "eth1" } as const;
/** The sides that heartbeats take. */
type Side = keyof typeof INTERFACE;

function pulled(router: RouterName, side: Side): Fault {
  const active = router === "lvs1";
  const next = active ? "lvs2" : "lvs1";
  return {
    name: `the ${side} cable of the ${active ? "active" : "standby"} is pulled, and plugged again`,
    expected: { owner: next, gapMs: active ? TOLD_MS : NOTHING_MS, ...(active ? { twoOwnersMs: AGREED_MS } : {}) },
    async act(stage) {
      stage.topology.unplug(router, INTERFACE[side]);
      if (active) await stage.owned(next);
      await Bun.sleep(UNNOTICED_MS);
      stage.topology.plug(router, INTERFACE[side]);
      await stage.settled(next);
    },
  };
}

function bothPulled(router: RouterName): Fault {
  const active = router === "lvs1";
  const next = active ? "lvs2" : "lvs1";
  return {
    name: `both cables of the ${active ? "active" : "standby"} are pulled at once, and plugged again`,
    expected: { owner: next, gapMs: active ? SILENCE_MS : NOTHING_MS, twoOwnersSlowMs: AGREED_MS },
    ...(active
      ? { note: "on the lab's kernel one cable goes some 50 ms before the other: told of it, the active hands over" }
      : {}),
    async act(stage) {
      stage.topology.unplugAll(router);
      if (active) await stage.owned(next);
      await Bun.sleep(UNNOTICED_MS);
      stage.topology.plugAll(router);
      await stage.settled(next);
    },
  };
}

/** What the health checks make of frames that are lost. */
const FOUND_DEAD =
  "servers are found dead and removed; who sends meanwhile loses its connection (`expire_nodest_conn = false` keeps it)";

function switchDead(side: Side): Fault {
  return {
    name: `the ${side} switch is off for ${SWITCH_OFF_MS / 1000} s`,
    expected: {
      owner: "lvs1",
      gapMs: SWITCH_OFF_MS + SILENCE_MS,
      twoOwnersMs: AGREED_MS,
      connectionsLost: side === "public" ? 0 : CONNECTIONS,
    },
    note:
      side === "public"
        ? `no client reaches anybody while it is off: ${SWITCH_OFF_MS / 1000} s of the gap`
        : `with services: no real server is reached while it is off, ${SWITCH_OFF_MS / 1000} s of the gap; ${FOUND_DEAD}`,
    async act(stage) {
      switchOff(stage.topology, side);
      await Bun.sleep(SWITCH_OFF_MS);
      switchOn(stage.topology, side);
      await stage.settled("lvs1");
    },
  };
}

function oneWay(side: Side, direction: "to-host" | "from-host"): Fault {
  const what = direction === "to-host" ? "hears nothing" : "is not heard";
  return {
    name: `one-way loss: the active ${what} on its ${side} side, carrier up`,
    expected: { owner: "lvs2", gapMs: SILENCE_MS, twoOwnersMs: AGREED_MS },
    async act(stage) {
      stage.topology.silence("lvs1", INTERFACE[side], direction);
      await stage.owned("lvs2");
      stage.topology.restore("lvs1", INTERFACE[side]);
      await stage.settled("lvs2");
    },
  };
}

function isolated(side: Side): Fault {
  return {
    name: `isolated switch ports on the ${side} side: the routers can't reach each other there, all others can`,
    expected: { owner: "lvs1", gapMs: NOTHING_MS },
    async act(stage) {
      stage.topology.separate(side);
      await Bun.sleep(ISOLATED_MS);
      stage.topology.join(side);
      await stage.settled("lvs1");
    },
  };
}

export const CABLES: readonly Fault[] = [
  pulled("lvs1", "public"),
  pulled("lvs1", "private"),
  pulled("lvs2", "public"),
  pulled("lvs2", "private"),
  bothPulled("lvs1"),
  bothPulled("lvs2"),
  switchDead("public"),
  switchDead("private"),
  oneWay("public", "to-host"),
  oneWay("public", "from-host"),
  oneWay("private", "to-host"),
  oneWay("private", "from-host"),
  {
    name: `${LOSS_PERCENT} % loss of all frames to and from both routers`,
    expected: { owner: "lvs1", gapMs: NOTHING_MS, connectionsLost: CONNECTIONS },
    note: FOUND_DEAD,
    async act(stage) {
      loseFrames(stage.topology, LOSS_PERCENT);
      await Bun.sleep(LOSS_MS);
      passAll(stage.topology);
      await stage.settled("lvs1");
    },
  },
  isolated("public"),
  isolated("private"),
  {
    name: `isolated switch ports on both sides for ${ISOLATED_MS / 1000} s`,
    expected: { owner: "lvs2", gapMs: SILENCE_MS, twoOwnersMs: ISOLATED_MS, connectionsLost: CONNECTIONS },
    note: "two machines without a third that judges cannot tell this from a dead peer: both serve until they meet again",
    async act(stage) {
      stage.topology.separate("public");
      stage.topology.separate("private");
      await stage.until("both are active", () => stage.owners().length === 2);
      await Bun.sleep(ISOLATED_MS - DEAD_AFTER_MS);
      stage.topology.join("public");
      stage.topology.join("private");
      await stage.settled("lvs2");
    },
  },
];
