import { expect, test } from "bun:test";
import { closeFd, type Fd } from "../../../../src/sys/libc/fd.ts";
import { isBroken, type Polled, PollSet, READABLE, WRITABLE } from "../../../../src/sys/process/poll-set.ts";
import { internetSocketAddress } from "../../../../src/sys/sockets/socket-address.ts";
import { connectTcp, resetTcpConnection } from "../../../../src/sys/sockets/tcp-socket.ts";
import { closedPort, tcpServer } from "../../../support/probed-server.ts";

const LOOPBACK = new Uint8Array([127, 0, 0, 1]);

class Entry implements Polled, Disposable {
  readonly fd: Fd;
  place = -1;

  constructor(port: number) {
    const begun = connectTcp(internetSocketAddress(LOOPBACK, port), undefined);
    if (begun.kind === "failed") throw new Error(`errno ${begun.errno}`);
    this.fd = begun.fd;
  }

  [Symbol.dispose](): void {
    closeFd(this.fd);
  }
}

test("PollSet tells which connections were made and which refused, and stays right as entries go", () => {
  using server = tcpServer();
  const dead = closedPort();
  const set = new PollSet<Entry>();
  // More than it has room for at first.
  const entries = Array.from({ length: 150 }, (_, index) => new Entry(index % 3 === 0 ? dead : server.target.port));
  for (const entry of entries) set.add(entry, WRITABLE);
  const left = new Set(entries);
  while (left.size > 0) {
    for (const { entry, events } of [...set.ready()]) {
      expect([left.delete(entry), isBroken(events)]).toEqual([true, entries.indexOf(entry) % 3 === 0]);
      set.remove(entry);
    }
  }
  expect([set.size, set.ready()]).toEqual([0, []]);
  for (const { fd } of entries) resetTcpConnection(fd);
});

test("PollSet watches for what it is told", async () => {
  const { promise: connected, resolve } = Promise.withResolvers<{ write(text: string): number }>();
  using server = tcpServer({ connected: resolve });
  using entry = new Entry(server.target.port);
  const set = new PollSet<Entry>();
  set.add(entry, READABLE);
  const socket = await connected;
  expect(set.ready()).toEqual([]);
  set.watch(entry, READABLE | WRITABLE);
  expect(set.ready().map(({ events }) => events)).toEqual([WRITABLE]);
  set.watch(entry, READABLE);
  socket.write("x");
  while (set.ready().length === 0) await new Promise(setImmediate);
  expect(set.ready()[0]?.entry).toBe(entry);
});
