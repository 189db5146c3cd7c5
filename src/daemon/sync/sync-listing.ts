/** The standby's side of rule 10: what its kernel has, told slice by slice to the active that asked. */
import {
  SYNC_CROWDED_VIPS,
  SYNC_KEYS_LIMIT,
  SYNC_KEYS_LIMIT_CROWDED,
  type SyncAnswer,
} from "../../wire/heartbeat/heartbeat.ts";
import { keysOfSlice, sliceBits } from "../../wire/sync/sync-key.ts";

/** A slice has on average at most half as many keys as a packet takes, so that hardly one has more than that. */
const FILL = 0.5;

/** The keys of the established connections of one reading of the table. */
export class SyncListing {
  /** The number that was heard before it was read. */
  readonly to: number;
  readonly #keys: Uint32Array;
  readonly #bits: number;
  readonly #limit: number;
  #next = 0;

  /**
   * @param keys ascending, each once
   * @param vipCount as many VIPs have their place in the packet too
   */
  constructor(to: number, keys: Uint32Array, vipCount: number) {
    this.to = to;
    this.#keys = keys;
    this.#limit = vipCount > SYNC_CROWDED_VIPS ? SYNC_KEYS_LIMIT_CROWDED : SYNC_KEYS_LIMIT;
    this.#bits = sliceBits(keys.length, this.#limit * FILL);
  }

  /** The next slice; after the last one it begins anew, for what was lost on the way. */
  nextAnswer(): SyncAnswer | undefined {
    const slice = this.#next;
    this.#next = (slice + 1) % 2 ** this.#bits;
    const keys = keysOfSlice(this.#keys, { bits: this.#bits, slice });
    if (keys.length > this.#limit) return undefined;
    return { to: this.to, entries: this.#keys.length, bits: this.#bits, slice, keys: [...keys] };
  }
}
