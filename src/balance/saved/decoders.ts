import type { ConfiguredServer, ConfiguredService } from "../../config/keys/config.ts";
import { DecodeError } from "../../lib/errors.ts";
import {
  bool,
  type Decoder,
  exactly,
  list,
  oneOf,
  optional,
  record,
  text,
  union,
  whole,
} from "../../lib/plain-data.ts";
import type { Endpoint } from "../../model/address.ts";
import type { KeepOrder, KeptChange, KeptServer } from "../../model/kept-server.ts";
import { FORWARDINGS, type RealServer, THRESHOLD_MAX, TUNNEL_TYPES, WEIGHT_MAX } from "../../model/real-server.ts";
import type { ServerSettings } from "../../model/server-settings.ts";
import {
  type Persistence,
  PROTOCOLS,
  SCHEDULER_FLAGS,
  type ServiceKey,
  type VirtualService,
} from "../../model/virtual-service.ts";
import type { Drain } from "../servers/drains.ts";
import { family, ipAddress } from "./address-decoder.ts";
import { check } from "./check-decoder.ts";

/** Decoders of what the router tells the balancer and of what the balancer saves. They throw only DecodeError. */

const port = whole(0, 65_535);
/** INT_MAX: the kernel keeps them in signed numbers of 32 bits (linux/ip_vs.h). */
const u31 = whole(0, 0x7fff_ffff);
const threshold = whole(0, THRESHOLD_MAX);
const TUNNEL_CHECKSUMS = ["none", "full", "remote"] as const;
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

const tunnel = record({ type: oneOf(TUNNEL_TYPES), port, checksum: oneOf(TUNNEL_CHECKSUMS) });

const realServer: Decoder<RealServer> = record({
  endpoint,
  forward: oneOf([...FORWARDINGS, "local", "bypass"]),
  weight: whole(0, WEIGHT_MAX),
  upperThreshold: threshold,
  lowerThreshold: threshold,
  tunnel: optional(tunnel),
});

/** What holds of a server at run time; `none` is what was taken back. */
export const keptChange: Decoder<KeptChange> = union("kind", {
  none: record({ kind: exactly("none") }),
  absent: record({ kind: exactly("absent") }),
  present: record({
    kind: exactly("present"),
    settings: record({
      forward: oneOf(FORWARDINGS),
      weight: whole(0, WEIGHT_MAX),
      upperThreshold: threshold,
      lowerThreshold: threshold,
      tunnel: optional(tunnel),
    }),
  }),
});

export const keptServer: Decoder<KeptServer> = (value) => {
  const { change, ...at } = record({ service: serviceKey, server: endpoint, change: keptChange })(value);
  if (change.kind === "none") throw new DecodeError("change", "nothing is kept");
  return { ...at, change };
};

const serverSettings: Decoder<ServerSettings> = (value) => {
  const given = record({
    forward: optional(oneOf(FORWARDINGS)),
    weight: optional(whole(0, WEIGHT_MAX)),
    upperThreshold: optional(threshold),
    lowerThreshold: optional(threshold),
    tunnelType: optional(oneOf(TUNNEL_TYPES)),
    tunnelPort: optional(port),
    tunnelChecksum: optional(oneOf(TUNNEL_CHECKSUMS)),
  })(value);
  const { forward, weight, upperThreshold, lowerThreshold, tunnelType, tunnelPort, tunnelChecksum } = given;
  return { forward, weight, upperThreshold, lowerThreshold, tunnelType, tunnelPort, tunnelChecksum };
};

export const keepOrder: Decoder<KeepOrder> = union("kind", {
  add: record({ kind: exactly("add"), settings: serverSettings, orEdit: bool }),
  edit: record({ kind: exactly("edit"), settings: serverSettings }),
  del: record({ kind: exactly("del"), ifExists: bool }),
  reset: record({ kind: exactly("reset") }),
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
  template: optional(
    record({ forward: oneOf(FORWARDINGS), check: optional(check), furtherChecks: optional(list(check)) }),
  ),
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
