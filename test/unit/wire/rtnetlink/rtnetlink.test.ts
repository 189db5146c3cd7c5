import { describe, expect, test } from "bun:test";
import { DecodeError } from "../../../../src/lib/errors.ts";
import { address } from "../../../../src/model/address.ts";
import { formatInterfaceAddress } from "../../../../src/model/interface-address.ts";
import { Writer } from "../../../../src/wire/bytes/bytes.ts";
import { RouteTally } from "../../../../src/wire/rtnetlink/route-tally.ts";
import {
  isInternetAddress,
  readAddress,
  toInterfaceAddress,
  writeAddress,
  writeAddressRemoval,
  writeFoundRemoval,
} from "../../../../src/wire/rtnetlink/rtnetlink-address.ts";
import { readLink, toLink, writeLinkRequest } from "../../../../src/wire/rtnetlink/rtnetlink-link.ts";
import { readNeighbour, toNeighbour } from "../../../../src/wire/rtnetlink/rtnetlink-neighbour.ts";
import { readNetconf } from "../../../../src/wire/rtnetlink/rtnetlink-netconf.ts";
import {
  readRoute,
  toGateways,
  toRouteAddress,
  writeRouteLookup,
} from "../../../../src/wire/rtnetlink/rtnetlink-route.ts";
import { hex, toHex } from "../../../support/hex.ts";
import { prefixOf } from "../../../support/must.ts";

// Answers below are from Linux 6.18; what nobody reads of the long ones is cut out.

function written(write: (writer: Writer) => void): string {
  const writer = new Writer(256);
  write(writer);
  return toHex(writer.written());
}

function compact(text: string): string {
  return text.replaceAll(/\s/g, "");
}

const names = (index: number) => (index === 3 ? "v0" : undefined);

describe("links", () => {
  const veth = `00000100 03000000 43100100 00000000 07000300 76300000 08000d00 e8030000 08000400 dc050000
    05002100 01000000 0a000100 da81dccc5fac 0000`;

  test("toLink() reads a veth", () => {
    expect(toLink(readLink(hex(veth)))).toEqual({
      index: 3,
      name: "v0",
      mac: "da:81:dc:cc:5f:ac" as never,
      up: true,
      carrier: true,
      loopback: false,
      mtuBytes: 1500,
    });
  });

  test.each([
    ["no carrier", veth.replace("05002100 01000000", "05002100 00000000"), { up: true, carrier: false }],
    ["no carrier while it is down", veth.replace("43100100", "42100100"), { up: false, carrier: false }],
    ["a carrier by its flags", veth.replace("05002100 01000000", ""), { up: true, carrier: true }],
    [
      "no carrier by its flags",
      veth.replace("05002100 01000000", "").replace("43100100", "03100000"),
      { up: true, carrier: false },
    ],
  ])("toLink() sees %s", (_, text, expected) => {
    expect(toLink(readLink(hex(text)))).toMatchObject(expected);
  });

  test("toLink() gives no MAC to a link with an address of another kind", () => {
    const tunnel = "00000003 02000000 00000000 00000000 07000300 76300000 08000100 0a000001";
    expect(toLink(readLink(hex(tunnel))).mac).toBeUndefined();
  });

  test.each([
    ["no name", "00000100 03000000 00000000 00000000", "name: is missing"],
    ["no number", "00000100 00000000 00000000 00000000", "ifi_index: 0 is not the number of an interface"],
  ])("toLink() refuses %s", (_, text, message) => {
    expect(() => toLink(readLink(hex(text)))).toThrow(new DecodeError("", message));
  });

  test("writeLinkRequest() asks by name or number, without counters", () => {
    expect(written((writer) => writeLinkRequest(writer, "v0"))).toBe(
      compact("00000000 00000000 00000000 00000000 07000300 76300000 08001d00 08000000"),
    );
    expect(written((writer) => writeLinkRequest(writer, 3))).toBe(
      compact("00000000 03000000 00000000 00000000 08001d00 08000000"),
    );
  });
});

describe("addresses", () => {
  const forever = { validSeconds: "forever", preferredSeconds: "forever" } as const;
  const flags = { ours: false, tentative: false, dadFailed: false, secondary: false, noPrefixRoute: false };

  test.each([
    [
      "one of loopback, its interface not known",
      `020880fe 01000000 08000100 7f000001 08000200 7f000001 07000300 6c6f0000 08000800 80000000
       14000600 ffffffff ffffffff 7e150300 7e150300`,
      {
        ...{ interface: "1", interfaceIndex: 1, prefix: prefixOf("127.0.0.1/8"), label: "lo", scope: "host" },
        ...{ ...forever, ...flags },
      },
    ],
    [
      "one with a label and a lifetime",
      `02200000 03000000 08000100 cb00710a 08000200 cb00710a 09000300 76303a31 00000000 08000800 00000000
       14000600 1e000000 1e000000 7f150300 7f150300`,
      {
        ...{ interface: "v0", interfaceIndex: 3, prefix: prefixOf("203.0.113.10/32"), label: "v0:1", scope: "global" },
        ...{ validSeconds: 30, preferredSeconds: 30, ...flags },
      },
    ],
    [
      "a tentative IPv6 one",
      `0a40c0fd 03000000 14000100 fe80000000000000d881dcfffecc5fac 14000600 ffffffff ffffffff 7e150300 7e150300
       08000800 c0000000 05000b00 03000000`,
      {
        ...{ interface: "v0", interfaceIndex: 3, prefix: prefixOf("fe80::d881:dcff:fecc:5fac/64"), scope: "link" },
        ...{ ...forever, ...flags, tentative: true },
      },
    ],
  ])("toInterfaceAddress() reads %s", (_, text, expected) => {
    expect(toInterfaceAddress(readAddress(hex(text)), names)).toEqual(expected as never);
  });

  const leased = `0a800000 03000000 14000100 20010db8000000000000000000000010
    14000200 20010db8000000000000000000000010 14000600 00000000 03000000 00000000 00000000
    08000800 02020000 05000b00 74000000`;

  test("writeAddress() writes the address with its lifetime, flags and our mark", () => {
    const lifetimes = { validSeconds: 3, preferredSeconds: 0 };
    const wanted = { prefix: prefixOf("2001:db8::10/128"), interfaceIndex: 3, flags: 0x202, ...lifetimes };
    expect(written((writer) => writeAddress(writer, wanted))).toBe(compact(leased));
  });

  test("toInterfaceAddress() knows the mark and the bits of what writeAddress() wrote", () => {
    expect(toInterfaceAddress(readAddress(hex(leased)), names)).toEqual({
      ...{ interface: "v0", interfaceIndex: 3, prefix: prefixOf("2001:db8::10/128"), scope: "global" },
      ...{ validSeconds: 3, preferredSeconds: 0, ...flags, ours: true, noPrefixRoute: true },
    });
  });

  test("writeAddress() writes a label and a lifetime without end", () => {
    const wanted = { prefix: prefixOf("203.0.113.10/32"), interfaceIndex: 3, label: "v0:1", flags: 0, ...forever };
    expect(written((writer) => writeAddress(writer, wanted))).toBe(
      compact(`02200000 03000000 08000100 cb00710a 08000200 cb00710a 09000300 76303a31 00000000
        14000600 ffffffff ffffffff 00000000 00000000 08000800 00000000 05000b00 74000000`),
    );
  });

  test("writeAddress() refuses a lifetime that would mean no end", () => {
    const lifetimes = { validSeconds: 0xffff_ffff, preferredSeconds: 0 };
    const wanted = { prefix: prefixOf("203.0.113.10/32"), interfaceIndex: 3, flags: 0, ...lifetimes };
    expect(() => written((writer) => writeAddress(writer, wanted))).toThrow(RangeError);
  });

  test("writeAddressRemoval() names the address with its prefix and no more", () => {
    expect(written((writer) => writeAddressRemoval(writer, prefixOf("203.0.113.10/32"), 3))).toBe(
      compact("02200000 03000000 08000100 cb00710a 08000200 cb00710a"),
    );
  });

  test("toInterfaceAddress() takes the local end of a point-to-point link, and the other one as its peer", () => {
    const text = "02180000 03000000 08000100 c6336400 08000200 cb007109";
    const own = toInterfaceAddress(readAddress(hex(text)), names);
    expect([own.prefix, own.peer]).toEqual([prefixOf("203.0.113.9/24"), address("198.51.100.0")]);
    expect(formatInterfaceAddress({ ...own, label: "v0:1" })).toBe(
      "203.0.113.9 peer 198.51.100.0/24 on v0, label v0:1",
    );
    const { peer: _, ...plain } = own;
    expect(formatInterfaceAddress(plain)).toBe("203.0.113.9/24 on v0");
  });

  test("writeFoundRemoval() names the other end and the label where there are some", () => {
    const point = "02180000 03000000 08000100 c6336400 08000200 cb007109 09000300 76303a31 00000000";
    const plain = "02200000 03000000 08000100 cb00710a 08000200 cb00710a";
    for (const text of [point, plain]) {
      const found = toInterfaceAddress(readAddress(hex(text)), names);
      expect(written((writer) => writeFoundRemoval(writer, found))).toBe(compact(text));
    }
  });

  test("toInterfaceAddress() calls only IPv4 addresses secondary: the bit means temporary in IPv6", () => {
    const ipv4 = "02180100 03000000 08000200 0a000001";
    const ipv6 = "0a400100 03000000 14000100 20010db8000000000000000000000010";
    const secondary = [ipv4, ipv6].map((text) => toInterfaceAddress(readAddress(hex(text)), names).secondary);
    expect(secondary).toEqual([true, false]);
  });

  test("isInternetAddress() knows those of other protocols", () => {
    const families = ["02", "0a", "23"].map((family) =>
      isInternetAddress(readAddress(hex(`${family}000000 03000000`))),
    );
    expect(families).toEqual([true, true, false]);
  });

  test.each([
    ["no address", "02200000 03000000", "address: is missing"],
    ["too long a prefix", "02210000 03000000 08000200 0a000001", "ifa_prefixlen: 33 is too long for inet"],
    ["a short lifetime", "02200000 03000000 06000600 01000000", "lifetime.ifa_prefered: u32 needs 4 bytes, got 2"],
  ])("refuses %s", (_, text, message) => {
    expect(() => toInterfaceAddress(readAddress(hex(text)), names)).toThrow(new DecodeError("", message));
  });
});

describe("routes", () => {
  test.each([
    [
      "a default route",
      "02000000 fe030001 00000000 08000f00 fe000000 08000500 cb007101 08000400 03000000",
      [{ gateway: address("203.0.113.1"), interfaceIndex: 3 }],
    ],
    [
      "a route with two ways",
      `02180000 fe030001 00000000 08000f00 fe000000 08000100 c6336400
       24000900 10000000 03000000 08000500 cb007103 10000000 03000000 08000500 cb007104`,
      [
        { gateway: address("203.0.113.3"), interfaceIndex: 3 },
        { gateway: address("203.0.113.4"), interfaceIndex: 3 },
      ],
    ],
    [
      "a default route of IPv6",
      `0a000000 fe030001 00000000 08000f00 fe000000 08000600 00040000 14000500 20010db8000000000000000000000001
       08000400 03000000`,
      [{ gateway: address("2001:db8::1"), interfaceIndex: 3 }],
    ],
    [
      "a route to the link itself",
      `02180000 fe02fd01 00000000 08000f00 fe000000 08000100 cb007100 08000700 cb007102 08000400 03000000`,
      [],
    ],
  ])("toGateways() of %s", (_, text, expected) => {
    expect(toGateways(readRoute(hex(text)))).toEqual(expected);
  });

  test("readRoute() takes the table of the attribute, which has room for more than 255", () => {
    const texts = ["02000000 fc030001 00000000 08000f00 00040000", "02000000 fe030001 00000000"];
    expect(texts.map((text) => readRoute(hex(text)).table)).toEqual([1024, 254]);
  });

  test("writeRouteLookup() asks for one address", () => {
    expect(written((writer) => writeRouteLookup(writer, address("10.0.0.11")))).toBe(
      compact("02200000 00000000 00000000 08000100 0a00000b"),
    );
  });

  test.each([
    ["a way shorter than its header", "0600 0900 0700", "nextHops.rtnh_flags: padding needs 2 bytes, got 0"],
    ["a way of too few bytes", "0c00 0900 07000000 03000000", "nextHops.rtnh_len: a hop cannot be 7 bytes long"],
    ["a way past the end", "0c00 0900 0c000000 03000000", "nextHops.rtnh_len: needs 4 bytes, got 0"],
  ])("readRoute() refuses %s", (_, text, message) => {
    expect(() => readRoute(hex(`02000000 fe030001 00000000 ${text}`))).toThrow(new DecodeError("", message));
  });

  test("toRouteAddress() refuses an address of the wrong length", () => {
    const route = readRoute(hex("0a000000 fe030001 00000000"));
    expect(() => toRouteAddress(route, hex("0a000001"), "gateway")).toThrow("gateway: needs 16 bytes, got 4");
  });
});

describe("RouteTally", () => {
  const byGateway = "02000000 fe030001 00000000 08000f00 fe000000 08000500 cb007101 08000400 03000000";
  const inTable100 = byGateway.replace("02000000 fe", "02000000 64").replace("fe000000", "64000000");
  const dead = byGateway.replace("fe030001 00000000", "fe030001 01000000");
  const unreachable = "02000000 fe030007 00000000 08000f00 fe000000";
  const further = "02180000 fe030001 00000000 08000f00 fe000000 08000100 c6336400 08000500 cb007101 08000400 03000000";
  const ways = `02180000 fe030001 00000000 08000f00 fe000000 08000100 c6336400
    24000900 10000000 03000000 08000500 cb007103 10000000 04000000 08000500 cb007104`;
  const ipv6 = `0a000000 fe030001 00000000 08000f00 fe000000 14000500 20010db8000000000000000000000001
    08000400 03000000`;
  const onLink = "02180000 fe02fd01 00000000 08000f00 fe000000 08000100 cb007100 08000700 cb007102 08000400 03000000";

  function tallied(...texts: readonly string[]) {
    const tally = new RouteTally();
    for (const text of texts) {
      // Somewhere in a buffer, as in a dump.
      const bytes = hex(`ffffff ${text} ff`);
      tally.take(new DataView(bytes.buffer), 3, bytes.length - 1);
    }
    const { gateways, defaultRoutes } = tally.survey();
    return [gateways.map(({ gateway, interfaceIndex }) => `${gateway.text}%${interfaceIndex}`), defaultRoutes];
  }

  test.each([
    ["a default route", [byGateway], ["203.0.113.1%3"], ["inet"]],
    ["a route further on, twice", [further, further], ["203.0.113.1%3"], []],
    ["both families", [byGateway, further, ipv6], ["203.0.113.1%3", "2001:db8::1%3"], ["inet", "inet6"]],
    ["several ways", [ways], ["203.0.113.3%3", "203.0.113.4%4"], []],
    ["a default route of a table of its own, and a dead one", [inTable100, dead], ["203.0.113.1%3"], []],
    ["no way at all", [unreachable, onLink], [], []],
  ] as const)("finds %s", (_, texts, gateways, defaults) => {
    expect(tallied(...texts)).toEqual([gateways, defaults] as never);
  });

  test("begins anew", () => {
    const tally = new RouteTally();
    const bytes = hex(byGateway);
    tally.take(new DataView(bytes.buffer), 0, bytes.length);
    tally.begin();
    expect(tally.survey()).toEqual({ gateways: [], defaultRoutes: [] });
    tally.take(new DataView(bytes.buffer), 0, bytes.length);
    expect(tally.survey().gateways).toHaveLength(1);
  });

  test.each([
    ["half a header", "0200 0000 fe03", "rtmsg: needs 12 bytes, got 6"],
    [
      "an attribute without a header",
      `${onLink} 0300 0500`,
      "RTA: an attribute cannot be 3 bytes long where 4 are left",
    ],
    ["an attribute past the end", `${onLink} 0900 0500`, "RTA: an attribute cannot be 9 bytes long where 4 are left"],
  ])("refuses %s", (_, text, message) => {
    expect(() => tallied(text)).toThrow(new DecodeError("", message));
  });
});

describe("settings of interfaces", () => {
  test.each([
    [
      "a new interface",
      "02000000 08000100 02000000 08000200 00000000 08000300 00000000 08000400 00000000",
      { family: 2, interfaceIndex: 2, forwarding: false },
    ],
    [
      "all interfaces",
      "0a000000 08000100 ffffffff 08000200 01000000",
      { family: 10, interfaceIndex: -1, forwarding: true },
    ],
    ["another setting", "02000000 08000100 03000000 08000300 01000000", { family: 2, interfaceIndex: 3 }],
  ])("readNetconf() of %s", (_, text, expected) => {
    expect(readNetconf(hex(text))).toEqual(expected);
  });

  test.each([
    ["nothing", "", "ncm_family: u8 needs 1 bytes, got 0"],
    ["no interface", "02000000 08000200 01000000", "interfaceIndex: is missing"],
    ["half a number", "02000000 06000100 0100", "interfaceIndex: i32 needs 4 bytes, got 2"],
  ])("readNetconf() refuses %s", (_, text, message) => {
    expect(() => readNetconf(hex(text))).toThrow(new DecodeError("", message));
  });
});

describe("neighbours", () => {
  const permanent = "02000000 03000000 80000001 08000100 cb007101 0a000200 02005e100001 0000 08000400 00000000";

  test("toNeighbour() reads an entry", () => {
    expect(toNeighbour(readNeighbour(hex(permanent)))).toEqual({
      address: address("203.0.113.1"),
      mac: "02:00:5e:10:00:01" as never,
      interfaceIndex: 3,
      state: "permanent",
    });
  });

  test.each([
    ["0000", "none"],
    ["0100", "incomplete"],
    ["0200", "reachable"],
    ["0400", "stale"],
    ["0800", "delay"],
    ["1000", "probe"],
    ["2000", "failed"],
    ["4000", "noarp"],
  ] as const)("toNeighbour() names the state %s %s", (bits, state) => {
    const text = permanent.replace("80000001", `${bits}0001`);
    expect(toNeighbour(readNeighbour(hex(text)))?.state).toBe(state);
  });

  test("toNeighbour() passes over entries without a MAC and those of other families", () => {
    const texts = ["02000000 03000000 01000001 08000100 cb007101", permanent.replace("02000000", "07000000")];
    expect(texts.map((text) => toNeighbour(readNeighbour(hex(text))))).toEqual([undefined, undefined]);
  });

  test("toNeighbour() refuses an entry without an address", () => {
    const text = "02000000 03000000 80000001 0a000200 02005e100001 0000";
    expect(() => toNeighbour(readNeighbour(hex(text)))).toThrow("destination: is missing");
  });
});
