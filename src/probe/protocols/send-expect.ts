import type { CheckMethod, ScriptStep } from "../../model/health-check.ts";
import type { Dialogue, Judgement, Step } from "../transport/dialogue.ts";
import { quoteBytes } from "../transport/probe-text.ts";
import { bytesOfHex, EXPECT_LIMIT_BYTES, type Matcher, matcherOf } from "./matcher.ts";
import { type DialogueStep, ReplyMatcher } from "./reply.ts";

export { EXPECT_LIMIT_BYTES };

const NOTHING = new Uint8Array(0);

function sentBytes(step: DialogueStep): Uint8Array | undefined {
  if (step.kind === "send") return new TextEncoder().encode(step.value);
  return step.kind === "send-bytes" ? bytesOfHex(step.value) : undefined;
}

/** Whether something is waited for at this step. */
function waits({ kind }: DialogueStep): boolean {
  return kind.startsWith("expect") || kind === "close" || kind === "reply";
}

/** `64 KiB`, or `100 bytes` where it is no whole number of those. */
function formatLimit(bytes: number): string {
  return bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} bytes`;
}

/** A conversation step by step; each expectation goes on where the one before it found its match. */
class ScriptDialogue implements Dialogue {
  readonly opening: Uint8Array;
  #steps: readonly DialogueStep[];
  /** Whether each piece is a whole answer. */
  readonly #inDatagrams: boolean;
  readonly #expectations: number;
  #index: number;
  #matcher: Matcher | undefined;
  #met = 0;
  #last = "";

  constructor(steps: readonly DialogueStep[], inDatagrams: boolean) {
    this.#steps = steps;
    this.#inDatagrams = inDatagrams;
    this.#expectations = steps.filter(waits).length;
    const first = steps.findIndex((step) => sentBytes(step) === undefined);
    this.#index = first < 0 ? steps.length : first;
    this.opening = Buffer.concat(steps.slice(0, this.#index).map((step) => sentBytes(step) ?? NOTHING));
    this.#begin();
  }

  connected(): Step {
    return this.#advance(NOTHING);
  }

  receive(bytes: Uint8Array): Step {
    return this.#advance(bytes);
  }

  closed(): Judgement {
    this.#matcher?.finish();
    if (this.#matcher?.found === true) {
      const step = this.#advance(NOTHING);
      if (step.kind === "success" || step.kind === "failure") return step;
    }
    if (this.#steps[this.#index]?.kind === "close" && this.#index === this.#steps.length - 1) {
      return { kind: "success", detail: `${this.#last === "" ? "" : `got ${this.#last}, and `}the server closed` };
    }
    return this.#missing("closed", " before the server closed");
  }

  secured(): Step {
    this.#index += 1;
    this.#begin();
    return this.#advance(NOTHING);
  }

  expired(): Judgement {
    this.#matcher?.finish();
    if (this.#matcher?.found === true) {
      const step = this.#advance(NOTHING);
      if (step.kind === "success") return step;
    }
    if (this.#steps[this.#index]?.kind === "close") {
      return { kind: "failure", failure: "timeout", detail: `${this.#place()}the server did not close in time` };
    }
    return this.#missing("timeout", " in time");
  }

  #begin(): void {
    const step = this.#steps[this.#index];
    if (step?.kind === "reply") this.#matcher = new ReplyMatcher(step.shown, step.read);
    else this.#matcher = step === undefined ? undefined : matcherOf(step);
  }

  /** Other steps take the place of the one whose answer was refused. */
  #turnTo(instead: readonly DialogueStep[]): void {
    this.#steps = [...this.#steps.slice(0, this.#index), ...instead, ...this.#steps.slice(this.#index + 1)];
    this.#begin();
  }

  /** Gives the expectations what came, and goes on as far as it reaches. */
  #advance(given: Uint8Array): Step {
    const toSend: Uint8Array[] = [];
    let bytes = given;
    for (let step = this.#steps[this.#index]; step !== undefined; step = this.#steps[this.#index]) {
      const sent = sentBytes(step);
      if (sent !== undefined) toSend.push(sent);
      else if (step.kind === "start-tls") return { kind: "send", bytes: Buffer.concat(toSend), startsTls: true };
      else if (this.#matcher === undefined) break;
      else {
        if (bytes.length > 0 && !this.#matcher.found) this.#matcher.push(bytes);
        if (bytes.length > 0 && this.#inDatagrams) this.#matcher.finish();
        if (this.#matcher.isOtherwise === true && step.kind === "reply" && step.instead !== undefined) {
          bytes = this.#matcher.rest;
          this.#turnTo(step.instead);
          continue;
        }
        if (!this.#matcher.found) return this.#unmet(toSend);
        bytes = this.#matcher.rest;
        this.#met += 1;
        this.#last = this.#matcher.wanted;
      }
      this.#index += 1;
      this.#begin();
    }
    if (this.#index < this.#steps.length) return asStep(toSend);
    return this.#success(toSend);
  }

  #unmet(toSend: readonly Uint8Array[]): Step {
    const refusal = this.#matcher?.refusal;
    if (refusal !== undefined) {
      const detail = `${this.#place()}expected ${this.#matcher?.wanted} but got ${quoteBytes(refusal)}`;
      return { kind: "failure", failure: "wrong-answer", detail };
    }
    if (this.#matcher?.exhausted !== true) return asStep(toSend);
    const { wanted, head, limitBytes } = this.#matcher;
    const within = `within ${formatLimit(limitBytes)} but got ${quoteBytes(head)} and more`;
    return { kind: "failure", failure: "too-long", detail: `${this.#place()}expected ${wanted} ${within}` };
  }

  #success(toSend: readonly Uint8Array[]): Judgement {
    const parts = this.#expectations > 1 ? ` (${this.#expectations} answers as expected)` : "";
    const nothing = this.#last === "" || this.#last === '""';
    const detail = nothing ? "nothing more was expected" : `got ${this.#last}${parts}`;
    return { kind: "success", detail, ...(toSend.length === 0 ? {} : { farewell: Buffer.concat(toSend) }) };
  }

  #place(): string {
    return this.#expectations > 1 ? `answer ${this.#met + 1} of ${this.#expectations}: ` : "";
  }

  #missing(empty: "timeout" | "closed", how: string): Judgement {
    const seen = this.#matcher?.seenBytes ?? 0;
    const got = seen === 0 ? "nothing" : quoteBytes(this.#matcher?.head ?? NOTHING);
    const detail = `${this.#place()}expected ${this.#matcher?.wanted ?? "more"} but got ${got}${how}`;
    return { kind: "failure", failure: seen === 0 ? empty : "wrong-answer", detail };
  }
}

function asStep(toSend: readonly Uint8Array[]): Step {
  return toSend.length === 0 ? { kind: "continue" } : { kind: "send", bytes: Buffer.concat(toSend) };
}

/** Holds the conversation of a script. `inDatagrams`: each piece that comes is whole, so that `$` holds at its end. */
export function scriptDialogue(steps: readonly DialogueStep[], inDatagrams = false): Dialogue {
  return new ScriptDialogue(steps, inDatagrams);
}

/** Sends a text and wants another one anywhere in the first 64 KiB of the answer; or goes through a script. */
export function sendExpectDialogue(
  method: Pick<Extract<CheckMethod, { kind: "send-expect" }>, "send" | "expect" | "script" | "transport">,
): Dialogue {
  const { script, send, expect, transport } = method;
  const steps: readonly ScriptStep[] = script ?? [
    ...(send === "" ? [] : [{ kind: "send" as const, value: send }]),
    { kind: "expect", value: expect },
  ];
  return scriptDialogue(steps, transport === "udp");
}
