import type { CheckMethod } from "../model/check.ts";
import { CONTINUE, type Dialogue, type Judgement } from "./dialogue.ts";
import { quoteBytes, quoteText } from "./probe-text.ts";
import { TextSearch } from "./text-search.ts";

/** How far into the answer the expected text is looked for: more than any greeting, less than a flood. */
export const EXPECT_LIMIT_BYTES = 64 * 1024;

/** Sends a text and wants another one anywhere in the first 64 KiB of the answer. */
export function sendExpectDialogue(method: Extract<CheckMethod, { kind: "send-expect" }>): Dialogue {
  const search = new TextSearch(method.expect, EXPECT_LIMIT_BYTES);
  const wanted = quoteText(method.expect);
  const got = (): string => (search.seenBytes === 0 ? "nothing" : quoteBytes(search.head));
  const judge = (empty: "timeout" | "closed", how: string): Judgement => ({
    kind: "failure",
    failure: search.seenBytes === 0 ? empty : "wrong-answer",
    detail: `expected ${wanted} but got ${got()}${how}`,
  });
  return {
    opening: new TextEncoder().encode(method.send),
    connected: () => (search.found ? { kind: "success", detail: "nothing more was expected" } : CONTINUE),
    receive(bytes) {
      search.push(bytes);
      if (search.found) return { kind: "success", detail: `got ${wanted}` };
      if (!search.exhausted) return CONTINUE;
      const detail = `expected ${wanted} within ${EXPECT_LIMIT_BYTES / 1024} KiB but got ${got()} and more`;
      return { kind: "failure", failure: "too-long", detail };
    },
    closed: () => judge("closed", " before the server closed"),
    expired: () => judge("timeout", " in time"),
  };
}
