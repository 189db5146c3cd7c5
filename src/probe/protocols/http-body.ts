import { createHash, type Hash } from "node:crypto";
import type { CheckMethod } from "../../model/health-check.ts";
import { CONTINUE, type Judgement, type Step } from "../transport/dialogue.ts";
import { quoteBytes } from "../transport/probe-text.ts";
import { matcherOf, RegexMatcher } from "./matcher.ts";

/** How far into the body the expected text is looked for. */
export const HTTP_BODY_LIMIT_BYTES = 1024 * 1024;

type Wishes = Pick<Extract<CheckMethod, { kind: "http" | "https" }>, "expectBody" | "expectBodyRegex" | "expectDigest">;

function matchersOf({ expectBody, expectBodyRegex }: Wishes) {
  const limitBytes = HTTP_BODY_LIMIT_BYTES;
  const text = expectBody === undefined ? undefined : matcherOf({ kind: "expect", value: expectBody, limitBytes });
  return [
    ...(text === undefined ? [] : [text]),
    ...(expectBodyRegex === undefined ? [] : [new RegexMatcher(expectBodyRegex, limitBytes)]),
  ];
}

/** What a body should be: contain a text, match an expression, have a digest; all that are given. */
export class BodyJudge {
  readonly #matchers;
  readonly #digest: string | undefined;
  readonly #hash: Hash | undefined;
  #seenBytes = 0;
  #head: Uint8Array = new Uint8Array(0);

  constructor(wishes: Wishes) {
    this.#matchers = matchersOf(wishes);
    this.#digest = wishes.expectDigest;
    this.#hash = wishes.expectDigest === undefined ? undefined : createHash("sha256");
  }

  push(bytes: Uint8Array): void {
    this.#seenBytes += bytes.length;
    // 64: a little more than a report quotes (probe-text.ts).
    if (this.#head.length === 0) this.#head = bytes.subarray(0, 64);
    else if (this.#head.length < 64) {
      this.#head = Buffer.concat([this.#head, bytes.subarray(0, 64 - this.#head.length)]);
    }
    for (const matcher of this.#matchers) {
      if (!matcher.found) matcher.push(bytes);
    }
    if (this.#seenBytes <= HTTP_BODY_LIMIT_BYTES) this.#hash?.update(bytes);
  }

  /** @param status begins the detail: `status 200` */
  judge(status: string, complete: boolean): Step {
    if (complete) return this.judgeWhole(status);
    const missing = this.#matchers.some((matcher) => !matcher.found);
    if (!missing && this.#digest === undefined) return this.#success(status);
    if (this.#seenBytes < HTTP_BODY_LIMIT_BYTES) return CONTINUE;
    const what = missing ? "lack the text" : "are not all of it";
    const detail = `${status}, but the first ${HTTP_BODY_LIMIT_BYTES / 1024} KiB of the body ${what}`;
    return { kind: "failure", failure: "too-long", detail };
  }

  /** The judgement when nothing more comes. */
  judgeWhole(status: string): Judgement {
    for (const matcher of this.#matchers) matcher.finish();
    const missing = this.#matchers.find((matcher) => !matcher.found);
    const got = this.#seenBytes === 0 ? "it is empty" : `it begins ${quoteBytes(this.#head)}`;
    if (missing !== undefined) {
      const detail = `${status}, but the body lacks ${missing.wanted}; ${got}`;
      return { kind: "failure", failure: "wrong-answer", detail };
    }
    const digest = this.#hash?.digest("hex");
    if (digest === this.#digest) return this.#success(status);
    const detail = `${status}, but the body has the SHA-256 ${digest}; ${got}`;
    return { kind: "failure", failure: "wrong-answer", detail };
  }

  #success(status: string): Judgement {
    const wanted = this.#matchers.map((matcher) => matcher.wanted).join(" and ");
    const digest = this.#digest === undefined ? "" : ", the body has the digest";
    return { kind: "success", detail: `${status}${wanted === "" ? "" : ` and ${wanted} in the body`}${digest}` };
  }
}
