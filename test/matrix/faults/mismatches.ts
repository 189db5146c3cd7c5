/** Heartbeats that do not count although frames pass, and what then befalls the frames or a machine. */
import { renameSync } from "node:fs";
import type { RouterName } from "../../lab/topology.ts";
import { type Fault, LEASE_MS, SECOND_OWNER_MS, SILENCE_MS } from "../fault.ts";
import type { Stage } from "../stage.ts";
import { Blips } from "../switch-faults.ts";

/** The default of `port`. */
const HEARTBEAT_PORT = 5390;
/** When the blip, or the death, comes after the mismatch. */
const MOMENTS_MS = [300, 1000, 3000, 6000, 12_000];
const BLIPS_MS = [20, 50, 300, 1000, 2000];
/** Until a router that took the VIPs because of the blip has long been seen, after a lease and what the kernel adds to it. */
const AFTERWARDS_MS = 6000;
/** Five pairs at once share the processors. */
const EVERY_MS = 5;
/** Who dies meanwhile is replaced when his lease must have ended and has been asked for. */
const REPLACED_MS = LEASE_MS + 2500;

interface Mismatch {
  readonly name: string;
  readonly begin: (stage: Stage) => Promise<void> | void;
}

/** Both have read the pair's key; the one that reads again finds another. */
function anotherKey(router: RouterName, which: string): Mismatch {
  return {
    name: `the ${which} gets another key`,
    async begin(stage) {
      const { keyPath } = stage.lab.pair;
      await stage.tandem(router, "heartbeat", "keygen", `${keyPath}.new`);
      renameSync(`${keyPath}.new`, keyPath);
      stage.router(router).signal("SIGHUP");
    },
  };
}

const DROPPED = {
  "that come in": ["input"],
  "that go out": ["output"],
  "both ways": ["input", "output"],
} as const;

function filtered(router: RouterName, which: string, what: keyof typeof DROPPED): Mismatch {
  const chains = DROPPED[what].map(
    (hook) => `chain ${hook} { type filter hook ${hook} priority 0; udp dport ${HEARTBEAT_PORT} drop; }`,
  );
  return {
    name: `the ${which}'s firewall drops heartbeats ${what}`,
    begin: (stage) => void stage.topology.run(router, ["nft", `table inet faults { ${chains.join("; ")}; }`]),
  };
}

const MISMATCHES: readonly Mismatch[] = [
  anotherKey("lvs1", "active"),
  filtered("lvs1", "active", "both ways"),
  filtered("lvs1", "active", "that come in"),
  filtered("lvs1", "active", "that go out"),
];

/** Where the other router is the one that is configured wrongly. */
const STANDBY_MISMATCHES: readonly Mismatch[] = [
  anotherKey("lvs2", "standby"),
  filtered("lvs2", "standby", "both ways"),
  filtered("lvs2", "standby", "that come in"),
  filtered("lvs2", "standby", "that go out"),
];

function moments(): string {
  const seconds = MOMENTS_MS.map((ms) => ms / 1000);
  return `${seconds.slice(0, -1).join(", ")} or ${seconds.at(-1)} s`;
}

function blip(mismatch: Mismatch, lengthMs: number, router: RouterName = "lvs1"): Fault {
  const which = router === "lvs1" ? "active" : "standby";
  return {
    name: `${mismatch.name}, and ${moments()} later the ${which}'s ports pass no frame for ${lengthMs} ms`,
    kinds: ["namespaces"],
    staging: { everyMs: EVERY_MS },
    momentsMs: MOMENTS_MS,
    expected: { owner: "either", gapMs: SILENCE_MS, twoOwnersAtOnceMs: SECOND_OWNER_MS },
    note: "the longest time at a stretch that both had a VIP while frames passed; the blip itself is no gap",
    async act(stage, momentMs) {
      await using blips = Blips.prepare(stage.topology, router);
      await mismatch.begin(stage);
      await Bun.sleep(momentMs);
      await stage.unseen(() => blips.blip(lengthMs));
      await Bun.sleep(AFTERWARDS_MS);
    },
  };
}

function death(mismatch: Mismatch): Fault {
  return {
    name: `${mismatch.name}, and ${moments()} later the active's power fails`,
    kinds: ["namespaces"],
    staging: { everyMs: EVERY_MS },
    momentsMs: MOMENTS_MS,
    expected: { owner: "lvs2", gapMs: REPLACED_MS },
    note: "who hears no heartbeat that counts cannot tell this from a blip before the lease must have ended",
    async act(stage, momentMs) {
      await mismatch.begin(stage);
      await Bun.sleep(momentMs);
      stage.powerOff();
      await stage.owned("lvs2");
    },
  };
}

export const MISMATCHED: readonly Fault[] = [
  ...MISMATCHES.flatMap((mismatch) => BLIPS_MS.map((lengthMs) => blip(mismatch, lengthMs))),
  ...STANDBY_MISMATCHES.map((mismatch) => blip(mismatch, 300)),
  ...MISMATCHES.slice(0, 1).map((mismatch) => blip(mismatch, 300, "lvs2")),
  ...[...MISMATCHES, ...STANDBY_MISMATCHES].map(death),
];
