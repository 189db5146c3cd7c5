import { describe, expect, test } from "bun:test";
import { formatServicePart } from "../../../../src/import/foreign/service-part.ts";
import { formatTable, parseTable } from "../../../../src/import/table/table-toml.ts";
import type { WantedService } from "../../../../src/model/ipvs-table.ts";
import { endpointOf, keyOf } from "../../../support/must.ts";

const TABLE: readonly WantedService[] = [
  {
    service: {
      key: keyOf("tcp://203.0.113.10:80"),
      scheduler: "sh",
      schedulerFlags: ["flag-2"],
      persistence: { timeoutSeconds: 300, prefixLength: 24 },
      onePacket: false,
    },
    servers: [
      { endpoint: endpointOf("10.0.0.11:80"), forward: "nat", weight: 5, upperThreshold: 100, lowerThreshold: 50 },
      {
        endpoint: endpointOf("10.0.0.13:80"),
        forward: "tunnel",
        weight: 0,
        upperThreshold: 0,
        lowerThreshold: 0,
        tunnel: { type: "gue", port: 6080, checksum: "remote" },
      },
    ],
  },
  {
    service: { key: keyOf("udp://[2001:db8::10]:53"), scheduler: "rr", schedulerFlags: [], onePacket: true },
    servers: [
      { endpoint: endpointOf("[2001:db8::11]:53"), forward: "direct", weight: 1, upperThreshold: 0, lowerThreshold: 0 },
    ],
  },
  { service: { key: keyOf("fwmark:7/inet6"), scheduler: "wlc", schedulerFlags: [], onePacket: false }, servers: [] },
];

describe("formatTable() and parseTable()", () => {
  test("lose nothing there and back", () => {
    expect(parseTable(formatTable(TABLE))).toEqual({ ok: true, services: TABLE, warnings: [] });
  });

  test("an empty table is an empty text", () => {
    expect(formatTable([])).toBe("");
    expect(parseTable("")).toEqual({ ok: true, services: [], warnings: [] });
  });
});

test("formatTable() writes what differs from the defaults, in the words of the configuration", () => {
  expect(formatTable(TABLE.slice(0, 1))).toBe(`[[service]]
listen          = "tcp://203.0.113.10:80"
scheduler       = "sh"
scheduler_flags = ["sh-port"]

[service.persistence]
timeout = "5m"
prefix  = 24

[[service.real]]
address         = "10.0.0.11:80"
weight          = 5
forward         = "nat"
upper_threshold = 100
lower_threshold = 50

[[service.real]]
address = "10.0.0.13:80"
weight  = 0
forward = "tunnel"

[service.real.tunnel]
type     = "gue"
port     = 6080
checksum = "remote"
`);
});

test("formatServicePart() gives names, turns checks off, and says what a configuration can't have", () => {
  const service = {
    ...(TABLE[2] ?? { service: { key: keyOf("fwmark:7/inet6"), scheduler: "", schedulerFlags: [], onePacket: false } })
      .service,
    scheduler: "fancy",
    persistence: { timeoutSeconds: 60, prefixLength: 16, irregularMask: "255.0.255.0" },
  };
  expect(
    formatServicePart([{ service, servers: [] }]),
  ).toBe(`# fwmark-7-inet6: the mask 255.0.255.0 is no prefix, which is all that prefix can say
# fwmark-7-inet6: there is no scheduler fancy here; wlc stands for it
[[service]]
name            = "fwmark-7-inet6"
listen          = "fwmark:7/inet6"
scheduler_flags = []
one_packet      = false
on_failure      = "remove"
slow_start      = "0ms"
panic_percent   = 0
check           = false

[service.persistence]
timeout = "1m"
prefix  = 16
`);
});

describe("parseTable()", () => {
  test("tells mistakes in timeouts and sync daemons with their place", () => {
    const text = `[timeouts]
tcp = "0s"

[[sync_daemon]]
state = "master"
interface = "eth0"
group = "10.0.0.1"

[[sync_daemon]]
state = "master"
interface = "eth1"
ttl = 256
`;
    const result = parseTable(text);
    expect(result.ok ? [] : result.issues.map(({ line, message }) => `${line}: ${message}`)).toEqual([
      "2: tcp: 0s is not between 1s and 21474836s",
      "7: group: 10.0.0.1 is not a multicast address",
      "10: a machine has one master and one backup daemon at most",
      "12: ttl must be a whole number from 1 to 255, not 256",
    ]);
  });

  test("says where a mistake is in the text that was given", () => {
    const result = parseTable('[[service]]\nname = "web"\nlisten = "tcp://1"\n');
    expect(result.ok ? [] : result.issues.map(({ line, column }) => [line, column])).toEqual([[3, 10]]);
  });

  test.each([
    [
      "the same service twice",
      '[[service]]\nlisten = "fwmark:1"\n[[service]]\nlisten = "fwmark:1/inet"',
      "fwmark:1 is given twice; the first is in line 2",
    ],
    [
      "a prefix that is too long",
      '[[service]]\nlisten = "fwmark:1"\npersistence = { timeout = "1s", prefix = 33 }',
      "prefix (33) must be 0 to 32 here",
    ],
    [
      "a mask for IPv6",
      '[[service]]\nlisten = "fwmark:1/inet6"\npersistence = { timeout = "1s", netmask = "255.0.255.0" }',
      "netmask is for IPv4 and stands in place of prefix",
    ],
    [
      "a flag of another scheduler",
      '[[service]]\nlisten = "fwmark:1"\nscheduler_flags = ["sh-port"]',
      '"sh-port" is a flag of the scheduler sh, not of wlc',
    ],
    [
      "thresholds the wrong way round",
      '[[service]]\nlisten = "fwmark:1"\nreal = [{ address = "10.0.0.1", lower_threshold = 1 }]',
      "lower_threshold (1) must not be above upper_threshold (0)",
    ],
    [
      "an upper threshold that newer kernels refuse",
      '[[service]]\nlisten = "fwmark:1"\nreal = [{ address = "10.0.0.1", upper_threshold = 2147483648 }]',
      "upper_threshold must be a whole number from 0 to 2147483647, not 2147483648",
    ],
    [
      "another family",
      '[[service]]\nlisten = "fwmark:1"\nreal = [{ address = "2001:db8::1" }]',
      'a real server of another address family than the service needs forward = "tunnel"',
    ],
  ])("refuses %s", (_title, text, message) => {
    const result = parseTable(text);
    expect(result.ok ? [] : result.issues.map((issue) => issue.message)).toEqual([message]);
  });

  test("takes the services of a whole configuration", () => {
    const pair = `vip = []
[pair]
key_file = "/etc/tandem/pair.key"
primary  = { name = "lvs1", public = "203.0.113.2", private = "10.0.0.2" }
backup   = { name = "lvs2", public = "203.0.113.3", private = "10.0.0.3" }
`;
    expect(parseTable(pair + formatServicePart(TABLE))).toEqual({ ok: true, services: TABLE, warnings: [] });
  });
});
