import { describe, expect, test } from "bun:test";
import { createHash, createHmac } from "node:crypto";
import { encodeRadiusRequest, radiusDialogue } from "../../../../src/probe/protocols/radius.ts";
import type { Step } from "../../../../src/probe/transport/dialogue.ts";

const SECRET = Buffer.from("testing123");
const AUTHENTICATOR = Uint8Array.from({ length: 16 }, (_none, index) => index);
const REQUEST = { secret: SECRET, identifier: 7, authenticator: AUTHENTICATOR };

/** An answer without attributes, as RFC 2865 section 3 has it. */
function answer(code: number, secret: Uint8Array = SECRET): Uint8Array {
  const head = Uint8Array.of(code, 7, 0, 20);
  const digest = createHash("md5").update(head).update(AUTHENTICATOR).update(secret).digest();
  return Buffer.concat([head, digest]);
}

function said(step: Step): string {
  return step.kind === "failure"
    ? `${step.failure}: ${step.detail}`
    : step.kind === "success"
      ? step.detail
      : step.kind;
}

describe("encodeRadiusRequest()", () => {
  test("signs a Status-Server as RFC 5997 wants it", () => {
    const message = Buffer.from(encodeRadiusRequest(REQUEST));
    expect([message[0], message[1], message.readUInt16BE(2), message[20], message[21]]).toEqual([
      12,
      7,
      message.length,
      80,
      18,
    ]);
    const unsigned = Buffer.from(message).fill(0, 22, 38);
    expect(message.subarray(22, 38)).toEqual(createHmac("md5", SECRET).update(unsigned).digest());
  });

  test("asks for a user with a password that only the secret uncovers", () => {
    const message = Buffer.from(encodeRadiusRequest({ ...REQUEST, userName: "probe" }));
    expect(message[0]).toBe(1);
    const at = message.indexOf("\x01\x07probe", 0, "latin1") + 7;
    expect([message[at], message[at + 1]]).toEqual([2, 18]);
    const mask = createHash("md5").update(SECRET).update(AUTHENTICATOR).digest();
    const password = message.subarray(at + 2, at + 18).map((byte, index) => byte ^ (mask[index] ?? 0));
    expect(Buffer.from(password).toString()).toBe("tandemtandemtand");
  });
});

describe("radiusDialogue()", () => {
  test.each([
    [undefined, 2, "Access-Accept"],
    [undefined, 5, "Accounting-Response"],
    [undefined, 3, "wrong-answer: the server answers Access-Reject"],
    ["probe", 3, "Access-Reject"],
    ["probe", 11, "Access-Challenge"],
    [undefined, 52, "wrong-answer: the server answers Protocol-Error"],
    ["probe", 5, "wrong-answer: the server answers Accounting-Response"],
    ["probe", 52, "wrong-answer: the server answers Protocol-Error"],
    ["probe", 40, "wrong-answer: the server answers code 40"],
  ])("asked for %p, an answer with code %p: %s", (userName, code, detail) => {
    const dialogue = radiusDialogue(userName === undefined ? REQUEST : { ...REQUEST, userName });
    expect(said(dialogue.receive(answer(code)))).toBe(detail);
  });

  test("waits on after an answer that proves nothing, and tells of it", () => {
    const dialogue = radiusDialogue(REQUEST);
    expect(said(dialogue.receive(answer(2, Buffer.from("wrong"))))).toBe("continue");
    expect(said(dialogue.expired())).toBe(
      "wrong-answer: no proper answer in time, but an answer made with another secret",
    );
    expect(said(dialogue.receive(answer(2)))).toBe("Access-Accept");
  });
});
