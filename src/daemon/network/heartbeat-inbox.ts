/** Heartbeats that came in within one turn, checked, and the newest of each sender. */
import type { PairKeys } from "../../config/key-file.ts";
import type { Input } from "../../failover/machine/failover-input.ts";
import { PATHS, type PathName } from "../../model/pair.ts";
import type { Heartbeat, PacketRefusal } from "../../wire/heartbeat/heartbeat.ts";
import { openHeartbeat } from "../../wire/heartbeat/heartbeat-packet.ts";

/** More authentic packets than this of one path in one turn are no heartbeats: the newest of each sender's boots stay. */
const KEPT_MAX = 32;
/** Boots that are told apart among them. */
const BOOTS_MAX = 64;

type Refused = PacketRefusal | "set-aside";

/**
 * What came by the two paths since the last turn. A forged packet costs the check of its signature and no turn, a
 * replayed one little more: a flood of either must not keep the loop from the packets that count.
 */
export class HeartbeatInbox {
  readonly #pairId: string;
  #keys: PairKeys;
  readonly #kept: Record<PathName, Heartbeat[]> = { public: [], private: [] };
  readonly #refused: Record<PathName, Map<Refused, number>> = { public: new Map(), private: new Map() };

  constructor(pairId: string, keys: PairKeys) {
    this.#pairId = pairId;
    this.#keys = keys;
  }

  /** New keys, as a reload during a rotation brings. */
  setKeys(keys: PairKeys): void {
    this.#keys = keys;
  }

  /** @returns whether it is authentic, so that the loop should look. */
  take(path: PathName, bytes: Uint8Array): boolean {
    const opened = openHeartbeat(bytes, this.#keys.accepted, this.#pairId);
    if (!opened.ok) {
      this.#refuse(path, opened.reason, 1);
      return false;
    }
    const kept = this.#kept[path];
    kept.push(opened.heartbeat);
    if (kept.length > KEPT_MAX) this.#thin(path);
    return true;
  }

  /** All that came, as inputs, in its order; what did not count comes in sums. */
  empty(): Input[] {
    return PATHS.flatMap((path): Input[] => {
      const refused = [...this.#refused[path]].map(
        ([reason, count]): Input => ({ kind: "packet-refused", path, reason, count }),
      );
      const heartbeats = this.#kept[path].map((heartbeat): Input => ({ kind: "heartbeat", path, heartbeat }));
      this.#refused[path].clear();
      this.#kept[path] = [];
      return [...refused, ...heartbeats];
    });
  }

  /** Of each boot the packet with the highest counter stays; what the others said is in it, or was older. */
  #thin(path: PathName): void {
    const newest = new Map<string, Heartbeat>();
    for (const heartbeat of this.#kept[path]) {
      const known = newest.get(heartbeat.bootId);
      if (known === undefined ? newest.size < BOOTS_MAX : heartbeat.counter > known.counter) {
        newest.set(heartbeat.bootId, heartbeat);
      }
    }
    this.#refuse(path, "set-aside", this.#kept[path].length - newest.size);
    this.#kept[path] = [...newest.values()];
  }

  #refuse(path: PathName, reason: Refused, count: number): void {
    const refused = this.#refused[path];
    refused.set(reason, (refused.get(reason) ?? 0) + count);
  }
}
