import type { ConfiguredServer, ConfiguredService } from "../config/config.ts";
import { bool, type Decoder, exactly, list, oneOf, optional, record, text, union, whole } from "../lib/plain-data.ts";
import type { Endpoint } from "../model/address.ts";
import { FORWARDINGS, type RealServer, THRESHOLD_MAX, TUNNEL_TYPES, WEIGHT_MAX } from "../model/real-server.ts";
import {
  type Persistence,
  PROTOCOLS,
  SCHEDULER_FLAGS,
  type ServiceKey,
  type VirtualService,
} from "../model/virtual-service.ts";
import { family, ipAddress } from "./address-decoder.ts";
import { check } from "./check-decoder.ts";
import type { Drain } from "./drains.ts";

/** Decoders of what the router tells the balancer and of what the balancer saves. They throw only DecodeError. */

const port = whole(0, 65_535);
/** INT_MAX: the kernel keeps them in signed numbers of 32 bits (linux/ip_vs.h). */
const u31 = whole(0, 0x7fff_ffff);
const threshold = whole(0, THRESHOLD_MAX);
export const endpoint: Decoder<Endpoint> = record({ address: ipAddress, port });

export const serviceKey: Decoder<ServiceKey> = union("kind", {
  address: record({ kind: exactly("address"), protocol: oneOf(PROTOCOLS), address: ipAddress, port }),
  fwmark: record({ kind: exactly("fwmark"), mark: whole(1, 0xffff_ffff), family }),
});

const persistence: Decoder<Persistence> = record({
  timeoutSeconds: u31,
  prefixLength: whole(0, 128),
  engine: optional(text),
});

const virtualService: Decoder<VirtualService> = record({
  key: serviceKey,
  scheduler: text,
  schedulerFlags: list(oneOf(SCHEDULER_FLAGS)),
  persistence: optional(persistence),
  onePacket: bool,
});

const realServer: Decoder<RealServer> = record({
  endpoint,
  forward: oneOf([...FORWARDINGS, "local", "bypass"]),
  weight: whole(0, WEIGHT_MAX),
  upperThreshold: threshold,
  lowerThreshold: threshold,
  tunnel: optional(record({ type: oneOf(TUNNEL_TYPES), port, checksum: oneOf(["none", "full", "remote"]) })),
});

const configuredServer: Decoder<ConfiguredServer> = record({
  server: realServer,
  check: optional(check),
  furtherChecks: optional(list(check)),
});

export const configuredService: Decoder<ConfiguredService> = record({
  name: text,
  listen: list(virtualService),
  servers: list(configuredServer),
  sorry: optional(realServer),
  onFailure: oneOf(["remove", "quiesce"]),
  slowStartMs: optional(whole(0, 86_400_000)),
  panicPercent: optional(whole(0, 100)),
  quorum: optional(record({ by: oneOf(["servers", "weight"]), needed: u31, hysteresis: u31 })),
});

export const drain: Decoder<Drain> = union("kind", {
  drain: record({ kind: exactly("drain"), service: serviceKey, server: endpoint }),
  weight: record({ kind: exactly("weight"), service: serviceKey, server: endpoint, weight: u31 }),
});
