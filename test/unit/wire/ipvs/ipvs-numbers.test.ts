import { describe, expect, test } from "bun:test";
import { DecodeError } from "../../../../src/lib/errors.ts";
import { address } from "../../../../src/model/address.ts";
import type { RealServer } from "../../../../src/model/real-server.ts";
import type { VirtualService } from "../../../../src/model/virtual-service.ts";
import { Reader, Writer } from "../../../../src/wire/bytes/bytes.ts";
import {
  connectionTimeoutAttributes,
  syncDaemonAttributes,
  toConnectionTimeouts,
  toSyncDaemon,
} from "../../../../src/wire/ipvs/ipvs-daemon.ts";
import { type CommandAttributes, commandAttributes } from "../../../../src/wire/ipvs/ipvs-numbers.ts";
import {
  realServerAttributes,
  toObservedServer,
  toRealServer,
  toTrafficStats,
} from "../../../../src/wire/ipvs/ipvs-server.ts";
import {
  serviceKeyAttributes,
  toServiceKey,
  toVirtualService,
  virtualServiceAttributes,
} from "../../../../src/wire/ipvs/ipvs-service.ts";
import { readGenericHeader } from "../../../../src/wire/netlink/genetlink.ts";
import { hex, toHex } from "../../../support/hex.ts";
import { endpointOf, keyOf } from "../../../support/must.ts";

function encode(values: CommandAttributes): string {
  const writer = new Writer(1024);
  commandAttributes.encode(writer, values);
  return toHex(writer.written());
}

function decode(text: string): CommandAttributes {
  return commandAttributes.decode(new Reader(hex(text)));
}

const WEB: VirtualService = {
  key: keyOf("tcp://203.0.113.10:80"),
  scheduler: "wlc",
  schedulerFlags: [],
  persistence: { timeoutSeconds: 300, prefixLength: 24 },
  onePacket: false,
};
const DNS: VirtualService = {
  key: keyOf("udp://[2001:db8::10]:53"),
  scheduler: "sh",
  schedulerFlags: ["flag-1", "flag-2"],
  onePacket: true,
};
const MARK: VirtualService = {
  key: keyOf("fwmark:7/inet6"),
  scheduler: "rr",
  schedulerFlags: [],
  onePacket: false,
};
const WEB_SERVER: RealServer = {
  endpoint: endpointOf("10.0.0.11:8080"),
  forward: "nat",
  weight: 3,
  upperThreshold: 100,
  lowerThreshold: 10,
};
const DNS_SERVER: RealServer = {
  endpoint: endpointOf("[2001:db8::11]:53"),
  forward: "tunnel",
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
  tunnel: { type: "gue", port: 6080, checksum: "full" },
};

/** Payloads of requests of ipvsadm 1.31, from a trace, without the generic header. */
const IPVSADM = {
  web: `54000180 06000100 02000000 06000200 06000000 14000300 cb00710a 000000000000000000000000 06000400 00500000
        08000600 776c6300 0c000700 01000000 ffffffff 08000800 2c010000 08000900 ffffff00`,
  dns: `54000180 06000100 0a000000 06000200 11000000 14000300 20010db8000000000000000000000010 06000400 00350000
        07000600 73680000 0c000700 1c000000 ffffffff 08000800 00000000 08000900 80000000`,
  mark: `38000180 06000100 0a000000 08000500 07000000 07000600 72720000 0c000700 00000000 ffffffff
         08000800 00000000 08000900 80000000`,
  webServer: `54000180 06000100 02000000 06000200 06000000 14000300 cb00710a 000000000000000000000000
        06000400 00500000 05000600 00000000 0c000700 00000000 ffffffff 08000800 00000000 08000900 ffffffff
        60000280 06000b00 02000000 14000100 0a00000b 000000000000000000000000 06000200 1f900000 08000300 00000000
        08000400 03000000 05000d00 00000000 06000e00 00000000 06000f00 00000000 08000500 64000000 08000600 0a000000`,
  dnsServer: `54000180 06000100 0a000000 06000200 11000000 14000300 20010db8000000000000000000000010
        06000400 00350000 05000600 00000000 0c000700 00000000 ffffffff 08000800 00000000 08000900 80000000
        60000280 06000b00 0a000000 14000100 20010db8000000000000000000000011 06000200 00350000 08000300 02000000
        08000400 01000000 05000d00 01000000 06000e00 17c00000 06000f00 01000000 08000500 00000000 08000600 00000000`,
};

describe("requests of ipvsadm", () => {
  test.each([
    ["a persistent TCP service", IPVSADM.web, WEB],
    ["a one-packet UDP service on IPv6 with scheduler flags", IPVSADM.dns, DNS],
    ["a mark of IPv6", IPVSADM.mark, MARK],
  ])("%s is read as what it means", (_, text, expected) => {
    expect(toVirtualService(decode(text).service ?? {})).toEqual(expected);
  });

  test.each([
    ["a masqueraded server with thresholds", IPVSADM.webServer, WEB_SERVER],
    ["a gue tunnel with checksums on IPv6", IPVSADM.dnsServer, DNS_SERVER],
  ])("%s is read as what it means", (_, text, expected) => {
    expect(toRealServer(decode(text).destination ?? {}, "inet")).toEqual(expected);
  });
});

describe("virtualServiceAttributes()", () => {
  test("writes what ipvsadm writes, but for the address of IPv4, which needs 4 bytes only", () => {
    expect(encode({ service: virtualServiceAttributes(DNS) })).toBe(IPVSADM.dns.replaceAll(/\s/g, ""));
    expect(encode({ service: virtualServiceAttributes(MARK) })).toBe(IPVSADM.mark.replaceAll(/\s/g, ""));
    expect(encode({ service: virtualServiceAttributes(WEB) })).toBe(
      `48000180 06000100 02000000 06000200 06000000 08000300 cb00710a 06000400 00500000
       08000600 776c6300 0c000700 01000000 ffffffff 08000800 2c010000 08000900 ffffff00`.replaceAll(/\s/g, ""),
    );
  });

  test.each([
    [0, "08000900 00000000"],
    [1, "08000900 80000000"],
    [32, "08000900 ffffffff"],
  ])("writes the IPv4 prefix length %i as a mask in network order", (prefixLength, expected) => {
    const service = { ...WEB, persistence: { timeoutSeconds: 1, prefixLength } };
    expect(encode({ service: virtualServiceAttributes(service) })).toEndWith(expected.replaceAll(" ", ""));
  });

  test("writes a mask that is no prefix as it is, and refuses one that is no mask", () => {
    const persistence = { timeoutSeconds: 1, prefixLength: 16, irregularMask: "255.0.255.0" };
    const service = { ...WEB, persistence };
    expect(encode({ service: virtualServiceAttributes(service) })).toEndWith("08000900ff00ff00");
    expect(toVirtualService(virtualServiceAttributes(service))).toEqual(service);
    const wrong = { ...WEB, persistence: { ...persistence, irregularMask: "::1" } };
    expect(() => virtualServiceAttributes(wrong)).toThrow(RangeError);
  });

  test("writes the persistence engine", () => {
    const service = { ...WEB, persistence: { timeoutSeconds: 1, prefixLength: 24, engine: "sip" } };
    expect(encode({ service: virtualServiceAttributes(service) })).toEndWith("08000b0073697000");
  });
});

describe("toVirtualService()", () => {
  /** The start of an answer of Linux 6.1 to IPVS_CMD_GET_SERVICE; the counters after it are cut off. */
  const answer = `01010000 54000180 06000100 02000000 06000200 06000000 14000300 cb00710a 000000000000000000000000
    06000400 00500000 08000600 776c6300 0c000700 03000000 ffffffff 08000800 2c010000 08000900 ffffff00`;

  test("reads the kernel's answer, its own HASHED bit left out", () => {
    const { command, attributes } = readGenericHeader(hex(answer));
    expect(command).toBe(1);
    expect(toVirtualService(commandAttributes.decode(attributes).service ?? {})).toEqual(WEB);
  });

  test("says none of a service that lost its scheduler, and knows no engine of an empty name", () => {
    const attributes = { ...virtualServiceAttributes(WEB), scheduler: undefined, persistenceEngine: "" };
    expect(toVirtualService(attributes)).toEqual({ ...WEB, scheduler: "none" });
  });

  const good = virtualServiceAttributes(WEB);
  test.each([
    ["no family", { ...good, family: undefined }, "family: is missing"],
    ["another family", { ...good, family: 7 }, "family: 7 is neither AF_INET nor AF_INET6"],
    ["another protocol", { ...good, protocol: 1 }, "protocol: 1 is neither tcp, udp nor sctp"],
    ["no address", { ...good, address: undefined }, "address: is missing"],
    ["a short address", { ...good, address: hex("0a0000") }, "address: needs 4 bytes, got 3"],
    ["a short IPv6 address", { ...good, family: 10 }, "address: needs 16 bytes, got 4"],
    ["no port", { ...good, port: undefined }, "port: is missing"],
    ["no flags", { ...good, flags: undefined }, "flags: is missing"],
    ["no timeout", { ...good, timeoutSeconds: undefined }, "timeoutSeconds: is missing"],
    ["no mask", { ...good, netmask: undefined }, "netmask: is missing"],
    [
      "an IPv6 prefix length that is none",
      { ...good, family: 10, address: new Uint8Array(16), netmask: 0x8100_0000 },
      "netmask: 129 is not a prefix length from 0 to 128",
    ],
  ])("refuses %s", (_, attributes, message) => {
    expect(() => toVirtualService(attributes)).toThrow(new DecodeError("", message));
  });
});

describe("serviceKeyAttributes()", () => {
  test.each([
    "tcp://203.0.113.10:80",
    "udp://[2001:db8::10]:53",
    "sctp://0.0.0.0:0",
    "fwmark:1",
    "fwmark:4294967295/inet6",
  ])("%s is read back", (text) => {
    expect(toServiceKey(serviceKeyAttributes(keyOf(text)))).toEqual(keyOf(text));
  });
});

describe("realServerAttributes()", () => {
  test("writes the addresses' family, and no tunnel where there is none", () => {
    expect(encode({ destination: realServerAttributes(WEB_SERVER) })).toBe(
      `3c000280 08000100 0a00000b 06000200 1f900000 08000300 00000000 08000400 03000000 08000500 64000000
       08000600 0a000000 06000b00 02000000`.replaceAll(/\s/g, ""),
    );
  });

  test.each([
    ["a weight over what the kernel's int holds", { ...WEB_SERVER, weight: 2 ** 31 }],
    ["a negative weight", { ...WEB_SERVER, weight: -1 }],
    ["a threshold over 32 bits", { ...WEB_SERVER, upperThreshold: 2 ** 32 }],
  ])("refuses %s", (_, server) => {
    expect(() => encode({ destination: realServerAttributes(server) })).toThrow(RangeError);
  });
});

describe("toRealServer()", () => {
  const good = realServerAttributes(DNS_SERVER);

  test("knows no tunnel where it says what its absence says", () => {
    const attributes = { ...good, tunnelType: 0, tunnelPort: 0, tunnelFlags: 0 };
    const { tunnel: _, ...expected } = DNS_SERVER;
    expect(toRealServer(attributes, "inet")).toEqual(expected);
  });

  test("reads the tunnel of a tunnelled server only: the kernel sends one of each", () => {
    const { tunnel: _, ...expected } = { ...DNS_SERVER, forward: "direct" as const };
    expect(toRealServer({ ...good, forwardingMethod: 3 }, "inet")).toEqual(expected);
  });

  test("takes the service's family where an old kernel sends none", () => {
    expect(toRealServer({ ...good, addressFamily: undefined }, "inet6")).toEqual(DNS_SERVER);
  });

  test("takes remote checksum offload where both bits are set, as the kernel does", () => {
    expect(toRealServer({ ...good, tunnelFlags: 3 }, "inet").tunnel).toEqual({
      type: "gue",
      port: 6080,
      checksum: "remote",
    });
  });

  test.each([
    ["no forwarding method", { ...good, forwardingMethod: undefined }, "forwardingMethod: is missing"],
    ["another forwarding method", { ...good, forwardingMethod: 5 }, "forwardingMethod: 5 is not a forwarding method"],
    ["no weight", { ...good, weight: undefined }, "weight: is missing"],
    ["no port", { ...good, port: undefined }, "port: is missing"],
    ["another tunnel", { ...good, tunnelType: 3 }, "tunnelType: 3 is not a tunnel type"],
  ])("refuses %s", (_, attributes, message) => {
    expect(() => toRealServer(attributes, "inet")).toThrow(new DecodeError("", message));
  });
});

describe("toTrafficStats()", () => {
  const zeros = {
    ...{ connections: 0n, packetsIn: 0n, packetsOut: 0n, bytesIn: 0n, bytesOut: 0n, connectionsPerSecond: 0n },
    ...{ packetsInPerSecond: 0n, packetsOutPerSecond: 0n, bytesInPerSecond: 0n, bytesOutPerSecond: 0n },
  };

  test.each([
    ["the 64-bit counters", { stats: { connections: 1 }, stats64: { connections: 2n ** 40n } }, 2n ** 40n],
    ["the 32-bit ones of an old kernel", { stats: { connections: 1 } }, 1n],
    ["zeros where there are none", {}, 0n],
  ])("takes %s", (_, attributes, connections) => {
    expect(toTrafficStats(attributes)).toEqual({ ...zeros, connections });
  });

  test("is part of an observed server with its connections", () => {
    const attributes = { ...realServerAttributes(WEB_SERVER), activeConnections: 1, inactiveConnections: 2 };
    expect(toObservedServer(attributes, "inet")).toEqual({
      server: WEB_SERVER,
      activeConnections: 1,
      inactiveConnections: 2,
      persistentConnections: 0,
      stats: zeros,
    });
  });
});

describe("sync daemons and timeouts", () => {
  const master = {
    state: "master" as const,
    interface: "v0",
    syncId: 5,
    maxLengthBytes: 1400,
    group: address("224.0.0.82"),
    port: 8900,
    ttl: 3,
  };

  test("toSyncDaemon() reads an answer of Linux 6.1", () => {
    const text = `3c000300 08000100 01000000 07000200 76300000 08000300 05000000 06000400 78050000 06000700 c4220000
      05000800 03000000 08000500 e0000052`;
    expect(toSyncDaemon(decode(text).daemon ?? {})).toEqual(master);
  });

  test.each([
    ["a master with all options", master],
    ["a backup on IPv6", { ...master, state: "backup" as const, group: address("ff02::81") }],
    ["one with the kernel's defaults", { state: "backup" as const, interface: "eth1", syncId: 0 }],
  ])("syncDaemonAttributes() of %s are read back", (_, daemon) => {
    expect(toSyncDaemon(decode(encode({ daemon: syncDaemonAttributes(daemon) })).daemon ?? {})).toEqual(daemon);
  });

  test.each([
    ["another state", { state: 3, interface: "v0", syncId: 1 }, "state: 3 is neither master nor backup"],
    ["no interface", { state: 1, syncId: 1 }, "interface: is missing"],
    ["a short group", { state: 1, interface: "v0", syncId: 1, group: hex("e0") }, "group: needs 4 bytes, got 1"],
    [
      "a short IPv6 group",
      { state: 1, interface: "v0", syncId: 1, group6: hex("e0") },
      "group6: needs 16 bytes, got 1",
    ],
  ])("toSyncDaemon() refuses %s", (_, attributes, message) => {
    expect(() => toSyncDaemon(attributes)).toThrow(new DecodeError("", message));
  });

  test("toConnectionTimeouts() reads an answer of Linux 6.1 and what is written", () => {
    const timeouts = { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 };
    const text = "0800040084030000 0800050078000000 080006002c010000";
    expect(toConnectionTimeouts(decode(text))).toEqual(timeouts);
    expect(encode(connectionTimeoutAttributes(timeouts))).toBe(text.replaceAll(" ", ""));
    expect(toConnectionTimeouts({})).toEqual({ tcpSeconds: 0, tcpFinSeconds: 0, udpSeconds: 0 });
  });
});
