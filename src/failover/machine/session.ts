/**
 * Which heartbeats count (rule 2). A packet that passed its HMAC may still be a replay, a reflection, one from another
 * path or one that was held back; each is refused with a name and counted. Times are monotonic ms.
 */
import { PATHS, type PathName, type RouterId } from "../../model/pair.ts";
import type { Heartbeat, HeartbeatSource, PacketRefusal } from "../../wire/heartbeat/heartbeat.ts";

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
  /** One of very many that came together, and not the newest of its sender: a flood of replays. */
  "set-aside",
] as const;
export type SessionRefusal = (typeof SESSION_REFUSALS)[number];
export type RefusalReason = PacketRefusal | SessionRefusal;

/** Checkpoints per `dead_after`; an echo's age is known this exactly, and never taken for younger than it is. */
const CHECKPOINTS = 32;
/** Replaced boots that are remembered by name; older ones fail by their echo. */
const PAST_BOOTS_LIMIT = 8;
/** At most one answer to a hello in this time, per path: a replayed hello must not become a flood. */
const HELLO_ANSWER_GAP_MS = 20;
/** The echo of a router that has not heard me. */
export const NO_NONCE = "0".repeat(32);

/** When a counter was sent; one is kept for each 1/32 of `dead_after`. */
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
  /** What a packet of mine and the peer's answer to it took on the way, last; exact to a millisecond. */
  readonly roundTripMs?: number;
  /** When any authentic packet of the peer last came, hellos included. */
  readonly seenAtMs?: number;
  /** When a hello was last answered. */
  readonly answeredAtMs?: number;
  readonly accepted: number;
  readonly refused: { readonly [R in RefusalReason]?: number };
  /** When the last one of each kind came. */
  readonly refusedAtMs: { readonly [R in RefusalReason]?: number };
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

const SILENT_PATH: PathSession = { sent: 0, checkpoints: [], heard: 0, accepted: 0, refused: {}, refusedAtMs: {} };

/** A session that has heard nothing. `bootId` has 16 digits, `nonce` 32. */
export function createSession(router: RouterId, pairId: string, bootId: string, nonce: string): Session {
  return { router, pairId, bootId, nonce, pastBoots: [], paths: { public: SILENT_PATH, private: SILENT_PATH } };
}

function withPath(session: Session, path: PathName, change: Partial<PathSession>): Session {
  return { ...session, paths: { ...session.paths, [path]: { ...session.paths[path], ...change } } };
}

/** Counts packets that did not count, and notes when the last one came. */
export function countRefusal(
  session: Session,
  path: PathName,
  reason: RefusalReason,
  nowMs: number,
  count = 1,
): Session {
  const { refused, refusedAtMs } = session.paths[path];
  return withPath(session, path, {
    refused: { ...refused, [reason]: (refused[reason] ?? 0) + count },
    refusedAtMs: { ...refusedAtMs, [reason]: nowMs },
  });
}

/** Whether the peer's echo proves that it heard something I sent on `path` within `deadAfterMs`. */
function freshEcho(session: Session, path: PathName, counter: number, nowMs: number, deadAfterMs: number): boolean {
  const sent = session.paths[path].checkpoints.findLast((checkpoint) => checkpoint.counter <= counter);
  return counter > 0 && sent !== undefined && nowMs - sent.atMs <= deadAfterMs;
}

/** Whether a heartbeat that says so of itself has just been sent by the peer here, for all that this router knows. */
export function mayBeNew(session: Session, path: PathName, source: HeartbeatSource): boolean {
  if (source.router === session.router || source.path !== path) return false;
  if (session.pastBoots.includes(source.bootId)) return false;
  return source.bootId !== session.peer?.bootId || source.counter > session.paths[path].heard;
}

function refusalBeforeEcho(session: Session, path: PathName, heartbeat: Heartbeat): SessionRefusal | undefined {
  if (heartbeat.pairId !== session.pairId) return "wrong-pair";
  if (heartbeat.router === session.router) return "own-role";
  if (heartbeat.path !== path) return "wrong-path";
  if (session.pastBoots.includes(heartbeat.bootId)) return "old-boot";
  if (heartbeat.echoNonce !== session.nonce) return "no-echo";
  if (heartbeat.bootId === session.peer?.bootId && heartbeat.counter <= session.paths[path].heard) {
    return "replayed-counter";
  }
  return PATHS.some((name) => heartbeat.echoCounters[name] > session.paths[name].sent) ? "impossible-echo" : undefined;
}

/** A process of the peer that proved itself takes the place of the one before; `nonce` becomes mine. */
function establish(session: Session, heartbeat: Heartbeat, nonce: string, nowMs: number): Session {
  const { peer, pastBoots, paths } = session;
  return {
    ...session,
    nonce,
    peer: { bootId: heartbeat.bootId, nonce: heartbeat.nonce, sinceMs: nowMs },
    pastBoots: peer === undefined ? pastBoots : [...pastBoots, peer.bootId].slice(-PAST_BOOTS_LIMIT),
    paths: { public: { ...paths.public, heard: 0 }, private: { ...paths.private, heard: 0 } },
  };
}

/**
 * The time since I sent what the peer echoes, without that for which the peer had it before it sent this. Its next
 * heartbeat says both, so that nobody has to be asked, and no clock is compared with another one.
 */
function roundTripMs(session: Session, path: PathName, heartbeat: Heartbeat, nowMs: number): number | undefined {
  const counter = heartbeat.echoCounters[path];
  const sent = session.paths[path].checkpoints.find((checkpoint) => checkpoint.counter === counter);
  const heldMs = heartbeat.payload.heardAgeMs[path];
  return sent === undefined || heldMs === undefined ? undefined : Math.max(0, nowMs - sent.atMs - heldMs);
}

function accept(
  session: Session,
  path: PathName,
  heartbeat: Heartbeat,
  times: { readonly nowMs: number; readonly deadAfterMs: number },
): Session {
  const peer = session.peer;
  const bothWays = freshEcho(session, path, heartbeat.echoCounters[path], times.nowMs, times.deadAfterMs);
  const tookMs = roundTripMs(session, path, heartbeat, times.nowMs);
  const heard = withPath(session, path, {
    heard: heartbeat.counter,
    acceptedAtMs: times.nowMs,
    accepted: session.paths[path].accepted + 1,
    ...(bothWays ? { bothWaysAtMs: times.nowMs } : {}),
    ...(tookMs === undefined ? {} : { roundTripMs: tookMs }),
  });
  return peer === undefined ? heard : { ...heard, peer: { ...peer, nonce: heartbeat.nonce } };
}

/**
 * Whether an authentic packet counts.
 *
 * What the peer heard of me on either path proves that the packet is young, so that two paths that each lost one
 * direction still carry life. A packet whose echo is stale updates the counters all the same: otherwise two routers
 * that were deaf to each other for `dead_after` could never meet again.
 *
 * @param drawNonce gives 32 fresh digits; called only when a new process of the peer is established.
 */
export function judgePacket(
  before: Session,
  path: PathName,
  heartbeat: Heartbeat,
  times: { readonly nowMs: number; readonly deadAfterMs: number },
  drawNonce: () => string,
): { readonly session: Session; readonly judgement: Judgement } {
  const refusal = refusalBeforeEcho(before, path, heartbeat);
  const isForeign = refusal === "own-role" || refusal === "wrong-pair";
  const session = isForeign ? before : withPath(before, path, { seenAtMs: times.nowMs });
  const refuse = (kept: Session, reason: SessionRefusal, answerNonce?: string) => ({
    session: countRefusal(kept, path, reason, times.nowMs),
    judgement: { counts: false as const, reason, ...(answerNonce === undefined ? {} : { answerNonce }) },
  });
  if (refusal !== undefined) return refuse(session, refusal, refusal === "no-echo" ? heartbeat.nonce : undefined);

  const newBoot = heartbeat.bootId !== session.peer?.bootId;
  const fresh = PATHS.some((name) =>
    freshEcho(session, name, heartbeat.echoCounters[name], times.nowMs, times.deadAfterMs),
  );
  if (!fresh) {
    const kept = newBoot ? session : withPath(session, path, { heard: heartbeat.counter });
    return refuse(kept, "stale-echo", heartbeat.nonce);
  }
  const known = newBoot ? establish(session, heartbeat, drawNonce(), times.nowMs) : session;
  return { session: accept(known, path, heartbeat, times), judgement: { counts: true, newBoot } };
}

/** Whether a hello may be answered now; the answer is noted. */
export function mayAnswer(session: Session, path: PathName, nowMs: number): Session | undefined {
  const last = session.paths[path].answeredAtMs;
  if (last !== undefined && nowMs - last < HELLO_ANSWER_GAP_MS) return undefined;
  return withPath(session, path, { answeredAtMs: nowMs });
}

/** The head of the next packet on `path`, and the session that has sent it. `echoNonce` replaces the peer's for a hello. */
export function nextHead(
  session: Session,
  path: PathName,
  times: { readonly nowMs: number; readonly deadAfterMs: number },
  echo?: { readonly nonce: string; readonly counter: number },
): { readonly session: Session; readonly head: Omit<Heartbeat, "payload"> } {
  const { paths } = session;
  const counter = paths[path].sent + 1;
  const gapMs = times.deadAfterMs / CHECKPOINTS;
  const kept = paths[path].checkpoints.filter((checkpoint) => times.nowMs - checkpoint.atMs <= times.deadAfterMs);
  const last = kept.at(-1);
  const due = last === undefined || times.nowMs - last.atMs >= gapMs;
  return {
    session: withPath(session, path, {
      sent: counter,
      checkpoints: due ? [...kept, { counter, atMs: times.nowMs }] : kept,
    }),
    head: {
      pairId: session.pairId,
      router: session.router,
      path,
      bootId: session.bootId,
      nonce: session.nonce,
      echoNonce: echo?.nonce ?? session.peer?.nonce ?? NO_NONCE,
      counter,
      // A hello's sender may be a new process, which sent nothing of what was heard on the other path.
      echoCounters:
        echo === undefined
          ? { public: paths.public.heard, private: paths.private.heard }
          : { public: 0, private: 0, [path]: echo.counter },
    },
  };
}

/** A path is up when the peer is heard on it and shows that it hears me there (rule 1). */
export function pathUp(session: Session, path: PathName, nowMs: number, deadAfterMs: number): boolean {
  const at = session.paths[path].bothWaysAtMs;
  return at !== undefined && nowMs - at < deadAfterMs;
}
