import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DecodeError } from "../../src/lib/errors.ts";
import { addressFromBytes } from "../../src/model/address.ts";
import { macFromBytes } from "../../src/model/mac-address.ts";
import { type ArpPacket, decodeArp, encodeArp } from "../../src/wire/ethernet/arp.ts";
import { decodeEthernet, encodeEthernet } from "../../src/wire/ethernet/ethernet-frame.ts";
import { decodeEcho, decodeIpv4Echo, encodeEcho, type IcmpEcho } from "../../src/wire/ethernet/icmp.ts";
import { decodeIcmpv6, encodeIcmpv6 } from "../../src/wire/ethernet/ipv6-packet.ts";
import { decodeNdp, encodeNdp, type NdpPacket } from "../../src/wire/ethernet/ndp.ts";
import { HOSTILE_RUNS, hostileBytes } from "../support/hostile-bytes.ts";

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const mac = bytesOf(6).map(macFromBytes);
const ipv4 = bytesOf(4).map(addressFromBytes);
/** Never multicast, and never `::`, which have rules of their own. */
const ipv6 = bytesOf(16).map((bytes) => addressFromBytes(bytes.with(0, 0x20)));

const arpPacket: fc.Arbitrary<ArpPacket> = fc.record({
  operation: fc.constantFrom("request", "reply"),
  senderMac: mac,
  senderAddress: ipv4,
  targetMac: mac,
  targetAddress: ipv4,
});
const ndpCommon = { source: ipv6, destination: ipv6, target: ipv6 };
const ndpPacket: fc.Arbitrary<NdpPacket> = fc.oneof(
  fc.record(
    { kind: fc.constant("solicitation"), ...ndpCommon, mac },
    { requiredKeys: ["kind", "source", "destination", "target"] },
  ),
  fc.record(
    {
      kind: fc.constant("advertisement"),
      ...ndpCommon,
      router: fc.boolean(),
      solicited: fc.boolean(),
      override: fc.boolean(),
      mac,
    },
    { requiredKeys: ["kind", "source", "destination", "target", "router", "solicited", "override"] },
  ),
);
const echo: fc.Arbitrary<IcmpEcho> = fc.record({
  kind: fc.constantFrom("request", "reply"),
  identifier: fc.integer({ min: 0, max: 0xffff }),
  sequence: fc.integer({ min: 0, max: 0xffff }),
  payload: fc.uint8Array({ maxLength: 64 }),
});

describe("what was encoded decodes to the same", () => {
  test("ARP", () => {
    fc.assert(fc.property(arpPacket, (packet) => expect(decodeArp(encodeArp(packet))).toEqual(packet)));
  });

  test("neighbour discovery", () => {
    fc.assert(fc.property(ndpPacket, (packet) => expect(decodeNdp(encodeNdp(packet))).toEqual(packet)));
  });

  test("ICMP echo", () => {
    fc.assert(
      fc.property(fc.constantFrom("inet", "inet6"), echo, (family, value) =>
        expect(decodeEcho(family, encodeEcho(family, value))).toEqual(value),
      ),
    );
  });
});

/** Bytes after a right header and with a right checksum, so that the options are reached. */
function repaired(bytes: Uint8Array): Uint8Array {
  const source = addressFromBytes(new Uint8Array(16).fill(0x20));
  const message = bytes.length < 4 ? new Uint8Array(4) : bytes;
  return encodeIcmpv6({ source, destination: source, hopLimit: 255, message });
}

const sample = <T>(arbitrary: fc.Arbitrary<T>) => fc.sample(arbitrary, { numRuns: 6, seed: 1 });
const frames = sample(arpPacket).map((packet) =>
  encodeEthernet({
    destination: packet.targetMac,
    source: packet.senderMac,
    etherType: 0x0806,
    payload: encodeArp(packet),
  }),
);
const ipv6Packets = sample(ndpPacket).map(encodeNdp);
const ndpMessages = ipv6Packets.map((packet) => packet.subarray(40));
const ipv4Header = Buffer.from("4500002300000000400100000a00000bcb00710a", "hex");
const echoes = sample(echo).map((value) => encodeEcho("inet", value));

describe(`${HOSTILE_RUNS} hostile inputs bring forth a value or a DecodeError and nothing else`, () => {
  test.each([
    ["decodeEthernet", hostileBytes(frames), decodeEthernet],
    ["decodeArp", hostileBytes(sample(arpPacket).map(encodeArp)), decodeArp],
    ["decodeIcmpv6", hostileBytes(ipv6Packets), decodeIcmpv6],
    ["decodeNdp", hostileBytes(ipv6Packets), decodeNdp],
    ["decodeNdp with a right checksum", hostileBytes(ndpMessages).map(repaired), decodeNdp],
    ["decodeEcho", hostileBytes(echoes), (bytes: Uint8Array) => decodeEcho("inet", bytes)],
    ["decodeEcho for IPv6", hostileBytes(echoes), (bytes: Uint8Array) => decodeEcho("inet6", bytes)],
    ["decodeIpv4Echo", hostileBytes(echoes.map((value) => Buffer.concat([ipv4Header, value]))), decodeIpv4Echo],
  ] as const)("%s()", (_, bytes, decode) => {
    const outcomes = { values: 0, errors: 0 };
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          decode(input);
          outcomes.values += 1;
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
          outcomes.errors += 1;
        }
      }),
      { numRuns: HOSTILE_RUNS },
    );
    // Both happen, or the inputs were of one kind only.
    expect({ values: outcomes.values > 0, errors: outcomes.errors > 0 }).toEqual({ values: true, errors: true });
  });
});
