/** Telling the neighbours which MAC has the VIPs, and proving that they believe it (rule 8). */
import type { IpAddress } from "../../model/address.ts";
import { sameAddress } from "../../model/address.ts";
import { PATHS, type PathName } from "../../model/pair.ts";
import type { Vip } from "../../model/vip.ts";
import { vipSides } from "../evidence/side-evidence.ts";
import { confirmedVips, vipKey } from "../machine/lease.ts";
import {
  ANNOUNCE_AGAIN_MS,
  ANNOUNCE_REFRESH_BATCH,
  ANNOUNCE_REFRESH_GAP_MS,
  ANNOUNCE_REFRESH_MS,
  VERIFY_LIMIT_MS,
  VERIFY_ROUNDS_MS,
} from "../machine/settings.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { Confirmation, State, Verification } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";

/** VIPs that are verified on each side: one proves its interface and switch, some more prove their neighbours. */
const VERIFIED_VIPS_PER_SIDE = 4;
/** When one side has answered, the other gets this long. */
const VERIFY_REST_MS = 100;

/** Announces all VIPs now and again later, and begins to verify. */
export function startAnnouncing(turn: Turn): void {
  turn.emit({ kind: "announce", vips: confirmedVips(turn.state), unicast: true });
  turn.set({
    announcing: {
      againAtMs: turn.now + ANNOUNCE_AGAIN_MS,
      refreshAtMs: turn.now + ANNOUNCE_REFRESH_MS,
      refreshFrom: 0,
    },
  });
  startVerifying(turn);
}

/** Asks the neighbours once more who they follow: before the VIPs are handed over, to know whether any will confirm it. */
export function askForProof(turn: Turn): void {
  startVerifying(turn, true);
}

/** An answer to another machine that was put off is dropped: the VIPs go to the peer now. */
export function dropContest(turn: Turn): void {
  const { announcing } = turn.state;
  if (announcing?.contestedAtMs === undefined) return;
  const { contestedAtMs: _, ...rest } = announcing;
  turn.set({ announcing: rest });
}

/** Announces against another machine that answered for a VIP. */
export function startDefending(turn: Turn): void {
  turn.set({ defendedAtMs: turn.now });
  startAnnouncing(turn);
}

function startVerifying(turn: Turn, isQuiet = false): void {
  const { sides, settings, nextNumber, verification: before } = turn.state;
  // Of an interface that was not waited for the answers may have come after the end.
  if (before?.done === true) forgetUnconfirmed(turn, PATHS, before.sinceMs);
  const missing = vipSides(settings).filter((side) => sides[side].carrier && sides[side].askable);
  const verification: Verification = {
    id: nextNumber,
    sinceMs: turn.now,
    round: 0,
    missing,
    answers: {},
    done: missing.length === 0,
    ...(isQuiet ? { quiet: true as const } : {}),
  };
  turn.set({ nextNumber: nextNumber + 1, verification });
  judgeVerification(turn);
}

/** Interfaces of these sides from which no answer has come since. */
function forgetUnconfirmed(turn: Turn, sides: readonly PathName[], sinceMs: number): void {
  const { settings, confirmations } = turn.state;
  const names = new Set(settings.vips.filter(({ side }) => sides.includes(side)).map(({ vip }) => vip.interface));
  const kept = [...confirmations].filter(([name, { atMs }]) => !names.has(name) || atMs >= sinceMs);
  turn.set({ confirmations: new Map(kept) });
}

function vipsToVerify(state: State, missing: readonly PathName[]): readonly Vip[] {
  return missing.flatMap((side) => {
    const vips = state.settings.vips
      .filter((sided) => sided.side === side && state.addresses.confirmed.has(vipKey(sided.vip)))
      .map((sided) => sided.vip);
    const first = vips.slice(0, VERIFIED_VIPS_PER_SIDE);
    // None of a third interface goes without a question.
    const names = new Set(first.map((vip) => vip.interface));
    return [
      ...first,
      ...[...Map.groupBy(vips, (vip) => vip.interface)].flatMap(([name, [one]]) =>
        one === undefined || names.has(name) ? [] : [one],
      ),
    ];
  });
}

/** Nobody could be asked, or everybody asked has answered, or one has and the rest had its time. */
export type VerificationState = "running" | "verified" | "nobody-to-ask" | "unanswered";

export function verificationState(verification: Verification): VerificationState {
  if (!verification.done) return "running";
  if (verification.confirmedBy !== undefined) return "verified";
  return verification.missing.length === 0 ? "nobody-to-ask" : "unanswered";
}

/** Sends the rounds that are due and ends a verification that has run its time. */
export function judgeVerification(turn: Turn): void {
  const { verification } = turn.state;
  if (verification === undefined || verification.done) return;
  const elapsedMs = turn.now - verification.sinceMs;
  const roundMs = VERIFY_ROUNDS_MS[verification.round];
  if (verification.confirmedBy !== undefined && elapsedMs >= VERIFY_REST_MS) endVerification(turn, verification);
  else if (elapsedMs >= VERIFY_LIMIT_MS) {
    endVerification(turn, verification);
    if (verification.quiet === true || verification.confirmedBy !== undefined) return;
    const text = "no neighbour answered an echo request from the VIPs: takeover not verifiable";
    turn.notice("warn", "not-verifiable", text);
  } else if (roundMs !== undefined && elapsedMs >= roundMs) {
    turn.set({ verification: { ...verification, round: verification.round + 1 } });
    const vips = vipsToVerify(turn.state, verification.missing);
    turn.emit({ kind: "verify", verification: verification.id, vips });
  }
}

/** What nobody answered for on the sides that were waited for is confirmed no longer. */
function endVerification(turn: Turn, verification: Verification): void {
  forgetUnconfirmed(turn, verification.missing, verification.sinceMs);
  turn.set({ verification: { ...verification, done: true } });
}

/** The first one of each verification is shown. */
function noteConfirmation(turn: Turn, name: string, { by, elapsedMs }: Omit<Confirmation, "atMs">): void {
  const { confirmations, verification } = turn.state;
  const known = confirmations.get(name);
  if (known !== undefined && known.atMs >= (verification?.sinceMs ?? turn.now)) return;
  turn.set({ confirmations: new Map([...confirmations, [name, { by, elapsedMs, atMs: turn.now }]]) });
}

/** A neighbour's answer to a VIP arrived here: it uses our MAC. */
export function onVerifyAnswer(
  turn: Turn,
  answer: {
    readonly verification: number;
    readonly address: IpAddress;
    readonly by: IpAddress;
    readonly elapsedMs: number;
  },
): void {
  const { verification, settings } = turn.state;
  if (verification === undefined || verification.id !== answer.verification) return;
  const sided = settings.vips.find((each) => sameAddress(each.vip.prefix.address, answer.address));
  if (sided === undefined) return;
  noteConfirmation(turn, sided.vip.interface, answer);
  const answered = sided.side;
  const missing = verification.missing.filter((side) => side !== answered);
  if (missing.length === verification.missing.length) return;
  const { by, elapsedMs } = answer;
  if (verification.confirmedBy === undefined && verification.quiet !== true) {
    const ms = Math.max(0, turn.now - verification.sinceMs);
    turn.notice("info", "verified", `takeover confirmed by ${by.text} after ${Math.round(ms)} ms`);
  }
  const confirmedBy = verification.confirmedBy ?? { by, elapsedMs };
  const answers = { ...verification.answers, [answered]: { by, elapsedMs } };
  turn.set({ verification: { ...verification, missing, confirmedBy, answers, done: missing.length === 0 } });
}

/** The second announcement and the refresh, the latter in slices. */
export function judgeAnnouncing(turn: Turn): void {
  const { announcing, phase } = turn.state;
  if (announcing === undefined || phase.kind !== "active") return;
  if (announcing.contestedAtMs !== undefined && turn.now >= announcing.contestedAtMs) {
    turn.cause("second-owner", "another machine answered for a VIP: they are announced again");
    startDefending(turn);
    return;
  }
  const vips = confirmedVips(turn.state);
  if (announcing.againAtMs !== undefined && turn.now >= announcing.againAtMs) {
    const { againAtMs: _, ...rest } = announcing;
    turn.set({ announcing: rest });
    turn.emit({ kind: "announce", vips, unicast: true });
  }
  if (turn.now < announcing.refreshAtMs) return;
  const from = announcing.refreshFrom;
  if (from === 0 && turn.state.verification?.done !== false) startVerifying(turn, true);
  const slice = vips.slice(from, from + ANNOUNCE_REFRESH_BATCH);
  const next = from + ANNOUNCE_REFRESH_BATCH;
  const ended = next >= vips.length;
  turn.set({
    announcing: {
      ...(turn.state.announcing ?? announcing),
      refreshAtMs: turn.now + (ended ? ANNOUNCE_REFRESH_MS : ANNOUNCE_REFRESH_GAP_MS),
      refreshFrom: ended ? 0 : next,
    },
  });
  turn.emit({ kind: "announce", vips: slice, unicast: false });
}

/** When the next round, announcement or end is due. */
export function addAnnounceDeadlines(soonest: Soonest, { announcing, verification }: State): void {
  soonest.add(announcing?.againAtMs);
  soonest.add(announcing?.contestedAtMs);
  soonest.add(announcing?.refreshAtMs);
  if (verification === undefined || verification.done) return;
  const { sinceMs, round } = verification;
  const roundMs = VERIFY_ROUNDS_MS[round];
  if (roundMs !== undefined) soonest.add(sinceMs + roundMs);
  soonest.add(sinceMs + VERIFY_REST_MS);
  soonest.add(sinceMs + VERIFY_LIMIT_MS);
}
