/** What a reload does to an active router's VIPs is what its plan says; what the kernel refuses leaves them as they were. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseConfig } from "../../src/config/parse.ts";
import { planReload } from "../../src/daemon/reload/reload-plan.ts";
import { settingsBeside } from "../../src/daemon/reload/vip-trial.ts";
import type { Effect } from "../../src/failover/machine/effect.ts";
import { vipKey } from "../../src/failover/machine/lease.ts";
import type { FailoverSettings, SidedVip } from "../../src/failover/machine/settings.ts";
import type { Vip } from "../../src/model/vip.ts";
import { SETTINGS, TestRouter } from "../support/failover.ts";
import { prefixOf } from "../support/must.ts";
import { BASE } from "../unit/config/base.ts";

const RUNS = 300;
const TURNS_MAX = 20;
const INTERFACES = { public: "eth0", private: "eth1" };

const parsed = parseConfig(BASE);
if (!parsed.ok) throw new Error("the base is no configuration");
const { config: BASE_CONFIG } = parsed;

const vip: fc.Arbitrary<Vip> = fc
  .record({
    last: fc.integer({ min: 10, max: 14 }),
    length: fc.constantFrom(24, 32),
    name: fc.constantFrom("eth0", "eth1", "eth2"),
    label: fc.constantFrom(undefined, "x"),
  })
  .map(({ last, length, name, label }) => ({
    prefix: prefixOf(`203.0.113.${last}/${length}`),
    interface: name,
    ...(label === undefined ? {} : { label: `${name}:${label}` }),
  }));
const vips = fc.uniqueArray(vip, { selector: ({ prefix }) => prefix.address.text, minLength: 1, maxLength: 4 });

function sided(all: readonly Vip[]): readonly SidedVip[] {
  return all.map((one) => ({ vip: one, side: one.interface === "eth1" ? "private" : "public" }));
}

/** An active router whose kernel sets and removes what it is told, but for what it refuses. */
class ActiveRouter {
  readonly router: TestRouter;
  readonly kernel = new Map<string, Vip>();
  /** What it was told to set that was not there, and to remove that was. */
  readonly changes: string[] = [];
  readonly refused = new Set<string>();
  #done: number;

  constructor(all: readonly Vip[]) {
    this.router = new TestRouter({ settings: { vips: sided(all) } });
    this.router.becomeActive();
    this.#done = this.router.effects.length;
    for (const one of all) this.kernel.set(vipKey(one), one);
  }

  reload(settings: FailoverSettings): void {
    this.router.feed({ kind: "reload", settings });
    for (let turn = 0; this.#done < this.router.effects.length; turn += 1) {
      if (turn > TURNS_MAX) throw new Error("the router does not settle");
      const news = this.router.effects.slice(this.#done);
      this.#done = this.router.effects.length;
      for (const effect of news) this.#perform(effect);
    }
  }

  #perform(effect: Effect): void {
    if (effect.kind === "lease") {
      const results = effect.vips.map((one) => ({ vip: one, result: this.#set(one) }));
      this.router.feed({ kind: "lease-outcome", batch: effect.batch, results });
    } else if (effect.kind === "remove") {
      const results = effect.vips.map((one) => ({ vip: one, result: this.#remove(one) }));
      this.router.feed({ kind: "remove-outcome", batch: effect.batch, results });
    }
  }

  #set(one: Vip): "created" | "renewed" | "failed" {
    const key = vipKey(one);
    if (this.refused.has(key)) return "failed";
    if (this.kernel.has(key)) return "renewed";
    this.kernel.set(key, one);
    this.changes.push(`+ ${key}`);
    return "created";
  }

  #remove(one: Vip): "removed" | "absent" {
    const key = vipKey(one);
    if (!this.kernel.delete(key)) return "absent";
    this.changes.push(`- ${key}`);
    return "removed";
  }
}

function keys(all: Iterable<Vip>): string[] {
  return [...all].map(vipKey).toSorted();
}

/** The plan's lines in the form of `changes`. */
function planned(before: readonly Vip[], after: readonly Vip[]): string[] {
  const plan = planReload({ ...BASE_CONFIG, vips: before }, { ...BASE_CONFIG, vips: after }, INTERFACES);
  return plan.vips.flatMap(({ do: verb, vip: one, before: old }) => {
    if (verb === "edit") return [`+ ${vipKey(one)}`, ...(old === undefined ? [] : [`- ${vipKey(old)}`])];
    return [`${verb === "add" ? "+" : "-"} ${vipKey(one)}`];
  });
}

test("a reload changes the VIPs that its plan names, and takes none away before the new ones are there", () => {
  fc.assert(
    fc.property(vips, vips, (before, after) => {
      const active = new ActiveRouter(before);
      const wanted = { ...SETTINGS, vips: sided(after) };
      active.reload(settingsBeside(wanted, active.router.state.settings));
      const kept = new Set(active.kernel.keys());
      expect(keys(after).filter((key) => !kept.has(key))).toEqual([]);
      const places = new Set(after.map(({ prefix, interface: name }) => `${prefix.address.text} ${name}`));
      const going = before.filter(({ prefix, interface: name }) => !places.has(`${prefix.address.text} ${name}`));
      expect(keys(going).filter((key) => !kept.has(key))).toEqual([]);
      active.reload(wanted);
      expect(keys(active.kernel.values())).toEqual(keys(after));
      expect(active.changes.toSorted()).toEqual(planned(before, after).toSorted());
    }),
    { numRuns: RUNS },
  );
});

test("a VIP that the kernel refuses is known as such, and the VIPs of before are there again", () => {
  fc.assert(
    fc.property(vips, vips, (before, after) => {
      // One that differs in its label only takes the other's place: then there is nothing beside which it could be tried.
      const isBeside = (one: Vip) =>
        before.every((old) => vipKey({ ...old, label: "" }) !== vipKey({ ...one, label: "" }));
      const [first] = after.filter(isBeside);
      fc.pre(first !== undefined);
      const active = new ActiveRouter(before);
      const old = active.router.state.settings;
      active.refused.add(vipKey(first));
      active.reload(settingsBeside({ ...SETTINGS, vips: sided(after) }, old));
      expect([...active.router.state.refused.keys()]).toContain(vipKey(first));
      active.reload(old);
      expect(keys(active.kernel.values())).toEqual(keys(before));
      expect(active.router.state.phase.kind).toBe("active");
    }),
    { numRuns: RUNS },
  );
});
