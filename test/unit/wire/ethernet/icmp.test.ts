import { describe, expect, test } from "bun:test";
import { address } from "../../../../src/model/address.ts";
import { internetChecksum } from "../../../../src/wire/bytes/internet-checksum.ts";
import { decodeEcho, decodeIpv4Echo, encodeEcho, type IcmpEcho } from "../../../../src/wire/ethernet/icmp.ts";

const ECHO: IcmpEcho = {
  kind: "request",
  identifier: 0x1234,
  sequence: 7,
  payload: new TextEncoder().encode("tandem!"),
};
/** Made by a separate program in another language from RFC 792. */
const GOLDEN = "08007c911234000774616e64656d21";
const IPV4_HEADER = "4500002300000000400100000a00000bcb00710a";

describe("ICMP echo", () => {
  test("encodeEcho() gives the bytes of RFC 792 with their checksum", () => {
    expect(Buffer.from(encodeEcho("inet", ECHO)).toString("hex")).toBe(GOLDEN);
  });

  test("encodeEcho() leaves the checksum of ICMPv6 to the kernel", () => {
    expect(Buffer.from(encodeEcho("inet6", ECHO)).toString("hex")).toBe("800000001234000774616e64656d21");
  });

  test.each(["inet", "inet6"] as const)("decodeEcho() reads a reply back (%s)", (family) => {
    const reply: IcmpEcho = { ...ECHO, kind: "reply" };
    expect(decodeEcho(family, encodeEcho(family, reply))).toEqual(reply);
  });

  test("decodeIpv4Echo() reads the addresses of the header", () => {
    expect(decodeIpv4Echo(Buffer.from(IPV4_HEADER + GOLDEN, "hex"))).toEqual({
      source: address("10.0.0.11"),
      destination: address("203.0.113.10"),
      timeToLive: 64,
      echo: ECHO,
    });
  });

  test("decodeIpv4Echo() skips IP options", () => {
    const header = `46${IPV4_HEADER.slice(2)}01010101`;
    expect(decodeIpv4Echo(Buffer.from(header + GOLDEN, "hex")).echo).toEqual(ECHO);
  });

  test.each([
    ["an unreachable message", `${IPV4_HEADER}0301fcfe00000000`, "icmp.type: is 3, not an echo"],
    ["a wrong checksum", `${IPV4_HEADER}08007c901234000774616e64656d21`, "icmp.checksum: is wrong"],
    ["a message cut short", `${IPV4_HEADER}0800f7ff`, "icmp.identifier: be16 needs 2 bytes, got 0"],
    ["UDP", IPV4_HEADER.replace("4001", "4011"), "ipv4.protocol: is 17, not ICMP"],
    ["IPv6", `60${IPV4_HEADER.slice(2)}`, "ipv4.version: is 6, not 4"],
    ["a header shorter than 20 bytes", `44${IPV4_HEADER.slice(2)}`, "ipv4.headerLength: is 16"],
    ["options beyond the end", `4f${IPV4_HEADER.slice(2)}`, "ipv4.options: padding needs 40 bytes, got 0"],
  ])("decodeIpv4Echo() refuses %s", (_, hex, message) => {
    expect(() => decodeIpv4Echo(Buffer.from(hex, "hex"))).toThrow(message);
  });
});

test("internetChecksum() gives the example of RFC 1071, and 0 over its own result", () => {
  const words = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
  // Section 3: the sum is ddf2.
  expect(internetChecksum(Uint8Array.from(words))).toBe(0xffff - 0xddf2);
  expect(internetChecksum(Uint8Array.from([...words, 0x22, 0x0d]))).toBe(0);
});
