/** What is known of the peer: alive, late or silent, and what it last said (rules 1 and 7). */
import { sameAddress } from "../../model/address.ts";
import type { MacAddress } from "../../model/mac-address.ts";
import { PATHS, type PathName } from "../../model/pair.ts";
import type { Vip } from "../../model/vip.ts";
import type { GateWord, Heartbeat, HeartbeatPayload, VipFitness } from "../../wire/heartbeat/heartbeat.ts";
import type { PeerFrame } from "../machine/failover-input.ts";
import { mayBeNew, pathUp } from "../machine/session.ts";
import { LEASE_SLACK_MS } from "../machine/settings.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { PeerView, State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";

/** Heard on any path within `dead_after`, in a packet that counted. */
export function isPeerAlive(state: State, nowMs: number): boolean {
  return state.peer !== undefined && nowMs - state.peer.heardAtMs < state.settings.deadAfterMs;
}

/** The peer is there to take over, now or soon. */
export function hasSuccessor(state: State, nowMs: number): boolean {
  return isPeerAlive(state, nowMs) && state.peer?.says.leaving === false && !state.peer.says.abstaining;
}

/** From when the peer's silence is counted. */
export function silentSinceMs(state: State): number {
  return Math.max(state.peer?.heardAtMs ?? -Infinity, state.listeningSinceMs);
}

export function isPeerLate(state: State, nowMs: number): boolean {
  return nowMs - silentSinceMs(state) >= state.timing.lateAfterMs;
}

/** Silent for `dead_after`, and this process was awake to hear it. */
export function isPeerSilent(state: State, nowMs: number): boolean {
  return nowMs - silentSinceMs(state) >= state.settings.deadAfterMs && nowMs >= state.graceUntilMs;
}

/** When silence turns into death, unless the peer is heard before. */
export function silentAtMs(state: State): number {
  return Math.max(silentSinceMs(state) + state.settings.deadAfterMs, state.graceUntilMs);
}

/**
 * A packet of the process heard last that was sent before what is known of it: the paths are not equally fast. Terms
 * only rise in a process, for packets of a version that does not number them.
 */
export function isOlder({ session, peer }: State, { bootId, payload }: Heartbeat): boolean {
  if (peer === undefined || bootId !== session.peer?.bootId) return false;
  const known = peer.says;
  if (payload.sendNumber !== undefined && known.sendNumber !== undefined) return payload.sendNumber < known.sendNumber;
  return payload.term < known.term;
}

/** An older packet that counted proves life, and changes nothing of what is known. */
export function hearOlder(turn: Turn): void {
  const { peer } = turn.state;
  if (peer !== undefined) noteHeard(turn, peer.says, false);
}

/** Takes over what a packet that counted says. */
export function hear(turn: Turn, heartbeat: Heartbeat, newBoot: boolean): void {
  const before = turn.state.peer;
  noteHeard(turn, heartbeat.payload, newBoot);
  noticeConfig(turn, before?.says.configFingerprint);
  learnMacs(turn);
}

function noteHeard(turn: Turn, says: HeartbeatPayload, newBoot: boolean): void {
  const { state } = turn;
  const before = state.peer;
  const gapMs = before === undefined ? Infinity : turn.now - before.heardAtMs;
  const returned = gapMs >= state.settings.deadAfterMs;
  if (newBoot && before !== undefined) turn.notice("info", "peer-restarted", "the peer's daemon was restarted");
  else if (returned && before !== undefined) {
    turn.notice("info", "peer-back", `the peer is heard again after ${Math.round(gapMs)} ms`);
  }
  const sinceMs = newBoot || returned ? turn.now : (before?.sinceMs ?? turn.now);
  const isHolding = says.role === "standby" && says.holding;
  const holdingSinceMs = returned ? turn.now : (before?.holdingSinceMs ?? turn.now);
  const carrierSinceMs = {
    public: carrierSince(before, says, "public", turn.now),
    private: carrierSince(before, says, "private", turn.now),
  };
  turn.set({
    peer: {
      heardAtMs: turn.now,
      sinceMs,
      says,
      carrierSinceMs,
      ...gatesSince(before, says, turn.now),
      ...(isHolding ? { holdingSinceMs } : {}),
    },
  });
  turn.clear("lateWakes");
  turn.set({ yielding: false });
  if (!isAskedWhileAlive(turn.state, turn.now)) turn.clear("query");
}

function gatesSince(
  before: PeerView | undefined,
  says: HeartbeatPayload,
  nowMs: number,
): Pick<PeerView, "gatesSinceMs"> {
  const gates = says.fitness?.gates ?? [];
  if (gates.length === 0) return {};
  const known = new Map(before?.says.fitness?.gates.map(({ digest, state }) => [digest, state]));
  const since = ({ digest, state }: GateWord) =>
    known.get(digest) === state ? (before?.gatesSinceMs?.get(digest) ?? nowMs) : nowMs;
  return { gatesSinceMs: new Map(gates.map((gate) => [gate.digest, since(gate)])) };
}

function carrierSince(before: PeerView | undefined, says: HeartbeatPayload, side: PathName, nowMs: number): number {
  const isSame = before?.says.sides[side].carrier === says.sides[side].carrier;
  return before !== undefined && isSame ? before.carrierSinceMs[side] : nowMs;
}

/**
 * When a living standby's word that it may have VIPs is not believed any more: whatever it had has ended by itself. Its
 * removals may fail for ever, or its books be wrong; its kernel knows.
 */
export function doubtAtMs({ peer, settings }: State): number {
  return (peer?.holdingSinceMs ?? Infinity) + settings.leaseMs + LEASE_SLACK_MS;
}

/** A peer that is heard is asked all the same: what it says of its VIPs may not be what its kernel does with them. */
export function isAskedWhileAlive(state: State, nowMs: number): boolean {
  return state.peer?.holdingSinceMs !== undefined || isPeerLapsing(state, nowMs);
}

export function isDoubted(state: State, nowMs: number): boolean {
  return nowMs >= doubtAtMs(state);
}

/** Rule 14: shown once at each change, never a reason to ignore the peer. */
function noticeConfig(turn: Turn, before: string | undefined): void {
  const { peer, settings } = turn.state;
  const theirs = peer?.says.configFingerprint;
  if (theirs === undefined || theirs === before) return;
  if (theirs !== settings.configFingerprint) {
    const text = `the peer's configuration differs: fingerprint ${theirs}, mine ${settings.configFingerprint}`;
    turn.notice("warn", "config-differs", text);
  } else if (before !== undefined) turn.notice("info", "config-same", "both routers have the same configuration again");
}

/** The MACs to ask at when the peer falls silent; kept on disk, since after a restart it may be too late to learn them. */
function learnMacs(turn: Turn): void {
  const { peer, settings } = turn.state;
  for (const report of peer?.says.vips ?? []) {
    const vip = settings.vips.find((sided) => sameAddress(sided.vip.prefix.address, report.address))?.vip;
    if (report.mac !== undefined) learnPeerMac(turn, vip?.interface, report.mac);
  }
}

/** The peer's MAC on an interface, by its own word or by an answer for its own address. */
export function learnPeerMac(turn: Turn, name: string | undefined, mac: MacAddress): void {
  if (name === undefined || turn.state.peerMacs.get(name) === mac) return;
  turn.set({ peerMacs: new Map([...turn.state.peerMacs, [name, mac]]) });
  turn.persist();
}

/**
 * The peer is active and says that its kernel has not renewed its leases for half of their length: its kernel is asked,
 * since its daemon could not even give them up (rule 16).
 */
export function isPeerLapsing(state: State, nowMs: number): boolean {
  const { peer, settings } = state;
  if (peer === undefined || peer.says.role !== "active" || peer.says.leaseAgeMs === undefined) return false;
  return isPeerAlive(state, nowMs) && peer.says.leaseAgeMs + nowMs - peer.heardAtMs >= settings.leaseMs / 2;
}

/** When the peer's leases will have gone without a renewal for too long, if it does not say otherwise. */
export function lapsingAtMs({ peer, settings }: State): number {
  if (peer === undefined || peer.says.role !== "active" || peer.says.leaseAgeMs === undefined) return Infinity;
  return peer.heardAtMs - peer.says.leaseAgeMs + settings.leaseMs / 2;
}

/** What the peer says of itself as a place for the VIP; undefined where it has no such VIP, or says nothing of fitness. */
export function peerFitness({ peer }: State, vip: Vip): VipFitness | undefined {
  const place = peer?.says.vips.findIndex((report) => sameAddress(report.address, vip.prefix.address)) ?? -1;
  return peer?.says.fitness?.vips[place];
}

/**
 * A heartbeat of the peer's machine passed on the wire, whether it counted or not. One that was heard before, or that
 * this router sent, shows nothing of the peer's daemon: anybody can send it again.
 */
export function onPeerFrame(turn: Turn, { path, atMs, source }: PeerFrame): void {
  if (source !== undefined && !mayBeNew(turn.state.session, path, source)) return;
  turn.set({ peerFrameAtMs: Math.max(atMs, turn.state.peerFrameAtMs ?? -Infinity) });
}

/** Warns of a path that went down or came back; never more than that by itself (rule 1). */
export function judgePaths(turn: Turn): void {
  const { session, settings, pathsUp } = turn.state;
  const up = {
    public: pathUp(session, "public", turn.now, settings.deadAfterMs),
    private: pathUp(session, "private", turn.now, settings.deadAfterMs),
  };
  for (const path of PATHS) {
    if (up[path] === pathsUp[path]) continue;
    if (up[path]) turn.notice("info", "path-back", `the ${path} path is up: heard both ways`);
    else
      turn.notice("warn", "path-lost", `the ${path} path is down: not heard both ways for ${settings.deadAfterMs} ms`);
  }
  if (up.public !== pathsUp.public || up.private !== pathsUp.private) turn.set({ pathsUp: up });
}

export function addPeerDeadlines(soonest: Soonest, { settings, session, pathsUp, peer }: State): void {
  if (peer !== undefined) soonest.add(peer.heardAtMs + settings.deadAfterMs);
  for (const path of PATHS) {
    const at = session.paths[path].bothWaysAtMs;
    if (pathsUp[path] && at !== undefined) soonest.add(at + settings.deadAfterMs);
  }
}
