/** The daemon, its child and its machine. */
import { readFileSync } from "node:fs";
import {
  AGREED_MS,
  DEAD_AFTER_MS,
  DROPPED_MS,
  type Fault,
  LEASE_MS,
  NOTHING_MS,
  SILENCE_MS,
  TOLD_MS,
} from "../fault.ts";
import { busyLoops } from "../load.ts";

const LOAD_MS = 10_000;
const AFTERWARDS_MS = 3000;
/** A daemon that starts anew; under load its programs wait for the processor. */
const RESTART_LIMIT_MS = 30_000;

const LEASE_NOTE =
  "a lease takes as long from its renewal: where that came right before, the thawed router may be first to have the VIPs again";

function stopped(times: number): Fault {
  const long = times * DEAD_AFTER_MS > LEASE_MS - LEASE_MS / 3;
  return {
    name: `SIGSTOP of the active for ${times} × dead_after, then SIGCONT`,
    expected: { owner: long ? "lvs2" : "lvs1", gapMs: long ? DROPPED_MS : NOTHING_MS },
    ...(long ? { note: LEASE_NOTE } : {}),
    async act(stage) {
      stage.router("lvs1").signal("SIGSTOP");
      await Bun.sleep(times * DEAD_AFTER_MS);
      stage.router("lvs1").signal("SIGCONT");
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled(long ? "lvs2" : "lvs1");
    },
  };
}

/** The processes that a process has started. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
}

export const PROCESSES: readonly Fault[] = [
  {
    name: "SIGKILL of the active",
    expected: { owner: "lvs2", gapMs: DROPPED_MS },
    note: "the kernel of the killed router serves on until the lease ends; the gap is what comes after",
    async act(stage) {
      stage.router("lvs1").signal("SIGKILL");
      await stage.owned("lvs2");
      stage.router("lvs1").start();
      await stage.settled("lvs2");
    },
  },
  stopped(0.5),
  stopped(1),
  stopped(3),
  {
    name: "power-off of the active: machine and cables vanish",
    expected: { owner: "lvs2", gapMs: SILENCE_MS },
    async act(stage) {
      stage.powerOff();
      await stage.owned("lvs2");
    },
  },
  {
    name: "SIGKILL of the balancer of the active",
    kinds: ["uml"],
    expected: { owner: "lvs1", gapMs: NOTHING_MS },
    async act(stage) {
      const { pid } = stage.router("lvs1");
      const [balancer] = pid === undefined ? [] : childrenOf(pid);
      if (pid === undefined || balancer === undefined) throw new Error("the balancer was not found");
      process.kill(balancer, "SIGKILL");
      await stage.until("another balancer runs", () => childrenOf(pid).some((one) => one > 0 && one !== balancer));
      await stage.lab.ready();
    },
  },
  {
    name: `100 % CPU load for ${LOAD_MS / 1000} s`,
    expected: { owner: "lvs1", gapMs: NOTHING_MS },
    async act(stage) {
      using _ = busyLoops(stage.kind);
      await Bun.sleep(LOAD_MS);
      await stage.settled("lvs1");
    },
  },
  {
    name: "the daemon of the active is restarted (SIGTERM, start) under load",
    expected: { owner: "lvs2", gapMs: TOLD_MS, twoOwnersMs: AGREED_MS },
    async act(stage) {
      using _ = busyLoops(stage.kind);
      const router = stage.router("lvs1");
      router.signal("SIGTERM");
      if ((await router.awaitEnd(RESTART_LIMIT_MS)) !== 0) throw new Error("it did not end in order");
      router.start();
      await stage.settled("lvs2");
    },
  },
  {
    name: "the daemon of the active is killed and started at once under load",
    expected: { owner: "lvs1", gapMs: NOTHING_MS, twoOwnersMs: AGREED_MS },
    note: "where the start takes longer than the standby waits, the VIPs move, and come back by an agreed move",
    async act(stage) {
      using _ = busyLoops(stage.kind);
      await stage.router("lvs1").end();
      stage.router("lvs1").start();
      await stage.settled("lvs1");
    },
  },
  {
    name: "`failover switch`, the planned move",
    expected: { owner: "lvs2", gapMs: NOTHING_MS, twoOwnersMs: AGREED_MS },
    async act(stage) {
      await stage.tandem("lvs1", "failover", "switch");
      await stage.settled("lvs2");
    },
  },
];
