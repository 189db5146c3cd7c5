import fc from "fast-check";
import { addressBits, addressFromBytes, type Endpoint, type Family, formatEndpoint } from "../../src/model/address.ts";
import type { WantedService } from "../../src/model/ipvs-table.ts";
import { FORWARDINGS, type RealServer, type Tunnel } from "../../src/model/real-server.ts";
import { SCHEDULERS } from "../../src/model/scheduler.ts";
import {
  formatServiceKey,
  type Persistence,
  PROTOCOLS,
  SCHEDULER_FLAGS,
  type ServiceKey,
  serviceFamily,
  type VirtualService,
} from "../../src/model/virtual-service.ts";

/** IPVS tables as a kernel can have them, for properties of what saves and restores them. */

const byte = fc.nat(255);
const inet = fc
  .tuple(fc.integer({ min: 1, max: 126 }), byte, byte, byte)
  .map((bytes) => addressFromBytes(Uint8Array.from(bytes)));
const inet6 = fc
  .tuple(fc.constant(0x20), fc.array(fc.oneof(fc.constant(0), byte), { minLength: 15, maxLength: 15 }))
  .map(([first, rest]) => addressFromBytes(Uint8Array.from([first, ...rest])));
const port = fc.integer({ min: 1, max: 65_535 });

function addressOf(family: Family) {
  return family === "inet" ? inet : inet6;
}

const key: fc.Arbitrary<ServiceKey> = fc.oneof(
  fc.record({
    kind: fc.constant("address" as const),
    protocol: fc.constantFrom(...PROTOCOLS),
    address: fc.oneof(inet, inet6),
    port: fc.oneof({ weight: 9, arbitrary: port }, fc.constant(0)),
  }),
  fc.record({
    kind: fc.constant("fwmark" as const),
    mark: fc.integer({ min: 1, max: 0xffff_ffff }),
    family: fc.constantFrom<Family>("inet", "inet6"),
  }),
);

/** A mask with a hole, so that it is no prefix. */
const irregular = fc.constantFrom("255.0.255.0", "0.0.0.24", "254.255.255.255").map((irregularMask) => ({
  irregularMask,
  prefixLength: irregularMask
    .split(".")
    .map((part) => Number(part).toString(2).replaceAll("0", "").length)
    .reduce((sum, ones) => sum + ones, 0),
}));

function persistenceOf(family: Family): fc.Arbitrary<Persistence> {
  const bits = addressBits(family);
  const prefix = fc
    .oneof(fc.constant(bits), fc.integer({ min: family === "inet" ? 0 : 1, max: bits }))
    .map((prefixLength) => ({ prefixLength }));
  return fc
    .tuple(
      fc.integer({ min: 1, max: 2_678_400 }),
      family === "inet" ? fc.oneof({ weight: 3, arbitrary: prefix }, irregular) : prefix,
      fc.constantFrom({}, { engine: "sip" }),
    )
    .map(([timeoutSeconds, mask, engine]) => ({ timeoutSeconds, ...mask, ...engine }));
}

function serviceOf(serviceKey: ServiceKey): fc.Arbitrary<VirtualService> {
  const needsPersistence = serviceKey.kind === "address" && serviceKey.port === 0;
  const persistence = persistenceOf(serviceFamily(serviceKey)).map((kept) => ({ persistence: kept }));
  return fc
    .tuple(
      fc.record({
        scheduler: fc.constantFrom(...SCHEDULERS, "my-scheduler"),
        schedulerFlags: fc.subarray([...SCHEDULER_FLAGS]),
        onePacket: serviceKey.kind === "fwmark" || serviceKey.protocol === "udp" ? fc.boolean() : fc.constant(false),
      }),
      needsPersistence ? persistence : fc.oneof(fc.constant({}), persistence),
    )
    .map(([rest, kept]) => ({ key: serviceKey, ...rest, ...kept }));
}

const tunnel: fc.Arbitrary<Tunnel> = fc.oneof(
  fc.record({
    type: fc.constant("gre" as const),
    port: fc.constant(0),
    checksum: fc.constantFrom("none" as const, "full" as const),
  }),
  fc.record({
    type: fc.constant("gue" as const),
    port,
    checksum: fc.constantFrom("none" as const, "full" as const, "remote" as const),
  }),
);

/** With direct routing and tunnels ipvsadm always gives the service's port; a firewall mark has none to give. */
function endpointOf(serviceKey: ServiceKey, family: Family, isNat: boolean): fc.Arbitrary<Endpoint> {
  const ports =
    serviceKey.kind === "fwmark" ? fc.oneof(port, fc.constant(0)) : isNat ? port : fc.constant(serviceKey.port);
  return fc.record({ address: addressOf(family), port: ports });
}

function serverOf(serviceKey: ServiceKey): fc.Arbitrary<RealServer> {
  const own = serviceFamily(serviceKey);
  const other: Family = own === "inet" ? "inet6" : "inet";
  const thresholds = fc
    .nat(0xffff)
    .chain((upperThreshold) => fc.nat(upperThreshold).map((lowerThreshold) => ({ upperThreshold, lowerThreshold })));
  return fc
    .tuple(fc.constantFrom(...FORWARDINGS), fc.boolean())
    .chain(([forward, mixed]) =>
      fc.tuple(
        fc.constant(forward),
        endpointOf(serviceKey, forward === "tunnel" && mixed ? other : own, forward === "nat"),
        fc.nat(2_147_483_647),
        thresholds,
        forward === "tunnel"
          ? fc.oneof(
              fc.constant({}),
              tunnel.map((wrapped) => ({ tunnel: wrapped })),
            )
          : fc.constant({}),
      ),
    )
    .map(([forward, endpoint, weight, limits, wrapped]) => ({ endpoint, forward, weight, ...limits, ...wrapped }));
}

function wantedOf(serviceKey: ServiceKey): fc.Arbitrary<WantedService> {
  return fc.record({
    service: serviceOf(serviceKey),
    servers: fc.uniqueArray(serverOf(serviceKey), {
      maxLength: 4,
      selector: ({ endpoint }) => formatEndpoint(endpoint),
    }),
  });
}

/** Any table of up to six services. */
export const anyTable: fc.Arbitrary<readonly WantedService[]> = fc
  .uniqueArray(key, { maxLength: 6, selector: formatServiceKey })
  .chain((keys) => fc.tuple(...keys.map(wantedOf)));
