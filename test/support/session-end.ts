/** One end of a session, with the packets it sent; for tests of which packets count. */
import {
  createSession,
  type Judgement,
  judgePacket,
  mayAnswer,
  nextHead,
  type Session,
  type SessionRefusal,
} from "../../src/failover/machine/session.ts";
import { otherRouter, type PathName, type RouterId } from "../../src/model/pair.ts";
import type { Heartbeat } from "../../src/wire/heartbeat/heartbeat.ts";
import { PAIR_ID, PAYLOAD } from "./heartbeats.ts";

export const DEAD_AFTER_MS = 1_000;

export interface Sent {
  readonly heartbeat: Heartbeat;
  readonly path: PathName;
  readonly atMs: number;
  /** Which process of the router sent it, from 0. */
  readonly boot: number;
}

let drawn = 0;

/** A number that was never drawn before, as `digits` hexadecimal digits. */
function draw(digits: number): string {
  drawn += 1;
  return drawn.toString(16).padStart(digits, "0");
}

export class SessionEnd {
  readonly router: RouterId;
  session: Session;
  boot = 0;

  constructor(router: RouterId) {
    this.router = router;
    this.session = createSession(router, PAIR_ID, draw(16), draw(32));
  }

  restart(): void {
    this.boot += 1;
    this.session = createSession(this.router, PAIR_ID, draw(16), draw(32));
  }

  send(path: PathName, nowMs: number, echo?: { readonly nonce: string; readonly counter: number }): Sent {
    const { session, head } = nextHead(this.session, path, { nowMs, deadAfterMs: DEAD_AFTER_MS }, echo);
    this.session = session;
    return { heartbeat: { ...head, payload: PAYLOAD }, path, atMs: nowMs, boot: this.boot };
  }

  /** Judges a packet that came by `path`; a hello is answered as the machine does, where it may be. */
  receive(
    packet: Sent,
    nowMs: number,
    path: PathName = packet.path,
  ): { readonly verdict: "counts" | SessionRefusal; readonly judgement: Judgement; readonly answer?: Sent } {
    const { heartbeat } = packet;
    const times = { nowMs, deadAfterMs: DEAD_AFTER_MS };
    const { session, judgement } = judgePacket(this.session, path, heartbeat, times, () => draw(32));
    this.session = session;
    if (judgement.counts) return { verdict: "counts", judgement };
    const verdict = judgement.reason;
    const answering = judgement.answerNonce === undefined ? undefined : mayAnswer(session, path, nowMs);
    if (answering === undefined || judgement.answerNonce === undefined) return { verdict, judgement };
    this.session = answering;
    const answer = this.send(path, nowMs, { nonce: judgement.answerNonce, counter: heartbeat.counter });
    return { verdict, judgement, answer };
  }
}

export function pairOfEnds(): { readonly primary: SessionEnd; readonly backup: SessionEnd } {
  return { primary: new SessionEnd("primary"), backup: new SessionEnd("backup") };
}

/** Lets both ends send on `path` and hear each other, answers included, `rounds` times from `fromMs` on, 20 ms apart. */
export function exchange(
  ends: { readonly primary: SessionEnd; readonly backup: SessionEnd },
  path: PathName,
  fromMs: number,
  rounds: number,
): readonly string[] {
  const verdicts: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const nowMs = fromMs + round * 20;
    for (const router of ["primary", "backup"] as const) {
      let packet: Sent | undefined = ends[router].send(path, nowMs);
      let receiver = ends[otherRouter(router)];
      while (packet !== undefined) {
        const heard: ReturnType<SessionEnd["receive"]> = receiver.receive(packet, nowMs);
        verdicts.push(`${receiver.router}: ${heard.verdict}`);
        packet = heard.answer;
        receiver = ends[otherRouter(receiver.router)];
      }
    }
  }
  return verdicts;
}
