import { describe, expect, test } from "bun:test";
import { greetingDialogue } from "../../../src/probe/protocols/greeting.ts";
import type { Dialogue, Step } from "../../../src/probe/transport/dialogue.ts";

/** What a dialogue does: `send TEXT`, `TLS after TEXT`, or its judgement. */
function did(step: Step): string {
  if (step.kind === "send") {
    return `${step.startsTls === true ? "TLS after" : "send"} ${Buffer.from(step.bytes).toString("latin1")}`;
  }
  return step.kind === "continue" ? "continue" : step.detail;
}

function converse(dialogue: Dialogue, answers: readonly (string | null)[]): string[] {
  const opening = Buffer.from(dialogue.opening).toString("latin1");
  const steps = answers.map((answer) => {
    if (answer === null) return dialogue.secured?.() ?? { kind: "continue" as const };
    return dialogue.receive(Buffer.from(answer, "latin1"));
  });
  return [opening, ...steps.map(did)];
}

/** null stands for the end of the handshake. */
describe("greetingDialogue() asks for TLS in the clear", () => {
  test("smtp", () => {
    const answers = ["220 mail\r\n", "250-mail\r\n250 STARTTLS\r\n", "220 go\r\n", null, "250 mail\r\n"];
    expect(converse(greetingDialogue("smtp", true), answers)).toEqual([
      "",
      "send EHLO tandem.invalid\r\n",
      "send STARTTLS\r\n",
      "TLS after ",
      "send EHLO tandem.invalid\r\n",
      "got an answer to EHLO with 250 (4 answers as expected)",
    ]);
  });

  test("what came in the clear after the go-ahead is of no account", () => {
    const answers = ["220 mail\r\n", "250 STARTTLS\r\n", "220 go\r\n250 forged\r\n", null, "554 no\r\n"];
    const steps = converse(greetingDialogue("smtp", true), answers);
    expect(steps.slice(3)).toEqual(["TLS after ", "send EHLO tandem.invalid\r\n", "send HELO tandem.invalid\r\n"]);
  });

  test("postgresql", () => {
    const dialogue = greetingDialogue("postgresql", true);
    const [opening, granted, login] = converse(dialogue, ["S", null]);
    expect([opening, granted, login?.startsWith("send \0\0\0")]).toEqual([
      "\0\0\0\x08\x04\xd2\x16\x2f",
      "TLS after ",
      true,
    ]);
    expect(converse(greetingDialogue("postgresql", true), ["N"]).at(-1)).toBe("the server offers no TLS");
    const inTheClear = ["R\0\0\0\x08\0\0\0\x05", "E\0\0\0\x0cC28000\0\0"];
    expect(inTheClear.map((answer) => converse(greetingDialogue("postgresql", true), [answer]).at(-1))).toEqual([
      'the answer is not PostgreSQL\'s: "R\\x00\\x00\\x00\\x08\\x00\\x00\\x00\\x05"',
      'the server says 28000: ""',
    ]);
  });

  test("mysql", () => {
    const greeting = (low: string) => {
      const payload = `\x0a8.0\0thrdsaltsalt\0${low}\x2d`;
      return `${String.fromCharCode(payload.length)}\0\0\0${payload}`;
    };
    const [, request, login] = converse(greetingDialogue("mysql", true), [greeting("\0\x08"), null]);
    expect([request?.slice(0, 14), login?.slice(5, 9)]).toEqual(["TLS after \x20\0\0\x01", ">\0\0\x02"]);
    expect(converse(greetingDialogue("mysql", true), [greeting("\0\0")]).at(-1)).toBe("MySQL 8.0 offers no TLS");
  });
});
