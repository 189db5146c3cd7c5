import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { address } from "../../src/model/address.ts";
import { runCheck } from "../../src/probe/run-check.ts";
import { requireLab, run } from "../support/lab.ts";

const NEAR = "tandem-near";
const FAR = "tandem-far";

beforeAll(() => {
  requireLab();
  run("ip", "link", "add", NEAR, "type", "veth", "peer", "name", FAR);
  for (const name of [NEAR, FAR]) run("ip", "link", "set", name, "up");
  run("ip", "address", "add", "198.51.100.1/24", "dev", NEAR);
  // Frames to this neighbour arrive at nobody: the connection is never answered.
  run("ip", "neighbour", "add", "198.51.100.2", "lladdr", "02:00:00:00:00:99", "dev", NEAR);
  run("ip", "route", "add", "prohibit", "198.18.1.0/24");
  run("ip", "route", "add", "unreachable", "198.18.2.0/24");
  run("ip", "route", "add", "blackhole", "198.18.3.0/24");
});

afterAll(() => {
  run("ip", "link", "delete", NEAR);
  for (const network of ["198.18.1.0/24", "198.18.2.0/24", "198.18.3.0/24"]) run("ip", "route", "delete", network);
});

test.each<[string, string, string, string]>([
  ["a machine that is switched off", "198.51.100.2", "timeout", "no answer within 100 ms"],
  ["a prohibited network", "198.18.1.1", "unreachable", "prohibited on the way (EACCES)"],
  [
    "an unreachable network",
    "198.18.2.1",
    "unreachable",
    "the host does not answer ARP, or a router says it is unreachable (EHOSTUNREACH)",
  ],
  ["a black hole", "198.18.3.1", "unreachable", "the route there discards everything (EINVAL)"],
])("runCheck() tells of %s, and leaves no descriptor behind", async (_what, text, failure, reason) => {
  const descriptors = readdirSync("/proc/self/fd").length;
  const outcome = await runCheck({ kind: "tcp" }, { address: address(text), port: 80 }, 100);
  expect([outcome.result === "failure" && outcome.failure, outcome.reason]).toEqual([failure, reason]);
  expect(readdirSync("/proc/self/fd").length).toBe(descriptors);
});

test("runCheck() tells of a neighbour that does not answer ARP", async () => {
  // Three requests a second apart (neigh/default/mcast_solicit), and then the kernel says so.
  const outcome = await runCheck({ kind: "tcp" }, { address: address("198.51.100.3"), port: 80 }, 60_000);
  expect([outcome.result === "failure" && outcome.failure, outcome.elapsedMs > 1_000]).toEqual(["unreachable", true]);
});
