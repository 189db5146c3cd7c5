import { expect, test } from "bun:test";
import {
  internetSocketAddress,
  netlinkSocketAddress,
  packetSocketAddress,
  portOfSocketAddress,
} from "../../../../src/sys/sockets/socket-address.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("the socket addresses have the layout of the C structures", () => {
  const ipv6 = Uint8Array.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  expect({
    inet: hex(internetSocketAddress(Uint8Array.from([10, 0, 0, 3]), 5390)),
    inet6: hex(internetSocketAddress(ipv6, 5390, 7)),
    netlink: hex(netlinkSocketAddress()),
    packet: hex(packetSocketAddress(0x0806, 3)),
  }).toEqual({
    inet: "0200150e0a0000030000000000000000",
    inet6: "0a00150e00000000fe80000000000000000000000000000107000000",
    netlink: "100000000000000000000000",
    packet: `1100080603000000${"00".repeat(12)}`,
  });
});

test("portOfSocketAddress() reads the port back", () => {
  expect(portOfSocketAddress(internetSocketAddress(new Uint8Array(4), 65535))).toBe(65535);
});

test("internetSocketAddress() refuses a port that does not fit", () => {
  expect(() => internetSocketAddress(new Uint8Array(4), 70_000)).toThrow(RangeError);
});
