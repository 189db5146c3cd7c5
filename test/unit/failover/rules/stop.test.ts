import { describe, expect, test } from "bun:test";
import { KEEP_LEASE_MS } from "../../../../src/failover/machine/settings.ts";
import { TestRouter } from "../../../support/failover.ts";

describe("SIGTERM", () => {
  test("that keeps the VIPs is not followed by a renewal with the short lease", () => {
    const router = new TestRouter({ settings: { stop: "keep" } });
    router.becomeActive();
    router.hear({ leaving: true });
    router.advance((router.state.addresses.renewAtMs ?? 0) - 50 - router.nowMs);
    // Nobody to hand over to, and the next renewal falls due while the kernel is at the long lease.
    router.feed({ kind: "stop" });
    const kept = router.last("lease");
    router.advance(100);
    const results = (kept?.vips ?? []).map((vip) => ({ vip, result: "renewed" as const }));
    router.feed({ kind: "lease-outcome", batch: kept?.batch ?? 0, results });
    expect([kept?.validMs, router.last("lease")?.validMs]).toEqual([KEEP_LEASE_MS, KEEP_LEASE_MS]);
    expect(router.all("exit").length).toBe(1);
  });

  test("before anything was adopted removes what an earlier process left, and waits for that", () => {
    const router = new TestRouter();
    const vips = router.state.settings.vips.map((sided) => sided.vip);
    router.boot(vips);
    router.feed({ kind: "stop" });
    expect(router.last("remove")?.vips).toEqual(vips);
    router.removed();
    router.advance(100);
    expect(router.all("exit").length).toBe(1);
  });
});

test("SIGTERM before the kernel was read adopts nothing any more", () => {
  const router = new TestRouter();
  const vips = router.state.settings.vips.map((sided) => sided.vip);
  router.feed({ kind: "stop" });
  router.boot(vips);
  router.advance(200);
  expect([router.all("lease"), router.last("remove")?.vips]).toEqual([[], vips]);
});
