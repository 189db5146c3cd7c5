/** A pair of which only one router has read the changed file: both say what differs. */
import { beforeAll, expect, test } from "bun:test";
import { requireLab } from "../support/lab.ts";
import { VipPair } from "./support/vip-pair.ts";

beforeAll(requireLab);

test("two routers with different configurations name the settings that differ, until they are the same", async () => {
  await using pair = await VipPair.start();
  await pair.settled("lvs1");
  const before = pair.config;
  const vip = '[[vip]]\naddress = "203.0.113.40/24"\ninterface = "eth0"\n';
  const changed = before.replace("[pair]\n", '[pair]\nfailback_after = "45s"\n');
  expect(changed).not.toBe(before);
  await pair.reload(`${changed}\n${vip}`, "is in force", [pair.router("lvs1")]);
  const peerOf = async (name: "lvs1" | "lvs2") => (await pair.router(name).status())?.peer;
  await pair.until("both name what differs", async () => {
    const [one, two] = [await peerOf("lvs1"), await peerOf("lvs2")];
    return (
      one?.differingKeys?.join() === "pair.failback_after,vip 203.0.113.40 on eth0" &&
      one.missingKeys === 0 &&
      two?.differingKeys?.join() === "pair.failback_after" &&
      two.missingKeys === 1
    );
  });
  expect((await pair.router("lvs2").status())?.warnings).toContain(
    "the routers have different configurations: pair.failback_after, and 1 that only lvs1 has: compare `tandem config show` on both",
  );
  await pair.reload(`${changed}\n${vip}`, "is in force", [pair.router("lvs2")]);
  await pair.until("both have the same again", async () => {
    const [one, two] = [await peerOf("lvs1"), await peerOf("lvs2")];
    return [one, two].every((peer) => peer?.sameConfig === true && peer.differingKeys === null);
  });
});

test("a VIP that only the standby has read is an alarm at both routers, until the active has read it too", async () => {
  await using pair = await VipPair.start();
  await pair.settled("lvs1");
  const changed = `${pair.config}\n[[vip]]\naddress = "203.0.113.40/24"\ninterface = "eth0"\n`;
  await pair.reload(changed, "is in force", [pair.router("lvs2")]);
  const alarmsOf = async (name: "lvs1" | "lvs2") => (await pair.router(name).status())?.alarms.map(({ text }) => text);
  await pair.until("both say that nobody has it", async () => {
    const [one, two] = [await alarmsOf("lvs1"), await alarmsOf("lvs2")];
    return (
      one?.join() === "no router has 203.0.113.40: only lvs2, the standby, has it in its configuration" &&
      two?.join() === "no router has 203.0.113.40 (eth0): lvs1, the active, does not have it in its configuration"
    );
  });
  expect((await pair.router("lvs2").tandem("status")).exitCode).toBe(3);
  await pair.until("the log has what differs", () => {
    return pair.router("lvs1").log.some((line) => line.includes("configuration differs in 1 that only the peer has"));
  });
  await pair.reload(changed, "is in force", [pair.router("lvs1")]);
  await pair.until("nobody complains", async () => {
    return [await alarmsOf("lvs1"), await alarmsOf("lvs2")].every((alarms) => alarms?.length === 0);
  });
});
