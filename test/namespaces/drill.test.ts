/** `tandem failover drill` on a pair that only moves VIPs. */
import { beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PRIVATE_VIP, PUBLIC_VIP, type RouterName } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";
import { VipPair } from "./support/vip-pair.ts";

beforeAll(requireLab);

function drill(pair: VipPair, router: RouterName, ...words: readonly string[]) {
  const config = ["--config", pair.lab.pair.configPath];
  return pair.router(router).tandem("failover", "drill", "--pause", "200ms", ...config, ...words);
}

test("there and back at either router: the VIPs are where they were, every echo is counted, the picture is there", async () => {
  await using pair = await VipPair.start();
  const folder = mkdtempSync(join(tmpdir(), "tandem-drill-"));
  try {
    for (const router of ["lvs1", "lvs2"] as const) {
      const svg = join(folder, `${router}.svg`);
      // How long a gap may be on a busy machine is none of this test's concern.
      const { exitCode, stdout } = await drill(pair, router, "--json", "--max-gap", "1m", "--svg", svg);
      const said = JSON.parse(stdout);
      expect(said).toMatchObject({
        dryRun: false,
        good: true,
        switches: [
          { from: "lvs1", to: "lvs2" },
          { from: "lvs2", to: "lvs1" },
        ],
        streams: [
          { target: PUBLIC_VIP, kind: "echo", lost: 0 },
          { target: PRIVATE_VIP, kind: "echo", lost: 0 },
        ],
        skipped: [],
      });
      expect(said.streams.map((stream: { sent: number }) => stream.sent > 0)).toEqual([true, true]);
      expect(exitCode).toBe(0);
      expect(readFileSync(svg, "utf8")).toContain(`>${PUBLIC_VIP}</text>`);
      await pair.settled("lvs1");
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a fail-back that was to come is said to be ended, by either router as far as it can tell", async () => {
  await using pair = await VipPair.prepare({ pair: ['failback_after = "1h"'] });
  pair.router("lvs2").start();
  await pair.owned("lvs2");
  pair.router("lvs1").start();
  await pair.settled("lvs2");
  await pair.until("lvs1 is ready", async () => (await pair.router("lvs2").status())?.router.failback === "pending");
  const words = ["--json", "--max-gap", "1m"];
  const first = await drill(pair, "lvs2", ...words);
  expect(first.stderr).toContain("the VIPs were to go back to lvs1 by themselves");
  expect(JSON.parse(first.stdout)).toMatchObject({ good: true, endedFailback: true });
  await pair.settled("lvs2");
  const second = await drill(pair, "lvs2", ...words);
  expect(second.stderr).not.toContain("by themselves");
  expect(JSON.parse(second.stdout)).toMatchObject({ endedFailback: false });
});

test("without a peer there is no drill, and the state says so", async () => {
  await using pair = await VipPair.prepare();
  pair.router("lvs1").start();
  await pair.owned("lvs1");
  await pair.until("lvs1 answers", async () => (await pair.router("lvs1").status())?.router.role === "active");
  const { exitCode, stdout, stderr } = await drill(pair, "lvs1");
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
  expect(stderr).toContain("that needs one active router and a peer that is heard");
  expect(pair.owners.owners(PUBLIC_VIP)).toEqual(["lvs1"]);
});
