/** Moves of the VIPs that both routers agree on. */
import { beforeAll, expect, test } from "bun:test";
import { PUBLIC_VIP } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";
import { expectAgreedOverlap, expectNeverTwo, expectNothingLost, LOADED_MS, VipPair } from "./support/vip-pair.ts";

beforeAll(requireLab);

/** RFC 863. */
const DISCARD_PORT = 9;

test("two routers that start at once never both have a VIP, and then exactly one has them", async () => {
  await using pair = await VipPair.prepare();
  const watched = await pair.watch("start of both", async () => {
    for (const router of pair.routers) router.start();
    await pair.settled("lvs1");
  });
  expectNeverTwo(watched);
  await pair.until("lvs2 knows who has the VIPs", async () => {
    const status = await pair.router("lvs2").status();
    return status?.vips.every((vip) => vip.owner === "primary") === true;
  });
});

test("`failover switch` moves the VIPs there and back, asked for at either router", async () => {
  await using pair = await VipPair.start();
  const watched = await pair.watch("4 planned switches", async () => {
    for (const owner of ["lvs2", "lvs1", "lvs2", "lvs1"] as const) {
      expect(await pair.router("lvs1").tandem("failover", "switch")).toMatchObject({ exitCode: 0 });
      await pair.settled(owner);
    }
  });
  expectAgreedOverlap(watched);
  expectNothingLost(watched);
});

test("SIGTERM of the active hands over before it ends", async () => {
  await using pair = await VipPair.start();
  const watched = await pair.watch("SIGTERM of the active", async () => {
    pair.router("lvs1").signal("SIGTERM");
    expect(await pair.router("lvs1").awaitEnd(LOADED_MS)).toBe(0);
    await pair.owned("lvs2");
  });
  expectAgreedOverlap(watched);
  expectNothingLost(watched);
});

test("a primary that is back and stable for `failback_after` gets the VIPs back by itself", async () => {
  await using pair = await VipPair.start({ pair: ['failback_after = "1s"'] });
  pair.router("lvs1").signal("SIGTERM");
  expect(await pair.router("lvs1").awaitEnd(LOADED_MS)).toBe(0);
  await pair.owned("lvs2");
  const watched = await pair.watch("return and fail-back of the primary", async () => {
    pair.router("lvs1").start();
    await pair.settled("lvs1");
  });
  expectAgreedOverlap(watched);
  expectNothingLost(watched);
});

test("a neighbour that has not learnt the new owner is reported by the old one, which still gets its frames", async () => {
  await using pair = await VipPair.start();
  const [first] = pair.routers;
  if (first === undefined) throw new Error("no router");
  const [, mac = ""] = /link\/ether (\S+)/.exec(pair.lab.topology.run("lvs1", ["ip", "link", "show", "eth0"])) ?? [];
  const neighbour = ["ip", "neigh", "replace", PUBLIC_VIP, "lladdr", mac, "dev", "eth0", "nud", "permanent"];
  pair.lab.topology.run("client", neighbour);
  const socket = await pair.lab.topology.on("client", () =>
    // Nobody listens there, and says so.
    Bun.udpSocket({ socket: { error: () => {} } }),
  );
  const sending = setInterval(() => socket.send("to whom?", DISCARD_PORT, PUBLIC_VIP), 50);
  try {
    await pair.said("still sends frames for 203.0.113.10 here", [first], () => {
      void first.tandem("failover", "switch");
    });
  } finally {
    clearInterval(sending);
    socket.close();
  }
  expect((await first.status())?.warnings.some((warning) => warning.includes("still sends frames"))).toBe(true);
});
