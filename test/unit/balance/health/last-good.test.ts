import { expect, test } from "bun:test";
import { type CheckedServer, lastGoodSet } from "../../../../src/balance/health/last-good.ts";
import type { Verdict } from "../../../../src/model/health-check.ts";
import { TCP_CHECK } from "../../../support/balance-fixtures.ts";

interface Named extends CheckedServer {
  readonly name: string;
}

function server(name: string, verdict: Verdict, failingSinceMs?: number, refused = false): Named {
  const since = failingSinceMs === undefined ? {} : { failingSinceMs };
  return { name, timing: TCP_CHECK, health: { verdict, refused, ...since } };
}

// The check's interval is 1 s and its timeout 0.5 s: within 3 s is at once.
test.each<[string, readonly Named[], number, readonly string[]]>([
  ["keeps servers that died at once", [server("a", "down", 1_000), server("b", "down", 4_000)], 0, ["a", "b"]],
  ["keeps none while one is up", [server("a", "down", 1_000), server("b", "up"), server("c", "down", 1_000)], 0, []],
  ["keeps none that died one after the other", [server("a", "down", 1_000), server("b", "down", 4_001)], 0, []],
  ["keeps no single server", [server("a", "down", 1_000)], 0, []],
  ["keeps none that refuse", [server("a", "down", 1_000, true), server("b", "down", 1_000, true)], 0, []],
  ["keeps those that do not refuse", [server("a", "down", 1_000, true), server("b", "down", 1_000)], 0, ["b"]],
  ["keeps none that were never up", [server("a", "down"), server("b", "down")], 0, []],
  [
    "leaves out the long dead",
    [server("a", "down", 1_000), server("b", "down", 9_000), server("c", "down", 9_000)],
    0,
    ["b", "c"],
  ],
  [
    "leaves out the unknown",
    [server("a", "down", 1_000), server("b", "down", 1_000), server("c", "unknown")],
    0,
    ["a", "b"],
  ],
  [
    "keeps none above the threshold",
    [server("a", "down", 1_000), server("b", "down", 1_000), server("c", "up")],
    33,
    [],
  ],
  [
    "keeps them at the threshold",
    [server("a", "down", 1_000), server("b", "down", 1_000), server("c", "up")],
    34,
    ["a", "b"],
  ],
])("lastGoodSet() %s", (_title, servers, panicPercent, kept) => {
  expect([...lastGoodSet(servers, panicPercent)].map(({ name }) => name)).toEqual([...kept]);
});
