/**
 * Which heartbeats count (rule 2). A packet that passed its HMAC may still be a replay, a reflection, one from another
 * path or one that was held back; each is refused with a name and counted. Times are monotonic ms.
 */
import type { PathName, RouterId } from "../model/pair.ts";
import type { Heartbeat, PacketRefusal } from "../wire/heartbeat.ts";

export const SESSION_REFUSALS = [
  /** My own packet came back. */
  "own-role",
  "wrong-path",
  "wrong-pair",
  /** From a process of the peer that was replaced. */
  "old-boot",
  /** A hello: it does not echo my nonce. Shown and answered, never evidence. */
  "no-echo",
  "replayed-counter",
  /** It echoes a counter I never sent. */
  "impossible-echo",
  /** What it heard of me is older than `dead_after` on both paths: the peer is deaf, or the packet was held back. */
  "stale-echo",
] as const;
export type SessionRefusal = (typeof SESSION_REFUSALS)[number];
export type RefusalReason = PacketRefusal | SessionRefusal;

/** When a counter was sent, coarsely: at most CHECKPOINT_LIMIT of them. */
export interface Checkpoint {
  readonly counter: number;
  readonly atMs: number;
}

export interface PathSession {
  /** My last counter sent on this path. */
  readonly sent: number;
  readonly checkpoints: readonly Checkpoint[];
  /** The peer's last counter heard on this path. */
  readonly heard: number;
  /** When a packet last counted. */
  readonly acceptedAtMs?: number;
  /** When a packet last showed that the peer hears me on this very path. */
  readonly bothWaysAtMs?: number;
  /** When any authentic packet of the peer last came, hellos included. */
  readonly seenAtMs?: number;
  /** When a hello was last answered. */
  readonly answeredAtMs?: number;
  readonly accepted: number;
  readonly refused: { readonly [R in RefusalReason]?: number };
}

export interface EstablishedPeer {
  readonly bootId: string;
  readonly nonce: string;
  readonly sinceMs: number;
}

export interface Session {
  readonly router: RouterId;
  readonly pairId: string;
  readonly bootId: string;
  readonly nonce: string;
  readonly peer?: EstablishedPeer;
  /** Boots of the peer that were replaced, the newest last. */
  readonly pastBoots: readonly string[];
  readonly paths: { readonly [P in PathName]: PathSession };
}

export type Judgement =
  | { readonly counts: true; readonly newBoot: boolean }
  | {
      readonly counts: false;
      readonly reason: SessionRefusal;
      /** Answer at once with a packet that echoes this nonce, so that the peer can prove itself. */
      readonly answerNonce?: string;
    };
