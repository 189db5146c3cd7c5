import { describe, expect, test } from "bun:test";
import { parseConfig } from "../../../src/config/parse.ts";
import { configFingerprint } from "../../../src/config/render/fingerprint.ts";
import { renderConfig } from "../../../src/config/render/render.ts";
import { address } from "../../../src/model/address.ts";
import type { Gate } from "../../../src/model/gate.ts";
import { type Edit, edited, issuesOf } from "./base.ts";

const SERVICE = '[[service]]\nname = "web"';
const VIP = 'interface = "eth0"';

/** The base file with these tables before its service. */
function withGates(text: string): readonly Edit[] {
  return [[SERVICE, `${text}\n\n${SERVICE}`]];
}

function configOf(edits: readonly Edit[]) {
  const result = parseConfig(edited(edits).text);
  if (!result.ok) throw new Error(result.issues.map((issue) => issue.message).join("\n"));
  return result.config;
}

function gateOf(keys: string): Gate | undefined {
  return configOf(withGates(`[[gate]]\nname = "g"\n${keys}`)).gates[0];
}

const USUAL = { name: "g", effect: "hand-over", when: "always", intervalMs: 2000, timeoutMs: 1000, rise: 2, fall: 3 };

describe("parseConfig() reads a gate about", () => {
  const SUBJECTS: readonly (readonly [string, Gate["subject"]])[] = [
    [
      'target = "127.0.0.1:8080"',
      { kind: "check", target: { address: address("127.0.0.1"), port: 8080 }, method: { kind: "tcp" } },
    ],
    [
      'target = "192.0.2.1"\nkind = "ping"\nmark = 7',
      { kind: "check", target: { address: address("192.0.2.1"), port: 0 }, method: { kind: "ping", mark: 7 } },
    ],
    [
      'target = "[::1]:80"\nkind = "http"\npath = "/healthz"\nexpect_status = 200\nexpect_body = "ready"',
      {
        kind: "check",
        target: { address: address("::1"), port: 80 },
        method: {
          ...{ kind: "http", method: "GET", path: "/healthz", expectStatus: [[200, 200]], expectBody: "ready" },
          verifyCertificate: true,
        },
      },
    ],
    [
      'command = ["/bin/true", "x y"]\nuser = "daemon"',
      { kind: "check", method: { kind: "external", command: ["/bin/true", "x y"], user: "daemon" } },
    ],
    [
      'kind = "external"\ncommand = ["/bin/true", "{address}", "{port}"]\ntarget = "127.0.0.1:1"',
      {
        kind: "check",
        target: { address: address("127.0.0.1"), port: 1 },
        method: { kind: "external", command: ["/bin/true", "{address}", "{port}"], user: "nobody" },
      },
    ],
    ['process = "haproxy"', { kind: "process", name: "haproxy" }],
    ['interface = "eth2"', { kind: "interface", name: "eth2" }],
    ['file = "/run/ok"', { kind: "file", path: "/run/ok", state: "present" }],
    ['file = "/run/n"\nfile_state = "not-negative"', { kind: "file", path: "/run/n", state: "not-negative" }],
  ];

  test.each(SUBJECTS)("%s", (keys, subject) => {
    expect<unknown>(gateOf(keys)).toEqual({ ...USUAL, subject });
  });
});

test("parseConfig() reads a gate's times, its effect and when it is checked", () => {
  const keys = `process = "p"
effect = "warn"
when = "active"
interval = "500ms"
timeout = "200ms"
rise = 1
fall = 5
down_interval = "1s"
flap_limit = 3`;
  expect(gateOf(keys)).toEqual({
    name: "g",
    effect: "warn",
    when: "active",
    subject: { kind: "process", name: "p" },
    intervalMs: 500,
    timeoutMs: 200,
    rise: 1,
    fall: 5,
    downIntervalMs: 1000,
    flap: { limit: 3, windowMs: 600_000, holdMs: 60_000 },
  });
});

interface Row {
  readonly gates: string;
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

function issueOf({ gates, path, message, hint }: Row) {
  const { text, line, column } = edited(withGates(gates));
  return { text, issue: { line, column, path, message, ...(hint === undefined ? {} : { hint }) } };
}

describe("parseConfig() finds gates that mean nothing", () => {
  const named = '[[gate]]\nname = "g"\n';
  const rows: Readonly<Record<string, Row>> = {
    "without a subject": {
      gates: '«[[gate]]\nname = "g"',
      path: "gate[0]",
      message: "[[gate]] needs one of the keys target, command, process, interface, file",
      hint: 'such as: process = "haproxy"',
    },
    "with two subjects": {
      gates: `${named}process = "p"\n«file = "/f"`,
      path: "gate[0].file",
      message: "a gate with process has no file",
      hint: "make two gates of it: each has one subject",
    },
    "a program with a target and a process": {
      gates: `${named}command = ["/bin/true"]\ntarget = "127.0.0.1:1"\n«process = "p"`,
      path: "gate[0].process",
      message: "a gate with target has no process",
      hint: "make two gates of it: each has one subject",
    },
    "a key of a check beside a process": {
      gates: `${named}process = "p"\n«expect = "x"`,
      path: "gate[0].expect",
      message: "a gate with process has no expect",
    },
    "a key of a file beside a target": {
      gates: `${named}target = "127.0.0.1:1"\n«file_state = "zero"`,
      path: "gate[0].file_state",
      message: "a gate with target has no file_state",
    },
    "a key of another kind": {
      gates: `${named}target = "127.0.0.1:1"\nkind = "tcp"\n«expect = "x"`,
      path: "gate[0].expect",
      message: 'a check of the kind "tcp" has no expect',
      hint: 'expect belongs to the kind "send-expect"',
    },
    "a target without a port": {
      gates: `${named}target = «"::1"`,
      path: "gate[0].target",
      message: 'target (::1) needs a port: a check of the kind "tcp" goes to one',
      hint: 'such as: target = "[::1]:80"',
    },
    "a program that is told a target that isn't there": {
      gates: `${named}command = ["/bin/true", «"{port}"]`,
      path: "gate[0].command[1]",
      message: "command has {port}, but there is no target",
      hint: 'such as: target = "127.0.0.1:80"',
    },
    "a program that is told a service": {
      gates: `${named}target = "127.0.0.1:1"\ncommand = ["/bin/true", «"{service.port}"]`,
      path: "gate[0].command[1]",
      message: "command has {service.port}, but a gate belongs to no service",
    },
    "the kind external without a program": {
      gates: '«[[gate]]\nname = "g"\ntarget = "127.0.0.1:1"\nkind = "external"',
      path: "gate[0]",
      message: 'a check of the kind "external" needs the key command',
      hint: 'such as: command = ["/usr/local/lib/check-db", "{address}", "{port}"]',
    },
    "a program of another kind": {
      gates: `${named}kind = "http"\n«command = ["/bin/true"]`,
      path: "gate[0].command",
      message: 'a check of the kind "http" has no command',
      hint: 'command belongs to the kind "external"',
    },
    "a process by its path": {
      gates: `${named}process = «"/usr/sbin/haproxy"`,
      path: "gate[0].process",
      message: 'process: "/usr/sbin/haproxy" has a path; give the name alone, as ps -e shows it',
    },
    "a port of its own": {
      gates: `${named}target = "127.0.0.1:1"\n«port = 2`,
      path: "gate[0].port",
      message: "[[gate]] has no key port",
      hint: "did you mean target?",
    },
    "a timeout longer than the interval": {
      gates: `${named}process = "p"\ninterval = "1s"\ntimeout = «"2s"`,
      path: "gate[0].timeout",
      message: "timeout (2s) must not be longer than interval (1s)",
      hint: "an attempt must have ended before the next one begins",
    },
    "two of one name": {
      gates: `${named}process = "p"\n\n[[gate]]\nname = «"g"\nprocess = "q"`,
      path: "gate[1].name",
      message: "the gate g is given twice; the first is in line 21",
    },
    "another program's word": {
      gates: `${named}interface = "eth2"\n«vrrp_track_process = "p"`,
      path: "gate[0].vrrp_track_process",
      message: "[[gate]] has no key vrrp_track_process",
      hint: "did you mean process?",
    },
    "too many": {
      gates: Array.from({ length: 17 }, (_, at) => `${at === 0 ? "«" : ""}[[gate]]\nname = "g${at}"`).join("\n"),
      path: "gate",
      message: "there are 17 [[gate]]; the limit is 16",
    },
  };
  test.each(Object.entries(rows))("%s", (_title, row) => {
    const { text, issue } = issueOf(row);
    expect(issuesOf(text)).toEqual([issue]);
  });
});

test("parseConfig() warns of a gate that asks a VIP in each role: a standby would ask the other router", () => {
  const { text, issue } = issueOf({
    gates: '[[gate]]\nname = "g"\ntarget = «"203.0.113.10:80"',
    path: "gate[0].target",
    message: "target is the VIP 203.0.113.10: on the standby this gate asks the active router, not its own",
    hint: 'say when = "active"',
  });
  expect(parseConfig(text)).toMatchObject({ ok: true, warnings: [issue] });
  const active = edited(withGates('[[gate]]\nname = "g"\ntarget = "203.0.113.10:80"\nwhen = "active"'));
  expect(parseConfig(active.text)).toMatchObject({ ok: true, warnings: [] });
});

test("parseConfig() tells a VIP that counts for nothing from the others", () => {
  const vipsOf = (line: string) => configOf([[VIP, `${VIP}\n${line}`]]).vips.map(({ optional }) => optional);
  expect(["required = false", "required = true", ""].map(vipsOf)).toEqual([[true], [undefined], [undefined]]);
});

test("renderConfig() writes what a VIP and a gate have by default", () => {
  const rendered = renderConfig(configOf(withGates('[[gate]]\nname = "g"\nfile = "/run/ok"')));
  expect(rendered).toContain('interface = "eth0"\nrequired  = true\n');
  expect(rendered.slice(rendered.indexOf("[[gate]]"), rendered.indexOf("[sync]"))).toBe(`[[gate]]
name       = "g"
file       = "/run/ok"
file_state = "present"
effect     = "hand-over"
when       = "always"
interval   = "2s"
timeout    = "1s"
rise       = 2
fall       = 3

`);
});

test("configFingerprint() knows gates and VIPs that are not required", () => {
  const first = '[[gate]]\nname = "a"\nprocess = "p"';
  const second = '[[gate]]\nname = "b"\nprocess = "q"';
  const none = configFingerprint(configOf([]));
  const both = configFingerprint(configOf(withGates(`${first}\n${second}`)));
  expect(configFingerprint(configOf(withGates(`${second}\n${first}`)))).toBe(both);
  const others = [
    withGates(first),
    withGates(`${first}\neffect = "warn"`),
    [[VIP, `${VIP}\nrequired = false`]] as const,
  ].map((edits) => configFingerprint(configOf(edits)));
  expect(new Set([none, both, ...others]).size).toBe(5);
});
