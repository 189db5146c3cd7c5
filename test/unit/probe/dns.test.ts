import { describe, expect, test } from "bun:test";
import type { DnsRecord } from "../../../src/model/check.ts";
import type { Dialogue, Judgement, Step } from "../../../src/probe/dialogue.ts";
import { dnsDialogue } from "../../../src/probe/dns.ts";

const IDENTIFIER = 0x1234;

function be16(...numbers: readonly number[]): Uint8Array {
  return Uint8Array.from(numbers.flatMap((number) => [number >> 8, number & 0xff]));
}

const NAME = Buffer.from("\x03web\x04test\0", "latin1");

/** An answer with records of one type whose data is given; names of records point to the question. */
function answer(type: number, data: readonly Uint8Array[], flags = 0x8180): Uint8Array {
  const records = data.map((bytes) => Buffer.concat([be16(0xc00c, type, 1, 0, 60, bytes.length), bytes]));
  return Buffer.concat([be16(IDENTIFIER, flags, 1, data.length, 0, 0), NAME, be16(type, 1), ...records]);
}

function ask(record: DnsRecord, expectAnswers?: readonly string[], transport?: "tcp"): Dialogue {
  const wishes = { ...(expectAnswers && { expectAnswers }), ...(transport && { transport }) };
  return dnsDialogue({ kind: "dns", query: "web.test", record, ...wishes }, IDENTIFIER);
}

function said(step: Step | Judgement): string {
  return step.kind === "failure"
    ? `${step.failure}: ${step.detail}`
    : step.kind === "success"
      ? step.detail
      : step.kind;
}

const ADDRESS = Uint8Array.of(192, 0, 2, 1);
const OTHER = Uint8Array.of(192, 0, 2, 2);
const ADDRESS6 = Uint8Array.from(Buffer.from("20010db8000000000000000000000001", "hex"));
const MAIL = Buffer.concat([be16(10), Buffer.from("\x04MAIL\xc0\x0c", "latin1")]);
const TEXT = Buffer.from("\x05v=one\x04 two", "latin1");
const SOA = Buffer.concat([
  Buffer.from("\x02ns\xc0\x0c\x04root\xc0\x0c", "latin1"),
  be16(0, 7, 0, 1, 0, 2, 0, 3, 0, 4),
]);
const SERVICE = Buffer.concat([be16(0, 5, 5060), NAME]);

describe("dnsDialogue() judges the records of an answer", () => {
  test.each<[DnsRecord, number, readonly Uint8Array[], readonly string[] | undefined, string]>([
    ["A", 1, [ADDRESS], undefined, "1 record for A of web.test"],
    ["A", 1, [OTHER, ADDRESS], ["192.0.2.1"], "192.0.2.1 in 2 records for A of web.test"],
    ["A", 1, [OTHER], ["192.0.2.1"], "wrong-answer: expected 192.0.2.1 but got 192.0.2.2 for A of web.test"],
    [
      "A",
      1,
      [ADDRESS],
      ["192.0.2.1", "192.0.2.2"],
      "wrong-answer: expected 192.0.2.2 but got 192.0.2.1 for A of web.test",
    ],
    ["AAAA", 28, [ADDRESS6], ["2001:DB8:0::1"], "2001:DB8:0::1 in 1 record for AAAA of web.test"],
    ["MX", 15, [MAIL], ["10 mail.web.test"], "10 mail.web.test in 1 record for MX of web.test"],
    ["TXT", 16, [TEXT], ["v=one two"], "v=one two in 1 record for TXT of web.test"],
    ["NS", 2, [NAME], ["Web.Test."], "Web.Test. in 1 record for NS of web.test"],
    ["SRV", 33, [SERVICE], ["0 5 5060 web.test"], "0 5 5060 web.test in 1 record for SRV of web.test"],
    [
      "SOA",
      6,
      [SOA],
      ["ns.web.test. root.web.test. 7 1 2 3 4"],
      "ns.web.test. root.web.test. 7 1 2 3 4 in 1 record for SOA of web.test",
    ],
    ["A", 28, [ADDRESS6], ["192.0.2.1"], "continue"],
    [
      "A",
      1,
      [Uint8Array.of(1)],
      ["192.0.2.1"],
      'wrong-answer: the answer is malformed (address: has 1 bytes): "\\x124\\x81\\x80\\x00\\x01\\x00\\x01\\x00\\x00\\x00\\x00\\x03web\\x04test\\x00\\x00\\x01\\x00\\x01\\xc0\\x0c\\x00\\x01\\x00\\x01\\x00\\x00\\x00<\\x00\\x01\\x01"',
    ],
  ])("%s, type %p: %p, expected %p", (record, type, data, expected, detail) => {
    expect(said(ask(record, expected).receive(answer(type, data)))).toBe(detail);
  });

  test("an answer that was cut off is one, but not for who expects a record", () => {
    const cut = answer(1, [], 0x8380);
    expect(said(ask("A").receive(cut))).toBe("0 records for A of web.test");
    expect(said(ask("A", ["192.0.2.1"]).receive(cut))).toBe(
      'wrong-answer: the answer for A of web.test is too long for UDP; check with transport = "tcp"',
    );
  });

  test("a name that points to itself has no end", () => {
    const loop = Buffer.concat([be16(IDENTIFIER, 0x8180, 1, 1, 0, 0), Uint8Array.of(0xc0, 12), be16(1, 1)]);
    expect(said(ask("A").receive(loop))).toStartWith("wrong-answer: the answer is malformed (name: has no end)");
  });
});

describe("dnsDialogue() over a stream", () => {
  const whole = answer(1, [ADDRESS]);
  const message = Buffer.concat([be16(whole.length), whole]);

  test("sends its question after its length, and reads the answer byte by byte", () => {
    const dialogue = ask("A", ["192.0.2.1"], "tcp");
    expect((dialogue.opening[0] ?? 0) * 256 + (dialogue.opening[1] ?? 0)).toBe(dialogue.opening.length - 2);
    const steps = Array.from(message, (byte) => said(dialogue.receive(Uint8Array.of(byte))));
    expect(new Set(steps.slice(0, -1))).toEqual(new Set(["continue"]));
    expect(steps.at(-1)).toBe("192.0.2.1 in 1 record for A of web.test");
  });

  test("tells an answer that is cut short, or to something else", () => {
    const cut = ask("A", undefined, "tcp");
    cut.receive(message.subarray(0, 20));
    expect(said(cut.closed())).toBe("closed: the server closed within its answer");
    expect(said(ask("A", undefined, "tcp").receive(Buffer.from("\0\x03abc")))).toBe(
      'wrong-answer: the server answered with something else: "abc"',
    );
  });
});
