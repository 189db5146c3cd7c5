/** What `tandem check list` tells of a running daemon, and what the hooks hear, while real servers die and return. */
import { beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENT_CHECK, pairConfig } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { serverAddress } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";

beforeAll(requireLab);

interface Listed {
  readonly target: string;
  readonly state: string;
  readonly verdict: string;
  readonly drained: boolean;
  readonly reason: string;
  readonly forMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly changes: readonly { readonly to: string; readonly agoMs: number; readonly reason: string }[];
}

const NAMES = ["web1", "web2", "web3"] as const;
const LIMIT_MS = 60_000;

/** One router alone: its peer is not needed for checks. The hooks write what they hear to a file. */
async function startRouter() {
  const heard = join(mkdtempSync(join(tmpdir(), "tandem-heard-")), "hooks");
  const hook = (words: string) => `["/bin/sh", "-c", "echo ${words} >> ${heard}"]`;
  const service = [
    '[[service]]\nname = "web"\nlisten = "tcp://203.0.113.10:80"\nscheduler = "rr"\nquorum = 3',
    ["[service.check]", ...PATIENT_CHECK].join("\n"),
    // Without a port: it is the service's.
    ...NAMES.map((name) => `[[service.real]]\naddress = "${serverAddress(name)}"`),
  ].join("\n");
  const hooks = [
    "[hooks]",
    `verdict = ${hook("$TANDEM_SERVER $TANDEM_FROM $TANDEM_VERDICT")}`,
    `quorum = ${hook("$TANDEM_SERVICE quorum $TANDEM_QUORUM")}`,
  ].join("\n");
  const lab = await PairLab.prepare(pairConfig({ services: [service], more: [hooks] }));
  const router = lab.pair.router("lvs1");
  router.start();
  const words = ["--config", lab.pair.configPath, "--runtime-dir", router.runtimeDirectory];
  const list = async (): Promise<readonly Listed[]> => {
    const { stdout } = await router.tandem("check", "list", "--json", ...words);
    const { checks } = JSON.parse(stdout) as { readonly checks: readonly Listed[] };
    return checks;
  };
  return { lab, router, list, words, heard: () => (existsSync(heard) ? readFileSync(heard, "utf8") : "") };
}

test("tandem check list and the hooks follow a server that dies, and one that is drained", async () => {
  const { lab, router, list, words, heard } = await startRouter();
  await using _ = lab;
  const until = async (what: string, holds: (checks: readonly Listed[]) => boolean): Promise<readonly Listed[]> => {
    let checks: readonly Listed[] = [];
    await lab.until(what, LIMIT_MS, async () => {
      checks = await list();
      return checks.length === NAMES.length && holds(checks);
    });
    return checks;
  };

  const all = await until("every server up", (checks) => checks.every(({ state }) => state === "up"));
  for (const { reason, p50Ms, p99Ms, changes } of all) {
    expect(reason).toContain('got "HTTP/1.0 200"');
    expect(p50Ms).toBeGreaterThan(0);
    expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
    expect(changes.map(({ to }) => to)).toEqual(["up"]);
  }

  lab.server("web1").behave("refuse");
  const [dead, alive] = await until("web1 down", ([first]) => first?.state === "down");
  expect(dead?.reason).toBe("refused (ECONNREFUSED)");
  expect(dead?.changes.map(({ to }) => to)).toEqual(["down", "up"]);
  expect(dead?.forMs).toBeLessThan(alive?.forMs ?? 0);

  const before = (await list())[1];
  await router.tandem("real", "drain", "tcp://203.0.113.10:80", `${serverAddress("web2")}:80`);
  const drained = (await until("web2 drained", (checks) => checks[1]?.drained === true))[1];
  expect([drained?.state, drained?.verdict]).toEqual(["drained", "up"]);
  // The verdict holds on, and so does the time that it is counted from.
  expect(drained?.forMs).toBeGreaterThan(before?.forMs ?? Number.POSITIVE_INFINITY);
  const { stdout } = await router.tandem("check", "list", ...words);
  expect(stdout.split("\n")[2]).toContain("up, drained");

  lab.server("web1").behave("answer");
  const back = await until("web1 up again", ([first]) => first?.state === "up");
  expect(back[0]?.changes.map(({ to }) => to)).toEqual(["up", "down", "up"]);
  await lab.until("the hooks have run", LIMIT_MS, () => heard().includes("regained"));
  const first = `${serverAddress("web1")}:80`;
  const lines = heard().trim().split("\n");
  expect(lines.filter((line) => line.startsWith(first))).toEqual([
    `${first} unknown up`,
    `${first} up down`,
    `${first} down up`,
  ]);
  expect(lines.filter((line) => line.includes("quorum"))).toEqual(["web quorum lost", "web quorum regained"]);
});
