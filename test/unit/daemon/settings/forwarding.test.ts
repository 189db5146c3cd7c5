import { expect, test } from "bun:test";
import type { Config } from "../../../../src/config/keys/config.ts";
import { parseConfig } from "../../../../src/config/parse.ts";
import { syncSysctls, wantedSysctls } from "../../../../src/daemon/settings/forwarding.ts";
import { PAIR_TABLES } from "../../../support/pair-tables.ts";

const INTERFACES = { public: "eth0", private: "eth1" };

function config(services: string): Config {
  const result = parseConfig(`${PAIR_TABLES}[[vip]]
address = "2001:db8::10/64"
interface = "eth0"
${services}`);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.config;
}

function service(listen: string, real: string, forward: string): string {
  return `[[service]]\nname = "web"\nlisten = "${listen}"\nforward = "${forward}"\n[[service.real]]\naddress = "${real}"\n`;
}

test("wantedSysctls() wants nothing of a pair without services", () => {
  expect(wantedSysctls(config(""), INTERFACES)).toEqual([]);
  expect(syncSysctls(config(""))).toEqual([]);
});

test("wantedSysctls() routes for NAT and stops redirects on both sides", () => {
  const made = config(service("tcp://203.0.113.10:80", "10.0.0.11:80", "nat"));
  expect(wantedSysctls(made, INTERFACES).map(({ path, value }) => `${path}=${value}`)).toEqual([
    "net/ipv4/ip_forward=1",
    "net/ipv4/conf/all/send_redirects=0",
    "net/ipv4/conf/eth0/send_redirects=0",
    "net/ipv4/conf/eth1/send_redirects=0",
  ]);
});

test("wantedSysctls() routes IPv6 where that is what is translated", () => {
  const made = config(service("tcp://[2001:db8::10]:80", "[2001:db8::11]:80", "nat"));
  expect(wantedSysctls(made, INTERFACES).map(({ path }) => path)).toEqual(["net/ipv6/conf/all/forwarding"]);
});

test("wantedSysctls() leaves routing alone for direct routing", () => {
  const made = config(service("tcp://203.0.113.10:80", "10.0.0.11:80", "direct"));
  expect(wantedSysctls(made, INTERFACES)).toEqual([]);
});

test("syncSysctls() wants prompt synchronisation unless it is batched or off", () => {
  const one = service("tcp://203.0.113.10:80", "10.0.0.11:80", "nat");
  expect(syncSysctls(config(one)).map(({ path }) => path)).toEqual([
    "net/ipv4/vs/sync_sock_size",
    "net/ipv4/vs/sync_threshold",
    "net/ipv4/vs/sync_refresh_period",
  ]);
  expect(syncSysctls(config(`${one}[sync]\nsync = "batched"\n`)).map(({ path }) => path)).toEqual([
    "net/ipv4/vs/sync_sock_size",
  ]);
});
