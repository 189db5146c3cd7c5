import { describe, expect, test } from "bun:test";
import type { Config } from "../../../../src/config/keys/config.ts";
import { parseConfig } from "../../../../src/config/parse.ts";
import { namedSettings } from "../../../../src/config/render/named-settings.ts";
import { PAIR_TABLES } from "../../../support/pair-tables.ts";

const SERVICE = `
[[service]]
name = "web"
listen = ["tcp://203.0.113.10:80"]
[[service.real]]
address = "10.0.0.11:80"
[[service.real]]
address = "10.0.0.12:80"
[[service.real]]
address = "10.0.0.13:80"
`;
const FILE = `${PAIR_TABLES}${SERVICE}`;

function configOf(text: string): Config {
  const result = parseConfig(text);
  if (!result.ok) throw new Error(result.issues.map(({ message }) => message).join("; "));
  return result.config;
}

/** Names of the settings that differ after a change of the file, on either side. */
function differing(change: (file: string) => string): readonly string[] {
  const [before, after] = [FILE, change(FILE)].map(
    (text) => new Map([...namedSettings(configOf(text))].map(({ name, value }) => [name, value])),
  );
  const names = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])]);
  return [...names].filter((name) => before?.get(name) !== after?.get(name));
}

const at = (line: string, more: string) => (file: string) => file.replace(line, `${line}\n${more}`);

describe("namedSettings() names what differs", () => {
  test.each([
    ["a key of the pair", at("[pair]", 'dead_after = "2s"'), ["pair.dead_after"]],
    ["an address of a router", (file: string) => file.replace("10.0.0.3", "10.0.0.4"), ["pair.backup.private"]],
    ["a prefix", (file: string) => file.replace("10/24", "10/32"), ["vip 203.0.113.10 on eth0"]],
    ["a label", at('interface = "eth0"', 'label = "eth0:1"'), ["vip 203.0.113.10 on eth0"]],
    [
      "a kernel setting that was not set",
      (file: string) => `${file}[ipvs]\nconn_reuse_mode = 1\n`,
      ["ipvs.conn_reuse_mode"],
    ],
    ["the time outs", (file: string) => `${file}[timeouts]\ntcp = "5m"\n`, ["timeouts.tcp"]],
    ["a program", (file: string) => `${file}[hooks]\nactive = ["/bin/true"]\n`, ["hooks.active"]],
    ["the sync id", (file: string) => `${file}[sync]\nid = 7\n`, ["sync.id"]],
    ["a scheduler", at('name = "web"', 'scheduler = "rr"'), ["service web: scheduler"]],
    ["the servers' check", at('name = "web"', "check = false"), ["service web: check"]],
    ["the servers' forwarding", at('name = "web"', 'forward = "direct"'), ["service web: forward"]],
    [
      "another server",
      (file: string) => `${file}[[service.real]]\naddress = "10.0.0.14:80"\n`,
      ["service web: real 10.0.0.14:80"],
    ],
    ["a weight", (file: string) => `${file}weight = 9\n`, ["service web: real 10.0.0.13:80"]],
    ["one server's check", (file: string) => `${file}check = false\n`, ["service web: real 10.0.0.13:80"]],
    ["what is logged", (file: string) => `${file}[log]\nlevel = "debug"\n`, []],
    ["a gate", (file: string) => `${file}[[gate]]\nname = "proxy"\nprocess = "haproxy"\n`, ["gate proxy"]],
  ])("%s", (_what, change, names) => {
    expect(differing(change)).toEqual(names);
  });
});
