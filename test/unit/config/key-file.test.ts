import { describe, expect, test } from "bun:test";
import { generateKey, parseKeys } from "../../../src/config/key-file.ts";

const A = "a1".repeat(32);
const B = "b2".repeat(32);
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const base64 = (hex: string) => Buffer.from(hex, "hex").toString("base64");

describe("parseKeys()", () => {
  test("takes a key as hex or base64, with comments and blank lines", () => {
    const one = { ok: true, value: { signing: bytes(A), accepted: [bytes(A)] } };
    expect(parseKeys(`# pair\n\n${A.toUpperCase()} # current\r\n`)).toEqual(one as never);
    expect(parseKeys(`  ${base64(A)}`)).toEqual(one as never);
  });

  test("signs with the first of two keys and accepts both", () => {
    expect(parseKeys(`${B}\n${base64(A)}\n`)).toEqual({
      ok: true,
      value: { signing: bytes(B), accepted: [bytes(B), bytes(A)] },
    });
  });

  test.each([
    ["nothing but comments", "# none\n", "there is no key in it"],
    ["three keys", `${A}\n${B}\n${A}`, "there are 3 keys in it; it may have two, during a rotation"],
    ["a key that is too short", `\n${A.slice(2)}`, "line 2 is not a key of 32 bytes, as 64 hex digits or as base64"],
    ["base64 of 33 bytes", `${base64(`${A}00`)}`, "line 1 is not a key of 32 bytes, as 64 hex digits or as base64"],
  ])("refuses %s", (_title, text, problem) => {
    expect(parseKeys(text)).toEqual({ ok: false, problem });
  });

  test("never repeats a key in what it says", () => {
    const result = parseKeys(A.slice(2));
    expect(JSON.stringify(result)).not.toContain(A.slice(4, 12));
  });
});

test("generateKey() makes a different key each time, which parseKeys() takes", () => {
  const [one, two] = [generateKey(), generateKey()];
  expect(one).not.toBe(two);
  expect(parseKeys(`${one}${two}`)).toMatchObject({ ok: true });
});
