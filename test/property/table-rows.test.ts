import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PLAIN_PALETTE } from "../../src/cli/output/palette.ts";
import { writeEndpoint } from "../../src/cli/service/endpoint-bytes.ts";
import { writePlainTable } from "../../src/cli/service/plain-service-table.ts";
import { serviceTable } from "../../src/cli/service/service-table.ts";
import { formatIpvsadm } from "../../src/import/ipvsadm/ipvsadm-format.ts";
import { isPlainTable, QuickFormat } from "../../src/import/table/quick-format.ts";
import { formatTable } from "../../src/import/table/table-toml.ts";
import { changeCommand, IpvsChangeEncoder } from "../../src/kernel/ipvs/ipvs-change-encoder.ts";
import { additions, TableLoader } from "../../src/kernel/ipvs/ipvs-loader.ts";
import { ByteText } from "../../src/lib/byte-text.ts";
import {
  NO_TRAFFIC,
  type ObservedServer,
  type ObservedService,
  type WantedService,
} from "../../src/model/ipvs-table.ts";
import { observedTable, ServerRows, type TableRows } from "../../src/model/server-rows.ts";
import { serviceFamily, type VirtualService } from "../../src/model/virtual-service.ts";
import { Reader, Writer } from "../../src/wire/bytes/bytes.ts";
import { type CommandAttributes, commandAttributes, plainServiceAnswer } from "../../src/wire/ipvs/ipvs-numbers.ts";
import { realServerAttributes, toObservedServer } from "../../src/wire/ipvs/ipvs-server.ts";
import { ServerRowDecoder } from "../../src/wire/ipvs/ipvs-server-rows.ts";
import { toVirtualService, virtualServiceAttributes } from "../../src/wire/ipvs/ipvs-service.ts";
import { ServiceDecoder } from "../../src/wire/ipvs/ipvs-service-decoder.ts";
import { writeGenericHeader } from "../../src/wire/netlink/genetlink.ts";
import { beginMessage, endMessage } from "../../src/wire/netlink/netlink-message.ts";
import { anyTable } from "../support/table-arbitrary.ts";

/** Rows of numbers, and what reads and writes them, mean what the objects and the schemas mean. */

const count = fc.oneof(fc.nat(20), fc.nat(0xffff_ffff));

/** A table as the kernel has it, with connections. */
const observedTables: fc.Arbitrary<ObservedService[]> = anyTable.chain((table) =>
  fc.tuple(
    ...table.map(({ service, servers }) =>
      fc.array(fc.tuple(count, count, count), { minLength: servers.length, maxLength: servers.length }).map(
        (counts): ObservedService => ({
          service,
          servers: servers.map((server, index): ObservedServer => {
            const [activeConnections = 0, inactiveConnections = 0, persistentConnections = 0] = counts[index] ?? [];
            return { server, activeConnections, inactiveConnections, persistentConnections, stats: NO_TRAFFIC };
          }),
          stats: NO_TRAFFIC,
        }),
      ),
    ),
  ),
);

function toRows(table: readonly ObservedService[]): TableRows<VirtualService> {
  const servers = new ServerRows();
  const ends = table.map((entry) => {
    for (const server of entry.servers) servers.addObserved(server);
    return servers.count;
  });
  return { services: table.map(({ service }) => service), servers, ends };
}

test("rows give the objects back that they were made of", () => {
  fc.assert(
    fc.property(observedTables, (table) => {
      expect(observedTable(toRows(table))).toEqual(table);
    }),
  );
});

/** The kernel sends addresses with 16 bytes and counters as well. */
function kernelAttributes({ server, ...counts }: ObservedServer, withStats: boolean): CommandAttributes {
  const attributes = realServerAttributes(server);
  const address = new Uint8Array(16);
  address.set(attributes.address ?? []);
  const { stats: _stats, ...connections } = counts;
  const stats = withStats ? { stats64: { connections: 7n } } : {};
  return {
    destination: { tunnelType: 0, tunnelPort: 0, tunnelFlags: 0, ...attributes, address, ...connections, ...stats },
  };
}

function encoded(values: CommandAttributes): Uint8Array {
  const writer = new Writer(4_096);
  commandAttributes.encode(writer, values);
  return writer.written().slice();
}

/** What a decoder gives, or that it refuses. */
function attempt<T>(decode: () => T): T | "refused" {
  try {
    return decode();
  } catch {
    return "refused";
  }
}

const edits = fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 2 });

describe("ServerRowDecoder", () => {
  test("reads each server of a dump as the schema does", () => {
    fc.assert(
      fc.property(observedTables, fc.boolean(), (table, withStats) => {
        for (const { service, servers } of table) {
          const rows = new ServerRows();
          const decoder = new ServerRowDecoder(rows);
          const buffer = new Uint8Array(4_096);
          const view = new DataView(buffer.buffer);
          // Each twice, since the second of a kind goes another way.
          for (const server of servers.flatMap((each) => [each, each])) {
            const bytes = encoded(kernelAttributes(server, withStats));
            buffer.set(bytes, 20);
            decoder.add(view, 20, 20 + bytes.length, serviceFamily(service.key));
          }
          const read = Array.from({ length: rows.count }, (_, row) => rows.observed(row));
          expect(read).toEqual(servers.flatMap((each) => [each, each]));
        }
      }),
    );
  });

  test("refuses and takes damaged messages as the schema does, after a good one", () => {
    const first: ObservedServer = {
      server: {
        endpoint: { address: { family: "inet", text: "10.0.0.1" }, port: 80 },
        forward: "nat",
        weight: 1,
        upperThreshold: 0,
        lowerThreshold: 0,
      },
      activeConnections: 0,
      inactiveConnections: 0,
      persistentConnections: 0,
      stats: NO_TRAFFIC,
    };
    fc.assert(
      fc.property(edits, fc.nat(3), (changes, cut) => {
        const good = encoded(kernelAttributes(first, false));
        const bytes = good.slice(0, cut === 0 ? good.length : good.length - cut);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const buffer = new Uint8Array(512);
        buffer.set(good);
        buffer.set(bytes, good.length);
        const rows = new ServerRows();
        const decoder = new ServerRowDecoder(rows);
        const view = new DataView(buffer.buffer);
        decoder.add(view, 0, good.length, "inet");
        const quick = attempt(() => {
          decoder.add(view, good.length, good.length + bytes.length, "inet");
          return rows.observed(1);
        });
        const whole = attempt(() => {
          const observed = toObservedServer(commandAttributes.decode(new Reader(bytes)).destination ?? {}, "inet");
          return { ...observed, stats: NO_TRAFFIC };
        });
        expect(quick).toEqual(whole);
        expect(rows.count).toBe(quick === "refused" ? 1 : 2);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe("ServiceDecoder", () => {
  test("reads services, whole and damaged, as the schema does", () => {
    fc.assert(
      fc.property(anyTable, edits, (table, changes) => {
        const decoder = new ServiceDecoder();
        for (const { service } of table) {
          const attributes = virtualServiceAttributes(service);
          const address = new Uint8Array(16);
          address.set(attributes.address ?? []);
          const { address: own, ...rest } = attributes;
          const flags = { flags: (rest.flags?.flags ?? 0) | 2, mask: 0xffff_ffff };
          const bytes = encoded({ service: { ...rest, ...(own === undefined ? {} : { address }), flags } });
          const message = new Uint8Array(bytes.length + 4);
          message.set(bytes, 4);
          for (const [at, value] of changes) message[4 + (at % bytes.length)] = value;
          const quick = attempt(() => decoder.decode(new DataView(message.buffer), 0, message.length));
          const whole = attempt(() =>
            // Without the counters, which a plain list does not read and so does not judge.
            toVirtualService(plainServiceAnswer.decode(new Reader(message.subarray(4))).service ?? {}),
          );
          expect(quick).toEqual(whole);
          if (changes.length === 0) expect(quick).toEqual(service);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** Tables as most are: plain services one after another, of which a few differ. */
const plainTables: fc.Arbitrary<WantedService[]> = anyTable.chain((table) =>
  fc.array(fc.constantFrom("wlc", "rr"), { minLength: table.length, maxLength: table.length }).map((schedulers) =>
    table.map(({ service: { key }, servers }, index) => ({
      service: { key, scheduler: schedulers[index] ?? "wlc", schedulerFlags: [], onePacket: index % 7 === 6 },
      servers,
    })),
  ),
);

describe("TableLoader", () => {
  test.each([
    ["any", anyTable],
    ["plain", plainTables],
  ])("writes the bytes that the changes of %s tables have", (_name, tables) => {
    fc.assert(
      fc.property(tables, (table: readonly WantedService[]) => {
        const rows = toRows(
          table.map(({ service, servers }) => ({
            service,
            servers: servers.map((server) => ({
              server,
              activeConnections: 0,
              inactiveConnections: 0,
              persistentConnections: 0,
              stats: NO_TRAFFIC,
            })),
            stats: NO_TRAFFIC,
          })),
        );
        const changes = additions(rows);
        const loader = new TableLoader(30, rows);
        const encoder = new IpvsChangeEncoder();
        for (const [index, change] of changes.entries()) {
          const quick = new Writer(4_096);
          loader.write(quick, index + 1);
          const whole = new Writer(4_096);
          const start = beginMessage(whole, 30, 1, index + 1);
          writeGenericHeader(whole, changeCommand(change), 1);
          encoder.encode(whole, change);
          endMessage(whole, start);
          expect(quick.written()).toEqual(whole.written());
        }
      }),
      { numRuns: 300 },
    );
  });
});

test.each([
  ["toml", formatTable],
  ["ipvsadm", formatIpvsadm],
] as const)("QuickFormat writes %s as the whole way does, what is new first", (format, whole) => {
  fc.assert(
    fc.property(observedTables, (table) => {
      const pieces: Uint8Array[] = [];
      const out = new ByteText((piece) => pieces.push(piece.slice()));
      const rows = toRows(table);
      const formatOne = (services: readonly WantedService[]) => whole(services);
      new QuickFormat(out, format, writeEndpoint, isPlainTable(rows) ? undefined : formatOne).write(rows);
      out.end();
      const reversed = table.toReversed().map(({ service, servers }) => ({
        service,
        servers: servers.map(({ server }) => server).toReversed(),
      }));
      expect(Buffer.concat(pieces).toString()).toBe(whole(reversed));
    }),
    { numRuns: 500 },
  );
});

test("QuickFormat writes a plain table by itself", () => {
  const servers = new ServerRows();
  const key = { kind: "address", protocol: "tcp", address: { family: "inet", text: "10.0.0.1" }, port: 80 } as const;
  const service = { key, scheduler: "wlc", schedulerFlags: [], onePacket: false };
  const server = { endpoint: key, forward: "nat", weight: 3, upperThreshold: 0, lowerThreshold: 0 } as const;
  servers.addObserved({
    server,
    activeConnections: 0,
    inactiveConnections: 0,
    persistentConnections: 0,
    stats: NO_TRAFFIC,
  });
  const table = { services: [service], servers, ends: [1] };
  const texts = { toml: formatTable, ipvsadm: formatIpvsadm } as const;
  expect(isPlainTable(table)).toBe(true);
  for (const format of ["toml", "ipvsadm"] as const) {
    let text = "";
    const out = new ByteText((piece) => {
      text += new TextDecoder().decode(piece);
    });
    new QuickFormat(out, format, writeEndpoint, undefined).write(table);
    out.end();
    expect(text).toBe(texts[format]([{ service, servers: [server] }]));
  }
});

test("writePlainTable() writes the lines of serviceTable()", () => {
  fc.assert(
    fc.property(observedTables, (table) => {
      const pieces: Uint8Array[] = [];
      const written = writePlainTable(toRows(table), (piece) => pieces.push(piece.slice()));
      const layout = { palette: PLAIN_PALETTE, widthColumns: undefined };
      const lines = serviceTable(table, { stats: false, rates: undefined }, layout);
      expect(written).toBe(true);
      expect(Buffer.concat(pieces).toString()).toBe(lines.map((line) => `${line}\n`).join(""));
    }),
    { numRuns: 500 },
  );
});
