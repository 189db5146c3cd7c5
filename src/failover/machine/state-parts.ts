/** Parts of the state that have rules of their own: what the rules find out and remember. */
import type { IpAddress } from "../../model/address.ts";
import type { MacAddress } from "../../model/mac-address.ts";
import type { SharedEntry } from "../../model/shared-entry.ts";
import type { MoveReason } from "../../wire/heartbeat/heartbeat.ts";

/** Why this router is the worse place. */
export interface Disadvantage {
  readonly reason: MoveReason;
  /** A clause for people. */
  readonly text: string;
  /** Told by the kernel, beyond doubt: no time is to be waited for, and no such move is rationed. */
  readonly certain: boolean;
}

/** Ids of settings, from the first to the last. */
export interface IdRange {
  readonly from: number;
  readonly to: number;
}

/** In what the configuration of the peer differs, as far as that has been found. */
export interface Drift {
  /** The fingerprint of the peer's configuration. */
  readonly peerConfig: string;
  /** What has been compared, ascending; no two of them touch. */
  readonly compared: readonly IdRange[];
  /** Ids of settings that the peer has with another value, or not at all. */
  readonly differing: readonly number[];
  /** How many settings only the peer has. */
  readonly missing: number;
}

/** What operators said at run time, kept by both routers. */
export interface Shared {
  readonly entries: ReadonlyMap<string, SharedEntry>;
  /** The same, the newest first: what is sent first. */
  readonly newestFirst: readonly SharedEntry[];
  /** 16 hexadecimal digits. */
  readonly digest: string;
  /** The highest revision known. */
  readonly revision: number;
  /** How many of `newestFirst` were sent since the last change. */
  readonly sent: number;
}

/** A frame for a VIP that came in after this router gave the VIP up. */
export interface Stray {
  readonly address: IpAddress;
  readonly mac: MacAddress;
  readonly source: IpAddress;
  readonly atMs: number;
}
