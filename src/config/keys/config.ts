import type { Gate } from "../../model/gate.ts";
import type { Check } from "../../model/health-check.ts";
import type { IpvsSettings } from "../../model/ipvs-setting.ts";
import type { PairSettings } from "../../model/pair.ts";
import type { Forwarding, RealServer } from "../../model/real-server.ts";
import type { ConnectionTimeouts } from "../../model/sync-daemon.ts";
import type { Vip } from "../../model/vip.ts";
import type { VirtualService } from "../../model/virtual-service.ts";

/** A `[[vip]]`. */
export interface ConfiguredVip extends Vip {
  /** `required = false`: it counts for nothing when the routers are compared. */
  readonly optional?: true;
}

/** A real server of the configuration with what concerns checking it. */
export interface ConfiguredServer {
  readonly server: RealServer;
  /** Absent: not checked, always in work. */
  readonly check?: Check;
  /** Checks that must pass besides `check`; without it there are none. */
  readonly furtherChecks?: readonly Check[];
}

/** What a real server that is added at run time takes from a service without any to go by. */
export interface ServerTemplate extends Omit<ConfiguredServer, "server"> {
  readonly forward: Forwarding;
}

/** How many of a service's servers are enough, counted or weighed by the configured weights. */
export interface Quorum {
  readonly by: "servers" | "weight";
  readonly needed: number;
  /** The quorum is lost below `needed - hysteresis` and there again from `needed + hysteresis`. */
  readonly hysteresis: number;
}

/** A `[[service]]`: one virtual service for each address it listens on, all with the same servers. */
export interface ConfiguredService {
  readonly name: string;
  /** At least one; they differ only in their keys. */
  readonly listen: readonly VirtualService[];
  readonly servers: readonly ConfiguredServer[];
  /** Absent where there are servers. */
  readonly template?: ServerTemplate;
  /** Gets the work when no real server is up. */
  readonly sorry?: RealServer;
  /** What happens to a server that fails: removed, or kept with weight 0. */
  readonly onFailure: "remove" | "quiesce";
  /** A server that comes back gets its full weight only after this time; absent or 0: at once. */
  readonly slowStartMs?: number;
  /**
   * When this share of the checked servers or fewer is up because the others died at once without refusing, the last
   * good set stays. Absent: 0, only when all are dead.
   */
  readonly panicPercent?: number;
  /** With fewer, the sorry server gets the work; absent: one server is enough. */
  readonly quorum?: Quorum;
}

/** `[sync]`: connection synchronisation between the routers' kernels. */
export interface SyncSettings {
  readonly enabled: boolean;
  /** Absent: the interface that has the private address. */
  readonly interface?: string;
  readonly id: number;
  readonly group: string;
  readonly port: number;
  readonly ttl: number;
  /** Of both daemons, where `mode` is batched; absent: what a packet of the interface can carry. */
  readonly maxLengthBytes?: number;
  readonly mode: "prompt" | "batched";
}

export interface TakeoverStep {
  readonly program: readonly string[];
  /** What its failure means: no takeover now, or going on without it. */
  readonly onFailure: "abort" | "continue";
}

export interface HookSettings {
  /** Programs with arguments, run on the transition of that name, without a shell. */
  readonly active: readonly string[];
  readonly standby: readonly string[];
  /** Run at each change of a real server's verdict; absent: nothing. */
  readonly verdict?: readonly string[];
  /** Run when a service loses its quorum or has it again; absent: nothing. */
  readonly quorum?: readonly string[];
  /** A step of each takeover, before the addresses are set; absent: none. */
  readonly takeover?: TakeoverStep;
  readonly timeoutMs: number;
}

export interface LogSettings {
  readonly format: "text" | "json";
  readonly level: "debug" | "info" | "warn" | "error";
}

/** The whole of a valid configuration file. */
export interface Config {
  readonly pair: PairSettings;
  readonly vips: readonly ConfiguredVip[];
  readonly services: readonly ConfiguredService[];
  readonly gates: readonly Gate[];
  readonly sync: SyncSettings;
  /** What the kernel's IPVS does with connections, while there are services. */
  readonly ipvs: IpvsSettings;
  /** How long the kernel keeps idle connections, 0 for those that stay as they are; absent: all of them stay. */
  readonly timeouts?: ConnectionTimeouts;
  readonly hooks: HookSettings;
  readonly log: LogSettings;
}

/** Something wrong with a configuration. Line and column count from 1; the column is that of the key or value. */
export interface ConfigIssue {
  /** The included file that it is in; absent: the main one. */
  readonly file?: string;
  readonly line: number;
  readonly column: number;
  /** Where in the file, as a path of keys: `service[0].real[1].address`. */
  readonly path: string;
  /** A sentence without a full stop. */
  readonly message: string;
  readonly hint?: string;
}

/** What parsing a file gives: the configuration with warnings, or every issue found. */
export type ConfigResult =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly ConfigIssue[] }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };
