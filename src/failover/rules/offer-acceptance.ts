/** A planned move as the new owner follows it (rule 9). */
import type { AgreementStep, AgreementWord } from "../../wire/heartbeat/heartbeat.ts";
import { isPeerAlive } from "../evidence/peer.ts";
import { inabilityToServe, unreadiness } from "../evidence/takeover-readiness.ts";
import { noteJudgedMove } from "../machine/damping.ts";
import { agreementMs } from "../machine/settings.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";
import { verificationState } from "./announce.ts";
import { LAST_WORD_MS } from "./planned-move.ts";
import { abortTaking, startTaking } from "./role.ts";

/** The link of a chain that names the reason of a move that is followed. */
export const OFFERED_MOVE = "the active offers the VIPs";

/** What the active says: an offer is accepted or refused, a cancellation ends what was begun. */
export function hearOffer(turn: Turn): void {
  const { peer, acceptance } = turn.state;
  const word = peer?.says.agreement;
  if (word === undefined) return;
  if (word.step === "offer") onOffer(turn, word);
  else if (word.step === "cancel" && acceptance?.word.id === word.id && turn.state.phase.kind === "taking") {
    abortTaking(turn, "the active cancelled the planned move");
  }
}

function onOffer(turn: Turn, word: AgreementWord): void {
  const { phase, acceptance, lastWord } = turn.state;
  if (phase.kind !== "standby" || acceptance?.word.id === word.id || lastWord?.word.id === word.id) return;
  // From a router that goes, whatever can be had is better than nothing.
  const isLeaving = word.reason === "stopping";
  const why = isLeaving ? inabilityToServe(turn.state, turn.now) : unreadiness(turn.state, turn.now);
  if (why !== undefined) {
    const refusal = { ...word, step: "refuse" as const };
    turn.set({ lastWord: { word: refusal, untilMs: turn.now + LAST_WORD_MS } });
    turn.notice("warn", "move-refused", `refuses the VIPs (${word.reason}): ${why}`);
    turn.tell = true;
    return;
  }
  turn.set({ acceptance: { word: { ...word, step: "accept" }, heardAtMs: turn.now } });
  noteJudgedMove(turn, word.reason);
  if (word.reason === "views") turn.set({ viewsMovedAtMs: turn.now });
  turn.clear("lastWord");
  turn.cause("offer", `${OFFERED_MOVE}: ${word.reason}`);
  startTaking(turn, word.reason === "operator" ? "operator" : "handed-over");
}

function say(turn: Turn, step: AgreementStep): void {
  const { acceptance } = turn.state;
  if (acceptance === undefined || acceptance.word.step === step) return;
  turn.set({ acceptance: { ...acceptance, word: { ...acceptance.word, step } } });
  turn.tell = true;
}

/** Tells the old owner how far the new one is, and forgets the agreement when the old owner has dropped. */
export function judgeAcceptance(turn: Turn): void {
  const { acceptance, phase, verification, peer, settings } = turn.state;
  if (acceptance === undefined || phase.kind === "taking") return;
  if (phase.kind !== "active") {
    turn.clear("acceptance");
    return;
  }
  const proof = verification === undefined ? "running" : verificationState(verification);
  if (proof === "verified") say(turn, "verified");
  else if (proof === "nobody-to-ask") say(turn, "unverifiable");
  else say(turn, "taken");
  // Sent until the old owner was heard as standby, or has had all the time it could need.
  const dropped = peer?.says.role === "standby" && !peer.says.holding;
  const over = turn.now >= acceptance.heardAtMs + 2 * agreementMs(settings);
  if ((dropped && isPeerAlive(turn.state, turn.now)) || over) turn.clear("acceptance");
}

/** The leases came too late: the old owner has cancelled by now, and is alive. */
export function isTooLate(state: State, nowMs: number): boolean {
  const { acceptance, peer, settings } = state;
  if (acceptance === undefined || nowMs < acceptance.heardAtMs + agreementMs(settings)) return false;
  return isPeerAlive(state, nowMs) && peer?.says.role === "active";
}

export function addAcceptanceDeadlines(soonest: Soonest, { acceptance, settings }: State): void {
  if (acceptance !== undefined) soonest.add(acceptance.heardAtMs + 2 * agreementMs(settings));
}
