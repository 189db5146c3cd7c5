import { expect, test } from "bun:test";
import { formatIssues } from "../../../src/config/format-issues.ts";
import { issuesOf } from "./base.ts";

const TEN_MISTAKES = `[pair]
key_file = "pair.key"
intervall = "100ms"
dead_after = 1000
failback = "automatc"

[pair.primary]
name = "lvs1"
public = "203.0.113.2"
private = "10.0.0.2"

[pair.backup]
name = "lvs2"
public = "203.0.113.2"

[[vip]]
address = "203.0.113.10/24"
interface = "eth0"
label = "eth1:1"

[[service]]
name = "web"
listen = "tcp://203.0.113.10:80"
scheduler = "wcl"

  [[service.real]]
  address = "10.0.0.11:80"
  weight = -1

  [[service.real]]
  address = "10.0.0.11"
`;

test("a configuration with ten mistakes gets ten sentences, each with line and column", () => {
  expect(formatIssues(TEN_MISTAKES, "tandem.toml", issuesOf(TEN_MISTAKES))).toMatchInlineSnapshot(`
    "tandem.toml:2:12: key_file: "pair.key" is not an absolute path; begin it with
      "/"
      2 | key_file = "pair.key"
        |            ^
    tandem.toml:3:1: [pair] has no key intervall
      3 | intervall = "100ms"
        | ^
      hint: did you mean interval?
    tandem.toml:4:14: dead_after must be a duration from "20ms" to "10m", not a
      number
      4 | dead_after = 1000
        |              ^
      hint: write it in quotes and with a unit: "1000ms", "1000s"
    tandem.toml:5:12: failback must be "automatic" or "manual", not "automatc"
      5 | failback = "automatc"
        |            ^
      hint: did you mean "automatic"?
    tandem.toml:12:1: [pair.backup] needs the key private: an IP address such as
      "203.0.113.2"
      12 | [pair.backup]
         | ^
      hint: such as: private = "10.0.0.3"
    tandem.toml:14:10: 203.0.113.2 is the public address of lvs1 already; the public
      address of lvs2 must be another one; the first is in line 9
      14 | public = "203.0.113.2"
         |          ^
    tandem.toml:19:9: label (eth1:1) must begin with interface (eth0) and a colon
      19 | label = "eth1:1"
         |         ^
      hint: such as: label = "eth0:1"
    tandem.toml:24:13: scheduler must be "rr", "wrr", "lc", "wlc", "lblc", "lblcr",
      "dh", "sh", "sed", "nq", "mh", "fo", "ovf" or "twos", not "wcl"
      24 | scheduler = "wcl"
         |             ^
      hint: did you mean "wlc"?
    tandem.toml:28:12: weight must be a whole number from 0 to 2147483647, not -1
      28 |   weight = -1
         |            ^
    tandem.toml:31:13: the real server 10.0.0.11:80 is given twice in this service;
      the first is in line 27
      31 |   address = "10.0.0.11"
         |             ^
    "
  `);
  expect(issuesOf(TEN_MISTAKES).length).toBe(10);
});
