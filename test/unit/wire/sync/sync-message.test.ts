import { describe, expect, test } from "bun:test";
import { DecodeError } from "../../../../src/lib/errors.ts";
import { decodeSyncMessage, type SyncConnection, SyncMessageWriter } from "../../../../src/wire/sync/sync-message.ts";
import { readConnectionRow } from "../../../../src/wire/sync/sync-row.ts";
import { end } from "../../../support/sync-connections.ts";

const CONNECTION: SyncConnection = {
  protocol: 6,
  client: end("203.0.113.100:54321"),
  virtual: end("203.0.113.10:80"),
  server: end("10.0.0.11:80"),
  flags: 0,
  state: 1,
  mark: 0,
  timeoutSeconds: 900,
};

function written(...connections: SyncConnection[]): Uint8Array {
  const writer = new SyncMessageWriter(7);
  for (const connection of connections) expect(writer.add(connection)).toBe(true);
  return writer.take() ?? new Uint8Array();
}

describe("SyncMessageWriter", () => {
  test("writes the layout of ip_vs_sync.c", () => {
    expect(written(CONNECTION).toHex()).toBe(
      // Zero, sync id, size 44; one connection, version 1, spare.
      "0007002c01010000" +
        // IPv4, TCP, 36 bytes; flags; state, ports; mark; timeout.
        "00060024" +
        "00000000" +
        "0001d43100500050" +
        "00000000" +
        "00000384" +
        // Client, VIP, server.
        "cb007164cb00710a0a00000b",
    );
  });

  test("aligns each connection to four bytes, as the kernel's reader expects it", () => {
    const engine = { name: "sip", data: Uint8Array.of(1, 2) };
    const message = written({ ...CONNECTION, engine }, CONNECTION);
    // 8 + 36 + (2 + 2) + (2 + 3) = 53: three bytes of padding.
    expect([message.length, message[56], message[57]]).toEqual([92, 0, 6]);
    expect(decodeSyncMessage(message).connections).toEqual([{ ...CONNECTION, engine }, CONNECTION]);
  });

  test("begins another message when one is full, and has nothing to give when nothing was added", () => {
    const writer = new SyncMessageWriter(1);
    expect(writer.take()).toBeUndefined();
    let count = 0;
    while (writer.add(CONNECTION)) count += 1;
    expect([count, writer.take()?.length, writer.take()]).toEqual([28, 8 + 28 * 36, undefined]);
  });

  test("refuses addresses of two families and data that is too long", () => {
    const mixed = { ...CONNECTION, server: { address: new Uint8Array(16), port: 80 } };
    expect(() => written(mixed)).toThrow(RangeError);
    const engine = { name: "sip", data: new Uint8Array(256) };
    expect(() => written({ ...CONNECTION, engine })).toThrow(RangeError);
  });
});

describe("decodeSyncMessage()", () => {
  const message = written(CONNECTION);
  const changed = (position: number, value: number) => {
    const bytes = message.slice();
    bytes[position] = value;
    return bytes;
  };

  test.each([
    ["another size than it has", changed(3, 43), "size: 43 is not the message's length, 44"],
    ["a message of version 0", changed(5, 0), "version: 0 is not 1"],
    ["more connections than there are", changed(4, 2), "type: u8 needs 1 bytes, got 0"],
    ["fewer connections than there are", changed(4, 0), "message: 36 stray bytes at the end"],
    ["a connection of another version", changed(10, 0x10), "version: a connection of an unknown version"],
    ["a connection that is longer than the message", changed(11, 40), "connection: needs 36 bytes, got 32"],
    ["a connection that is shorter than its fields", changed(11, 20), "timeout: be32 needs 4 bytes, got 0"],
    ["nothing", new Uint8Array(), "zero: u8 needs 1 bytes, got 0"],
  ])("refuses %s", (_name, bytes, text) => {
    const refused = () => decodeSyncMessage(bytes);
    expect(refused).toThrow(DecodeError);
    expect(refused).toThrow(text);
  });
});

describe("readConnectionRow()", () => {
  const read = (line: string) => readConnectionRow(new TextEncoder().encode(line));

  test("reads IPv4, IPv6, a client's memory by mark, and what a persistence engine goes by", () => {
    expect(read("TCP CB007164 D431 CB00710A 0050 0A00000B 0050 ESTABLISHED     897")).toEqual({
      protocol: 6,
      client: end("203.0.113.100:54321"),
      virtual: end("203.0.113.10:80"),
      server: end("10.0.0.11:80"),
      state: "ESTABLISHED",
      expiresSeconds: 897,
    });
    const six = read(
      "UDP 2001:0db8:0000:0000:0000:0000:0000:0064 D431 2001:0db8:0000:0000:0000:0000:0000:000a 0035 fd00:0000:0000:0000:0000:0000:0000:000b 0035 UDP             297",
    );
    expect([six.protocol, six.client.address.toHex(), six.server.address.toHex(), six.state]).toEqual([
      17,
      "20010db8000000000000000000000064",
      "fd00000000000000000000000000000b",
      "UDP",
    ]);
    const memory = read("IP  CB007164 0000 00000007 0000 0A00000B 0000 NONE            297");
    expect([memory.protocol, memory.virtual]).toEqual([0, end("0.0.0.7:0")]);
    const sip = read("UDP CB007164 13C4 CB00710A 13C4 0A00000B 13C4 UDP             297 sip a b@c");
    expect(sip.engine).toEqual({ name: "sip", data: new TextEncoder().encode("a b@c") });
    expect(read("IP_50 CB007164 0000 CB00710A 0000 0A00000B 0000 NONE            297").protocol).toBe(50);
  });

  test.each([
    ["", "protocol: it is missing"],
    ["XYZ CB007164", 'protocol: "XYZ"'],
    ["TCP CB0071 D431", 'client: "CB0071" is none'],
    ["TCP CB007164 D4", "client: its port is not of four hexadecimal digits"],
    ["TCP CB007164 D431 CB00710A 0050 0A00000B 0050 ESTABLISHED x", 'expires: "x" is not a number'],
    ["TCP CB007164 D431 CB00710A 0050 0A00000B 0050 ESTABLISHED 5 sip", "engine: it has no data"],
  ])("refuses %j", (line, text) => {
    expect(() => read(line)).toThrow(text);
  });
});
