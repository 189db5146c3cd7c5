import { describe, expect, test } from "bun:test";
import { DecodeError } from "../../../../src/lib/errors.ts";
import { address } from "../../../../src/model/address.ts";
import type { MacAddress } from "../../../../src/model/mac-address.ts";
import {
  announcementReply,
  announcementRequest,
  arpQuestion,
  decodeArp,
  encodeArp,
  isArpProbe,
} from "../../../../src/wire/ethernet/arp.ts";

const MAC = "02:00:5e:10:00:01" as MacAddress;
const VIP = address("203.0.113.10");
const OWN = address("203.0.113.2");

/** The fields of RFC 826 in their order: ar$hrd ar$pro ar$hln ar$pln ar$op ar$sha ar$spa ar$tha ar$tpa. */
const GOLDEN = [
  [
    "announcementRequest()",
    announcementRequest(VIP, MAC),
    "0001 0800 06 04 0001 02005e100001 cb00710a 000000000000 cb00710a",
  ],
  [
    "announcementReply()",
    announcementReply(VIP, MAC),
    "0001 0800 06 04 0002 02005e100001 cb00710a 02005e100001 cb00710a",
  ],
  ["arpQuestion()", arpQuestion(VIP, MAC, OWN), "0001 0800 06 04 0001 02005e100001 cb007102 000000000000 cb00710a"],
  [
    "arpQuestion() without an own address",
    arpQuestion(VIP, MAC),
    "0001 0800 06 04 0001 02005e100001 00000000 000000000000 cb00710a",
  ],
] as const;

describe("ARP", () => {
  test.each(GOLDEN)("encodeArp() of %s gives the bytes of RFC 826", (_, packet, hex) => {
    expect(Buffer.from(encodeArp(packet)).toString("hex")).toBe(hex.replaceAll(" ", ""));
  });

  test.each(GOLDEN)("decodeArp() reads %s back and skips the padding", (_, packet, hex) => {
    const padded = Buffer.from(hex.replaceAll(" ", "") + "00".repeat(18), "hex");
    expect(decodeArp(padded)).toEqual(packet);
  });

  test.each([
    ["a token ring", "0006 0800 06 04 0001", "arp.hardwareType: is 6, not 1"],
    ["IPX", "0001 8137 06 04 0001", "arp.protocolType: is 33079, not 2048"],
    ["a hardware length of 128", "0001 0800 80 04 0001", "arp.hardwareLength: is 128, not 6"],
    ["a protocol length of 16", "0001 0800 06 10 0001", "arp.protocolLength: is 16, not 4"],
    ["RARP", "0001 0800 06 04 0003", "arp.operation: is 3, neither request nor reply"],
    ["a packet that is cut short", "0001 0800 06 04 0001 0200", "arp.senderMac: bytes needs 6 bytes, got 2"],
  ])("decodeArp() refuses %s", (_, hex, message) => {
    expect(() => decodeArp(Buffer.from(hex.replaceAll(" ", ""), "hex"))).toThrow(new DecodeError("", message));
  });

  test("encodeArp() refuses an IPv6 address", () => {
    expect(() => encodeArp(announcementRequest(address("2001:db8::10"), MAC))).toThrow(RangeError);
  });

  test("isArpProbe() knows a request from 0.0.0.0 from an announcement and a question", () => {
    expect([arpQuestion(VIP, MAC), arpQuestion(VIP, MAC, OWN), announcementRequest(VIP, MAC)].map(isArpProbe)).toEqual([
      true,
      false,
      false,
    ]);
  });
});
