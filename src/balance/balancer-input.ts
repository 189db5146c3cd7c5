import type { ConfiguredService } from "../config/keys/config.ts";
import type { Endpoint } from "../model/address.ts";
import type { Gate } from "../model/gate.ts";
import type { ProbeOutcome } from "../model/health-check.ts";
import type { IpvsChange, ObservedService } from "../model/ipvs-table.ts";
import type { KeepOrder, KeptServer } from "../model/kept-server.ts";
import type { Role } from "../model/pair.ts";
import type { ServiceKey } from "../model/virtual-service.ts";
import type { GateProbe } from "./gate-checks.ts";
import type { SavedState } from "./saved/saved-state.ts";
import type { BalancerQuery, BalancerReport } from "./servers/check-report.ts";
import type { Drain } from "./servers/drains.ts";
import type { Probe } from "./servers/service-units.ts";

/** What an operator's order is for: one of the two at least. */
export interface OrderTarget {
  readonly id: number;
  /** Absent: each service that has the server. */
  readonly service?: ServiceKey;
  /** Absent: each server of the service. */
  readonly server?: Endpoint;
}

/** An operator's change of a server of a configured service, to be kept beside the configuration. */
export interface KeepInput {
  readonly kind: "keep";
  readonly id: number;
  readonly service: ServiceKey;
  readonly server: Endpoint;
  readonly order: KeepOrder;
}

/** What enters the balancer's state machine. */
export type BalancerInput =
  | {
      readonly kind: "configure";
      readonly config: {
        readonly services: readonly ConfiguredService[];
        /** Absent: none. */
        readonly gates?: readonly Gate[];
        /** Services that another process may have made for us: ours, whether they are wanted or not. */
        readonly former?: readonly ServiceKey[];
      };
      /** Absent: those known go on. */
      readonly drains?: readonly Drain[];
      readonly kept?: readonly KeptServer[];
    }
  /**
   * The same without taking anything away: what is new is added and what changed is changed beside what is there, and
   * `done` or `refused` with this id says what the kernel made of it. `configure` follows: with this configuration,
   * which takes away what is left over, or with the one before, which takes the trial back.
   */
  | {
      readonly kind: "try";
      readonly id: number;
      readonly config: { readonly services: readonly ConfiguredService[]; readonly gates?: readonly Gate[] };
    }
  /** The orders of both routers' operators, in place of those known. */
  | { readonly kind: "orders"; readonly drains: readonly Drain[]; readonly kept: readonly KeptServer[] }
  | { readonly kind: "role"; readonly role: Role }
  | ({ readonly kind: "drain" | "undrain" } & OrderTarget)
  /** Without a weight: the configured one again. */
  | ({ readonly kind: "weight"; readonly weight?: number } & OrderTarget)
  | KeepInput
  | { readonly kind: "table-needed"; readonly id: number }
  | { readonly kind: "query"; readonly id: number; readonly what: BalancerQuery }
  | { readonly kind: "stop" }
  | { readonly kind: "probed"; readonly key: string; readonly outcome: ProbeOutcome }
  | { readonly kind: "gate-probed"; readonly key: string; readonly outcome: ProbeOutcome }
  /** The services that the kernel has, without their servers. */
  | { readonly kind: "services-listed"; readonly keys: readonly string[] }
  /** The services asked for, by key; undefined: the kernel does not have it. */
  | { readonly kind: "services-read"; readonly services: ReadonlyMap<string, ObservedService | undefined> }
  /** What came of the changes of the last `apply`, in their order; undefined: made. */
  | { readonly kind: "applied"; readonly failures: readonly (string | undefined)[] }
  /** The kernel could not be asked. */
  | { readonly kind: "kernel-failed"; readonly reason: string }
  /** Time has passed. */
  | { readonly kind: "tick" };

/** What leaves it. At most one of the kernel's effects is out at a time. */
export type BalancerEffect =
  | { readonly kind: "probe"; readonly probe: Probe }
  | { readonly kind: "probe-gate"; readonly probe: GateProbe }
  | { readonly kind: "list-services" }
  | { readonly kind: "read-services"; readonly keys: readonly ServiceKey[] }
  | { readonly kind: "apply"; readonly changes: readonly IpvsChange[] }
  | { readonly kind: "save"; readonly saved: SavedState }
  | { readonly kind: "report"; readonly report: BalancerReport };
