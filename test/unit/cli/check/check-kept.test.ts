import { expect, test } from "bun:test";
import { checkedServers } from "../../../../src/cli/check/check-kept.ts";
import type { KeptStatus } from "../../../../src/daemon/status/status-report.ts";
import { realServerKey } from "../../../../src/model/real-server.ts";
import { checked, configuredService, TCP_CHECK, virtualService } from "../../../support/balance-fixtures.ts";

function kept(change: KeptStatus["change"], server: string, service = "tcp://203.0.113.10:80"): KeptStatus {
  return { service, server, change, detail: "" };
}

test("checkedServers() has those that were added, and not those that were removed from the whole service", () => {
  const listen = [virtualService("tcp://203.0.113.10:80"), virtualService("tcp://203.0.113.10:443")];
  const service = configuredService({ listen, servers: [checked("10.0.0.11:80"), checked("10.0.0.12:80")] });
  const servers = checkedServers(service, [
    kept("removed", "10.0.0.11:80"),
    kept("removed", "10.0.0.11:80", "tcp://203.0.113.10:443"),
    // Still there for the other address.
    kept("removed", "10.0.0.12:80"),
    kept("added", "10.0.0.13:80"),
    kept("added", "10.0.0.13:80", "tcp://203.0.113.10:443"),
    kept("added", "10.0.0.14:80", "fwmark:7"),
    kept("changed", "10.0.0.12:80", "tcp://203.0.113.10:443"),
  ]);
  expect(servers.map(({ server, check }) => [realServerKey(server), check])).toEqual([
    ["10.0.0.12:80", TCP_CHECK],
    ["10.0.0.13:80", TCP_CHECK],
  ]);
});
