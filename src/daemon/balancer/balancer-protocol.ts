import type { KeepInput } from "../../balance/balancer-input.ts";
import {
  configuredService,
  drain,
  endpoint,
  keepOrder,
  keptChange,
  keptServer,
  serviceKey,
} from "../../balance/saved/decoders.ts";
import { gate, gateList, gateView } from "../../balance/saved/gate-decoder.ts";
import {
  type BalancerAnswer,
  type BalancerQuery,
  type BalancerReport,
  type CheckReport,
  type DrainProgress,
  type GateRecord,
  LOG_LEVELS,
  SERVICE_WORKS,
  type ServiceView,
  type VerdictChange,
} from "../../balance/servers/check-report.ts";
import type { Drain } from "../../balance/servers/drains.ts";
import type { PaceReport } from "../../balance/servers/probe-pace.ts";
import type { Config } from "../../config/keys/config.ts";
import {
  bool,
  type Decoder,
  exactly,
  finite,
  list,
  oneOf,
  optional,
  record,
  text,
  union,
  whole,
} from "../../lib/plain-data.ts";
import type { Endpoint } from "../../model/address.ts";
import { CHECK_KINDS, PROBE_FAILURES, type ProbeOutcome } from "../../model/health-check.ts";
import type { KeptServer } from "../../model/kept-server.ts";
import type { Role } from "../../model/pair.ts";
import { WEIGHT_MAX } from "../../model/real-server.ts";
import type { ServiceKey } from "../../model/virtual-service.ts";

/**
 * The messages between the router (parent) and the balancer (child), over the channel that Bun opens between them.
 * Both sides decode what they get: DecodeError says where a message is wrong, and the receiver logs and drops it.
 * Messages are plain data (structured clone). Times are of the machine's monotonic clock, which both share.
 */

/** What the balancer keeps in the state directory; the other files there are the router's. */
export const BALANCER_STATE_FILE = "balancer.json";

/** The balancer says that it is alive this often; a router that hears nothing for a few of these restarts it. */
export const ALIVE_INTERVAL_MS = 1_000;

/** What the balancer needs of a configuration; a whole `Config` will do. */
export type BalancerConfig = Pick<Config, "services" | "timeouts"> & Partial<Pick<Config, "gates">>;

export type { BalancerAnswer, BalancerQuery };

export type ToBalancer =
  /**
   * The first message, and again at each reload. `drains`: the orders that hold, when the router has them (from the
   * peer); without it those that the balancer saved go on.
   */
  | {
      readonly kind: "configure";
      readonly config: BalancerConfig;
      readonly drains?: readonly Drain[];
      /** Real servers changed at run time; absent as `drains`. */
      readonly kept?: readonly KeptServer[];
    }
  /**
   * A configuration beside the one in force, of which nothing is taken away: answered by `done` or `refused` with this
   * id. `configure` follows, with one or the other.
   */
  | { readonly kind: "try"; readonly id: number; readonly config: BalancerConfig }
  /** The orders that hold from now on. */
  | { readonly kind: "orders"; readonly drains: readonly Drain[]; readonly kept: readonly KeptServer[] }
  | { readonly kind: "role"; readonly role: Role }
  /**
   * Orders for a real server of one service or of each that has it, or without a server for all of one service. Answered
   * by `done` or `refused` with this id.
   */
  | { readonly kind: "drain"; readonly id: number; readonly service?: ServiceKey; readonly server?: Endpoint }
  | { readonly kind: "undrain"; readonly id: number; readonly service?: ServiceKey; readonly server?: Endpoint }
  | {
      readonly kind: "weight";
      readonly id: number;
      readonly service?: ServiceKey;
      readonly server?: Endpoint;
      /** Absent: the configured weight again. */
      readonly weight?: number;
    }
  /** A server of a configured service is added, changed or removed beside the configuration. Answered as these. */
  | KeepInput
  /** Before a takeover: reconcile at once, and answer `table-complete` when the kernel has the wanted table. */
  | { readonly kind: "table-needed"; readonly id: number }
  | { readonly kind: "query"; readonly id: number; readonly what: BalancerQuery }
  /** Save and end; the kernel's table stays and goes on forwarding. */
  | { readonly kind: "stop" };

export type FromBalancer =
  /** The process runs and waits for `configure`. */
  | { readonly kind: "started"; readonly pid: number }
  /** What it keeps on disk cannot be written, or, without a failure, can be again. */
  | { readonly kind: "saving"; readonly failure?: string }
  | { readonly kind: "alive"; readonly atMs: number; readonly lateMs: number; readonly probesInFlight: number }
  /** A defect of its own: the last that it says. */
  | { readonly kind: "broken"; readonly reason: string }
  | BalancerReport;

const id = whole(0, Number.MAX_SAFE_INTEGER);
const count = whole(0, Number.MAX_SAFE_INTEGER);
const verdict = oneOf(["up", "down", "unknown"]);
/** 32 bits, as the kernel has them. */
const seconds = whole(0, 0xffff_ffff);
const timeouts = record({ tcpSeconds: seconds, tcpFinSeconds: seconds, udpSeconds: seconds });
const order = { id, service: optional(serviceKey), server: optional(endpoint) };

const query: Decoder<BalancerQuery> = union("kind", {
  checks: record({ kind: exactly("checks") }),
  drains: record({ kind: exactly("drains") }),
});

const balancerConfig = record({
  services: list(configuredService),
  timeouts: optional(timeouts),
  gates: optional(gateList(gate)),
  former: optional(list(serviceKey)),
});

/** Reads a message for the balancer. @throws DecodeError */
export const decodeToBalancer: Decoder<ToBalancer> = union("kind", {
  configure: record({
    kind: exactly("configure"),
    config: balancerConfig,
    drains: optional(list(drain)),
    kept: optional(list(keptServer)),
  }),
  try: record({ kind: exactly("try"), id, config: balancerConfig }),
  orders: record({ kind: exactly("orders"), drains: list(drain), kept: list(keptServer) }),
  keep: record({ kind: exactly("keep"), id, service: serviceKey, server: endpoint, order: keepOrder }),
  role: record({ kind: exactly("role"), role: oneOf(["active", "standby"]) }),
  drain: record({ kind: exactly("drain"), ...order }),
  undrain: record({ kind: exactly("undrain"), ...order }),
  weight: record({ kind: exactly("weight"), ...order, weight: optional(whole(0, WEIGHT_MAX)) }),
  "table-needed": record({ kind: exactly("table-needed"), id }),
  query: record({ kind: exactly("query"), id, what: query }),
  stop: record({ kind: exactly("stop") }),
});

const verdictChange: Decoder<VerdictChange> = record({
  service: text,
  server: text,
  from: verdict,
  to: verdict,
  reason: text,
  sinceMs: finite,
});

const serviceView: Decoder<ServiceView> = record({
  service: text,
  up: count,
  down: count,
  unknown: count,
  configured: count,
  work: oneOf(SERVICE_WORKS),
});

const outcome: Decoder<ProbeOutcome> = union("result", {
  success: record({
    result: exactly("success"),
    elapsedMs: finite,
    reason: text,
    warning: optional(text),
    weightPercent: optional(whole(0, 100)),
  }),
  failure: record({ result: exactly("failure"), elapsedMs: finite, reason: text, failure: oneOf(PROBE_FAILURES) }),
});

const lastProbe = record({ outcome, atMs: finite, streak: count });
const probeTimes = record({ p50Ms: finite, p99Ms: finite, samples: count });
const changes = list(record({ to: verdict, agoMs: finite, reason: text }));

const gateRecord: Decoder<GateRecord> = (value) => ({
  ...gateView(value),
  ...record({
    forMs: finite,
    last: optional(lastProbe),
    times: optional(probeTimes),
    changes: optional(changes),
  })(value),
});

const checkReport: Decoder<CheckReport> = record({
  service: text,
  listen: text,
  server: text,
  forward: text,
  kind: optional(oneOf(CHECK_KINDS)),
  verdict,
  sinceMs: optional(finite),
  last: optional(lastProbe),
  times: optional(probeTimes),
  changes: optional(changes),
  forMs: optional(finite),
  furtherKinds: optional(list(oneOf(CHECK_KINDS))),
  weight: optional(count),
  drained: bool,
  activeConnections: optional(count),
});

const drainProgress: Decoder<DrainProgress> = record({
  listen: text,
  server: text,
  activeConnections: count,
  inactiveConnections: count,
  persistentConnections: count,
});

const pace: Decoder<PaceReport> = record({
  turns: count,
  inFlight: count,
  late: optional(record({ p50Ms: finite, p99Ms: finite, maxMs: finite })),
});

const answer: Decoder<BalancerAnswer> = union("kind", {
  checks: record({
    kind: exactly("checks"),
    checks: list(checkReport),
    gates: optional(gateList(gateRecord)),
    pace,
  }),
  drains: record({ kind: exactly("drains"), drains: list(drainProgress) }),
});

/** Reads a message of the balancer. @throws DecodeError */
export const decodeFromBalancer: Decoder<FromBalancer> = union("kind", {
  started: record({ kind: exactly("started"), pid: count }),
  alive: record({ kind: exactly("alive"), atMs: finite, lateMs: finite, probesInFlight: count }),
  saving: record({ kind: exactly("saving"), failure: optional(text) }),
  broken: record({ kind: exactly("broken"), reason: text }),
  "table-complete": record({ kind: exactly("table-complete"), id }),
  "verdict-changed": record({ kind: exactly("verdict-changed"), change: verdictChange }),
  "quorum-changed": record({
    kind: exactly("quorum-changed"),
    change: record({ service: text, listen: text, quorate: bool }),
  }),
  views: record({ kind: exactly("views"), services: list(serviceView) }),
  "drains-changed": record({
    kind: exactly("drains-changed"),
    drains: list(drain),
    made: optional(list(record({ service: serviceKey, server: endpoint }))),
  }),
  "kept-changed": record({
    kind: exactly("kept-changed"),
    kept: list(keptServer),
    made: optional(record({ service: serviceKey, server: endpoint, change: keptChange })),
  }),
  gates: record({ kind: exactly("gates"), gates: gateList(gateView) }),
  log: record({ kind: exactly("log"), level: oneOf(LOG_LEVELS), message: text }),
  done: record({ kind: exactly("done"), id }),
  refused: record({ kind: exactly("refused"), id, reason: text }),
  answer: record({ kind: exactly("answer"), id, answer }),
});
