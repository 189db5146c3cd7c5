import { describe, expect, test } from "bun:test";
import {
  address,
  addressBytes,
  coversAddress,
  formatAddressPrefix,
  formatEndpoint,
  parseAddress,
  parseAddressPrefix,
  parseEndpoint,
  parsePort,
} from "../../../src/model/address.ts";

describe("parseAddress()", () => {
  // The canonical forms are those of RFC 5952, sections 4 and 5.
  test.each([
    ["203.0.113.10", "203.0.113.10"],
    ["0.0.0.0", "0.0.0.0"],
    ["2001:DB8::1", "2001:db8::1"],
    ["2001:db8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["::ffff:192.0.2.1", "::ffff:c000:201"],
    ["1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"],
  ])("reads %s as %s", (text, canonical) => {
    const family = canonical.includes(":") ? "inet6" : "inet";
    expect(parseAddress(text)).toEqual({ ok: true, value: { family, text: canonical } });
  });

  test.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4 ",
    " 1.2.3.4",
    "0x1.2.3.4",
    "1.2.3.-4",
    "1.2.3.4/24",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "1:2:3:4:5:6:7::8",
    ":::",
    "12345::",
    "g::",
    "1.2.3.4::",
    "::1.2.3",
    "[::1]",
    "::1.2.3.4:5",
  ])("refuses %p", (text) => {
    expect(parseAddress(text)).toEqual({
      ok: false,
      problem: `${JSON.stringify(text)} is not an IPv4 or IPv6 address`,
    });
  });

  test("says of a zone that it has no place here", () => {
    expect(parseAddress("fe80::1%eth0")).toEqual({
      ok: false,
      problem: '"fe80::1%eth0" is not an IPv4 or IPv6 address; a zone such as %eth0 has no place here',
    });
  });
});

describe("parseAddressPrefix()", () => {
  test.each([
    ["203.0.113.10/24", "203.0.113.10/24"],
    ["203.0.113.10", "203.0.113.10/32"],
    ["2001:DB8::/0", "2001:db8::/0"],
    ["::1", "::1/128"],
  ])("reads %s as %s", (text, canonical) => {
    const result = parseAddressPrefix(text);
    expect(result.ok && formatAddressPrefix(result.value)).toBe(canonical);
  });

  test.each([
    ["203.0.113.10/33", 32],
    ["203.0.113.10/", 32],
    ["203.0.113.10/-1", 32],
    ["203.0.113.10/24/24", 32],
    ["::1/129", 128],
  ])("refuses the length of %s", (text, bits) => {
    const problem = `the prefix length of ${JSON.stringify(text)} must be a number from 0 to ${bits}`;
    expect(parseAddressPrefix(text)).toEqual({ ok: false, problem });
  });

  test.each([
    ["255.255.255.0", 24],
    ["255.255.255.255", 32],
    ["128.0.0.0", 1],
    ["255.255.252.0", 22],
  ])("says the prefix length of the mask %s", (mask, length) => {
    const problem = `"203.0.113.10/${mask}" has a netmask; write its prefix length: 203.0.113.10/${length}`;
    expect(parseAddressPrefix(`203.0.113.10/${mask}`)).toEqual({ ok: false, problem });
  });

  test.each(["203.0.113.10/255.0.255.0", "203.0.113.10/0.0.0.255", "203.0.113.10/0.0.0.0", "::1/255.0.0.0"])(
    "takes %s for no mask",
    (text) => {
      expect(parseAddressPrefix(text)).toMatchObject({ problem: expect.stringContaining("must be a number from 0") });
    },
  );
});

describe("parseEndpoint()", () => {
  test.each([
    ["10.0.0.11:80", "10.0.0.11:80"],
    ["10.0.0.11", "10.0.0.11:0"],
    ["[2001:db8::11]:8080", "[2001:db8::11]:8080"],
    ["[2001:db8::11]", "[2001:db8::11]:0"],
    ["10.0.0.11:65535", "10.0.0.11:65535"],
  ])("reads %s as %s", (text, canonical) => {
    const result = parseEndpoint(text);
    expect(result.ok && formatEndpoint(result.value)).toBe(canonical);
  });

  test("reads an IPv6 address without brackets, which leaves no room for a port", () => {
    expect(parseEndpoint("2001:db8::11")).toEqual({ ok: true, value: { address: address("2001:db8::11"), port: 0 } });
    const all = "2001:db8:1:2:3:4:5:80";
    expect(parseEndpoint(all)).toEqual({ ok: true, value: { address: address(all), port: 0 } });
  });

  // It was taken for the machine 2001:db8::11:80 and any port.
  test("an IPv6 address whose last group may be a port needs brackets", () => {
    expect(parseEndpoint("2001:db8::11:80")).toEqual({
      ok: false,
      problem: '"2001:db8::11:80" needs brackets: [2001:db8::11]:80 with a port, [2001:db8::11:80] without one',
    });
    expect(parseEndpoint("[2001:db8::11:80]").ok).toBe(true);
  });

  test.each([
    "",
    ":80",
    "10.0.0.11:",
    "10.0.0.11:x",
    "10.0.0.11:65536",
    "10.0.0.11:80:80",
    "[::1]80",
    "[::1",
    "host:80",
  ])("refuses %p", (text) => {
    expect(parseEndpoint(text).ok).toBe(false);
  });
});

test("parsePort() takes decimal digits only", () => {
  const texts = ["0", "80", "65535", "65536", "-1", "+1", "1e3", "0x10", " 80", ""];
  expect(texts.filter((text) => parsePort(text).ok)).toEqual(["0", "80", "65535"]);
});

describe("coversAddress()", () => {
  test.each([
    ["203.0.113.0", 24, "203.0.113.255", true],
    ["203.0.113.0", 24, "203.0.114.0", false],
    ["203.0.113.10", 32, "203.0.113.11", false],
    ["203.0.113.10", 31, "203.0.113.11", true],
    ["10.0.0.0", 9, "10.128.0.0", false],
    ["0.0.0.0", 0, "255.255.255.255", true],
    ["2001:db8::", 33, "2001:db8:8000::", false],
    ["2001:db8::", 32, "2001:db8:8000::", true],
    ["0.0.0.0", 0, "::", false],
  ] as const)("%s/%d and %s: %p", (network, length, other, expected) => {
    expect(coversAddress(address(network), length, address(other))).toBe(expected);
  });
});

test("addressBytes() gives the bytes in network order", () => {
  expect([...addressBytes(address("203.0.113.10"))]).toEqual([203, 0, 113, 10]);
  expect([...addressBytes(address("2001:db8::ff"))]).toEqual([
    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
  ]);
});
