import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseConfig } from "../../src/config/parse.ts";
import { configFingerprint } from "../../src/config/render/fingerprint.ts";
import { renderConfig } from "../../src/config/render/render.ts";
import { anyConfig } from "../support/config-arbitrary.ts";

test("parseConfig() of what renderConfig() writes gives the same configuration", () => {
  fc.assert(
    fc.property(anyConfig, (config) => {
      const result = parseConfig(renderConfig(config));
      expect(result.ok && result.config).toEqual(config);
    }),
    { numRuns: 500 },
  );
});

test("configFingerprint() goes by the meaning: order and log settings make no difference, anything else does", () => {
  const shuffled = <T>(items: readonly T[]) => [...items].reverse();
  fc.assert(
    fc.property(anyConfig, (config) => {
      const fingerprint = configFingerprint(config);
      const same = {
        ...config,
        vips: shuffled(config.vips),
        gates: shuffled(config.gates),
        services: shuffled(config.services).map((service) => ({
          ...service,
          listen: shuffled(service.listen),
          servers: shuffled(service.servers),
        })),
        log: { format: "json", level: "debug" } as const,
      };
      expect(configFingerprint(same)).toBe(fingerprint);
      const others = [
        { ...config, pair: { ...config.pair, leaseMs: config.pair.leaseMs + 1000 } },
        {
          ...config,
          vips: [
            ...config.vips,
            ...config.vips.slice(0, 1),
            { prefix: { address: config.pair.primary.public, prefixLength: 31 }, interface: "x" },
          ],
        },
        { ...config, sync: { ...config.sync, id: config.sync.id ^ 1 } },
        { ...config, ipvs: { ...config.ipvs, expire_nodest_conn: config.ipvs.expire_nodest_conn !== true } },
        { ...config, hooks: { ...config.hooks, timeoutMs: config.hooks.timeoutMs + 1 } },
        ...(config.gates.length === 0 ? [] : [{ ...config, gates: config.gates.slice(1) }]),
        ...(config.services.length === 0 ? [] : [{ ...config, services: config.services.slice(1) }]),
      ];
      expect(others.filter((other) => configFingerprint(other) === fingerprint)).toEqual([]);
    }),
    { numRuns: 200 },
  );
});
