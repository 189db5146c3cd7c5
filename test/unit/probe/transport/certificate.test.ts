import { describe, expect, test } from "bun:test";
import { nameProblem } from "../../../../src/probe/transport/certificate.ts";

describe("nameProblem()", () => {
  const NAMES = "its names are ";
  test.each<[string | undefined, string, boolean, string | undefined]>([
    ["DNS:web.test", "web.test", false, undefined],
    ["email:a@web.test, DNS:*.web.test", "a.web.test", false, undefined],
    ["IP Address:192.0.2.1", "192.0.2.1", false, undefined],
    ["IP Address:2001:DB8:0:0:0:0:0:1", "2001:db8::1", false, undefined],
    ["DNS:web.test", "other.test", true, `${NAMES}web.test, and other.test is none of them`],
    ["IP Address:192.0.2.1", "web.test", false, `${NAMES}192.0.2.1, and web.test is none of them`],
    // As the engine quotes what looks like two.
    [
      'URI:"http://x/\\u002c DNS:web.test"',
      "web.test",
      false,
      `${NAMES}URI:\\"http://x/\\\\u002c DNS:web.test\\", and web.test is none of them`,
    ],
    ["email:\x1b[2J", "web.test", false, `${NAMES}email:\\x1b[2J, and web.test is none of them`],
    [
      "",
      "web.test",
      false,
      "it has no names (subjectAltName), so it is not for web.test; its common name CN.test does not count as one",
    ],
    [
      undefined,
      "192.0.2.1",
      true,
      "it has no names (subjectAltName), so it is not for 192.0.2.1; its common name CN.test does not count as one",
    ],
  ])("of %p for %s", (subjectAltName, name, isOther, problem) => {
    expect(nameProblem({ subjectAltName, commonName: "CN.test" }, name, isOther)).toBe(problem);
  });

  test("of hundreds of names tells the first ones", () => {
    const subjectAltName = Array.from({ length: 500 }, (_, index) => `DNS:host${index}.test`).join(", ");
    const problem = nameProblem({ subjectAltName, commonName: undefined }, "web.test", true) ?? "";
    expect(problem).toMatch(/^its names are host0\.test, host1\.test, .*…, and web\.test is none of them$/);
    expect(problem.length).toBeLessThan(400);
  });
});
