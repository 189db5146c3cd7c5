import { describe, expect, test } from "bun:test";
import { closeFd, type Fd } from "../../../../src/sys/libc/fd.ts";
import { watchDatagrams } from "../../../../src/sys/process/readiness.ts";
import {
  bindSocket,
  drainDatagrams,
  openSocket,
  ownSocketAddress,
  sendDatagram,
} from "../../../../src/sys/sockets/socket.ts";
import { internetSocketAddress } from "../../../../src/sys/sockets/socket-address.ts";

const AF_INET = 2;
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000;
const LOOPBACK = Uint8Array.from([127, 0, 0, 1]);

/** A UDP socket on the loopback without a filter: whatever is sent to it arrives. */
class LoopbackSocket implements Disposable {
  readonly fd: Fd = openSocket(AF_INET, SOCK_DGRAM_NONBLOCK, 0, "open a test socket");
  readonly address: Uint8Array;

  constructor() {
    bindSocket(this.fd, internetSocketAddress(LOOPBACK, 0), "bind a test socket");
    this.address = ownSocketAddress(this.fd);
  }

  sendTo(other: LoopbackSocket, ...bytes: number[]): void {
    expect(sendDatagram(this.fd, Uint8Array.from(bytes), other.address)).toEqual({ kind: "sent" });
  }

  [Symbol.dispose](): void {
    closeFd(this.fd);
  }
}

/** Collects what a watch delivers, and tells when so many datagrams are there. */
function collector() {
  const datagrams: number[][] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  return {
    datagrams,
    onData: (bytes: Uint8Array) => {
      datagrams.push([...bytes]);
      for (const wait of waiting) if (datagrams.length >= wait.count) wait.resolve();
    },
    until: (count: number) =>
      new Promise<void>((resolve) => {
        if (datagrams.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
  };
}

describe("watchDatagrams()", () => {
  test("delivers each datagram by itself, in order", async () => {
    using receiver = new LoopbackSocket();
    using sender = new LoopbackSocket();
    const seen = collector();
    using _ = watchDatagrams(receiver.fd, seen.onData);
    sender.sendTo(receiver, 1, 2, 3);
    sender.sendTo(receiver, 4);
    await seen.until(2);
    sender.sendTo(receiver, 5);
    await seen.until(3);
    expect(seen.datagrams).toEqual([[1, 2, 3], [4], [5]]);
  });

  test("goes on after many empty datagrams, loses nothing between them, and the descriptor stays usable", async () => {
    using receiver = new LoopbackSocket();
    using sender = new LoopbackSocket();
    const seen = collector();
    let interruptions = 0;
    using watch = watchDatagrams(receiver.fd, seen.onData, () => {
      interruptions += 1;
    });
    // A socket's buffer holds some 270 of them by default.
    const rounds = 100;
    for (let round = 0; round < rounds; round += 1) {
      sender.sendTo(receiver);
      sender.sendTo(receiver, round);
    }
    await seen.until(rounds);
    expect(seen.datagrams).toEqual(Array.from({ length: rounds }, (_, round) => [round]));
    expect([interruptions, watch.interruptions]).toEqual([rounds, rounds]);
    // Bun must not have shut our descriptor down when it closed its own.
    receiver.sendTo(sender, 9);
    expect(drainDatagrams(sender.fd, 10)).toEqual([Uint8Array.from([9])]);
  });

  test("recovers from more empty datagrams in a row than it restarts at once for", async () => {
    using receiver = new LoopbackSocket();
    using sender = new LoopbackSocket();
    const seen = collector();
    using watch = watchDatagrams(receiver.fd, seen.onData);
    for (let round = 0; round < 150; round += 1) sender.sendTo(receiver);
    sender.sendTo(receiver, 1);
    await seen.until(1);
    expect({ datagrams: seen.datagrams, interruptions: watch.interruptions }).toEqual({
      datagrams: [[1]],
      interruptions: 150,
    });
  });

  test("delivers nothing after close(), and leaves what comes to its owner", async () => {
    using receiver = new LoopbackSocket();
    using sender = new LoopbackSocket();
    const seen = collector();
    const watch = watchDatagrams(receiver.fd, seen.onData);
    sender.sendTo(receiver, 1);
    await seen.until(1);
    watch.close();
    sender.sendTo(receiver, 2);
    using _ = watchDatagrams(sender.fd, seen.onData);
    receiver.sendTo(sender, 3);
    await seen.until(2);
    expect({ seen: seen.datagrams, left: drainDatagrams(receiver.fd, 10) }).toEqual({
      seen: [[1], [3]],
      left: [Uint8Array.from([2])],
    });
  });

  test("can be closed before the event loop took the socket up", async () => {
    using receiver = new LoopbackSocket();
    using sender = new LoopbackSocket();
    const seen = collector();
    watchDatagrams(receiver.fd, seen.onData).close();
    using _ = watchDatagrams(sender.fd, seen.onData);
    sender.sendTo(receiver, 1);
    receiver.sendTo(sender, 2);
    await seen.until(1);
    expect(seen.datagrams).toEqual([[2]]);
  });

  test("lets a callback drain the socket at once: what it reads there is not delivered again", async () => {
    using receiver = new LoopbackSocket();
    using sender = new LoopbackSocket();
    for (const value of [1, 2, 3]) sender.sendTo(receiver, value);
    const turn = Promise.withResolvers<number[][]>();
    using _ = watchDatagrams(receiver.fd, (bytes) => {
      turn.resolve([[...bytes], ...drainDatagrams(receiver.fd, 10).map((other) => [...other])]);
    });
    expect(await turn.promise).toEqual([[1], [2], [3]]);
  });
});

test("drainDatagrams() reads at most so many, and an empty one does not end it", () => {
  using receiver = new LoopbackSocket();
  using sender = new LoopbackSocket();
  sender.sendTo(receiver, 1);
  sender.sendTo(receiver);
  sender.sendTo(receiver, 2);
  const read = () => drainDatagrams(receiver.fd, 2).map((bytes) => [...bytes]);
  expect([read(), read(), read()]).toEqual([[[1], []], [[2]], []]);
});

test("sendDatagram() returns the errno of what a network refuses", () => {
  using sender = new LoopbackSocket();
  // Broadcast without SO_BROADCAST.
  const outcome = sendDatagram(sender.fd, Uint8Array.from([1]), internetSocketAddress(new Uint8Array(4).fill(255), 9));
  expect(["EACCES", "ENETUNREACH"]).toContain(outcome.kind === "failed" ? outcome.errnoName : outcome.kind);
});
