import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { addressFromBytes, type Endpoint, type IpAddress } from "../../src/model/address.ts";
import { type RealServer, TUNNEL_TYPES } from "../../src/model/real-server.ts";
import type { SyncDaemon } from "../../src/model/sync-daemon.ts";
import {
  PROTOCOLS,
  SCHEDULER_FLAGS,
  type ServiceKey,
  serviceFamily,
  type VirtualService,
} from "../../src/model/virtual-service.ts";
import { Reader, Writer } from "../../src/wire/bytes/bytes.ts";
import { syncDaemonAttributes, toSyncDaemon } from "../../src/wire/ipvs/ipvs-daemon.ts";
import { commandAttributes } from "../../src/wire/ipvs/ipvs-numbers.ts";
import { realServerAttributes, toRealServer } from "../../src/wire/ipvs/ipvs-server.ts";
import { toVirtualService, virtualServiceAttributes } from "../../src/wire/ipvs/ipvs-service.ts";
import type { AttributeType } from "../../src/wire/netlink/netlink-attributes.ts";
import { beginMessage, endMessage, readMessages } from "../../src/wire/netlink/netlink-message.ts";
import { readAddress, toInterfaceAddress, writeAddress } from "../../src/wire/rtnetlink/rtnetlink-address.ts";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const port = fc.integer({ min: 0, max: 65_535 });
const inet: fc.Arbitrary<IpAddress> = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(addressFromBytes);
const inet6: fc.Arbitrary<IpAddress> = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(addressFromBytes);
const ipAddress = fc.oneof(inet, inet6);
const endpoint: fc.Arbitrary<Endpoint> = fc.record({ address: ipAddress, port });
/** Names as the kernel has them: at most 15 bytes and no zero among them. */
const name = fc.stringMatching(/^[a-z0-9_.:-]{1,15}$/);

const serviceKey: fc.Arbitrary<ServiceKey> = fc.oneof(
  fc.record({
    kind: fc.constant("address" as const),
    protocol: fc.constantFrom(...PROTOCOLS),
    address: ipAddress,
    port,
  }),
  fc.record({
    kind: fc.constant("fwmark" as const),
    mark: fc.integer({ min: 1, max: 0xffff_ffff }),
    family: fc.constantFrom("inet" as const, "inet6" as const),
  }),
);

const virtualService: fc.Arbitrary<VirtualService> = serviceKey.chain((key) =>
  fc.record(
    {
      key: fc.constant(key),
      scheduler: name,
      schedulerFlags: fc.subarray([...SCHEDULER_FLAGS]),
      onePacket: fc.boolean(),
      persistence: fc.record(
        {
          timeoutSeconds: u32,
          prefixLength: fc.integer({ min: 0, max: serviceFamily(key) === "inet" ? 32 : 128 }),
          engine: name,
        },
        { requiredKeys: ["timeoutSeconds", "prefixLength"] },
      ),
    },
    { requiredKeys: ["key", "scheduler", "schedulerFlags", "onePacket"] },
  ),
);

const tunnel = fc.record({
  type: fc.constantFrom(...TUNNEL_TYPES),
  port: fc.integer({ min: 1, max: 65_535 }),
  checksum: fc.constantFrom("none" as const, "full" as const, "remote" as const),
});
const serverBase = {
  endpoint,
  weight: fc.integer({ min: 0, max: 0x7fff_ffff }),
  upperThreshold: u32,
  lowerThreshold: u32,
};
const realServer: fc.Arbitrary<RealServer> = fc.oneof(
  fc.record({ ...serverBase, forward: fc.constantFrom("nat", "direct", "tunnel", "local", "bypass") }),
  fc.record({ ...serverBase, forward: fc.constant("tunnel" as const), tunnel }),
);

const syncDaemon: fc.Arbitrary<SyncDaemon> = fc.record(
  {
    state: fc.constantFrom("master" as const, "backup" as const),
    interface: name,
    syncId: fc.integer({ min: 0, max: 255 }),
    maxLengthBytes: port,
    group: ipAddress,
    port,
    ttl: fc.integer({ min: 0, max: 255 }),
  },
  { requiredKeys: ["state", "interface", "syncId"] },
);

/** What a value is after its way through bytes. */
function sent<T>(type: AttributeType<T>, value: T): T {
  const writer = new Writer(4096);
  type.encode(writer, value);
  return type.decode(new Reader(writer.written()));
}

describe("what is written is read", () => {
  test("virtual services", () => {
    fc.assert(
      fc.property(virtualService, (service) => {
        const { service: attributes } = sent(commandAttributes, { service: virtualServiceAttributes(service) });
        expect(toVirtualService(attributes ?? {})).toEqual(service);
      }),
      { numRuns: 2_000 },
    );
  });

  test("real servers", () => {
    fc.assert(
      fc.property(realServer, fc.constantFrom("inet" as const, "inet6" as const), (server, family) => {
        const { destination } = sent(commandAttributes, { destination: realServerAttributes(server) });
        expect(toRealServer(destination ?? {}, family)).toEqual(server);
      }),
      { numRuns: 2_000 },
    );
  });

  test("sync daemons", () => {
    fc.assert(
      fc.property(syncDaemon, (daemon) => {
        const { daemon: attributes } = sent(commandAttributes, { daemon: syncDaemonAttributes(daemon) });
        expect(toSyncDaemon(attributes ?? {})).toEqual(daemon);
      }),
      { numRuns: 1_000 },
    );
  });

  test("addresses of interfaces", () => {
    const seconds = fc.oneof(fc.constant("forever" as const), fc.integer({ min: 0, max: 0xffff_fffe }));
    const wanted = fc.record({
      address: ipAddress,
      interfaceIndex: fc.integer({ min: 1, max: 0x7fff_ffff }),
      label: name,
      validSeconds: seconds,
      preferredSeconds: seconds,
    });
    fc.assert(
      fc.property(wanted, fc.nat(32), ({ address, ...rest }, prefixLength) => {
        const writer = new Writer(256);
        writeAddress(writer, { ...rest, prefix: { address, prefixLength }, flags: 0 });
        const read = toInterfaceAddress(readAddress(writer.written()), () => undefined);
        expect(read).toMatchObject({ ...rest, prefix: { address, prefixLength }, ours: true });
      }),
      { numRuns: 1_000 },
    );
  });

  test("several messages in one datagram", () => {
    const message = fc.record({
      type: fc.integer({ min: 0, max: 0xffff }),
      flags: fc.integer({ min: 0, max: 0xffff }),
      sequence: u32,
      payload: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), (messages) => {
        const writer = new Writer(4096);
        for (const { type, flags, sequence, payload } of messages) {
          const start = beginMessage(writer, type, flags, sequence);
          writer.bytes(payload);
          endMessage(writer, start);
        }
        expect(readMessages(writer.written())).toEqual(messages.map((each) => ({ ...each, portId: 0 })));
      }),
      { numRuns: 1_000 },
    );
  });
});
