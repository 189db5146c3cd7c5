import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeToBalancer } from "../../src/daemon/balancer/balancer-protocol.ts";
import { anyConfig } from "../support/config-arbitrary.ts";

test("decodeToBalancer() loses nothing of a configuration on its way to the balancer", () => {
  fc.assert(
    fc.property(anyConfig, ({ services, gates }) => {
      const message = { kind: "configure", config: { services, gates } };
      expect<unknown>(decodeToBalancer(JSON.parse(JSON.stringify(message)))).toEqual(message);
    }),
    { numRuns: 300 },
  );
});
