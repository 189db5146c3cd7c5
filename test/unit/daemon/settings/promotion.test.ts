import { expect, test } from "bun:test";
import { promotionSysctls } from "../../../../src/daemon/settings/promotion.ts";
import type { InterfaceAddress } from "../../../../src/model/interface-address.ts";
import { prefixOf } from "../../../support/must.ts";

function on(name: string, prefix: string) {
  return { prefix: prefixOf(prefix), interface: name };
}

const OWN = [on("eth0", "203.0.113.2/24")] as unknown as readonly InterfaceAddress[];

test.each([
  ["within an own network", [on("eth0", "203.0.113.10/24")], []],
  ["of a network of its own", [on("eth0", "198.51.100.10/24"), on("eth0", "198.51.100.11/24")], ["eth0"]],
  ["of a network of its own, alone in it", [on("eth0", "198.51.100.10/32")], []],
  ["on an interface without addresses", [on("eth1", "203.0.113.10/24")], ["eth1"]],
  ["for IPv6", [on("eth1", "2001:db8::10/64")], []],
])("promotionSysctls() of VIPs %s", (_what, vips, names) => {
  const settings = promotionSysctls({ vips } as unknown as Parameters<typeof promotionSysctls>[0], OWN);
  expect(settings.map(({ path, value }) => `${path}=${value}`)).toEqual(
    names.map((name) => `net/ipv4/conf/${name}/promote_secondaries=1`),
  );
});
