/** A file with an interface that does not exist, read again or read at the start. */
import { PUBLIC_VIP } from "../../lab/topology.ts";
import { type Fault, NOTHING_MS, SILENCE_MS } from "../fault.ts";
import { vipTable } from "../staging.ts";

const AFTERWARDS_MS = 8000;
/** Until the other router's file is read again, where an administrator does one after the other. */
const OTHER_LATER_MS = 2000;
const MISSPELT = vipTable("203.0.113.20/24", "eht0");

export const RELOADS: readonly Fault[] = [
  {
    name: "a VIP with a misspelt interface in a reloaded file on both routers",
    expected: { owner: "lvs1", gapMs: NOTHING_MS },
    async act(stage) {
      stage.reload(`${stage.config}\n${MISSPELT}`);
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs1");
    },
  },
  {
    name: "a VIP with a misspelt interface in a file that the active reads again, and 2 s later the standby",
    kinds: ["namespaces"],
    expected: { owner: "lvs1", gapMs: NOTHING_MS },
    async act(stage) {
      stage.reload(`${stage.config}\n${MISSPELT}`, ["lvs1"]);
      await Bun.sleep(OTHER_LATER_MS);
      stage.router("lvs2").signal("SIGHUP");
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs1");
    },
  },
  {
    name: "the interface of the private VIP is misspelt in a reloaded file on both routers",
    kinds: ["namespaces"],
    staging: { vips: [PUBLIC_VIP] },
    expected: { owner: "lvs1", gapMs: NOTHING_MS },
    note: "the public VIP stays",
    async act(stage) {
      stage.reload(stage.config.replace('interface = "eth1"', 'interface = "ehh1"'));
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs1");
    },
  },
  {
    name: "both routers start with a VIP whose interface is misspelt",
    kinds: ["namespaces"],
    routers: "down",
    staging: { tables: [MISSPELT] },
    expected: { owner: "lvs1", gapMs: SILENCE_MS },
    note: "the gap is the time from the start until one of them is active",
    async act(stage) {
      for (const router of stage.lab.pair.routers) router.start();
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs1");
    },
  },
];
