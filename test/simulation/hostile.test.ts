/** A hundred thousand heartbeats of somebody else's; `bun test/simulation/hostile.ts COUNT` sends millions. */
import { expect, test } from "bun:test";
import { runHostile } from "./hostile.ts";

test("replayed, reflected, cut, changed and forged heartbeats change nothing, are all counted, and hide no real one", () => {
  const { count, refused, real, accepted, problems } = runHostile(100_000, 1);
  const named = Object.keys(refused).toSorted();
  const counted = Object.values(refused).reduce((sum, times) => sum + times, 0);
  expect({ problems, named }).toEqual({
    problems: [],
    named: [
      "bad-length",
      "bad-mac",
      "bad-magic",
      "bad-version",
      "no-echo",
      "old-boot",
      "own-role",
      "replayed-counter",
      "wrong-pair",
      "wrong-path",
    ],
  });
  expect(counted).toBeGreaterThanOrEqual(count);
  // All but those of the exchanges in which a restarted peer proves itself.
  expect(accepted / real).toBeGreaterThan(0.9);
});
