/** How far the standby's kernel knows the connections, in words. */
import { formatSpan } from "../../model/duration.ts";
import type { PeerStatus, RouterStatus } from "./status-report.ts";

/** How far the standby's kernel knows the active's connections; null: not known. */
export interface SyncStatus {
  /** Established connections of the active that the standby ought to know. */
  readonly wanted: number | null;
  /** Those of them that it knows; of a large table, as found by its parts. */
  readonly present: number | null;
  /** Whether all connections were sent to it since it joined. */
  readonly fullSync: boolean;
  /** All connections are being sent now. */
  readonly working: boolean;
  readonly lastFullSync: { readonly agoMs: number; readonly entries: number; readonly tookMs: number } | null;
  /** Why the connections cannot be read or sent. */
  readonly failure: string | null;
}

/** The state of connection synchronisation as a sentence. */
export function syncText(sync: SyncStatus, router: RouterStatus, peer: PeerStatus): string {
  const isActive = router.role === "active";
  const standby = isActive ? peer.name : router.name;
  if (isActive && !peer.alive) return `connections: ${standby} is not there to learn them`;
  if (sync.wanted === null || sync.present === null) return `connections: not known yet what ${standby} has`;
  const sending = sync.working ? ", being told of all of them now" : "";
  const last =
    sync.lastFullSync === null || !isActive
      ? ""
      : `; told of ${sync.lastFullSync.entries} entries ${formatSpan(sync.lastFullSync.agoMs)} ago`;
  if (sync.wanted === 0 && !sync.fullSync) return `connections: ${standby} has not been told of them yet${sending}`;
  if (sync.wanted === 0)
    return `connections: none that ${standby} ought to know yet, by the last count${last}${sending}`;
  const percent = Math.floor((sync.present * 100) / sync.wanted);
  return `connections: ${standby} knows ${sync.present} of ${sync.wanted} (${percent} %)${last}${sending}`;
}
