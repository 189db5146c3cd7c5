import { describe, expect, test } from "bun:test";
import { address } from "../../../../src/model/address.ts";
import type { MacAddress } from "../../../../src/model/mac-address.ts";
import { encodeIcmpv6 } from "../../../../src/wire/ethernet/ipv6-packet.ts";
import {
  decodeNdp,
  encodeNdp,
  multicastMac,
  type NdpPacket,
  solicitedNodeAddress,
  unsolicitedAdvertisement,
} from "../../../../src/wire/ethernet/ndp.ts";

const MAC = "02:00:5e:10:00:01" as MacAddress;
const VIP = address("2001:db8::10");
const OWN = address("2001:db8::2");

const QUESTION: NdpPacket = { kind: "solicitation", source: OWN, destination: VIP, target: VIP, mac: MAC };
const PROBE: NdpPacket = {
  kind: "solicitation",
  source: address("::"),
  destination: solicitedNodeAddress(VIP),
  target: VIP,
};

/** Made by a separate program in another language from RFC 4861 and RFC 8200, checksums included. */
const GOLDEN = [
  [
    "an unsolicited advertisement",
    unsolicitedAdvertisement(VIP, MAC, false),
    "6000000000203aff20010db8000000000000000000000010ff02000000000000000000000000000188009afc2000000020010db8000000000000000000000010020102005e100001",
  ],
  [
    "a unicast question",
    QUESTION,
    "6000000000203aff20010db800000000000000000000000220010db800000000000000000000001087008e450000000020010db8000000000000000000000010010102005e100001",
  ],
  [
    "a probe from no address",
    PROBE,
    "6000000000183aff00000000000000000000000000000000ff0200000000000000000001ff00001087004ccf0000000020010db8000000000000000000000010",
  ],
] as const;

/** A packet with a right checksum around any message. */
function packet(message: readonly number[], overrides: { hopLimit?: number; destination?: string } = {}): Uint8Array {
  return encodeIcmpv6({
    source: OWN,
    destination: address(overrides.destination ?? "2001:db8::3"),
    hopLimit: overrides.hopLimit ?? 255,
    message: Uint8Array.from(message),
  });
}

const TARGET = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];

describe("neighbour discovery", () => {
  test.each(GOLDEN)("encodeNdp() gives the bytes of %s", (_, value, hex) => {
    expect(Buffer.from(encodeNdp(value)).toString("hex")).toBe(hex);
  });

  test.each(GOLDEN)("decodeNdp() reads %s back and skips the padding", (_, value, hex) => {
    expect(decodeNdp(Buffer.from(`${hex}000000`, "hex"))).toEqual(value);
  });

  test("decodeNdp() takes an advertisement without a link-layer address, and its flags", () => {
    expect(decodeNdp(packet([136, 0, 0, 0, 0xe0, 0, 0, 0, ...TARGET]))).toEqual({
      kind: "advertisement",
      source: OWN,
      destination: address("2001:db8::3"),
      target: VIP,
      router: true,
      solicited: true,
      override: true,
    });
  });

  test("decodeNdp() skips options it does not know", () => {
    const nonce = [14, 1, 1, 2, 3, 4, 5, 6];
    const mac = [2, 1, 2, 0, 0x5e, 0x10, 0, 1];
    expect(decodeNdp(packet([136, 0, 0, 0, 0, 0, 0, 0, ...TARGET, ...nonce, ...mac]))).toMatchObject({ mac: MAC });
  });

  test.each([
    [
      "a forwarded packet",
      packet([136, 0, 0, 0, 0, 0, 0, 0, ...TARGET], { hopLimit: 254 }),
      "ndp.hopLimit: is 254, not 255",
    ],
    ["an echo request", packet([128, 0, 0, 0, 0, 0, 0, 0]), "ndp.type: is 128, neither solicitation nor advertisement"],
    ["another code", packet([136, 1, 0, 0, 0, 0, 0, 0, ...TARGET]), "ndp.code: is 1, not 0"],
    ["a target cut short", packet([136, 0, 0, 0, 0, 0, 0, 0, 1]), "ndp.target: bytes needs 16 bytes, got 1"],
    [
      "a multicast target",
      packet([136, 0, 0, 0, 0, 0, 0, 0, 0xff, ...TARGET.slice(1)]),
      "ndp.target: ff01:db8::10 is a multicast address",
    ],
    ["an option of length 0", packet([136, 0, 0, 0, 0, 0, 0, 0, ...TARGET, 2, 0]), "ndp.option.length: is 0"],
    [
      "an option beyond the end",
      packet([136, 0, 0, 0, 0, 0, 0, 0, ...TARGET, 2, 2, 1]),
      "ndp.option: bytes needs 14 bytes, got 1",
    ],
    [
      "a solicited answer to everybody",
      packet([136, 0, 0, 0, 0x40, 0, 0, 0, ...TARGET], { destination: "ff02::1" }),
      "ndp.flags: a solicited advertisement went to a multicast address",
    ],
  ])("decodeNdp() refuses %s", (_, bytes, message) => {
    expect(() => decodeNdp(bytes)).toThrow(message);
  });

  test("decodeNdp() refuses a wrong checksum, another protocol and IPv4", () => {
    const bytes = encodeNdp(QUESTION);
    const changed = (index: number, value: number) => bytes.with(index, value);
    expect(() => decodeNdp(changed(71, 0))).toThrow("icmpv6.checksum: is wrong");
    expect(() => decodeNdp(changed(6, 17))).toThrow("ipv6.nextHeader: is 17, not ICMPv6");
    expect(() => decodeNdp(changed(0, 0x45))).toThrow("ipv6.version: is 4, not 6");
    expect(() => decodeNdp(bytes.subarray(0, 50))).toThrow("ipv6.payload: bytes needs 32 bytes, got 10");
  });

  test("solicitedNodeAddress() and multicastMac() follow RFC 4291 and RFC 2464", () => {
    const group = solicitedNodeAddress(address("2001:db8::a1:b2c3"));
    expect([group.text, multicastMac(group)]).toEqual(["ff02::1:ffa1:b2c3", "33:33:ff:a1:b2:c3" as MacAddress]);
  });
});
