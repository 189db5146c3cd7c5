import { describe, expect, test } from "bun:test";
import { NetworkPicture } from "../../../../src/daemon/network/network-picture.ts";
import { findSides, lostSettings, reportInterfaces } from "../../../../src/daemon/network/surroundings-report.ts";
import { address } from "../../../../src/model/address.ts";
import type { InterfaceAddress } from "../../../../src/model/interface-address.ts";
import { prefixOf } from "../../../support/must.ts";

const OWN = { public: address("203.0.113.2"), private: address("10.0.0.2") };
const NOWHERE = { public: undefined, private: undefined };
const VIPS = [
  { prefix: prefixOf("203.0.113.10/24"), interface: "eth0" },
  { prefix: prefixOf("198.51.100.10/24"), interface: "eth7" },
];

/** Interfaces with their addresses; `-` before a name: no carrier. */
function picture(interfaces: Readonly<Record<string, readonly string[]>>, more: Partial<InterfaceAddress> = {}) {
  const made = new NetworkPicture();
  const names = Object.keys(interfaces);
  made.take({
    links: names.map((text, index) => ({
      ...{ index: index + 1, name: text.replace("-", ""), mac: undefined, loopback: false, mtuBytes: 1500 },
      ...{ up: true, carrier: !text.startsWith("-") },
    })),
    addresses: names.flatMap((text, index) =>
      (interfaces[text] ?? []).map(
        (one) =>
          ({
            ...{ interface: text.replace("-", ""), interfaceIndex: index + 1, prefix: prefixOf(one) },
            ...{ dadFailed: false, ...more },
          }) as InterfaceAddress,
      ),
    ),
  });
  return made;
}

describe("findSides()", () => {
  test("finds the own addresses, and remembers where one was last", () => {
    const both = picture({ eth0: ["203.0.113.2/24"], eth1: ["10.0.0.2/24"] });
    const found = findSides(both, OWN, NOWHERE);
    expect(found).toEqual({ public: "eth0", private: "eth1" });
    expect(findSides(picture({ eth0: [], eth1: ["10.0.0.2/24"] }), OWN, found)).toEqual(found);
    expect(findSides(picture({ eth2: ["203.0.113.2/24"], eth1: [] }), OWN, found)).toEqual({
      ...found,
      public: "eth2",
    });
    expect(findSides(picture({}), OWN, NOWHERE)).toEqual(NOWHERE);
  });

  test("stays where it was while an address is on two interfaces", () => {
    const twice = picture({ eth0: ["203.0.113.2/24"], eth2: ["203.0.113.2/32"] });
    expect(findSides(twice, OWN, { public: "eth2", private: undefined }).public).toBe("eth2");
    expect(findSides(twice, OWN, NOWHERE).public).toBe("eth0");
  });
});

describe("reportInterfaces()", () => {
  const sides = { public: "eth0", private: "eth0" };

  test("names each interface once, with the sides that use it", () => {
    const made = picture({ eth0: ["203.0.113.2/24", "10.0.0.2/24"], "-eth7": [] });
    expect(reportInterfaces(made, VIPS, OWN, sides)).toEqual([
      { name: "eth0", link: { up: true, carrier: true }, sides: ["public", "private"], ownAddress: true },
      { name: "eth7", link: { up: true, carrier: false }, sides: [], ownAddress: true },
    ]);
  });

  test.each([
    ["one of two is gone", picture({ eth0: ["203.0.113.2/24"] })],
    ["one of two is on another interface", picture({ eth0: ["203.0.113.2/24"], eth3: ["10.0.0.2/24"] })],
    ["somebody else has one (IPv6)", picture({ eth0: ["203.0.113.2/24", "10.0.0.2/24"] }, { dadFailed: true })],
    ["the interface is not there", picture({ eth9: ["203.0.113.2/24", "10.0.0.2/24"] })],
  ])("says that own addresses are missing: %s", (_, made) => {
    const [first] = reportInterfaces(made, VIPS, OWN, sides);
    expect([first?.name, first?.ownAddress]).toEqual(["eth0", false]);
  });
});

test("lostSettings() names what services can't do without and what has another value, or is not there", () => {
  const settings = new Map([
    ["net/ipv4/ip_forward", "0"],
    ["net/ipv4/conf/eth0/send_redirects", "1"],
  ]);
  const wanted = [
    { path: "net/ipv4/ip_forward", value: "1", why: "", essential: true },
    { path: "net/ipv4/conf/eth0/send_redirects", value: "0", why: "" },
    { path: "net/ipv6/conf/all/forwarding", value: "1", why: "", essential: true },
  ] as const;
  const lost = () => lostSettings(wanted, (path) => settings.get(path));
  expect(lost()).toEqual(["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]);
  settings.set("net/ipv4/ip_forward", "1").set("net/ipv6/conf/all/forwarding", "1");
  expect(lost()).toEqual([]);
});
