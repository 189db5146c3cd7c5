/** Who else is there: nobody but the peer, a clone, a stranger, or neighbours that answer nothing. */
import { writeFileSync } from "node:fs";
import { GATEWAY, PUBLIC_VIP, type RouterName, serverAddress } from "../../lab/topology.ts";
import { AGREED_MS, DEAD_AFTER_MS, type Fault, NOTHING_MS, SECOND_OWNER_MS, SILENCE_MS } from "../fault.ts";
import { NeighbourWatch } from "../neighbour-watch.ts";
import type { Stage } from "../stage.ts";
import type { Staging } from "../staging.ts";

const AFTERWARDS_MS = 5000;
const CUT_MS = 6000;
/** What a stranger's claim costs is answered once in ten seconds (RFC 5227, DEFEND_INTERVAL). */
const DEFEND_INTERVAL_MS = 10_000;
/** A move that nobody confirms took a second. */
const MOVED_BEFORE_MS = 500;
/** Until all announcements of the start have been made: a stranger is not answered within a second of one. */
const ANNOUNCED_MS = 3000;
/** No machine has it. */
const NOBODY = "203.0.113.250";
const STRANGER = "direct1";

/** Cut off: nothing passes on either side of the active, and its carriers stay. */
function cutOff(name: string, staging: Staging): Fault {
  return {
    name: `the active is cut off with its carriers up, ${name}`,
    kinds: ["namespaces"],
    staging,
    expected: { owner: "lvs2", gapMs: SILENCE_MS, twoOwnersMs: DEAD_AFTER_MS },
    note: "both count as owners while neither can know of the other: the cut one has stepped down within a second",
    async act(stage) {
      for (const name of ["eth0", "eth1"]) stage.topology.silence("lvs1", name);
      await Bun.sleep(CUT_MS);
      for (const name of ["eth0", "eth1"]) stage.topology.restore("lvs1", name);
      await stage.settled("lvs2");
    },
  };
}

/** Real addresses, the real key, and a third machine. */
function cloned(active: RouterName): Fault {
  return {
    name: `a clone of the primary, with its addresses and key, starts while the ${active === "lvs1" ? "primary" : "backup"} is active`,
    kinds: ["namespaces"],
    staging: { network: { clone: true } },
    expected: { owner: "either", gapMs: SILENCE_MS, twoOwnersAtOnceMs: SECOND_OWNER_MS },
    note: "the longest time at a stretch that two of the three had a VIP",
    async act(stage) {
      if (active === "lvs2") {
        await stage.beforehand(async () => {
          await stage.tandem("lvs1", "failover", "switch");
          await stage.settled("lvs2");
        });
      }
      stage.topology.plugAll("clone");
      stage.lab.pair.clone.start();
      await Bun.sleep(3 * AFTERWARDS_MS);
    },
  };
}

/** Nobody answers echo requests, as where a firewall drops them; ARP goes on. */
function muteEchoes(stage: Stage): void {
  for (const host of ["client", "web1", "direct1"]) {
    stage.topology.on(host, () => writeFileSync("/proc/sys/net/ipv4/icmp_echo_ignore_all", "1"));
  }
}

function unconfirmed(name: string, staging: Staging, before: (stage: Stage) => void): Fault {
  return {
    name: `a planned move that no neighbour can confirm: ${name}`,
    kinds: ["namespaces"],
    staging,
    expected: { owner: "lvs2", gapMs: NOTHING_MS, twoOwnersMs: AGREED_MS },
    async act(stage) {
      before(stage);
      await stage.tandem("lvs1", "failover", "switch");
      await stage.settled("lvs2");
    },
  };
}

/** A stranger's announcement for the VIP, once; it is reachable and serves nobody. */
async function announce(stage: Stage): Promise<void> {
  const { binary } = stage.router("lvs1");
  await stage.command(STRANGER, [binary, "vip", "announce", PUBLIC_VIP, "--interface", "eth1", "--count", "1"]);
}

/** The owner's second answer waits for the ten seconds after the first, and the move is under way when they are over. */
const putOff: Fault = {
  name: "a foreign host announces the VIP twice, and its second answer is due amid a planned move",
  kinds: ["namespaces"],
  expected: { owner: "lvs2", gapMs: NOTHING_MS, twoOwnersMs: AGREED_MS },
  note: "who has offered the VIPs announces them no more: the client must not turn back to the old owner",
  async act(stage) {
    muteEchoes(stage);
    await stage.beforehand(async () => {
      await Bun.sleep(ANNOUNCED_MS);
      await announce(stage);
      const answeredAtMs = performance.now();
      await Bun.sleep(1000);
      await announce(stage);
      await Bun.sleep(answeredAtMs + DEFEND_INTERVAL_MS - MOVED_BEFORE_MS - performance.now());
    });
    using client = new NeighbourWatch(stage.topology);
    await stage.unseen(async () => {
      await stage.tandem("lvs1", "failover", "switch");
      await stage.until("the client follows lvs2", () => client.beliefs.at(-1)?.router === "lvs2");
    });
    await Bun.sleep(AFTERWARDS_MS);
    await stage.settled("lvs2");
    const turned = client.beliefs.findIndex(({ router }) => router === "lvs2");
    const back = client.beliefs.slice(turned).find(({ router }) => router === "lvs1");
    if (back !== undefined) throw new Error("the client turned back to the old owner");
  },
};

export const COMPANY: readonly Fault[] = [
  cutOff("and on its private side the peer is the only neighbour", { network: { servers: 1 }, neighbours: [GATEWAY] }),
  cutOff("and on its public side the peer is the only neighbour", { neighbours: [serverAddress("web1")] }),
  cutOff("and each side has another neighbour", {}),
  cloned("lvs1"),
  cloned("lvs2"),
  unconfirmed("none answers echo requests", {}, muteEchoes),
  unconfirmed("there is none", { neighbours: [NOBODY] }, () => {}),
  putOff,
];
