import type { ConfiguredServer, ConfiguredService } from "../config/config.ts";
import {
  bool,
  type Decoder,
  exactly,
  list,
  oneOf,
  optional,
  pairOf,
  parsedText,
  record,
  text,
  union,
  whole,
} from "../lib/plain-data.ts";
import { type Endpoint, type IpAddress, parseAddress } from "../model/address.ts";
import type { Check, CheckMethod } from "../model/check.ts";
import { FORWARDINGS, type RealServer, TUNNEL_TYPES } from "../model/real-server.ts";
import {
  type Persistence,
  PROTOCOLS,
  SCHEDULER_FLAGS,
  type ServiceKey,
  type VirtualService,
} from "../model/virtual-service.ts";
import type { Drain } from "./drains.ts";

/** Decoders of what the router tells the balancer and of what the balancer saves. They throw only DecodeError. */

const port = whole(0, 65_535);
/** INT_MAX: the kernel keeps weights and thresholds in 32 bits (linux/ip_vs.h). */
const u31 = whole(0, 0x7fff_ffff);
const durationMs = whole(1, 86_400_000);
const runLength = whole(1, 1_000);
const family = oneOf(["inet", "inet6"]);

export const ipAddress: Decoder<IpAddress> = (value) => {
  const given = record({ family, text: parsedText(parseAddress) })(value);
  return given.text;
};

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
  weight: u31,
  upperThreshold: u31,
  lowerThreshold: u31,
  tunnel: optional(record({ type: oneOf(TUNNEL_TYPES), port, checksum: oneOf(["none", "full", "remote"]) })),
});

const webMethod = {
  port: optional(port),
  method: oneOf(["GET", "HEAD"]),
  path: text,
  host: optional(text),
  expectStatus: list(pairOf(whole(100, 999))),
  expectBody: optional(text),
  verifyCertificate: bool,
};

const checkMethod: Decoder<CheckMethod> = union("kind", {
  tcp: record({ kind: exactly("tcp"), port: optional(port) }),
  "send-expect": record({ kind: exactly("send-expect"), port: optional(port), send: text, expect: text }),
  http: record({ kind: exactly("http"), ...webMethod }),
  https: record({ kind: exactly("https"), ...webMethod }),
  external: record({ kind: exactly("external"), command: list(text), user: text }),
});

const check: Decoder<Check> = record({
  intervalMs: durationMs,
  timeoutMs: durationMs,
  rise: runLength,
  fall: runLength,
  method: checkMethod,
});

const configuredServer: Decoder<ConfiguredServer> = record({ server: realServer, check: optional(check) });

export const configuredService: Decoder<ConfiguredService> = record({
  name: text,
  listen: list(virtualService),
  servers: list(configuredServer),
  sorry: optional(realServer),
  onFailure: oneOf(["remove", "quiesce"]),
  slowStartMs: optional(whole(0, 86_400_000)),
  panicPercent: optional(whole(0, 100)),
});

export const drain: Decoder<Drain> = union("kind", {
  drain: record({ kind: exactly("drain"), service: serviceKey, server: endpoint }),
  weight: record({ kind: exactly("weight"), service: serviceKey, server: endpoint, weight: u31 }),
});
