import { describe, expect, test } from "bun:test";
import { formatTable, parseTable } from "../../../src/import/table-toml.ts";
import type { WantedService } from "../../../src/model/ipvs-table.ts";
import { endpointOf, keyOf } from "../../support/must.ts";

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

describe("parseTable()", () => {
  test("says where a mistake is in the text that was given", () => {
    const result = parseTable('[[service]]\nname = "web"\nlisten = "tcp://1"\n');
    expect(result.ok ? [] : result.issues.map(({ line, column }) => [line, column])).toEqual([[3, 10]]);
  });

  test("takes the services of a whole configuration", () => {
    const pair = `[pair]
key_file = "/etc/tandem/pair.key"
primary  = { name = "lvs1", public = "203.0.113.2", private = "10.0.0.2" }
backup   = { name = "lvs2", public = "203.0.113.3", private = "10.0.0.3" }
`;
    expect(parseTable(pair + formatTable(TABLE))).toEqual({ ok: true, services: TABLE, warnings: [] });
  });
});
