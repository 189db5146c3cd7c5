import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ConnectionRows } from "../../src/kernel/ipvs/connection-table.ts";
import { DecodeError, TandemError } from "../../src/lib/errors.ts";
import { connectionKey, hasKey, keysOfSlice, sliceBits } from "../../src/wire/sync/sync-key.ts";
import {
  decodeSyncMessage,
  SYNC_MESSAGE_BYTES_MAX,
  type SyncConnection,
  SyncMessageWriter,
} from "../../src/wire/sync/sync-message.ts";
import { type ConnectionRow, readConnectionRow } from "../../src/wire/sync/sync-row.ts";
import { HOSTILE_RUNS, hostileBytes } from "../support/hostile-bytes.ts";
import { row, syncConnection } from "../support/sync-connections.ts";

function messagesOf(connections: readonly SyncConnection[]): Uint8Array[] {
  const writer = new SyncMessageWriter(7);
  const messages: Uint8Array[] = [];
  for (const connection of connections) {
    if (writer.add(connection)) continue;
    messages.push(writer.take() ?? new Uint8Array());
    expect(writer.add(connection)).toBe(true);
  }
  const last = writer.take();
  return last === undefined ? messages : [...messages, last];
}

/** Decodes hostile bytes. @returns whether they were a message; everything but DecodeError gets through. */
function isTaken(decode: () => void, ...kinds: (new (...words: never[]) => Error)[]): boolean {
  try {
    decode();
    return true;
  } catch (error) {
    if (kinds.some((kind) => error instanceof kind)) return false;
    throw error;
  }
}

describe("sync messages", () => {
  test("decodeSyncMessage() reads what SyncMessageWriter writes, in messages that every kernel has room for", () => {
    fc.assert(
      fc.property(fc.array(syncConnection, { maxLength: 40 }), (connections) => {
        const messages = messagesOf(connections);
        const read = messages.map(decodeSyncMessage);
        expect(read.flatMap((message) => message.connections)).toEqual(connections);
        expect(read.every(({ syncId }) => syncId === 7)).toBe(true);
        for (const message of messages) expect(message.length).toBeLessThanOrEqual(SYNC_MESSAGE_BYTES_MAX);
      }),
      { numRuns: 300 },
    );
  });

  test("decodeSyncMessage() throws only DecodeError", () => {
    const valid = fc.sample(fc.array(syncConnection, { minLength: 1, maxLength: 4 }), { seed: 1, numRuns: 4 });
    const taken = new Set<boolean>();
    fc.assert(
      fc.property(hostileBytes(valid.flatMap(messagesOf), 1_024), (bytes) => {
        taken.add(isTaken(() => decodeSyncMessage(bytes), DecodeError));
      }),
      { numRuns: HOSTILE_RUNS },
    );
    expect(taken).toEqual(new Set([true, false]));
  });
});

const LINES = [
  "TCP CB007164 D431 CB00710A 0050 0A00000B 0050 ESTABLISHED     897",
  "IP  CB007164 0000 00000007 0000 0A00000B 0000 NONE            297",
  "UDP [2001:0db8:0000:0000:0000:0000:0000:0001] D431".replace("[", "").replace("]", ""),
  "UDP CB007164 13C4 CB00710A 13C4 0A00000B 13C4 UDP             297 sip 12345@example",
].map((line) => new TextEncoder().encode(line));

describe("lines of the kernel's table", () => {
  test("readConnectionRow() throws only DecodeError", () => {
    const taken = new Set<boolean>();
    fc.assert(
      fc.property(hostileBytes(LINES, 300), (bytes) => {
        taken.add(isTaken(() => readConnectionRow(bytes), DecodeError));
      }),
      { numRuns: HOSTILE_RUNS },
    );
    expect(taken).toEqual(new Set([true, false]));
  });

  test("ConnectionRows gives the same rows however the text is cut", () => {
    const line = (port: number) =>
      `TCP CB007164 ${port.toString(16).toUpperCase().padStart(4, "0")} CB00710A 0050 0A00000B 0050 ESTABLISHED     897`;
    const arbitrary = fc.record({
      ports: fc.array(fc.nat({ max: 0xffff }), { maxLength: 20 }),
      cuts: fc.array(fc.nat({ max: 2_000 }), { maxLength: 10 }),
    });
    fc.assert(
      fc.property(arbitrary, ({ ports, cuts }) => {
        const text = new TextEncoder().encode(["Pro FromIP   FPrt", ...ports.map(line), ""].join("\n"));
        const rows: ConnectionRow[] = [];
        const reader = new ConnectionRows((one) => rows.push(one));
        const places = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length];
        for (const [index, place] of places.entries()) reader.add(text.subarray(place, places[index + 1] ?? place));
        reader.finish();
        expect(rows.map(({ client }) => client.port)).toEqual(ports);
      }),
    );
  });

  test("ConnectionRows refuses a line without an end, and throws only TandemError", () => {
    const reader = new ConnectionRows(() => {});
    expect(isTaken(() => reader.add(new Uint8Array(70_000).fill(0x41)), TandemError)).toBe(false);
    fc.assert(
      fc.property(hostileBytes(LINES, 600), (bytes) => {
        isTaken(() => new ConnectionRows(() => {}).add(bytes), TandemError);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("keys of connections", () => {
  const keys = fc
    .uniqueArray(fc.nat({ max: 0xffff_ffff }), { maxLength: 300 })
    .map((list) => Uint32Array.from(list).sort());

  test("the slices of a table are its keys, each once", () => {
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 50 }), (all, perSlice) => {
        const bits = sliceBits(all.length, perSlice);
        const slices = Array.from({ length: 2 ** bits }, (_, slice) => [...keysOfSlice(all, { bits, slice })]);
        expect(slices.flat()).toEqual([...all]);
        expect(all.every((key) => hasKey(all, key))).toBe(true);
      }),
    );
  });

  test("connectionKey() tells connections apart, and pairs of routers", () => {
    const ports = Array.from({ length: 60_000 }, (_, port) => port);
    const ofPorts = ports.map((port) => connectionKey(row({ client: { ...row().client, port } }), 1));
    // By the birthday of 32 bits, 60,000 keys have 0.4 pairs alike.
    expect(new Set(ofPorts).size).toBeGreaterThan(59_990);
    expect(
      ports.filter((port) => ofPorts[port] === connectionKey(row({ client: { ...row().client, port } }), 2)).length,
    ).toBeLessThan(10);
    const spread = new Array<number>(64).fill(0);
    for (const key of ofPorts) spread[key >>> 26] = (spread[key >>> 26] ?? 0) + 1;
    expect(Math.min(...spread)).toBeGreaterThan(700);
  });
});
