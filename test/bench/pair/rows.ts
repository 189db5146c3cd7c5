/** What is done to the active router, the same for every product. */
import type { RouterName, Topology } from "../../lab/topology.ts";
import type { Contender, Setting } from "./contender.ts";
import { PowerSwitch } from "./power-switch.ts";

export interface Trial {
  readonly topology: Topology;
  readonly contender: Contender;
  /** Until exactly that router has the VIPs, or for ever longer than the time allowed. Returns whether it has. */
  owned(by: RouterName, limitMs: number): Promise<boolean>;
}

export interface BenchRow {
  readonly name: string;
  readonly settings: readonly Setting[];
  /** The primary gets the VIPs back by itself. */
  readonly failback?: true;
  /** What is done before the measurement begins. */
  readonly before?: (trial: Trial) => Promise<void>;
  readonly act: (trial: Trial) => Promise<void>;
}

const BOTH: readonly Setting[] = ["defaults", "10ms"];
const LIMIT_MS = 8000;
/** Whoever has not found out after that never will. */
const NEVER_MS = 6000;
const STOPPED_MS = 5000;

async function switchAndReturn(trial: Trial): Promise<void> {
  trial.contender.signal("lvs1", "SIGTERM");
  await trial.owned("lvs2", LIMIT_MS);
  await Bun.sleep(500);
}

export const BENCH_ROWS: readonly BenchRow[] = [
  {
    name: "planned switch",
    settings: BOTH,
    async act({ contender, owned }) {
      await contender.switchAway("lvs1");
      await owned("lvs2", LIMIT_MS);
    },
  },
  {
    name: "fail-back of the returned primary",
    settings: BOTH,
    failback: true,
    before: switchAndReturn,
    async act({ contender, owned }) {
      contender.start("lvs1");
      await owned("lvs1", LIMIT_MS);
    },
  },
  {
    name: "public cable pulled",
    settings: BOTH,
    async act({ topology, owned }) {
      topology.unplug("lvs1", "eth0");
      await owned("lvs2", LIMIT_MS);
    },
  },
  {
    name: "private cable pulled",
    settings: BOTH,
    async act({ topology, owned }) {
      topology.unplug("lvs1", "eth1");
      await owned("lvs2", LIMIT_MS);
    },
  },
  {
    name: "public side blind, carrier up",
    settings: BOTH,
    async act({ topology, owned }) {
      topology.silence("lvs1", "eth0");
      await owned("lvs2", NEVER_MS);
    },
  },
  {
    name: "power-off",
    settings: BOTH,
    async act({ topology, contender, owned }) {
      await using power = await PowerSwitch.install(topology, "lvs1");
      contender.signal("lvs1", "SIGSTOP");
      power.off();
      await owned("lvs2", LIMIT_MS);
    },
  },
  {
    name: "SIGKILL",
    settings: BOTH,
    async act({ contender, owned }) {
      contender.signal("lvs1", "SIGKILL");
      await owned("lvs2", NEVER_MS);
    },
  },
  {
    name: "SIGSTOP for 5 s",
    settings: BOTH,
    async act({ contender, owned }) {
      contender.signal("lvs1", "SIGSTOP");
      await Bun.sleep(STOPPED_MS);
      contender.signal("lvs1", "SIGCONT");
      await owned("lvs2", 1000);
    },
  },
];
