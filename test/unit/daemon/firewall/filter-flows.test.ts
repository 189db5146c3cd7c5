import { describe, expect, test } from "bun:test";
import { parseConfig } from "../../../../src/config/parse.ts";
import { type FlowHost, filterFlows, flowConfigOf } from "../../../../src/daemon/firewall/filter-flows.ts";
import type { RouterFlow } from "../../../../src/kernel/filter/router-flow.ts";
import type { InterfaceAddress } from "../../../../src/model/interface-address.ts";
import { prefixOf } from "../../../support/must.ts";
import { PAIR_TABLES } from "../../../support/pair-tables.ts";

const TEXT = `${PAIR_TABLES}[[vip]]
address = "203.0.113.11/32"
interface = "lo"
[[service]]
name = "web"
listen = ["tcp://203.0.113.10:80", "udp://203.0.113.11:53"]
[[service.real]]
address = "10.0.0.11:8080"
[[service.real]]
address = "10.0.0.12"
forward = "direct"
`;

const NAMES = ["lo", "eth0", "eth1", "wan0"];

function own(text: string, interfaceIndex: number): InterfaceAddress {
  return {
    interface: NAMES[interfaceIndex - 1] ?? "",
    interfaceIndex,
    prefix: prefixOf(text),
    validSeconds: "forever",
    preferredSeconds: "forever",
    ours: false,
    tentative: false,
    dadFailed: false,
    secondary: false,
    noPrefixRoute: false,
    scope: "global",
  };
}

/** lo, eth0 to the public side, eth1 to the servers, and wan0 with the default route. */
const HOST: FlowHost = {
  links: NAMES.map((name, place) => ({
    index: place + 1,
    name,
    mac: undefined,
    up: true,
    carrier: true,
    loopback: name === "lo",
    mtuBytes: 1500,
  })),
  addresses: [own("203.0.113.3/24", 2), own("10.0.0.3/24", 3)],
  interfaceTowards: ({ text }) => (text.startsWith("10.") ? 3 : 4),
  tracksIpvs: false,
};

function short(flow: RouterFlow): string {
  const names = (links: RouterFlow["in"]) => links.map(({ name }) => name).join("|");
  const ends = `${flow.source?.text ?? "any"} to ${flow.destination?.text ?? "any"}`;
  return `${flow.concern} ${flow.hook} ${ends} [${names(flow.in)}>${names(flow.out)}] ${flow.conntrack ?? "?"}`;
}

function flowsOf(host: FlowHost): string[] {
  const result = parseConfig(TEXT);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return filterFlows(flowConfigOf(result.config), host).map(short);
}

describe("filterFlows()", () => {
  test("tells what must get through, by every way that it may come", () => {
    expect(flowsOf(HOST)).toEqual([
      "clients input any to 203.0.113.10 [eth0|wan0>] new",
      "servers output any to 10.0.0.11 [>eth1] untracked",
      "answers forward 10.0.0.11 to any [eth1>eth0|wan0] invalid",
      "clients input any to 203.0.113.11 [wan0>] new",
      "servers output any to 10.0.0.11 [>eth1] untracked",
      "answers forward 10.0.0.11 to any [eth1>wan0] new",
      "heartbeats input 203.0.113.2 to 203.0.113.3 [eth0>] established",
      "heartbeats output 203.0.113.3 to 203.0.113.2 [>eth0] new",
      "heartbeats input 10.0.0.2 to 10.0.0.3 [eth1>] established",
      "heartbeats output 10.0.0.3 to 10.0.0.2 [>eth1] new",
      "sync input any to 224.0.0.81 [eth1>] new",
      "sync output any to 224.0.0.81 [>eth1] new",
      "neighbours input any to any [eth0>] ?",
    ]);
  });

  test("connection tracking of IPVS knows answers", () => {
    const answers = flowsOf({ ...HOST, tracksIpvs: true }).filter((flow) => flow.startsWith("answers"));
    expect(answers.map((flow) => flow.split(" ").at(-1))).toEqual(["established", "established"]);
  });

  test("a machine that is neither router has no heartbeats to let through", () => {
    const flows = flowsOf({ ...HOST, addresses: [] });
    expect(flows.filter((flow) => /^(heartbeats|sync)/.test(flow))).toEqual([]);
  });
});
