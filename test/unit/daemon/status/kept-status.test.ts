import { expect, test } from "bun:test";
import { keptStatus, keptWarnings } from "../../../../src/daemon/status/kept-status.ts";
import { restoreShared } from "../../../../src/failover/evidence/shared-orders.ts";
import type { KeptChange } from "../../../../src/model/kept-server.ts";
import type { SharedEntry } from "../../../../src/model/shared-entry.ts";
import { configuredService, endpoint, serviceKey } from "../../../support/balance-fixtures.ts";

const SETTINGS = { forward: "nat", weight: 5, upperThreshold: 0, lowerThreshold: 0 } as const;

function entry(server: string, change: KeptChange, service = "tcp://203.0.113.10:80"): SharedEntry {
  return { kind: "kept", service: serviceKey(service), server: endpoint(server), change, revision: 1, by: "backup" };
}

test("keptStatus() and keptWarnings() say what is not as configured, and for how many reasons", () => {
  const shared = restoreShared([
    entry("10.0.0.11:80", { kind: "present", settings: SETTINGS }),
    entry("10.0.0.12:80", { kind: "absent" }),
    entry("10.0.0.13:80", { kind: "present", settings: SETTINGS }),
    entry("10.0.0.14:80", { kind: "none" }),
    entry("10.0.0.15:80", { kind: "present", settings: SETTINGS }),
    entry("10.0.0.13:80", { kind: "present", settings: SETTINGS }, "fwmark:7"),
  ]);
  const config = { services: [configuredService()] };
  const status = keptStatus(shared, config).sort((a, b) => (a.service + a.server < b.service + b.server ? -1 : 1));
  expect(status.map(({ service, server, change, detail }) => `${service} ${server} ${change}: ${detail}`)).toEqual([
    "fwmark:7 10.0.0.13:80 added: nat, weight 5",
    "tcp://203.0.113.10:80 10.0.0.11:80 changed: nat, weight 5",
    "tcp://203.0.113.10:80 10.0.0.12:80 removed: removed",
    "tcp://203.0.113.10:80 10.0.0.13:80 added: nat, weight 5",
    "tcp://203.0.113.10:80 10.0.0.15:80 added: nat, weight 5",
  ]);
  expect(keptWarnings(status, config)).toEqual([
    "web: 10.0.0.13:80, 10.0.0.15:80 are added by an operator, beside the configuration",
    "web: 10.0.0.11:80 is changed by an operator, beside the configuration",
    "web: 10.0.0.12:80 is removed by an operator, beside the configuration",
  ]);
});
