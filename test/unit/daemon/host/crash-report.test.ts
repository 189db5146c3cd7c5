import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CrashReport } from "../../../../src/daemon/host/crash-report.ts";
import { InvariantError } from "../../../../src/lib/invariant-error.ts";
import { TestRouter } from "../../../support/failover.ts";

const AT = new Date("2026-12-01T10:15:02.123Z");

function stateFolder() {
  const path = mkdtempSync(join(tmpdir(), "tandem-report-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

function broken(name = "lease-runs"): InvariantError {
  return new InvariantError(name, "active without a lease", { input: { kind: "tick" } });
}

test("CrashReport holds the whole state of a router, its maps as lists, and no secrets", async () => {
  using folder = stateFolder();
  const { state } = new TestRouter().becomeActive();
  const report = new CrashReport(folder.path, "router", broken(), AT);
  expect(await report.write(state)).toBeUndefined();
  expect(report.path).toBe(join(folder.path, "report-router-lease-runs-20261201T101502Z.json"));
  const text = readFileSync(report.path, "utf8");
  const { nonce, peer } = state.session;
  for (const secret of [state.seed, nonce, peer?.nonce ?? "none"]) expect(text).not.toContain(secret);
  const written = JSON.parse(text);
  expect({
    mode: statSync(report.path).mode & 0o777,
    invariant: written.invariant,
    reason: written.reason,
    evidence: written.evidence,
    phase: written.state.phase.kind,
    possible: written.state.addresses.possible.map(([key]: [string]) => key),
    seed: written.state.seed,
    foreverMs: written.state.tickedAtMs === state.tickedAtMs,
  }).toEqual({
    mode: 0o600,
    invariant: "lease-runs",
    reason: 'internal assertion "lease-runs" failed: active without a lease',
    evidence: { input: { kind: "tick" } },
    phase: "active",
    possible: ["10.0.0.1/24 on eth1 ", "203.0.113.10/24 on eth0 "],
    seed: "left out",
    foreverMs: true,
  });
});

test("CrashReport holds what JSON has no word for", async () => {
  using folder = stateFolder();
  const report = new CrashReport(folder.path, "router", new TypeError("x is not a function"), AT);
  await report.write({ never: Infinity, set: new Set([1]), bytes: new Uint8Array(3), text: "a".repeat(5_000) });
  const written = JSON.parse(readFileSync(report.path, "utf8"));
  expect([
    written.reason,
    written.state.never,
    written.state.set,
    written.state.bytes,
    written.state.text.length,
  ]).toEqual(["TypeError: x is not a function", "Infinity", [1], "3 bytes", 1_002]);
  expect(written.stack[0]).toContain("x is not a function");
});

test("CrashReport is bounded, whatever the state holds", async () => {
  using folder = stateFolder();
  const wide = (depth: number): unknown =>
    depth === 0 ? "x".repeat(900) : Array.from({ length: 30 }, () => wide(depth - 1));
  const members = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`member${index}`, "y".repeat(900)]));
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  for (const [index, state] of [wide(3), members, cyclic].entries()) {
    const report = new CrashReport(folder.path, "router", broken(`bounded-${index}`), AT);
    expect(await report.write(state)).toBeUndefined();
    expect(statSync(report.path).size).toBeLessThan(300 * 1024);
    expect(JSON.parse(readFileSync(report.path, "utf8")).invariant).toBe(`bounded-${index}`);
  }
});

test("CrashReport keeps the last three of each process", async () => {
  using folder = stateFolder();
  writeFileSync(join(folder.path, "failover.json"), "{}");
  await new CrashReport(folder.path, "router", broken("first-of-all"), AT).write({});
  for (let second = 0; second < 5; second += 1) {
    const at = new Date(AT.getTime() + second * 1_000);
    await new CrashReport(folder.path, "balancer", broken(second % 2 === 0 ? "b" : "a"), at).write({});
  }
  expect(readdirSync(folder.path).toSorted()).toEqual([
    "failover.json",
    "report-balancer-a-20261201T101505Z.json",
    "report-balancer-b-20261201T101504Z.json",
    "report-balancer-b-20261201T101506Z.json",
    "report-router-first-of-all-20261201T101502Z.json",
  ]);
});

test("CrashReport says why it could not be written", async () => {
  using folder = stateFolder();
  const file = join(folder.path, "file");
  writeFileSync(file, "");
  const report = new CrashReport(join(file, "state"), "router", broken(), AT);
  expect(await report.write({})).toBe("a part of its path is no directory (ENOTDIR)");
});
