import { expect, test } from "bun:test";
import { MAC, PUBLIC_VIP, TestRouter } from "../../../support/failover.ts";

const FRAME = {
  kind: "stray-frame",
  address: PUBLIC_VIP.prefix.address,
  mac: MAC.other,
  source: { family: "inet", text: "198.51.100.7" },
} as const;

test("an old owner reports frames that still reach it, once per neighbour, and tells the new one", () => {
  const router = new TestRouter({ settings: { router: "backup" } }).boot().meet({ role: "active", holding: true });
  router.effects = [];
  router.feed(FRAME);
  router.feed(FRAME);
  const told = router.all("notice").map(({ text }) => text.split(" here ")[0]);
  expect(told).toEqual([`${MAC.other} still sends frames for 203.0.113.10`]);
  expect(router.last("send-heartbeat")?.heartbeat.payload.strays).toBe(true);
  router.hearFor(1_400, { role: "active", holding: true });
  expect(router.last("send-heartbeat")?.heartbeat.payload.strays).toBeUndefined();
});

test("an active takes no notice of frames for its own VIPs", () => {
  const router = new TestRouter().becomeActive();
  router.effects = [];
  router.feed(FRAME);
  expect(router.all("notice")).toEqual([]);
});

test("the new owner announces again when it hears of them, but not with each heartbeat", () => {
  const router = new TestRouter().becomeActive();
  router.hearFor(2_000);
  router.effects = [];
  for (let count = 0; count < 4; count += 1) router.hear({ strays: true });
  expect(router.all("announce").length).toBe(1);
});
