/** Addresses, neighbours, keys, files and the kernel. */
import { renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { PUBLIC_VIP } from "../../lab/topology.ts";
import { AGREED_MS, CONNECTIONS, type Fault, LEASE_MS, NOTHING_MS, SILENCE_MS } from "../fault.ts";
import type { Stage } from "../stage.ts";
import { dropAnnouncements, suppressArp } from "../switch-faults.ts";

const HOUR_S = 3600;
const AFTERWARDS_MS = 5000;
const RTNL_MS = 5000;
/** A kernel's change of an address is told to the daemon, which undoes it. */
const UNDONE_MS = 50;
/** What a neighbour's wrong entry costs until the next announcement. */
const CORRECTED_MS = 2500;
/** A backup that has heard of no owner lets the primary be first, which may be standby as well (failover/rules/takeover.ts). */
const PRIMARY_FIRST_MS = 1500;
const STRANGER = "direct1";

function clockStep(hours: number): Fault {
  return {
    name: `the clock of both routers is stepped by ${hours > 0 ? "+" : "−"}${Math.abs(hours)} h`,
    kinds: ["uml"],
    expected: { owner: "lvs1", gapMs: NOTHING_MS },
    async act(stage) {
      const seconds = Math.round(Date.now() / 1000) + hours * HOUR_S;
      await stage.command("lvs1", ["date", "--set", `@${seconds}`]);
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs1");
    },
  };
}

/** Another machine says that it has the VIP, and answers who asks. */
async function appear(stage: Stage): Promise<void> {
  stage.topology.on(STRANGER, () => writeFileSync("/proc/sys/net/ipv4/conf/all/arp_ignore", "0"));
  const binary = stage.router("lvs1").binary;
  await stage.command(STRANGER, [binary, "vip", "announce", PUBLIC_VIP, "--interface", "eth1", "--count", "1"]);
}

async function warned(stage: Stage, words: RegExp): Promise<void> {
  await stage.until(`a warning like ${words}`, async () => {
    const statuses = await Promise.all(stage.lab.pair.routers.map((router) => router.status()));
    return statuses.some((status) => status?.warnings.some((warning) => words.test(warning)) === true);
  });
}

export const SURROUNDINGS: readonly Fault[] = [
  clockStep(1),
  clockStep(-1),
  {
    name: "a VIP is deleted by hand",
    expected: { owner: "lvs1", gapMs: NOTHING_MS },
    async act(stage) {
      await stage.command("lvs1", ["ip", "addr", "del", `${PUBLIC_VIP}/32`, "dev", "eth0"]);
      await stage.until("it was told of", () => stage.router("lvs1").log.some((line) => line.includes("put back")));
      await stage.settled("lvs1");
    },
  },
  {
    name: "a second owner appears: the VIP is added by hand on the standby",
    expected: { owner: "lvs1", gapMs: CORRECTED_MS, twoOwnersMs: UNDONE_MS },
    note: "the kernel has it from the moment it is told to: two owners until the daemon has heard of it",
    async act(stage) {
      await stage.command("lvs2", ["ip", "addr", "add", `${PUBLIC_VIP}/32`, "dev", "eth0"]);
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs1");
    },
  },
  {
    name: "the switch drops every broadcast announcement, and the active's power fails",
    expected: { owner: "lvs2", gapMs: SILENCE_MS },
    note: "the gateway is announced to by unicast; a client with an entry of its own waits until it asks again",
    async act(stage) {
      dropAnnouncements(stage.topology);
      stage.powerOff();
      await stage.owned("lvs2");
    },
  },
  {
    name: "a switch that suppresses ARP and answers for the dead, and the active's power fails",
    expected: { owner: "lvs2", gapMs: SILENCE_MS },
    async act(stage) {
      suppressArp(stage.topology, "lvs1");
      stage.powerOff();
      await stage.owned("lvs2");
    },
  },
  {
    name: "a foreign host announces the VIP and answers for it",
    expected: { owner: "lvs1", gapMs: CORRECTED_MS, connectionsLost: CONNECTIONS },
    note: "clients that believe the stranger are lost until the owner has announced again",
    async act(stage) {
      await appear(stage);
      await warned(stage, /another machine/);
      await Bun.sleep(AFTERWARDS_MS);
    },
  },
  {
    name: "a foreign host answers for the VIP, and the active's power fails",
    expected: { owner: "lvs2", gapMs: SILENCE_MS + CORRECTED_MS, connectionsLost: CONNECTIONS },
    async act(stage) {
      await appear(stage);
      stage.powerOff();
      await stage.owned("lvs2");
    },
  },
  {
    name: "the active starts with its carriers 3 s late",
    routers: "down",
    expected: { owner: "lvs2", gapMs: SILENCE_MS + PRIMARY_FIRST_MS },
    note: "the gap is the time from the start until one is active; the backup waits 1.5 s longer, for the primary",
    async act(stage) {
      stage.topology.unplugAll("lvs1");
      for (const router of stage.lab.pair.routers) router.start();
      await stage.owned("lvs2");
      await Bun.sleep(LEASE_MS);
      stage.topology.plugAll("lvs1");
      await stage.settled("lvs2");
    },
  },
  {
    name: "both routers are started at once",
    routers: "down",
    expected: { owner: "lvs1", gapMs: SILENCE_MS, twoOwnersMs: AGREED_MS },
    note: "the gap is the time from the start until one of them is active; where that is the backup it hands over later",
    async act(stage) {
      for (const router of stage.lab.pair.routers) router.start();
      await stage.settled("lvs1");
    },
  },
  {
    name: "the standby is restarted with a wrong key",
    expected: { owner: "lvs1", gapMs: NOTHING_MS },
    async act(stage) {
      const key = join(dirname(stage.lab.pair.configPath), "pair.key");
      await stage.tandem("lvs2", "heartbeat", "keygen", `${key}.new`);
      renameSync(`${key}.new`, key);
      await stage.router("lvs2").end();
      stage.router("lvs2").start();
      await stage.until("lvs2 stands off", async () => {
        return (await stage.router("lvs2").status())?.router.doing.startsWith("standing off") === true;
      });
    },
  },
  {
    name: "the two have different configurations, and the active's power fails",
    expected: { owner: "lvs2", gapMs: SILENCE_MS },
    async act(stage) {
      const { configPath } = stage.lab.pair;
      const text = await Bun.file(configPath).text();
      writeFileSync(configPath, `${text}\n[[vip]]\naddress = "203.0.113.20/24"\ninterface = "eth0"\n`);
      stage.router("lvs2").signal("SIGHUP");
      await warned(stage, /configuration/);
      stage.powerOff();
      await stage.owned("lvs2");
    },
  },
  {
    name: `the kernel's address lock (RTNL) is held for ${RTNL_MS / 1000} s`,
    kinds: ["uml"],
    expected: { owner: "lvs1", gapMs: NOTHING_MS },
    note: "one kernel for both routers in the lab: nobody can change an address meanwhile, and no lifetime ends",
    async act(stage) {
      const program = resolve(import.meta.dir, "../hold-rtnl.ts");
      const holder = Bun.spawn([process.execPath, program], { stdio: ["ignore", "pipe", "inherit"] });
      await holder.stdout.getReader().read();
      await Bun.sleep(RTNL_MS);
      holder.kill("SIGKILL");
      await holder.exited;
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs1");
    },
  },
];
