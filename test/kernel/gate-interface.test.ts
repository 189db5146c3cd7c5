/** What a gate finds of interfaces, as a real kernel has them. */
import { beforeAll, expect, test } from "bun:test";
import { probeInterface } from "../../src/probe/local/interface-state.ts";
import { requireLab } from "../support/lab.ts";
import { VethPair } from "./support/veth-pair.ts";

beforeAll(requireLab);

test("probeInterface() wants an interface that is there, up, and has a carrier", () => {
  using cable = new VethPair();
  const found = (name: string) => {
    const outcome = cable.inside("left", () => probeInterface(name));
    return outcome.result === "success" ? outcome.reason : `${outcome.failure}: ${outcome.reason}`;
  };
  expect(found("eth0")).toBe("eth0 is up and has a carrier");
  cable.linkDown("right");
  // The kernel looks after the operational state in a work queue.
  cable.until(() => found("eth0") === "state: eth0 has no carrier");
  cable.linkDown("left");
  expect(found("eth0")).toBe("state: eth0 is not up");
  cable.ip("left", "link", "set", "eth0", "name", "eth.7");
  expect([found("eth0"), found("eth.7")]).toEqual(["state: there is no interface eth0", "state: eth.7 is not up"]);
  for (const [side, name] of [
    ["left", "eth.7"],
    ["right", "eth0"],
  ] as const)
    cable.ip(side, "link", "set", name, "up");
  cable.until(() => found("eth.7") === "eth.7 is up and has a carrier");
  // What stands on an interface without a carrier has none either.
  cable.ip("left", "link", "add", "link", "eth.7", "name", "mv0", "type", "macvlan");
  cable.ip("left", "link", "set", "mv0", "up");
  cable.until(() => found("mv0") === "mv0 is up and has a carrier");
  cable.linkDown("right");
  cable.until(() => found("mv0") === "state: mv0 has no carrier");
});
