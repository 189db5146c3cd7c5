import { describe, expect, test } from "bun:test";
import { methodOfTarget, resolveEscapes, type TargetSettings } from "../../../../src/cli/check/check-target.ts";

const NOTHING: TargetSettings = {
  send: undefined,
  expect: undefined,
  expectStatus: [],
  expectBody: undefined,
  host: undefined,
  head: false,
  insecure: false,
  command: undefined,
  user: undefined,
  set: [],
};

const SERVER = { family: "inet", text: "10.0.0.11" } as const;

describe("methodOfTarget()", () => {
  test.each([
    ["tcp://10.0.0.11:80", {}, { port: 80, method: { kind: "tcp" } }],
    ["tcp://10.0.0.11:25", { expect: "220 " }, { port: 25, method: { kind: "send-expect", send: "", expect: "220 " } }],
    [
      "tcp://10.0.0.11:80",
      { command: "/bin/check  {address}", user: "www" },
      { port: 80, method: { kind: "external", command: ["/bin/check", "{address}"], user: "www" } },
    ],
    [
      "http://10.0.0.11",
      { head: true },
      {
        port: 80,
        method: { kind: "http", method: "HEAD", path: "/", expectStatus: [[200, 399]], verifyCertificate: true },
      },
    ],
    [
      "https://10.0.0.11:8443/a?b",
      { insecure: true, host: "web", expectStatus: [[200, 200]] as const },
      {
        port: 8443,
        method: {
          kind: "https",
          method: "GET",
          path: "/a?b",
          host: "web",
          expectStatus: [[200, 200]],
          verifyCertificate: false,
        },
      },
    ],
  ] as const)("reads %s with %j", (text, settings, { port, method }) => {
    expect(methodOfTarget(text, { ...NOTHING, ...settings })).toEqual({
      ok: true,
      value: { target: { address: SERVER, port }, method },
    } as unknown as ReturnType<typeof methodOfTarget>);
  });

  test.each([
    ["tcp://10.0.0.11", {}, 'TARGET: "10.0.0.11" needs a port: tcp://ADDRESS:PORT'],
    ["tcp://web:80", {}, 'TARGET: "web" is not an IPv4 or IPv6 address'],
    ["tcp://10.0.0.11:80/x", {}, 'a tcp target has no path: "/x"'],
    ["tcp://10.0.0.11:80", { insecure: true }, "--insecure means nothing for a tcp target"],
    ["http://10.0.0.11", { insecure: true }, "--insecure means nothing for a http target"],
    ["http://10.0.0.11", { send: "x" }, "--send means nothing for a http target"],
    ["tcp://10.0.0.11:80", { user: "www" }, "--user needs --command"],
    [
      "tcp://10.0.0.11:80",
      { command: "/bin/sh -c 'exit 0'" },
      "--command is split at its spaces, without a shell; for arguments with spaces or quotes: " +
        `--set 'command=["/bin/sh", "-c", "exit 0"]'`,
    ],
    ["tcp://10.0.0.11:80", { send: "\\q" }, '--send: "\\\\q" is no escape; there are \\r \\n \\t \\0 \\xHH \\\\'],
  ] as const)("refuses %s with %j", (text, settings, problem) => {
    expect(methodOfTarget(text, { ...NOTHING, ...settings })).toEqual({ ok: false, problem });
  });
});

describe("resolveEscapes()", () => {
  test.each([
    ["GET / HTTP/1.0\\r\\n\\r\\n", "GET / HTTP/1.0\r\n\r\n"],
    ["\\x00\\xfF\\0\\t\\\\n", "\u0000\u00ff\u0000\t\\n"],
  ])("resolves %j", (text, value) => expect(resolveEscapes(text)).toEqual({ ok: true, value }));

  test("refuses a lone backslash at the end", () => {
    expect(resolveEscapes("a\\").ok).toBe(false);
  });
});
