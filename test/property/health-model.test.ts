import { expect, test } from "bun:test";
import fc from "fast-check";
import { combineHealths } from "../../src/balance/health/combined-health.ts";
import { hasQuorum } from "../../src/balance/health/quorum.ts";
import { judgeOutcome, UNKNOWN_HEALTH } from "../../src/balance/health/verdict.ts";
import { failed, SUCCESS, TCP_CHECK } from "../support/balance-fixtures.ts";

const outcomes = fc.array(fc.boolean(), { maxLength: 80 });

test("judgeOutcome() with flap damping keeps a server down longer, never up longer, than without", () => {
  const flap = fc.record({
    limit: fc.integer({ min: 1, max: 4 }),
    windowMs: fc.integer({ min: 1, max: 60 }),
    holdMs: fc.integer({ min: 1, max: 60 }),
  });
  fc.assert(
    fc.property(flap, outcomes, (damping, marks) => {
      let plain = UNKNOWN_HEALTH;
      let damped = UNKNOWN_HEALTH;
      marks.forEach((isGood, atMs) => {
        const outcome = isGood ? SUCCESS : failed();
        plain = judgeOutcome(plain, outcome, TCP_CHECK, atMs);
        damped = judgeOutcome(damped, outcome, { ...TCP_CHECK, flap: damping }, atMs);
        if (damped.verdict === "up") expect(plain.verdict).toBe("up");
        if (plain.verdict === "down") expect(damped.verdict).toBe("down");
      });
      // However it flapped, a server that is good for long enough gets work.
      for (let more = 0; more <= 130; more += 1) {
        damped = judgeOutcome(damped, SUCCESS, { ...TCP_CHECK, flap: damping }, marks.length + more);
      }
      expect(damped.verdict).toBe("up");
    }),
    { numRuns: 500 },
  );
});

test("combineHealths() is up only when each is, and takes them in any order", () => {
  const health = outcomes.map((marks) =>
    marks.reduce(
      (known, isGood, atMs) => judgeOutcome(known, isGood ? SUCCESS : failed(), TCP_CHECK, atMs),
      UNKNOWN_HEALTH,
    ),
  );
  fc.assert(
    fc.property(fc.array(health, { minLength: 1, maxLength: 4 }), (healths) => {
      const combined = combineHealths(healths);
      expect(combined.verdict === "up").toBe(healths.every(({ verdict }) => verdict === "up"));
      expect(combined.verdict === "down").toBe(healths.some(({ verdict }) => verdict === "down"));
      expect(combineHealths([...healths].reverse()).verdict).toBe(combined.verdict);
    }),
    { numRuns: 500 },
  );
});

test("hasQuorum() never changes twice for one number of servers, and all servers are always enough", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 10 }),
      fc.nat({ max: 9 }),
      fc.nat({ max: 10 }),
      (all, needed, hysteresis, up) => {
        fc.pre(hysteresis < needed && needed <= all);
        const quorum = { by: "servers", needed, hysteresis } as const;
        const servers = Array.from({ length: all }, (_, index) => ({ isUp: index < up, weight: 1 }));
        const once = hasQuorum(quorum, servers, true);
        if (!once) expect(hasQuorum(quorum, servers, false)).toBe(false);
        if (up >= all) expect(hasQuorum(quorum, servers, false)).toBe(true);
      },
    ),
  );
});
