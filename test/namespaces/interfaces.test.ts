/** Interfaces of the active that are renamed, made anew or lose an address; the kernels say who has the VIPs. */
import { beforeAll, expect, test } from "bun:test";
import { requireLab } from "../support/lab.ts";
import { expectAgreedOverlap, VipPair } from "./support/vip-pair.ts";

beforeAll(requireLab);

test.each([
  ["is renamed", ["link set eth0 name lan0"]],
  ["is switched off and renamed", ["link set eth0 down", "link set eth0 name lan0", "link set lan0 up"]],
  ["loses this router's own address", ["address delete 203.0.113.2/24 dev eth0"]],
])("the public interface of the active %s: the standby has the VIPs", async (what, lines) => {
  await using pair = await VipPair.start();
  const watched = await pair.watch(`the public interface ${what}`, async () => {
    for (const line of lines) pair.lab.topology.run("lvs1", ["ip", ...line.split(" ")]);
    await pair.owned("lvs2");
  });
  expectAgreedOverlap(watched);
  expect(pair.lab.topology.run("lvs1", ["ip", "address", "show"])).not.toContain("203.0.113.10");
});

test("the MAC of the active's public interface changes: its neighbours learn the new one at once", async () => {
  await using pair = await VipPair.start();
  const watched = await pair.watch("another MAC", async () => {
    pair.lab.topology.run("lvs1", ["ip", "link", "set", "eth0", "address", "02:00:00:00:00:42"]);
    const known = () => pair.lab.topology.run("client", ["ip", "neigh", "show", "203.0.113.10"]);
    await pair.until("the client has learnt it", () => known().includes("02:00:00:00:00:42"));
    await pair.settled("lvs1");
  });
  expect(VipPair.ownersOf(watched)).toEqual([["lvs1"]]);
});
