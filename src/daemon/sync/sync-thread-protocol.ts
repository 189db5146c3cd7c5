import type { SyncService } from "./sync-services.ts";

/** Where sync messages go. */
export interface SyncTarget {
  readonly interface: string;
  readonly group: string;
  readonly port: number;
  readonly ttl: number;
  readonly syncId: number;
}

/** What the router's main thread wants of its sync thread, one thing after the other. */
export type SyncWork =
  /** Sends the other kernel all connections, or those that the reading before did not have. */
  | { readonly kind: "send"; readonly scope: "all" | "new"; readonly target: SyncTarget }
  /** Looks which connections the other kernel ought to know. */
  | { readonly kind: "count" }
  /** Lists the keys of all established connections. */
  | { readonly kind: "list" };

export type SyncRequest = SyncWork & {
  readonly id: number;
  readonly services: readonly SyncService[];
  /** Of the keys; the same on both routers. */
  readonly seed: number;
};

export interface SyncAnswer {
  readonly id: number;
  /** Connections read. */
  readonly entries: number;
  /** Connections sent, and in how many messages. */
  readonly sent: number;
  readonly messages: number;
  /** Of established connections. But for `list`, of those that the other kernel has had time to learn. Ascending. */
  readonly keys: Uint32Array;
  readonly elapsedMs: number;
  /** Why it ended before its end, a clause. */
  readonly failure?: string;
}
