import { describe, expect, test } from "bun:test";
import { NetworkPicture } from "../../../../src/daemon/network/network-picture.ts";
import type { InterfaceAddress } from "../../../../src/model/interface-address.ts";
import type { Link } from "../../../../src/model/link.ts";
import { prefixOf } from "../../../support/must.ts";

function link(index: number, name: string): Link {
  return { index, name, mac: undefined, up: true, carrier: true, loopback: false, mtuBytes: 1500 };
}

function own(index: number, name: string, text: string, more: Partial<InterfaceAddress> = {}): InterfaceAddress {
  return { interface: name, interfaceIndex: index, prefix: prefixOf(text), ...more } as InterfaceAddress;
}

/** What is known of addresses, as lines. */
function lines(picture: NetworkPicture): string[] {
  return picture.addresses.map(
    (one) => `${one.prefix.address.text}/${one.prefix.prefixLength} ${one.interface} ${one.validSeconds ?? ""}`,
  );
}

function picture(): NetworkPicture {
  const made = new NetworkPicture();
  made.take({
    links: [link(2, "eth0"), link(3, "eth1")],
    addresses: [own(2, "eth0", "203.0.113.2/24"), own(3, "eth1", "10.0.0.2/24")],
  });
  return made;
}

describe("NetworkPicture", () => {
  test("follows a renamed interface by its number: its addresses go with it", () => {
    const made = picture();
    made.setLink(link(2, "lan0"));
    expect([made.link("eth0"), made.link("lan0")?.index, made.linkNumbered(2)?.name]).toEqual([undefined, 2, "lan0"]);
    expect(lines(made)).toEqual(["203.0.113.2/24 lan0 ", "10.0.0.2/24 eth1 "]);
  });

  test("two interfaces exchange their names", () => {
    const made = picture();
    for (const one of [link(2, "x"), link(3, "eth0"), link(2, "eth1")]) made.setLink(one);
    expect([made.link("eth0")?.index, made.link("eth1")?.index, made.link("x")]).toEqual([3, 2, undefined]);
    made.removeLink(link(2, "eth1"));
    expect([made.link("eth0")?.index, made.link("eth1"), lines(made)]).toEqual([3, undefined, ["10.0.0.2/24 eth0 "]]);
  });

  test("an interface that is made anew has none of the addresses of the one before, whatever comes first", () => {
    const made = picture();
    made.setLink(link(9, "eth0"));
    made.removeLink(link(2, "eth0"));
    expect([made.link("eth0")?.index, lines(made)]).toEqual([9, ["10.0.0.2/24 eth1 "]]);
  });

  test("keeps prefixes and other ends of one address apart, and takes a renewal for the same address", () => {
    const made = picture();
    const places = [
      own(2, "eth0", "203.0.113.10/24"),
      own(2, "eth0", "203.0.113.10/32"),
      own(2, "eth0", "203.0.113.10/32", { peer: prefixOf("198.51.100.1/32").address }),
      own(3, "eth1", "203.0.113.10/32"),
    ];
    for (const place of places) {
      expect(made.find(place)).toBeUndefined();
      made.setAddress(place);
    }
    made.setAddress(own(2, "eth0", "203.0.113.10/32", { validSeconds: 3 }));
    expect(lines(made).filter((line) => line.startsWith("203.0.113.10"))).toEqual([
      "203.0.113.10/24 eth0 ",
      "203.0.113.10/32 eth0 3",
      "203.0.113.10/32 eth0 ",
      "203.0.113.10/32 eth1 ",
    ]);
    made.removeAddress(own(2, "eth0", "203.0.113.10/24"));
    expect(made.addresses).toHaveLength(5);
  });

  test("what is told during a survey counts for more than what the survey read", () => {
    const made = picture();
    made.beginSurvey();
    made.setAddress(own(2, "eth0", "203.0.113.10/32"));
    made.removeAddress(own(3, "eth1", "10.0.0.2/24"));
    made.setLink(link(4, "eth2"));
    made.take({ links: [link(2, "eth0"), link(3, "eth1")], addresses: [own(3, "eth1", "10.0.0.2/24")] });
    expect([made.link("eth2")?.index, lines(made)]).toEqual([4, ["203.0.113.10/32 eth0 "]]);
    made.take({ links: [link(2, "eth0")], addresses: [] });
    expect([made.link("eth2"), lines(made)]).toEqual([undefined, []]);
  });

  test("a survey that came to nothing changes nothing", () => {
    const made = picture();
    made.beginSurvey();
    made.removeLink(link(3, "eth1"));
    made.abandonSurvey();
    expect(lines(made)).toEqual(["203.0.113.2/24 eth0 "]);
  });
});
