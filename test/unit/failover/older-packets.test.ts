import { describe, expect, test } from "bun:test";
import { TestRouter } from "../../support/failover.ts";

/** A standby of an active peer. */
function standby(): TestRouter {
  return new TestRouter({ settings: { router: "backup" } }).boot().meet({ role: "active", term: 1, lastActiveTerm: 1 });
}

const HANDED_OVER = { role: "active", term: 2, lastActiveTerm: 2, holding: true } as const;

describe("a packet of the slower path", () => {
  test("that was sent before the last one heard proves life, and changes nothing of what is known", () => {
    const router = standby();
    router.hear({ ...HANDED_OVER, sendNumber: 101 });
    router.advance(40);
    router.hear({ role: "standby", term: 2, lastActiveTerm: 1, sendNumber: 100 });
    const { peer } = router.state;
    expect([peer?.says.role, peer?.says.sendNumber, peer?.heardAtMs]).toEqual(["active", 101, router.nowMs]);
  });

  test("that is not numbered is older when its term is lower", () => {
    const router = standby();
    router.hear(HANDED_OVER);
    router.hear({ role: "standby", term: 1, lastActiveTerm: 1 });
    expect(router.state.peer?.says.role).toBe("active");
  });

  test("that was sent with the last one heard counts as it does", () => {
    const router = standby();
    router.hear({ ...HANDED_OVER, sendNumber: 101 });
    router.hear({ ...HANDED_OVER, hold: true, sendNumber: 101 });
    expect(router.state.peer?.says.hold).toBe(true);
  });
});

describe("heartbeats", () => {
  test("that leave together have one number, later ones a higher one", () => {
    const router = standby();
    const numbers = router.all("send-heartbeat").map(({ heartbeat }) => heartbeat.payload.sendNumber ?? 0);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    router.advance(200);
    const last = router.all("send-heartbeat").slice(-2);
    const [first, second] = last.map(({ heartbeat }) => heartbeat);
    expect([first?.path, second?.path]).toEqual(["public", "private"]);
    expect(second?.payload.sendNumber).toBe(first?.payload.sendNumber);
    expect(first?.payload.sendNumber).toBeGreaterThan(numbers.at(-1) ?? Infinity);
  });
});
