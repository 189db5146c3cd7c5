import { describe, expect, test } from "bun:test";
import type { GreetingKind } from "../../../../src/model/health-check.ts";
import { greetingDialogue } from "../../../../src/probe/protocols/greeting.ts";
import type { Dialogue, Step } from "../../../../src/probe/transport/dialogue.ts";

/** Within how many bytes a text protocol has to come to its point. */
const LIMIT_BYTES = 64 * 1024;

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "latin1"));
}

/** What comes of each piece, none of them being the last that the server could say: `send TEXT`, or the judgement. */
function did(step: Step): string {
  if (step.kind === "continue") return "waits";
  if (step.kind === "send") return `send ${Buffer.from(step.bytes).toString("latin1").trimEnd()}`;
  return step.kind === "success" ? `up: ${step.detail}` : `${step.failure}: ${step.detail}`;
}

function converse(dialogue: Dialogue, pieces: readonly string[]): string[] {
  return pieces.map((piece) => did(dialogue.receive(bytes(piece))));
}

describe("greetingDialogue() of SMTP", () => {
  const GREETED = "send EHLO tandem.invalid";
  const UP = "up: got an answer to EHLO with 250 (2 answers as expected)";
  const refusedAt = (answer: 1 | 2, wanted: string, got: string) =>
    `wrong-answer: answer ${answer} of 2: expected ${wanted} but got "${got}\\r\\n"`;
  const noGreeting = (got: string) => refusedAt(1, "a greeting with 220", got);
  const noAnswer = (got: string) => refusedAt(2, "an answer to EHLO with 250", got);

  test.each<[string, readonly string[], readonly string[]]>([
    ["codes without a text", ["220\r\n", "250\r\n"], [GREETED, UP]],
    ["codes with an empty text", ["220 \r\n", "250 \r\n"], [GREETED, UP]],
    [
      "many lines, some of them without a text",
      ["220-mail\r\n220-\r\n220\r\n", "250-mail\r\n250-\r\n250\r\n"],
      [GREETED, UP],
    ],
    ["lines that end with LF alone", ["220 mail\n", "250 mail\n"], [GREETED, UP]],
    ["a greeting that goes on", ["220-please wait\r\n", "220 mail\r\n", "250 mail\r\n"], ["waits", GREETED, UP]],
    ["a line that has not ended", ["220 mail", "\r\n", "250 mail\r", "\n"], ["waits", GREETED, "waits", UP]],
    ["a greeting that refuses", ["554 no service\r\n"], [noGreeting("554 no service")]],
    ["one of several lines that does", ["554-sorry\r\n554 no service\r\n"], [noGreeting("554 no service")]],
    ["a server that closes down", ["421 later\r\n"], [noGreeting("421 later")]],
    ["another protocol", ["SSH-2.0-OpenSSH\r\n"], [noGreeting("SSH-2.0-OpenSSH")]],
    ["a code that is longer", ["2200 mail\r\n"], [noGreeting("2200 mail")]],
    ["a server that is busy after its greeting", ["220 mail\r\n", "451 later\r\n"], [GREETED, noAnswer("451 later")]],
    ["a second greeting for an answer", ["220 mail\r\n220 mail\r\n"], [noAnswer("220 mail")]],
  ])("judges %s", (_what, pieces, steps) => {
    expect(converse(greetingDialogue("smtp"), pieces)).toEqual([...steps]);
  });

  test.each(["500", "501", "502", "504", "550 what?"])("says HELO after %s to EHLO", (refusal) => {
    const pieces = ["220 mail\r\n", `${refusal}\r\n`, "250 mail\r\n"];
    expect(converse(greetingDialogue("smtp"), pieces)).toEqual([
      GREETED,
      "send HELO tandem.invalid",
      "up: got an answer to HELO with 250 (2 answers as expected)",
    ]);
  });

  test("is refused by a server that refuses HELO too", () => {
    const pieces = ["220 mail\r\n", "502 no\r\n", "502 no\r\n"];
    expect(converse(greetingDialogue("smtp"), pieces).at(-1)).toBe(
      refusedAt(2, "an answer to HELO with 250", "502 no"),
    );
  });

  test("has no way to TLS by HELO", () => {
    expect(converse(greetingDialogue("smtp", true), ["220 mail\r\n", "502 no\r\n"]).at(-1)).toBe(
      'wrong-answer: answer 2 of 4: expected an answer to EHLO with 250 but got "502 no\\r\\n"',
    );
  });

  test("is told at once that there is no TLS", () => {
    const pieces = ["220 mail\r\n", "250 mail\r\n", "454 not now\r\n"];
    expect(converse(greetingDialogue("smtp", true), pieces).at(-1)).toBe(
      'wrong-answer: answer 3 of 4: expected a go-ahead for TLS with 220 but got "454 not now\\r\\n"',
    );
  });
});

/** A kind, whether TLS is asked for, what the server says, and what is made of its last piece. */
type Case = readonly [GreetingKind, "starttls" | "", readonly string[], string];

const BIND = (result: number) => `\x30\x0c\x02\x01\x01\x61\x07\x0a\x01${String.fromCharCode(result)}\x04\0\x04\0`;
/** As Active Directory writes lengths: four bytes each. */
const WIDE_BIND = "\x30\x84\0\0\0\x10\x02\x01\x01\x61\x84\0\0\0\x07\x0a\x01\0\x04\0\x04\0";
const EXTENDED = (id: number, result: number) =>
  `\x30\x0c\x02\x01${String.fromCharCode(id)}\x78\x07\x0a\x01${String.fromCharCode(result)}\x04\0\x04\0`;
const BOUND = "up: got an answer to an anonymous bind";
const UNBOUND = "wrong-answer: expected an answer to an anonymous bind but got ";

const CASES: readonly Case[] = [
  ["imap", "", ["* ok\r\n"], "send a LOGOUT"],
  ["imap", "", ["* PREAUTH welcome\r\n", "* bye\r\n"], "up: got a farewell with * BYE (2 answers as expected)"],
  [
    "imap",
    "",
    ["* OK x\r\n", "* CAPABILITY IMAP4rev2\r\n", "* BYE x\r\na OK\r\n"],
    "up: got a farewell with * BYE (2 answers as expected)",
  ],
  [
    "imap",
    "",
    ["* BYE full\r\n"],
    'wrong-answer: answer 1 of 2: expected a greeting with * OK but got "* BYE full\\r\\n"',
  ],
  ["imap", "", ["* OKAY\r\n"], 'wrong-answer: answer 1 of 2: expected a greeting with * OK but got "* OKAY\\r\\n"'],
  [
    "imap",
    "",
    ["* OK x\r\n", "a BAD what\r\n"],
    'wrong-answer: answer 2 of 2: expected a farewell with * BYE but got "a BAD what\\r\\n"',
  ],
  [
    "imap",
    "starttls",
    ["* OK x\r\n", "t NO later\r\n"],
    'wrong-answer: answer 2 of 3: expected a go-ahead for TLS with OK but got "t NO later\\r\\n"',
  ],
  [
    "imap",
    "starttls",
    ["* OK x\r\n", "* BYE x\r\n"],
    'wrong-answer: answer 2 of 3: expected a go-ahead for TLS with OK but got "* BYE x\\r\\n"',
  ],
  [
    "imap",
    "starttls",
    ["* PREAUTH x\r\n"],
    'wrong-answer: answer 1 of 3: expected a greeting with * OK but got "* PREAUTH x\\r\\n"',
  ],
  ["pop3", "", ["+OK\r\n", "+OK\r\n"], "up: got a farewell with +OK (2 answers as expected)"],
  ["pop3", "", ["-ERR no\r\n"], 'wrong-answer: answer 1 of 2: expected a greeting with +OK but got "-ERR no\\r\\n"'],
  [
    "pop3",
    "",
    ["+OK\r\n", "-ERR no\r\n"],
    'wrong-answer: answer 2 of 2: expected a farewell with +OK but got "-ERR no\\r\\n"',
  ],
  [
    "pop3",
    "starttls",
    ["+OK\r\n", "-ERR no\r\n"],
    'wrong-answer: answer 2 of 3: expected a go-ahead for TLS with +OK but got "-ERR no\\r\\n"',
  ],
  ["redis", "", ["+PONG\r\n"], "up: got an answer to PING"],
  ["redis", "", ["-NOPERM no\r\n"], "up: got an answer to PING"],
  ["redis", "", ["-MASTERDOWN no\r\n"], 'wrong-answer: expected an answer to PING but got "-MASTERDOWN no\\r\\n"'],
  [
    "redis",
    "",
    ["-ERR max number of clients reached\r\n"],
    'wrong-answer: expected an answer to PING but got "-ERR max number of clients reached\\r\\n"',
  ],
  ["redis", "", ["+PONGO\r\n"], 'wrong-answer: expected an answer to PING but got "+PONGO\\r\\n"'],
  ["ldap", "", [BIND(0)], BOUND],
  ["ldap", "", [WIDE_BIND], BOUND],
  ["ldap", "", [BIND(49).slice(0, 9), BIND(49).slice(9)], BOUND],
  ["ldap", "", [BIND(51)], `${UNBOUND}"0\\x0c\\x02\\x01\\x01a\\x07\\n\\x013\\x04\\x00\\x04\\x00"`],
  ["ldap", "", [EXTENDED(0, 52)], `${UNBOUND}"0\\x0c\\x02\\x01\\x00x\\x07\\n\\x014\\x04\\x00\\x04\\x00"`],
  ["ldap", "", [EXTENDED(0, 0), BIND(0)], BOUND],
  ["ldap", "", [`\n${BIND(0)}`], `${UNBOUND}"\\n0\\x0c\\x02\\x01\\x01a\\x07\\n\\x01\\x00\\x04\\x00\\x04\\x00"`],
  ["ldap", "", ["\x30\x80"], `${UNBOUND}"0\\x80"`],
  ["ldap", "", ["\x30\x84\xff\xff\xff\xff"], `${UNBOUND}"0\\x84\\xff\\xff\\xff\\xff"`],
  ["ldap", "", ["\x30\x03\x02\x01\x01"], `${UNBOUND}"0\\x03\\x02\\x01\\x01"`],
  [
    "ldap",
    "starttls",
    [EXTENDED(1, 2)],
    'wrong-answer: answer 1 of 2: expected a go-ahead for TLS but got "0\\x0c\\x02\\x01\\x01x\\x07\\n\\x01\\x02\\x04\\x00\\x04\\x00"',
  ],
];

describe("greetingDialogue() knows an answer when it has come", () => {
  test.each(CASES.map((each) => [JSON.stringify(each.slice(0, 3)), each] as const))("%s", (_what, each) => {
    const [kind, tls, pieces, last] = each;
    const steps = converse(greetingDialogue(kind, tls === "starttls"), pieces);
    expect(steps.at(-1)).toBe(last);
    expect(steps.slice(0, -1).every((step) => step === "waits" || step.startsWith("send"))).toBe(true);
  });

  test.each<[GreetingKind, string]>([
    ["smtp", "220-x\r\n"],
    ["smtp", "220 "],
    ["imap", "* "],
    ["redis", "+PONG"],
    ["ldap", "\x30\x82\xff\xff"],
  ])("gives up on an answer of %s that goes on and on: %p", (kind, text) => {
    const dialogue = greetingDialogue(kind);
    const piece = text.repeat(Math.ceil(1_000 / text.length));
    let last = "waits";
    for (let seen = 0; last === "waits" && seen < 2 * LIMIT_BYTES; seen += piece.length) {
      last = did(dialogue.receive(bytes(seen === 0 ? piece : piece.replaceAll("\x30", "x"))));
    }
    expect(last).toMatch(/^(too-long|wrong-answer): /);
  });
});
