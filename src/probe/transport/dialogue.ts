import type { ProbeFailure } from "../../model/health-check.ts";

/** A dialogue's last word. `detail` is a clause for people: `status 200 after 1.2 ms`. */
export type Judgement =
  | {
      readonly kind: "success";
      readonly detail: string;
      /** What is still said before the connection is closed: `QUIT`. */
      readonly farewell?: Uint8Array;
    }
  | { readonly kind: "failure"; readonly failure: ProbeFailure; readonly detail: string };

export type Step =
  | { readonly kind: "continue" }
  | {
      readonly kind: "send";
      readonly bytes: Uint8Array;
      /** Then TLS is to be agreed on; `secured` is called when it is. What came in the clear by then is of no account. */
      readonly startsTls?: true;
    }
  | Judgement;

export const CONTINUE: Step = { kind: "continue" };

/**
 * What a probe says on a connection and makes of the answers: pure, so that hostile bytes can be tried on it by the
 * thousand. It judges early, and keeps only a bounded part of what it is given.
 */
export interface Dialogue {
  /** The bytes to send once connected (and once TLS is agreed on); empty sends nothing. */
  readonly opening: Uint8Array;
  /** Called once connected, after the opening was handed to the kernel. */
  connected(): Step;
  receive(bytes: Uint8Array): Step;
  /** TLS, which the dialogue has asked for, is agreed on. */
  secured?(): Step;
  /** The other side closed. */
  closed(): Judgement;
  /** The time is up. */
  expired(): Judgement;
}
