import { expect, test } from "bun:test";
import fc from "fast-check";
import { DecodeError } from "../../src/lib/errors.ts";
import { DNS_RECORDS, GREETING_KINDS } from "../../src/model/health-check.ts";
import { dnsDialogue } from "../../src/probe/protocols/dns.ts";
import { decodeAnswer, decodeRecords, encodeQuestion } from "../../src/probe/protocols/dns-message.ts";
import { greetingDialogue } from "../../src/probe/protocols/greeting.ts";
import { grpcDialogue } from "../../src/probe/protocols/grpc.ts";
import { httpDialogue } from "../../src/probe/protocols/http.ts";
import { ldapBindResponse, ldapStartTlsResponse } from "../../src/probe/protocols/ldap.ts";
import { pingDialogue } from "../../src/probe/protocols/ping.ts";
import { radiusDialogue } from "../../src/probe/protocols/radius.ts";
import { scriptDialogue, sendExpectDialogue } from "../../src/probe/protocols/send-expect.ts";
import type { Dialogue, Judgement } from "../../src/probe/transport/dialogue.ts";
import { endpoint } from "../support/balance-fixtures.ts";
import { HOSTILE_RUNS, hostileBytes } from "../support/hostile-bytes.ts";

/** An answer to a question of that type for web.test: an address, a text and a mail server whose name points back. */
function nameAnswer(type: string): string {
  return [
    `\x4a\0\x81\x80\0\x01\0\x03\0\0\0\0\x03web\x04test\0\0${type}\0\x01`,
    "\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01",
    "\xc0\x0c\0\x10\0\x01\0\0\0\x3c\0\x04\x03abc",
    "\xc0\x0c\0\x0f\0\x01\0\0\0\x3c\0\x09\0\x0a\x04mail\xc0\x0c",
  ].join("");
}

const VALID = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 503 No\r\n\r\n",
  "220 mail\r\n250-one\r\n250 two\r\n221 bye\r\n",
  "+PONG\r\n",
  "* OK mail\r\n* BYE mail\r\n",
  "+OK mail\r\n+OK bye\r\n",
  "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0",
  "\x30\x84\0\0\0\x10\x02\x01\x01\x78\x84\0\0\0\x07\x0a\x01\0\x04\0\x04\0",
  "J\0\0\0\x0a8.0.36\0",
  "R\0\0\0\x08\0\0\0\0",
  ...["\x01", "\x0f", "\x10"].map(nameAnswer),
  "\x02\0\0\x140123456789abcdef",
  "\0\0\0\x04\0\0\0\0\0\0\0\x07\0\0\0\0\0\x01\0\0\0\0\x02\x08\x01",
].map((text) => Uint8Array.from(Buffer.from(text, "latin1")));

/** Those that succeed only when the answer has this text in it. */
function textDialogues(): Dialogue[] {
  return [
    sendExpectDialogue({ send: "", expect: "hello" }),
    scriptDialogue([{ kind: "expect-regex", value: "^.*hello", limitBytes: 300 }]),
    scriptDialogue([
      { kind: "expect-bytes", value: "68 65" },
      { kind: "send", value: "x" },
      { kind: "expect", value: "llo" },
    ]),
    httpDialogue(
      {
        kind: "http",
        method: "GET",
        path: "/",
        expectStatus: [[200, 299]],
        expectBody: "hello",
        verifyCertificate: true,
      },
      endpoint("10.0.0.1:80"),
    ),
  ];
}

function protocolDialogues(): Dialogue[] {
  return [
    ...GREETING_KINDS.flatMap((kind) => [greetingDialogue(kind), greetingDialogue(kind, true)]),
    grpcDialogue("", "web.test", false),
    dnsDialogue({ kind: "dns", query: "web.test", record: "A" }, 0x4a00),
    ...(["A", "TXT", "MX", "SOA"] as const).map((record) =>
      dnsDialogue({ kind: "dns", query: "web.test", record, expectAnswers: ["192.0.2.9"] }, 0x4a00),
    ),
    dnsDialogue(
      { kind: "dns", query: "web.test", record: "A", expectAnswers: ["192.0.2.9"], transport: "tcp" },
      0x4a00,
    ),
    radiusDialogue({ secret: Buffer.from("s"), identifier: 0, authenticator: new Uint8Array(16) }),
    pingDialogue({ family: "inet", raw: true, cookie: new Uint8Array(16) }),
  ];
}

/** What a dialogue makes of bytes in pieces; a conversation that goes on ends with the server's close. */
function converse(dialogue: Dialogue, bytes: Uint8Array, pieceBytes: number): Judgement {
  let step = dialogue.connected();
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    if (step.kind === "success" || step.kind === "failure") return step;
    step = dialogue.receive(bytes.subarray(start, start + pieceBytes));
  }
  return step.kind === "success" || step.kind === "failure" ? step : dialogue.closed();
}

test("dialogues judge whatever bytes they are given, in whatever pieces, and say why in printable words", () => {
  fc.assert(
    fc.property(hostileBytes(VALID), fc.integer({ min: 1, max: 64 }), (bytes, pieceBytes) => {
      for (const dialogue of textDialogues()) {
        const judgement = converse(dialogue, bytes, pieceBytes);
        expect(judgement.detail).toMatch(/^[\x20-\x7e…]+$/);
        const text = Buffer.from(bytes).toString("latin1");
        if (judgement.kind === "success") expect(text).toMatch(/he[\s\S]*llo/);
      }
      for (const dialogue of protocolDialogues()) {
        expect(converse(dialogue, bytes, pieceBytes).detail).toMatch(/^[\x20-\x7e…]+$/);
      }
    }),
    { numRuns: HOSTILE_RUNS / 4 },
  );
});

test("a script finds its answers however the bytes are cut", () => {
  const answer = Buffer.from("220 mail\r\n250-one\r\n250 two\r\n221 bye\r\n", "latin1");
  fc.assert(
    fc.property(fc.integer({ min: 1, max: answer.length }), (pieceBytes) => {
      expect(converse(greetingDialogue("smtp"), answer, pieceBytes).kind).toBe("success");
    }),
  );
});

test("decodeAnswer() and decodeRecords() refuse hostile bytes only by DecodeError, and find records of the name only", () => {
  const question = { query: "web.test", record: "A", identifier: 0x4a00 } as const;
  const answers = ["\x01", "\x05", "\x10"].map((type) => Uint8Array.from(Buffer.from(nameAnswer(type), "latin1")));
  const anyRecord = fc.constantFrom(...DNS_RECORDS);
  fc.assert(
    fc.property(hostileBytes([...answers, encodeQuestion(question)]), anyRecord, (bytes, record) => {
      try {
        if (decodeAnswer(bytes, { ...question, record }) === undefined) return;
        const { owner, texts } = decodeRecords(bytes, { ...question, record });
        expect(owner).toBe(owner.toLowerCase());
        expect(texts.length * 11).toBeLessThan(bytes.length);
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
      }
    }),
    { numRuns: HOSTILE_RUNS },
  );
});

test("readers of LDAP's answers take some of the bytes, or wait for more, whatever they are given", () => {
  const valid = VALID.filter(([first]) => first === 0x30);
  fc.assert(
    fc.property(hostileBytes(valid), (bytes) => {
      for (const read of [ldapBindResponse, ldapStartTlsResponse]) {
        const part = read(bytes);
        if (part === undefined) continue;
        expect(part.bytes).toBeGreaterThan(0);
        expect(part.bytes).toBeLessThanOrEqual(bytes.length);
      }
    }),
    { numRuns: HOSTILE_RUNS },
  );
});
