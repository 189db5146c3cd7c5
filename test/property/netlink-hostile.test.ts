import { expect, test } from "bun:test";
import fc from "fast-check";
import { DecodeError } from "../../src/lib/errors.ts";
import { readTable, readTableInfo } from "../../src/wire/filter/iptables.ts";
import { readChain, readElements, toSetElements } from "../../src/wire/filter/nftables.ts";
import { readRule } from "../../src/wire/filter/nftables-rule.ts";
import { toConnectionTimeouts, toSyncDaemon } from "../../src/wire/ipvs/ipvs-daemon.ts";
import { commandAttributes, infoAttributes } from "../../src/wire/ipvs/ipvs-numbers.ts";
import { toObservedServer } from "../../src/wire/ipvs/ipvs-server.ts";
import { toVirtualService } from "../../src/wire/ipvs/ipvs-service.ts";
import { familyAttributes, readGenericHeader } from "../../src/wire/netlink/genetlink.ts";
import { readAcknowledgement, readDone, readMessages } from "../../src/wire/netlink/netlink-message.ts";
import { RouteTally } from "../../src/wire/rtnetlink/route-tally.ts";
import { isInternetAddress, readAddress, toInterfaceAddress } from "../../src/wire/rtnetlink/rtnetlink-address.ts";
import { readLink, toLink } from "../../src/wire/rtnetlink/rtnetlink-link.ts";
import { readNeighbour, toNeighbour } from "../../src/wire/rtnetlink/rtnetlink-neighbour.ts";
import { readNetconf } from "../../src/wire/rtnetlink/rtnetlink-netconf.ts";
import { readRoute, toGateways } from "../../src/wire/rtnetlink/rtnetlink-route.ts";
import { hex } from "../support/hex.ts";
import { answerBytes, conntrackMatch, infoBytes, tableBytes, tcpMatch } from "../support/iptables-table.ts";
import {
  BASE_CHAIN,
  INGRESS_CHAIN,
  INTERVALS,
  JUMP_RULE,
  MAP_ELEMENTS,
  SET_RULE,
  STATE_RULE,
} from "../support/nftables-messages.ts";

const HOSTILE_INPUTS = 20_000;

/** Good messages of the kernel: hostile inputs that begin with these reach further than noise does. */
const SERVICE = hex(
  `01010000 60000180 06000100 02000000 06000200 06000000 14000300 cb00710a 000000000000000000000000
   06000400 00500000 08000600 776c6300 0c000700 03000000 ffffffff 08000800 2c010000 08000900 ffffff00
   0c000a00 08000100 00000000`,
);
const SERVER = hex(
  `05010000 60000200 14000100 0a00000b 000000000000000000000000 06000200 1f900000 08000300 02000000
   08000400 03000000 05000d00 01000000 06000e00 17c00000 06000f00 01000000 06000b00 02000000
   10000c00 0c000100 0100000000000000`,
);
const DAEMON = hex("09010000 24000300 08000100 01000000 07000200 76300000 08000300 05000000 08000500 e0000052");
const ADDRESS = hex(
  `02200000 03000000 08000100 cb00710a 08000200 cb00710a 09000300 76303a31 00000000 08000800 00000000
   14000600 1e000000 1e000000 7f150300 7f150300`,
);
const LINK = hex(
  "00000100 03000000 43100100 00000000 07000300 76300000 08000400 dc050000 05002100 01000000 0a000100 da81dccc5fac 0000",
);
const ROUTE = hex(
  `02180000 fe030001 00000000 08000f00 fe000000 08000100 c6336400
   24000900 10000000 03000000 08000500 cb007103 10000000 03000000 08000500 cb007104`,
);
const PLAIN_ROUTE = hex(
  "02180000 fe030001 00000000 08000f00 fe000000 08000100 c6336400 08000500 cb007101 08000400 03000000",
);
const NETCONF = hex("02000000 08000100 02000000 08000200 00000000 08000300 00000000 08000400 00000000");
const NEIGHBOUR = hex("02000000 03000000 80000001 08000100 cb007101 0a000200 02005e100001 0000");
const ACKNOWLEDGEMENT = hex(
  "eaffffff 15000000 1400 0500 07000000 00000000 aabbccdd ee000000 0800 0200 14000000 0800 0100 6e6f0000",
);
const DATAGRAM = hex("11000000 1000 0100 01000000 02000000 aa000000 14000000 0300 0200 01000000 00000000 00000000");
const FAMILY = hex("01020000 09000200 49505653 00000000 06000100 18000000 08000300 01000000");
const INFO = hex("0e010000 08000100 01020100 08000200 00100000");

const CAPPED = hex("eaffffff 28000000 1400 0500 07000000 00000000 0800 0200 14000000 0800 0100 6e6f0000");

const IPTABLES = tableBytes({
  policies: { FORWARD: "DROP" },
  rules: {
    FORWARD: [{ target: { jump: "user" } }, { protocol: 6, matches: [tcpMatch([1, 2], [3, 4])], target: "ACCEPT" }],
    user: [{ matches: [conntrackMatch(2)], target: { extension: "REJECT" } }],
  },
});

function acknowledgementOf(flags: number, payload: Uint8Array): unknown {
  return readAcknowledgement({ type: 2, flags, sequence: 1, portId: 0, payload });
}

/** Each decoder with its meaning, as the clients use it. */
const DECODERS: readonly (readonly [string, Uint8Array, (bytes: Uint8Array) => unknown])[] = [
  ["a datagram", DATAGRAM, readMessages],
  ["a refusal with its request", ACKNOWLEDGEMENT, (payload) => acknowledgementOf(0x200, payload)],
  ["a refusal with its request cut off", CAPPED, (payload) => acknowledgementOf(0x300, payload)],
  [
    "the end of a dump",
    hex("00000000"),
    (payload) => readDone({ type: 3, flags: 0x200, sequence: 1, portId: 0, payload }),
  ],
  ["a family", FAMILY, (bytes) => familyAttributes.decode(readGenericHeader(bytes).attributes)],
  ["IPVS information", INFO, (bytes) => infoAttributes.decode(readGenericHeader(bytes).attributes)],
  ["a service", SERVICE, (bytes) => toVirtualService(commandOf(bytes).service ?? {})],
  ["a real server", SERVER, (bytes) => toObservedServer(commandOf(bytes).destination ?? {}, "inet")],
  ["a sync daemon", DAEMON, (bytes) => toSyncDaemon(commandOf(bytes).daemon ?? {})],
  ["timeouts", hex("0c010000 08000400 84030000"), (bytes) => toConnectionTimeouts(commandOf(bytes))],
  ["a chain", BASE_CHAIN, readChain],
  ["a chain of an interface", INGRESS_CHAIN, readChain],
  ["a rule with a set", SET_RULE, readRule],
  ["a rule with bits", STATE_RULE, readRule],
  ["a rule with a jump", JUMP_RULE, readRule],
  ["intervals", INTERVALS, (bytes) => toSetElements(readElements(bytes))],
  ["a verdict map", MAP_ELEMENTS, (bytes) => toSetElements(readElements(bytes))],
  ["what is known of an iptables table", infoBytes(IPTABLES), readTableInfo],
  ["an iptables table", answerBytes(IPTABLES), (bytes) => readTable("ip", readTableInfo(infoBytes(IPTABLES)), bytes)],
  ["a link", LINK, (bytes) => toLink(readLink(bytes))],
  ["an address", ADDRESS, internetAddressOf],
  ["a route", ROUTE, (bytes) => toGateways(readRoute(bytes))],
  ["a route of many", PLAIN_ROUTE, tallied],
  ["several routes of many", ROUTE, tallied],
  ["a setting", NETCONF, readNetconf],
  ["a neighbour", NEIGHBOUR, (bytes) => toNeighbour(readNeighbour(bytes))],
];

function tallied(bytes: Uint8Array): unknown {
  const tally = new RouteTally();
  tally.take(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
  return tally.survey();
}

function commandOf(bytes: Uint8Array) {
  return commandAttributes.decode(readGenericHeader(bytes).attributes);
}

function internetAddressOf(bytes: Uint8Array): unknown {
  const message = readAddress(bytes);
  return isInternetAddress(message) ? toInterfaceAddress(message, () => undefined) : undefined;
}

/** Noise, and a good message cut off, with some of its bytes changed, or both. */
function hostile(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(
    fc.nat(good.length - 1),
    fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 3, 4, 0x7f, 0x80, 0xff)),
  );
  const mutated = fc
    .tuple(fc.array(change, { maxLength: 4 }), fc.integer({ min: 0, max: good.length }), fc.boolean())
    .map(([changes, length, isCut]) => {
      const bytes = good.slice();
      for (const [position, value] of changes) bytes[position] = value;
      return isCut ? bytes.subarray(0, length) : bytes;
    });
  return fc.oneof({ arbitrary: mutated, weight: 4 }, { arbitrary: fc.uint8Array({ maxLength: 120 }), weight: 1 });
}

test.each(DECODERS)("of 20,000 hostile inputs for %s each is read or is a DecodeError", (_, good, decode) => {
  decode(good);
  const tally = { read: 0, refused: 0 };
  fc.assert(
    fc.property(hostile(good), (bytes) => {
      try {
        decode(bytes);
        tally.read += 1;
      } catch (error) {
        tally.refused += 1;
        if (!(error instanceof DecodeError)) throw error;
      }
    }),
    { numRuns: HOSTILE_INPUTS },
  );
  expect(tally.read + tally.refused).toBe(HOSTILE_INPUTS);
  // Both ways are trodden: else the inputs prove nothing.
  expect(Math.min(tally.read, tally.refused)).toBeGreaterThan(HOSTILE_INPUTS / 100);
});
