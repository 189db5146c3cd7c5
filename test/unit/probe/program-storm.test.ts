import { expect, test } from "bun:test";
import { programStorm } from "../../support/program-storm.ts";

/** `bun test/servers/program-soak.ts 10000` is the same at length. */
test("programs that fork, escape, ignore signals and talk without end are all gone at the limit", async () => {
  const report = await programStorm(200);
  expect(report).toEqual({
    runs: 200,
    left: [],
    wrongOutcomes: [],
    descriptorsGrown: expect.any(Number),
    residentGrownBytes: expect.any(Number),
  });
  // Other tests' sockets may close or open meanwhile; a leak of one a run would be 200.
  expect(report.descriptorsGrown).toBeLessThan(20);
  expect(report.residentGrownBytes).toBeLessThan(64 * 1024 * 1024);
}, 60_000);
