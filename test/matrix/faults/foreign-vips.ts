/** VIPs that somebody else has set: on the standby, or on the active beside its lease. */
import { LAB_KINDS } from "../../lab/run-in-lab.ts";
import { PUBLIC_VIP, PUBLIC_VIP_INET6 } from "../../lab/topology.ts";
import { AGREED_MS, type Fault, NOTHING_MS, SECOND_OWNER_MS, SILENCE_MS } from "../fault.ts";
import { INET6, type Staging } from "../staging.ts";

const AFTERWARDS_MS = 5000;
/** A kernel's change of an address is told to the daemon, which undoes it. */
const UNDONE_MS = 50;
/** What a neighbour's wrong entry costs until the next announcement. */
const CORRECTED_MS = 2500;

interface Foreign {
  readonly name: string;
  /** For `ip addr add`, on the side of the VIP. */
  readonly words: string;
  readonly staging?: Staging;
}

const FOREIGN: readonly Foreign[] = [
  { name: "/24", words: `${PUBLIC_VIP}/24 dev eth0` },
  { name: "/16", words: `${PUBLIC_VIP}/16 dev eth0` },
  { name: "/24 with a label", words: `${PUBLIC_VIP}/24 dev eth0 label eth0:vip` },
  { name: "/32 on another interface", words: `${PUBLIC_VIP}/32 dev eth1` },
  { name: "/24 on another interface", words: `${PUBLIC_VIP}/24 dev eth1` },
  { name: "IPv6 /64", words: `${PUBLIC_VIP_INET6}/64 dev eth0 nodad`, staging: INET6 },
  { name: "IPv6 /128", words: `${PUBLIC_VIP_INET6}/128 dev eth0 nodad`, staging: INET6 },
];

function staged({ staging }: Foreign): Pick<Fault, "staging"> {
  return staging === undefined ? {} : { staging };
}

function whileRunning(foreign: Foreign): Fault {
  return {
    name: `a VIP is added by hand on the standby: ${foreign.name}`,
    ...staged(foreign),
    kinds: foreign.name === "/24" ? LAB_KINDS : ["namespaces"],
    expected: { owner: "lvs1", gapMs: CORRECTED_MS, twoOwnersMs: UNDONE_MS },
    async act(stage) {
      stage.ip("lvs2", `addr add ${foreign.words}`);
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs1");
    },
  };
}

function beforeTheStart(foreign: Foreign): Fault {
  return {
    name: `a VIP is there before the standby's daemon starts: ${foreign.name}`,
    ...staged(foreign),
    kinds: ["namespaces"],
    expected: { owner: "lvs1", gapMs: CORRECTED_MS, twoOwnersMs: SECOND_OWNER_MS },
    note: "two owners from the moment the process begins until it has read the kernel",
    async act(stage) {
      await stage.beforehand(async () => {
        await stage.router("lvs2").end();
        stage.ip("lvs2", `addr add ${foreign.words}`);
        stage.router("lvs2").start();
      });
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs1");
    },
  };
}

/** A daemon that is told to move does so with whatever of the VIP its kernel has. */
function movedAway(foreign: Foreign): Fault {
  return {
    name: `a planned move from a router that has a VIP by hand beside its lease: ${foreign.name}`,
    ...staged(foreign),
    kinds: ["namespaces"],
    expected: { owner: "lvs2", gapMs: NOTHING_MS, twoOwnersMs: AGREED_MS },
    async act(stage) {
      stage.ip("lvs1", `addr add ${foreign.words}`);
      await Bun.sleep(AFTERWARDS_MS / 2);
      await stage.tandem("lvs1", "failover", "switch");
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs2");
    },
  };
}

function startedWith(foreign: Foreign): Fault {
  return {
    name: `a planned move from a router that had a VIP by hand before its start: ${foreign.name}`,
    ...staged(foreign),
    kinds: ["namespaces"],
    routers: "down",
    expected: { owner: "lvs2", gapMs: SILENCE_MS, twoOwnersMs: AGREED_MS },
    async act(stage) {
      stage.ip("lvs1", `addr add ${foreign.words}`);
      await stage.lab.startRouters();
      await stage.settled("lvs1");
      await stage.tandem("lvs1", "failover", "switch");
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs2");
    },
  };
}

/** The kernel takes an IPv4 address once more with each other prefix, an IPv6 address once. */
const BESIDE_THE_LEASE = FOREIGN.filter(({ name }) => ["/24", "/24 with a label"].includes(name));
const BEFORE_THE_START = FOREIGN.filter(({ name }) => ["/24", "IPv6 /64"].includes(name));

export const FOREIGN_VIPS: readonly Fault[] = [
  ...FOREIGN.map(whileRunning),
  ...FOREIGN.filter(({ name }) => name !== "IPv6 /128").map(beforeTheStart),
  ...BESIDE_THE_LEASE.map(movedAway),
  ...BEFORE_THE_START.map(startedWith),
];
