import { expect, test } from "bun:test";
import { Router, type RouterWorld } from "../../../../src/daemon/router/router.ts";
import type { Effect } from "../../../../src/failover/machine/effect.ts";
import type { Input } from "../../../../src/failover/machine/failover-input.ts";
import type { FailoverSettings } from "../../../../src/failover/machine/settings.ts";

const SETTINGS: FailoverSettings = {
  router: "primary",
  pairId: "0123456789abcdef",
  intervalMs: 200,
  deadAfterMs: 1000,
  leaseMs: 3000,
  failback: "automatic",
  stop: "release",
  vips: [],
  services: [],
  views: "warn",
  hasServices: false,
  configFingerprint: "0123456789abcdef",
  software: "test",
  failbackStableMs: 30_000,
};

class ScriptedWorld implements RouterWorld {
  readonly performed: Effect[] = [];
  readonly waiting: Input[] = [];
  readonly events: string[] = [];
  nowMs = 0;
  onPerform: (effect: Effect) => void = () => {};
  readonly crashes: unknown[] = [];

  crashed(error: unknown): void {
    this.crashes.push(error);
  }

  now(): number {
    return this.nowMs;
  }

  drain(): readonly Input[] {
    this.events.push("drain");
    return this.waiting.splice(0);
  }

  perform(effect: Effect): void {
    this.performed.push(effect);
    this.events.push(effect.kind);
    this.onPerform(effect);
  }
}

function boot(world: RouterWorld): Router {
  return new Router({ settings: SETTINGS, seed: "ab".repeat(32), nowMs: 0 }, world);
}

test("Router reads what waits before it lets the machine judge", () => {
  const world = new ScriptedWorld();
  const router = boot(world);
  world.waiting.push({ kind: "packet-refused", path: "public", reason: "bad-mac" });
  router.feed({ kind: "start", adoptable: [] });
  router.stop();
  expect(world.events[0]).toBe("drain");
  expect(router.state.session.paths.public.refused).toEqual({ "bad-mac": 1 });
});

test("Router takes an input that an effect brings before the turn ends, and does not recurse", () => {
  const world = new ScriptedWorld();
  const router = boot(world);
  let depth = 0;
  let deepest = 0;
  world.onPerform = (effect) => {
    depth += 1;
    deepest = Math.max(deepest, depth);
    if (effect.kind === "send-heartbeat" && world.performed.length < 20) {
      router.feed({ kind: "packet-refused", path: effect.path, reason: "bad-magic" });
    }
    depth -= 1;
  };
  router.feed({ kind: "start", adoptable: [] });
  router.stop();
  const sent = world.performed.filter((effect) => effect.kind === "send-heartbeat").length;
  const { public: publicPath, private: privatePath } = router.state.session.paths;
  expect(sent).toBeGreaterThan(0);
  expect((publicPath.refused["bad-magic"] ?? 0) + (privatePath.refused["bad-magic"] ?? 0)).toBe(sent);
  expect(deepest).toBe(1);
});

test("Router takes nothing any more once it was stopped", () => {
  const world = new ScriptedWorld();
  const router = boot(world);
  router.stop();
  router.feed({ kind: "start", adoptable: [] });
  expect(world.events).toEqual([]);
});

test("Router tells when a turn could not be finished, and does not look alive afterwards", () => {
  const world = new ScriptedWorld();
  const router = boot(world);
  const mistake = new Error("a mistake");
  world.onPerform = () => {
    throw mistake;
  };
  router.feed({ kind: "start", adoptable: [] });
  expect({ crashes: world.crashes, turns: router.turns }).toEqual({ crashes: [mistake], turns: 0 });
  const performed = world.performed.length;
  router.feed({ kind: "tick" });
  expect(world.performed.length).toBe(performed);
});
