import { describe, expect, test } from "bun:test";
import { kernelPrefixLength } from "../../../../src/kernel/addresses/address-client.ts";
import type { InterfaceAddress } from "../../../../src/model/interface-address.ts";
import { prefixOf } from "../../../support/must.ts";

function present(text: string, rest: Partial<InterfaceAddress> = {}): InterfaceAddress {
  const flags = { ours: false, tentative: false, dadFailed: false, secondary: false, noPrefixRoute: false };
  const lifetimes = { validSeconds: "forever", preferredSeconds: "forever" } as const;
  const place = { interface: "eth0", interfaceIndex: 2, prefix: prefixOf(text), scope: "global" } as const;
  return { ...place, ...lifetimes, ...flags, ...rest };
}

describe("kernelPrefixLength()", () => {
  test.each([
    [
      "the full one where the interface has an address of the subnet",
      "203.0.113.10/24",
      [present("203.0.113.2/24")],
      32,
    ],
    ["the full one where a wider subnet covers it", "203.0.113.10/24", [present("203.0.0.1/16")], 32],
    ["the full one for IPv6", "2001:db8::10/64", [present("2001:db8::2/64")], 128],
    ["the configured one where there is no other address", "203.0.113.10/24", [], 24],
    ["the configured one where the other subnet is smaller", "203.0.113.10/24", [present("203.0.113.2/25")], 24],
    ["the configured one where the other subnet is another", "203.0.113.10/24", [present("198.51.100.2/24")], 24],
    [
      "the configured one where another interface has the subnet",
      "203.0.113.10/24",
      [present("203.0.113.2/24", { interface: "eth1" })],
      24,
    ],
    ["the configured one where the VIP itself is there", "203.0.113.10/24", [present("203.0.113.10/24")], 24],
    [
      "the configured one where only another VIP of ours is there",
      "203.0.113.10/24",
      [present("203.0.113.11/24", { ours: true })],
      24,
    ],
    ["the configured one where the other family covers all", "203.0.113.10/24", [present("::/0")], 24],
    ["the full one where that is configured", "203.0.113.10/32", [], 32],
  ] as const)("is %s", (_, vip, addresses, expected) => {
    expect(kernelPrefixLength({ prefix: prefixOf(vip), interface: "eth0" }, addresses)).toBe(expected);
  });
});
