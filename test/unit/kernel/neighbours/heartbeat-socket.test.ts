import { describe, expect, test } from "bun:test";
import { HeartbeatSocket } from "../../../../src/kernel/neighbours/heartbeat-socket.ts";
import { SyscallError } from "../../../../src/lib/errors.ts";
import { address } from "../../../../src/model/address.ts";
import { closeFd } from "../../../../src/sys/libc/fd.ts";
import { bindSocket, openSocket, sendDatagram } from "../../../../src/sys/sockets/socket.ts";
import { internetSocketAddress } from "../../../../src/sys/sockets/socket-address.ts";

const AF_INET = 2;
const SOCK_DGRAM = 2;

/** A packet as long as the shortest that is let through, told apart by its first byte. */
function packet(mark: number, length = 32): Uint8Array {
  return new Uint8Array(length).fill(0, 1).fill(mark, 0, 1);
}

/** A socket between two loopback addresses, and what it received. */
function open(local: string, peer: string) {
  const marks: number[] = [];
  let target = Number.POSITIVE_INFINITY;
  let reached = () => {};
  const socket = HeartbeatSocket.open({
    interface: "lo",
    local: address(local),
    peer: address(peer),
    port: 0,
    onDatagram: (bytes) => {
      marks.push(bytes[0] ?? -1);
      if (marks.length >= target) reached();
    },
  });
  return {
    socket,
    marks,
    until: (count: number) =>
      new Promise<void>((resolve) => {
        target = count;
        reached = resolve;
        if (marks.length >= count) resolve();
      }),
    [Symbol.dispose]: () => socket.close(),
  };
}

/** Sends bytes from an address to a port of 127.0.0.1. */
function sendFrom(source: [number, number, number, number], port: number, ...packets: Uint8Array[]): void {
  const fd = openSocket(AF_INET, SOCK_DGRAM, 0, "open a test socket");
  try {
    bindSocket(fd, internetSocketAddress(Uint8Array.from(source), 0), "bind a test socket");
    const to = internetSocketAddress(Uint8Array.from([127, 0, 0, 1]), port);
    for (const bytes of packets) expect(sendDatagram(fd, bytes, to)).toEqual({ kind: "sent" });
  } finally {
    closeFd(fd);
  }
}

describe("HeartbeatSocket", () => {
  test.each([
    ["127.0.0.1", "127.0.0.2"],
    ["::1", "::1"],
  ])("carries packets both ways between %s and %s", async (one, other) => {
    using a = open(one, other);
    using b = open(other, one);
    expect(a.socket.send(packet(1), b.socket.port)).toEqual({ kind: "sent" });
    await b.until(1);
    b.socket.send(packet(2), a.socket.port);
    await a.until(1);
    expect([a.marks, b.marks]).toEqual([[2], [1]]);
    expect(a.socket.counts()).toEqual({ sent: 1, received: 1, failures: new Map(), interruptions: 0 });
  });

  test("never sees empty packets, packets that no heartbeat has, and those of strangers", async () => {
    using a = open("127.0.0.1", "127.0.0.2");
    const peer: [number, number, number, number] = [127, 0, 0, 2];
    sendFrom([127, 0, 0, 3], a.socket.port, packet(66), packet(67, 200));
    sendFrom(
      peer,
      a.socket.port,
      new Uint8Array(0),
      packet(68, 1),
      packet(69, 31),
      packet(70, 1453),
      packet(71, 65_000),
    );
    sendFrom(peer, a.socket.port, packet(1), packet(2, 1452), new Uint8Array(0), packet(3));
    await a.until(3);
    expect({ marks: a.marks, counts: a.socket.counts() }).toEqual({
      marks: [1, 2, 3],
      counts: { sent: 0, received: 3, failures: new Map(), interruptions: 0 },
    });
  });

  test("a thousand empty packets don't keep the next heartbeat out", async () => {
    using a = open("127.0.0.1", "127.0.0.2");
    sendFrom([127, 0, 0, 2], a.socket.port, ...new Array<Uint8Array>(1_000).fill(new Uint8Array(0)), packet(1));
    await a.until(1);
    expect(a.marks).toEqual([1]);
  });

  test("drain() reads what waits before the event loop turns, and onDatagram does not get it again", async () => {
    using a = open("127.0.0.1", "127.0.0.2");
    sendFrom([127, 0, 0, 2], a.socket.port, packet(1), packet(2), packet(3));
    expect(a.socket.drain().map((bytes) => bytes[0])).toEqual([1, 2, 3]);
    expect(a.socket.drain()).toEqual([]);
    sendFrom([127, 0, 0, 2], a.socket.port, packet(4));
    await a.until(1);
    expect(a.marks).toEqual([4]);
  });

  test("send() returns and counts what the network says instead of throwing it", () => {
    using a = open("127.0.0.1", "127.0.0.2");
    const tooLong = new Uint8Array(70_000);
    expect([a.socket.send(tooLong), a.socket.send(tooLong)]).toEqual([
      { kind: "failed", errnoName: "EMSGSIZE" },
      { kind: "failed", errnoName: "EMSGSIZE" },
    ]);
    expect(a.socket.counts().failures).toEqual(new Map([["EMSGSIZE", 2]]));
  });

  test("opens before its address is there", () => {
    using _ = open("192.0.2.77", "192.0.2.78");
  });

  test("open() reports an interface that is not there, and a port that is taken", () => {
    using a = open("127.0.0.1", "127.0.0.2");
    const options = { local: address("127.0.0.1"), peer: address("127.0.0.2"), onDatagram: () => {} };
    expect(() => HeartbeatSocket.open({ ...options, port: 0, interface: "none0" })).toThrow(
      expect.objectContaining({
        errnoName: "ENODEV",
        message: "cannot open a UDP socket on none0: no such device (ENODEV)",
      }),
    );
    expect(() => HeartbeatSocket.open({ ...options, port: a.socket.port, interface: "lo" })).toThrow(SyscallError);
    expect(() => HeartbeatSocket.open({ ...options, port: 0, interface: "a-name-far-too-long" })).toThrow(RangeError);
  });

  test("close() may come twice, and drain() after it reads nothing", () => {
    using a = open("127.0.0.1", "127.0.0.2");
    a.socket.close();
    expect(a.socket.drain()).toEqual([]);
  });
});
