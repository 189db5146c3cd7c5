import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Config } from "../../src/config/keys/config.ts";
import { configFingerprint } from "../../src/config/render/fingerprint.ts";
import { namedSettings } from "../../src/config/render/named-settings.ts";
import { settingDigests } from "../../src/config/render/setting-digests.ts";
import { nothingCompared, reportOf, withReport } from "../../src/failover/evidence/config-drift.ts";
import type { Drift } from "../../src/failover/machine/state-parts.ts";
import type { SettingDigest } from "../../src/model/setting-digest.ts";
import { SETTINGS_WINDOW } from "../../src/wire/heartbeat/heartbeat.ts";
import { anyConfig } from "../support/config-arbitrary.ts";
import { KEY, OTHER_KEY } from "../support/heartbeats.ts";

const PARTS = ["pair", "vips", "services", "gates", "sync", "ipvs", "timeouts", "hooks", "log"] as const;

/** Two configurations that have some parts, and perhaps some of their services, in common. */
const twoConfigs = fc
  .tuple(anyConfig, anyConfig, fc.subarray([...PARTS]), fc.boolean())
  .map(([one, other, common, shares]): readonly [Config, Config] => {
    const kept = Object.fromEntries(common.map((part) => [part, one[part]]));
    const services = common.includes("services") || !shares ? {} : { services: mixed(one, other) };
    return [one, { ...other, ...kept, ...services }];
  });

/** The first's services with the second's servers or timing, where there are such. */
function mixed(one: Config, other: Config): Config["services"] {
  return one.services.map((service, index) => {
    const { servers = service.servers, slowStartMs } = other.services[index] ?? {};
    return { ...service, servers, ...(slowStartMs === undefined ? {} : { slowStartMs }) };
  });
}

function digestsOf(config: Config, keys: readonly Uint8Array[]): readonly SettingDigest[] {
  const work = settingDigests(config, keys);
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}

/** What one router finds out of the reports of the other one's rotation, which come in this order. */
function found(own: readonly SettingDigest[], theirs: readonly SettingDigest[], order: (count: number) => number[]) {
  const reports = Array.from({ length: Math.ceil(theirs.length / SETTINGS_WINDOW) }, (_, number) =>
    reportOf(theirs, number),
  );
  const drift = order(reports.length).reduce<Drift>((known, number) => {
    const report = reports[number];
    return report === undefined ? known : withReport(known, report, own);
  }, nothingCompared(""));
  const ids = new Set(drift.differing);
  const names = own.filter(({ id }) => ids.has(id)).map(({ name }) => name);
  return { compared: drift.compared, names: names.sort(), missing: drift.missing };
}

/** The same by comparing the configurations themselves. */
function expected(mine: Config, theirs: Config) {
  const [own, other] = [mine, theirs].map(
    (config) => new Map([...namedSettings(config)].map(({ name, value }) => [name, value])),
  );
  const names = [...(own ?? [])].flatMap(([name, value]) => (other?.get(name) === value ? [] : [name]));
  const missing = [...(other?.keys() ?? [])].filter((name) => own?.has(name) !== true).length;
  return { compared: [{ from: 0, to: 0xffff_ffff }], names: names.sort(), missing };
}

const IN_TURN = (count: number) => [...new Array(count).keys()];

test("one rotation tells each of two routers exactly what differs, in whatever order it comes", () => {
  const counts = { same: 0, different: 0 };
  fc.assert(
    fc.property(twoConfigs, fc.nat(), ([one, other], seed) => {
      // The second router's key is the first's old one.
      const [ours, theirs] = [digestsOf(one, [OTHER_KEY, KEY]), digestsOf(other, [KEY, OTHER_KEY])];
      const stirred = (count: number) => [
        ...fc.sample(fc.shuffledSubarray(IN_TURN(count), { minLength: count }), { seed, numRuns: 1 }).flat(),
        // Once more: nothing counts twice.
        ...IN_TURN(count),
      ];
      expect(found(ours, theirs, IN_TURN)).toEqual(expected(one, other));
      expect(found(theirs, ours, stirred)).toEqual(expected(other, one));
      const isSame = configFingerprint(one) === configFingerprint(other);
      const { names, missing } = expected(one, other);
      expect(names.length + missing === 0).toBe(isSame);
      counts[isSame ? "same" : "different"] += 1;
    }),
    { numRuns: 300, examples: [[sameTwice(), 1]] },
  );
  expect(Math.min(counts.same, counts.different)).toBeGreaterThan(0);
});

/** A configuration and itself in another order. */
function sameTwice(): readonly [Config, Config] {
  const [config] = fc.sample(anyConfig, { seed: 7, numRuns: 1 });
  if (config === undefined) throw new Error("no sample");
  const services = config.services.toReversed().map((service) => ({
    ...service,
    listen: service.listen.toReversed(),
    servers: service.servers.toReversed(),
  }));
  const others = { vips: config.vips.toReversed(), gates: config.gates.toReversed(), services };
  return [config, { ...config, ...others, log: { format: "json", level: "debug" } }];
}

test("one gap after another is filled by the rounds that follow", () => {
  const [one, other] = fc.sample(fc.tuple(anyConfig, anyConfig), { seed: 11, numRuns: 1 })[0] ?? [];
  if (one === undefined || other === undefined) throw new Error("no sample");
  const [ours, theirs] = [digestsOf(one, [KEY]), digestsOf(other, [KEY])];
  const lossy = (count: number) => [0, 1, 2].flatMap((round) => IN_TURN(count).filter((n) => n % 3 === round));
  expect(found(ours, theirs, lossy)).toEqual(expected(one, other));
});
