import { describe, expect, test } from "bun:test";
import type { Config } from "../../../../src/config/keys/config.ts";
import { parseConfig } from "../../../../src/config/parse.ts";
import { changeCount, planReload, takesAllAway } from "../../../../src/daemon/reload/reload-plan.ts";
import { BASE } from "../../config/base.ts";

const INTERFACES = { public: "eth0", private: "eth1" };

function config(text: string): Config {
  const result = parseConfig(text);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.config;
}

/** The plan from the base to a changed text, and back. */
function plan(text: string, before = BASE) {
  return planReload(config(before), config(text), INTERFACES);
}

const NAT = BASE.replaceAll(/(address = "10\.0\.0\.1[12]:80"\n)/g, '$1forward = "nat"\n');

describe("planReload()", () => {
  test("of the same says nothing", () => expect(changeCount(plan(`# a comment\n${BASE}`))).toBe(0));

  test("a service that is gone is taken out of the kernel", () => {
    const { table } = plan(BASE.slice(0, BASE.indexOf("[[service]]")));
    expect(table.map(({ kind }) => kind)).toEqual(["delete-service"]);
  });

  test("a VIP with another prefix is the same one, changed; on another interface it is another one", () => {
    const { vips } = plan(BASE.replace(".10/24", ".10/32"));
    expect(
      vips.map((change) => [change.do, change.vip.prefix.prefixLength, change.before?.prefix.prefixLength]),
    ).toEqual([["edit", 32, 24]]);
    expect(plan(BASE.replace('"eth0"', '"eth2"')).vips.map((change) => [change.do, change.vip.interface])).toEqual([
      ["add", "eth2"],
      ["remove", "eth0"],
    ]);
  });

  test("what is added comes before what is changed, and that before what goes", () => {
    const text = BASE.replace("10.0.0.12:80", "10.0.0.13:80").replace(
      'listen = "tcp://203.0.113.10:80"',
      'listen = "tcp://203.0.113.10:80"\nscheduler = "rr"',
    );
    expect(plan(text).table.map(({ kind }) => kind)).toEqual(["add-server", "edit-service", "delete-server"]);
  });

  test("checks, quorum and the like are told by name, servers that came or went are not told twice", () => {
    const text = BASE.replace('kind = "tcp"', 'kind = "tcp"\ninterval = "9s"').replace(
      'name = "web"',
      'name = "web"\nquorum = 2',
    );
    expect(plan(text).parts).toEqual([{ do: "edit", subject: "service web", detail: "check, quorum" }]);
    expect(plan(BASE.replace("10.0.0.12:80", "10.0.0.13:80")).parts).toEqual([]);
  });

  test("other keys are told by their names, with both values as a file has them", () => {
    expect(plan(BASE.replace('dead_after = "1s"', 'dead_after = "2s"')).settings).toEqual([
      { key: "pair.dead_after", from: '"1s"', to: '"2s"' },
    ]);
  });

  test("kernel settings that nobody wants any more are given back", () => {
    const forward = "net/ipv4/ip_forward";
    expect(
      plan(NAT, BASE.replaceAll(/(address = "10\.0\.0\.1[12]:80"\n)/g, '$1forward = "direct"\n')).sysctls,
    ).toContainEqual({ path: forward, to: "1" });
    expect(
      plan(BASE.replaceAll(/(address = "10\.0\.0\.1[12]:80"\n)/g, '$1forward = "direct"\n'), NAT).sysctls,
    ).toContainEqual({ path: forward });
  });
});

test("takesAllAway() names what a file would take away altogether", () => {
  const withoutVips = config(`vip = []\n${BASE.replace(/\[\[vip\]\][^[]*/, "")}`);
  const empty = { ...withoutVips, services: [] };
  expect(takesAllAway(config(BASE), withoutVips)).toBe("all VIPs (203.0.113.10/24 on eth0)");
  expect(takesAllAway(config(BASE), empty)).toBe("all VIPs (203.0.113.10/24 on eth0) and all services (web)");
  expect([takesAllAway(empty, config(BASE)), takesAllAway(empty, empty)]).toEqual([undefined, undefined]);
});
