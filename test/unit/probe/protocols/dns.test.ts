import { describe, expect, test } from "bun:test";
import type { DnsRecord } from "../../../../src/model/health-check.ts";
import { dnsDialogue } from "../../../../src/probe/protocols/dns.ts";
import type { Dialogue, Judgement, Step } from "../../../../src/probe/transport/dialogue.ts";

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

  test("an answer that was cut off is one only as far as it goes", () => {
    const [empty, half] = [answer(1, [], 0x8380), answer(1, [ADDRESS], 0x8380)];
    const cut = 'wrong-answer: the answer for A of web.test is too long for UDP; check with transport = "tcp"';
    expect([said(ask("A").receive(empty)), said(ask("A").receive(half))]).toEqual([cut, "1 record for A of web.test"]);
    expect([ask("A", ["192.0.2.1"]), ask("A", ["192.0.2.2"])].map((each) => said(each.receive(half)))).toEqual([
      "192.0.2.1 in 1 record for A of web.test",
      cut,
    ]);
    const stream = ask("A", undefined, "tcp");
    expect(said(stream.receive(Buffer.concat([be16(empty.length), empty])))).toBe(
      "wrong-answer: the answer for A of web.test was cut off (TC), although over a stream",
    );
  });

  test("an answer that repeats no question is one only where it says that it could not read one", () => {
    const bare = (flags: number) => be16(IDENTIFIER, flags, 0, 0, 0, 0);
    expect([bare(0x8181), bare(0x8180)].map((each) => said(ask("A").receive(each)))).toEqual([
      "wrong-answer: FORMERR for A of web.test",
      "continue",
    ]);
  });
});

/** Names as an answer has them, without compression. */
function name(text: string): Uint8Array {
  const labels = text.split(".").map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, "latin1"));
  return Buffer.concat([...labels, Uint8Array.of(0)]);
}

const TYPES = { A: 1, NS: 2, CNAME: 5, TXT: 16 };

/** An answer to the question for A of web.test, with these records: owner, type, data. */
function answerOf(...records: readonly (readonly [string, keyof typeof TYPES, Uint8Array])[]): Uint8Array {
  const parts = records.map(([owner, type, data]) =>
    Buffer.concat([name(owner), be16(TYPES[type], 1, 0, 60, data.length), data]),
  );
  return Buffer.concat([be16(IDENTIFIER, 0x8180, 1, records.length, 0, 0), NAME, be16(1, 1), ...parts]);
}

describe("dnsDialogue() follows the aliases of the name that it asked for", () => {
  const TO_CDN = ["web.test", "CNAME", name("Web.CDN.test")] as const;
  const chain = (length: number) =>
    Array.from({ length }, (_, index) => {
      const [from, to] = [
        index === 0 ? "web.test" : `a${index}.test`,
        index + 1 === length ? "end.test" : `a${index + 1}.test`,
      ];
      return [from, "CNAME", name(to)] as const;
    });

  test.each<[string, Uint8Array, string]>([
    ["a record of the name, in another case", answerOf(["WEB.Test", "A", ADDRESS]), "1 record for A of web.test"],
    [
      "an alias and its records, in any order",
      answerOf(["web.cdn.TEST", "A", ADDRESS], TO_CDN, ["web.cdn.test", "A", OTHER]),
      "2 records for A of web.test, an alias of web.cdn.test",
    ],
    [
      "a lone alias",
      answerOf(TO_CDN),
      "wrong-answer: an answer without such a record for A of web.test, an alias of web.cdn.test",
    ],
    [
      "an alias, and a record of another name",
      answerOf(TO_CDN, ["web.other.test", "A", ADDRESS]),
      "wrong-answer: an answer without such a record for A of web.test, an alias of web.cdn.test",
    ],
    [
      "a record of a name that was not asked for",
      answerOf(["other.test", "A", ADDRESS]),
      "wrong-answer: an answer without such a record for A of web.test",
    ],
    [
      "records of another type",
      answerOf(["web.test", "TXT", TEXT], ["web.test", "NS", name("ns.test")]),
      "wrong-answer: an answer without such a record for A of web.test",
    ],
    [
      "a chain of ten",
      answerOf(...chain(10), ["end.test", "A", ADDRESS]),
      "1 record for A of web.test, an alias of end.test",
    ],
    [
      "a circle of aliases",
      answerOf(TO_CDN, ["web.cdn.test", "CNAME", name("web.test")]),
      "wrong-answer: the answer is malformed (chain of aliases: has no end)",
    ],
    [
      "a chain without end",
      answerOf(...chain(40), ["end.test", "A", ADDRESS]),
      "wrong-answer: the answer is malformed (chain of aliases: has no end)",
    ],
  ])("%s", (_what, message, detail) => {
    expect(said(ask("A").receive(message)).replace(/: "[^"]*"?.*$/, "")).toBe(detail);
  });

  test("expects records at the end of the chain only", () => {
    const message = answerOf(TO_CDN, ["web.cdn.test", "A", OTHER], ["other.test", "A", ADDRESS]);
    expect(said(ask("A", ["192.0.2.1"]).receive(message))).toBe(
      "wrong-answer: expected 192.0.2.1 but got 192.0.2.2 for A of web.test, an alias of web.cdn.test",
    );
  });

  test("takes the alias itself where it is asked for", () => {
    expect(said(ask("CNAME", ["web.cdn.test."]).receive(answer(5, [name("web.cdn.test")])))).toBe(
      "web.cdn.test. in 1 record for CNAME of web.test",
    );
  });
});

describe("dnsDialogue() refuses", () => {
  /** An answer whose one record begins with this name, at offset 26. */
  const named = (...bytes: readonly number[]) =>
    Buffer.concat([
      be16(IDENTIFIER, 0x8180, 1, 1, 0, 0),
      NAME,
      be16(1, 1),
      Uint8Array.from(bytes),
      be16(1, 1, 0, 60, 4),
      ADDRESS,
    ]);
  const LONG = Array.from({ length: 5 }, () => [63, ...Buffer.alloc(63, "x")]).flat();

  test.each<[string, Uint8Array, string]>([
    ["a name that points to itself", named(0xc0, 26), "name: has no end"],
    ["a name that points forward", named(0xc0, 28, 0), "name: has no end"],
    ["two names that point to each other", named(1, 0x61, 0xc0, 26), "name: has no end"],
    ["a name of more than 255 bytes", named(...LONG, 0), "name: has no end"],
    ["a label of an unknown kind", named(0x80, 0), "name: has a label of an unknown kind"],
    ["a record that is cut short", named(0).subarray(0, -1), "answer: ends too early"],
    ["a record that is not there", named(0).subarray(0, 26), "answer: ends too early"],
    ["an address that is too long", answer(1, [Buffer.concat([ADDRESS, ADDRESS])]), "address: has 8 bytes"],
    [
      "a name that ends before its record",
      answer(5, [Buffer.concat([NAME, NAME])]),
      "record: is not as long as it says",
    ],
    ["a text that goes beyond its record", answer(16, [Uint8Array.of(3, 0x61)]), "answer: ends too early"],
  ])("%s", (_what, message, problem) => {
    const record = ["A", "CNAME", "TXT"].find((each) => TYPES[each as keyof typeof TYPES] === (message[23] ?? 0));
    expect(said(ask((record ?? "A") as DnsRecord).receive(message))).toStartWith(
      `wrong-answer: the answer is malformed (${problem})`,
    );
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
