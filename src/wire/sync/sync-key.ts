/**
 * Short keys of connections, the same on both routers, so that one can tell the other which ones it knows. A key is 32
 * bits over protocol, client, VIP and server: of 100,000 connections that are missing, two or three look present by
 * chance. Keys are compared, never trusted: whoever could choose them could as well send sync messages.
 */
import type { ConnectionRow } from "./sync-row.ts";

/** MurmurHash3's mixing of a 32-bit word into a state (its finaliser spreads every bit over all). */
function mix(state: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  const mixed = state ^ Math.imul(k, 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(state: number): number {
  let h = state ^ (state >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The key of a connection. @param seed the same for both routers of a pair, another one for another pair. */
export function connectionKey({ protocol, client, virtual, server }: ConnectionRow, seed: number): number {
  let state = mix(seed, protocol);
  for (const { address, port } of [client, virtual, server]) {
    for (let index = 0; index < address.length; index += 4) {
      const high = ((address[index] ?? 0) << 8) | (address[index + 1] ?? 0);
      state = mix(state, (high << 16) | ((address[index + 2] ?? 0) << 8) | (address[index + 3] ?? 0));
    }
    state = mix(state, port);
  }
  return finish(state);
}

/** The part of all keys whose first `bits` bits are `slice`. */
export interface KeySlice {
  /** 0: there is one slice, of all keys. */
  readonly bits: number;
  readonly slice: number;
}

/** Into how many slices, as a power of two, so many keys go when a slice is to have at most `perSlice` on average. */
export function sliceBits(keys: number, perSlice: number): number {
  let bits = 0;
  while (bits < KEY_SLICE_BITS_MAX && keys > perSlice * 2 ** bits) bits += 1;
  return bits;
}

/** More slices than any table needs: a million keys by 24. */
export const KEY_SLICE_BITS_MAX = 24;

/** Where in ascending keys the first one is that is not below `value`. */
function lowerBound(keys: Uint32Array, value: number): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The keys of a slice, from all in ascending order. */
export function keysOfSlice(keys: Uint32Array, { bits, slice }: KeySlice): Uint32Array {
  const width = 2 ** (32 - bits);
  return keys.subarray(lowerBound(keys, slice * width), lowerBound(keys, (slice + 1) * width));
}

export function hasKey(keys: Uint32Array, key: number): boolean {
  return keys[lowerBound(keys, key)] === key;
}
