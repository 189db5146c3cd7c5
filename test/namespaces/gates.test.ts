/** Gates of a pair without services: shown, logged, unknown while the balancer is away, and no business of IPVS. */
import { beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { GateStatus } from "../../src/daemon/status/status-report.ts";
import type { RouterName } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";
import { VipPair } from "./support/vip-pair.ts";

beforeAll(requireLab);

const QUICK = 'interval = "200ms"\nrise = 1\nfall = 1\n';
/** An interface of each router's own, so that it can fail on one of them. Warnings only: nothing is to move here. */
const UPLINK = `[[gate]]\nname = "uplink"\ninterface = "up0"\neffect = "warn"\n${QUICK}`;
/** What no router can do, asked of the active one alone. */
const ACTIVE_ONLY = `[[gate]]\nname = "proxy"\nprocess = "tdnosuchproxy"\nwhen = "active"\neffect = "warn"\n${QUICK}`;
const NOT_CHECKED = "not checked: it is only while this router is active";

async function startPair(...gates: readonly string[]): Promise<VipPair> {
  const pair = await VipPair.prepare({ more: gates });
  for (const router of pair.routers) {
    const { topology } = pair.lab;
    topology.run(router.name, ["ip", "link", "add", "up0", "type", "veth", "peer", "name", "up1"]);
    for (const end of ["up0", "up1"]) topology.run(router.name, ["ip", "link", "set", end, "up"]);
    router.start();
  }
  await pair.settled("lvs1");
  return pair;
}

async function untilGate(
  pair: VipPair,
  router: RouterName,
  name: string,
  state: GateStatus["state"],
): Promise<GateStatus | undefined> {
  let gate: GateStatus | undefined;
  await pair.until(`gate ${name} of ${router} is ${state}`, async () => {
    gate = (await pair.router(router).status())?.gates.find((each) => each.name === name);
    return gate?.state === state;
  });
  return gate;
}

/** The balancers that this router has now. */
function balancersOf(pair: VipPair, router: RouterName): number[] {
  const pid = pair.router(router).pid ?? 0;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  return children.filter((child) => child !== "").map(Number);
}

function logged(pair: VipPair, router: RouterName, text: string): Promise<void> {
  return pair.until(`${router} logs "${text}"`, () => pair.router(router).log.some((line) => line.includes(text)));
}

function unplug(pair: VipPair, router: RouterName, state: "up" | "down"): void {
  pair.lab.topology.run(router, ["ip", "link", "set", "up1", state]);
}

test("a gate that fails is shown failing in status and logged, and so is its return", async () => {
  await using pair = await startPair(UPLINK, ACTIVE_ONLY);
  await untilGate(pair, "lvs2", "uplink", "passing");
  unplug(pair, "lvs2", "down");
  expect(await untilGate(pair, "lvs2", "uplink", "failing")).toEqual({
    ...{ name: "uplink", state: "failing", effect: "warn", when: "always", reason: "up0 has no carrier" },
    sinceMs: expect.any(Number),
  });
  await untilGate(pair, "lvs1", "uplink", "passing");
  await logged(pair, "lvs2", "gate: uplink fails: up0 has no carrier");
  const { warnings } = (await pair.router("lvs2").status()) ?? { warnings: [] };
  expect(warnings).toContainEqual(expect.stringMatching(/^gate uplink has failed for .*: up0 has no carrier$/));
  const words = ["--config", pair.lab.pair.configPath, "--runtime-dir", pair.router("lvs2").runtimeDirectory];
  const run = (...more: readonly string[]) => pair.router("lvs2").tandem("check", "run", ...words, ...more);
  expect([(await run("--gate", "uplink")).exitCode, (await run("--gate", "proxy")).exitCode]).toEqual([3, 3]);
  unplug(pair, "lvs2", "up");
  await untilGate(pair, "lvs2", "uplink", "passing");
  await logged(pair, "lvs2", "gate: uplink passes");
  // A standby is asked about nothing that works on an active router only.
  const { stdout, exitCode } = await run("--gates");
  expect([stdout.includes("not checked: this router is standby"), exitCode]).toEqual([true, 0]);
  const { stdout: listed } = await pair.router("lvs2").tandem("check", "list", "--json", ...words);
  expect(JSON.parse(listed)).toMatchObject({
    source: "daemon",
    gates: [
      { name: "uplink", kind: "interface", state: "passing", changes: [{ to: "up" }, { to: "down" }, { to: "up" }] },
      { name: "proxy", kind: "process", state: "passing", reason: NOT_CHECKED },
    ],
  });
});

test("a gate for the active router is checked there, and passes unchecked on the standby until that takes over", async () => {
  await using pair = await startPair(ACTIVE_ONLY);
  await untilGate(pair, "lvs1", "proxy", "failing");
  expect(await untilGate(pair, "lvs2", "proxy", "passing")).toMatchObject({ when: "active", reason: NOT_CHECKED });
  const { exitCode } = await pair.router("lvs1").tandem("failover", "switch");
  expect(exitCode).toBe(0);
  await pair.settled("lvs2");
  await untilGate(pair, "lvs2", "proxy", "failing");
  await untilGate(pair, "lvs1", "proxy", "passing");
});

test("all gates are unknown while the balancer hangs, and when it was killed, until a new one has looked", async () => {
  await using pair = await startPair(UPLINK);
  await untilGate(pair, "lvs2", "uplink", "passing");
  const [hanging = 0] = balancersOf(pair, "lvs2");
  process.kill(hanging, "SIGSTOP");
  const reason = "the balancer, which checks it, does not answer";
  await untilGate(pair, "lvs2", "uplink", "unknown");
  await logged(pair, "lvs2", `gate: uplink is unknown: ${reason}`);
  // It is ended as one that hangs, and another one is started.
  await untilGate(pair, "lvs2", "uplink", "passing");
  const [next = 0] = balancersOf(pair, "lvs2");
  expect(next).not.toBe(hanging);
  pair.router("lvs2").log.length = 0;
  process.kill(next, "SIGKILL");
  await logged(pair, "lvs2", `gate: uplink is unknown: ${reason}`);
  await logged(pair, "lvs2", "gate: uplink passes");
  await untilGate(pair, "lvs2", "uplink", "passing");
  expect((await pair.router("lvs2").status())?.router.role).toBe("standby");
});

test("there is a balancer for gates alone, none without any, and it leaves IPVS alone", async () => {
  await using pair = await startPair(UPLINK);
  await untilGate(pair, "lvs1", "uplink", "passing");
  const counts = () => (["lvs1", "lvs2"] as const).map((name) => balancersOf(pair, name).length);
  expect(counts()).toEqual([1, 1]);
  const before = pair.config;
  await pair.reload(before.replace(UPLINK, ""));
  await pair.until("no balancer is left", () => counts().every((count) => count === 0));
  expect((await pair.router("lvs1").status())?.gates).toEqual([]);
  await pair.reload(before.replace(UPLINK, `${UPLINK}\n${ACTIVE_ONLY}`));
  await untilGate(pair, "lvs1", "uplink", "passing");
  // The new balancer knows that this router is active.
  await untilGate(pair, "lvs1", "proxy", "failing");
  expect(counts()).toEqual([1, 1]);
  // This kernel has no IPVS: whoever asked for it would have said so.
  expect(pair.routers.flatMap(({ log }) => log.filter((line) => /ipvs/i.test(line)))).toEqual([]);
});
