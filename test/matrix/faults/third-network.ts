/** VIPs on an interface that no heartbeat takes, and what becomes of that interface on either router. */
import { PRIVATE_VIP, PUBLIC_VIP, type RouterName, THIRD_VIP } from "../../lab/topology.ts";
import { AGREED_MS, type Fault, FOUND_OUT_MS, NOTHING_MS, TOLD_AT_ONCE_MS } from "../fault.ts";
import type { Stage } from "../stage.ts";
import { type Staging, THIRD } from "../staging.ts";
import { switchOff, switchOn } from "../switch-faults.ts";

/** Until everything that is noticed has been, and dampings of a second or two are over. */
const UNNOTICED_MS = 4000;

/** The one kernel under both routers, really two, lets nobody change an address while it takes an interface out. */
const TAKEN_OUT_MS = 80;

interface Cut {
  readonly name: string;
  /** Until the other router serves. */
  readonly gapMs: number;
  readonly cut: (stage: Stage, router: RouterName) => void;
  readonly mend: (stage: Stage, router: RouterName) => void;
}

const CUTS: readonly Cut[] = [
  {
    name: "cable is pulled",
    gapMs: TOLD_AT_ONCE_MS,
    cut: ({ topology }, router) => topology.unplug(router, "eth2"),
    mend: ({ topology }, router) => topology.plug(router, "eth2"),
  },
  {
    name: "port passes nothing more",
    gapMs: FOUND_OUT_MS,
    cut: ({ topology }, router) => topology.silence(router, "eth2"),
    mend: ({ topology }, router) => topology.restore(router, "eth2"),
  },
  {
    name: "interface is set down",
    gapMs: TOLD_AT_ONCE_MS,
    cut: (stage, router) => stage.ip(router, "link set eth2 down"),
    mend: (stage, router) => stage.ip(router, "link set eth2 up"),
  },
  {
    name: "interface is taken out",
    gapMs: TOLD_AT_ONCE_MS + TAKEN_OUT_MS,
    cut: ({ topology }, router) => topology.removeInterface(router, "eth2"),
    mend: ({ topology }, router) => topology.addInterface(router, "eth2"),
  },
];

/** The VIPs of the two sides with heartbeats: they must stay where a third one cannot be. */
const OTHERS: Staging = { ...THIRD, probes: ["public"], vips: [PUBLIC_VIP, PRIVATE_VIP] };

function ofTheActive(cut: Cut): Fault {
  return {
    name: `a third network: the active's ${cut.name}`,
    kinds: ["namespaces"],
    staging: { ...THIRD, probes: ["public", "third"] },
    expected: { owner: "lvs2", gapMs: cut.gapMs, twoOwnersMs: AGREED_MS },
    async act(stage) {
      cut.cut(stage, "lvs1");
      await stage.owned("lvs2");
      await Bun.sleep(UNNOTICED_MS);
      cut.mend(stage, "lvs1");
      await stage.settled("lvs2");
    },
  };
}

function ofTheStandby(cut: Cut): Fault {
  return {
    name: `a third network: the standby's ${cut.name}, and a planned move is asked for`,
    kinds: ["namespaces"],
    staging: { ...THIRD, probes: ["public", "third"] },
    expected: { owner: "lvs1", gapMs: NOTHING_MS },
    note: "the move is refused",
    async act(stage) {
      cut.cut(stage, "lvs2");
      await Bun.sleep(UNNOTICED_MS);
      const { exitCode } = await stage.router("lvs1").tandem("failover", "switch");
      await Bun.sleep(UNNOTICED_MS / 2);
      cut.mend(stage, "lvs2");
      if (exitCode === 0) throw new Error("the planned move was not refused");
      await stage.settled("lvs1");
    },
  };
}

const ofBoth: Fault = {
  name: "a third network: its switch is off for 4 s",
  kinds: ["namespaces"],
  staging: OTHERS,
  expected: { owner: "lvs1", gapMs: NOTHING_MS },
  note: "neither router is better: nothing moves",
  async act(stage) {
    switchOff(stage.topology, "third");
    await Bun.sleep(UNNOTICED_MS);
    switchOn(stage.topology, "third");
    await stage.settled("lvs1");
  },
};

interface Lack {
  readonly name: string;
  readonly begin: (stage: Stage) => void;
  readonly staging: Staging;
}

/** A link that is up refuses another name on kernels before 6.2. */
export function rename(stage: Stage, router: RouterName, name: string, newName: string): void {
  for (const words of [`${name} down`, `${name} name ${newName}`, `${newName} up`])
    stage.ip(router, `link set ${words}`);
}

const LACKS: readonly Lack[] = [
  { name: "lacks the interface of a VIP", begin: (stage) => stage.ip("lvs2", "link del eth2"), staging: OTHERS },
  {
    name: "has the interface of a VIP down",
    begin: (stage) => stage.ip("lvs2", "link set eth2 down"),
    staging: OTHERS,
  },
  {
    name: "has the interface of a VIP without a cable",
    begin: ({ topology }) => topology.unplug("lvs2", "eth2"),
    staging: OTHERS,
  },
  {
    name: "has the interface of a VIP renamed",
    begin: (stage) => rename(stage, "lvs2", "eth2", "wan2"),
    staging: OTHERS,
  },
  {
    name: "has its private interface down",
    begin: (stage) => stage.ip("lvs2", "link set eth1 down"),
    staging: { ...THIRD, probes: ["public", "third"], vips: [PUBLIC_VIP, THIRD_VIP] },
  },
  {
    name: "has its public interface down",
    begin: (stage) => stage.ip("lvs2", "link set eth0 down"),
    staging: { ...THIRD, probes: ["private", "third"], vips: [PRIVATE_VIP, THIRD_VIP] },
  },
];

/** The other router is not there any more: better some VIPs than none. */
function lacking(lack: Lack): Fault {
  return {
    name: `the standby ${lack.name}, and the active's power fails`,
    kinds: ["namespaces"],
    staging: lack.staging,
    expected: { owner: "lvs2", gapMs: FOUND_OUT_MS },
    note: "of the VIPs that the standby can set",
    async act(stage) {
      lack.begin(stage);
      await Bun.sleep(UNNOTICED_MS);
      stage.powerOff();
      await stage.owned("lvs2");
    },
  };
}

/** The same from the start: its daemon has never seen that interface. */
const neverThere: Fault = {
  name: "the standby has never had the interface of a VIP, and the active's power fails",
  kinds: ["namespaces"],
  staging: OTHERS,
  routers: "down",
  expected: { owner: "lvs2", gapMs: FOUND_OUT_MS },
  async act(stage) {
    await stage.beforehand(async () => {
      stage.ip("lvs2", "link del eth2");
      await stage.lab.startRouters();
      await stage.settled("lvs1");
      await Bun.sleep(UNNOTICED_MS);
    });
    stage.powerOff();
    await stage.owned("lvs2");
  },
};

export const THIRD_NETWORK: readonly Fault[] = [
  ...CUTS.map(ofTheActive),
  ...CUTS.map(ofTheStandby),
  ofBoth,
  ...LACKS.map(lacking),
  neverThere,
];
