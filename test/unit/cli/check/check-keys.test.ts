import { describe, expect, test } from "bun:test";
import { checkOfTarget } from "../../../../src/cli/check/check-keys.ts";
import type { TargetSettings } from "../../../../src/cli/check/check-target.ts";

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

const ADDRESS = { family: "inet", text: "10.0.0.11" } as const;

describe("checkOfTarget()", () => {
  test.each<[string, Partial<TargetSettings>, number, unknown]>([
    ["smtp://10.0.0.11", {}, 25, { kind: "smtp" }],
    [
      "redis://10.0.0.11:6380",
      { set: ["transport=tls", "warn_days=9"] },
      6380,
      { kind: "redis", transport: "tls", verifyCertificate: true, tls: { warnDays: 9 } },
    ],
    ["dns://10.0.0.11/web.test", { set: ["record=SOA"] }, 53, { kind: "dns", query: "web.test", record: "SOA" }],
    [
      "dns://10.0.0.11/web.test",
      { expect: "192.0.2.10", set: ["transport=tcp"] },
      53,
      { kind: "dns", query: "web.test", record: "A", expectAnswers: ["192.0.2.10"], transport: "tcp" },
    ],
    ["imaps://10.0.0.11", { insecure: true }, 993, { kind: "imap", transport: "tls", verifyCertificate: false }],
    [
      "smtp://10.0.0.11",
      { set: ["transport=starttls", "server_name=mail.test"] },
      25,
      { kind: "smtp", transport: "starttls", verifyCertificate: true, tls: { serverName: "mail.test" } },
    ],
    ["radius://10.0.0.11", { set: ["secret_file=/etc/s"] }, 1812, { kind: "radius", secretFile: "/etc/s" }],
    ["grpc://10.0.0.11:50051/shop.Cart", {}, 50051, { kind: "grpc", service: "shop.Cart" }],
    ["udp://10.0.0.11:7", { send: "a\\x00b", expect: "c" }, 7, "send: it has a NUL character"],
    [
      "udp://10.0.0.11:7",
      { send: "a\\r\\n", expect: "c" },
      7,
      { kind: "send-expect", send: "a\r\n", expect: "c", transport: "udp" },
    ],
    [
      "tls://10.0.0.11:993",
      { expect: "* OK", insecure: true },
      993,
      { kind: "send-expect", send: "", expect: "* OK", transport: "tls", verifyCertificate: false },
    ],
    [
      "tcp://10.0.0.11:25",
      { set: ['script=[{ expect = "220 " }, { close = true }]', "mark=7"] },
      25,
      {
        kind: "send-expect",
        send: "",
        expect: "",
        mark: 7,
        script: [
          { kind: "expect", value: "220 " },
          { kind: "close", value: "" },
        ],
      },
    ],
    [
      "smtp://10.0.0.11",
      { set: ["expect_status=200"] },
      25,
      expect.stringContaining('a check of the kind "smtp" has no'),
    ],
    ["smtp://10.0.0.11", { set: ["transport"] }, 25, expect.stringContaining("transport")],
    ["smtp://10.0.0.11", { set: ["Transport=tls"] }, 25, "--set Transport: write KEY=VALUE"],
    ["gopher://10.0.0.11", {}, 0, expect.stringContaining("is not a target")],
    ["grpc://10.0.0.11", {}, 0, expect.stringContaining("needs a port")],
    ["smtp://10.0.0.11/x", {}, 0, "a smtp target has no path: 10.0.0.11:25"],
  ])("reads %s with %j", (text, settings, port, expected) => {
    const read = checkOfTarget(text, { ...NOTHING, ...settings });
    if (read.ok) expect<unknown>(read.value).toEqual({ target: { address: ADDRESS, port }, method: expected });
    else expect<unknown>(read.problem).toEqual(expected);
  });
});
