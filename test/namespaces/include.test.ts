/** A VIP of an included file, which comes and goes with reloads of a running pair. */
import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { requireLab } from "../support/lab.ts";
import { VipPair } from "./support/vip-pair.ts";

beforeAll(requireLab);

const ADDED = "203.0.113.40";

test("a reload notices an included file that comes, is wrong, and goes", async () => {
  await using pair = await VipPair.prepare();
  const { configPath } = pair.lab.pair;
  const included = join(dirname(configPath), "conf.d", "more.toml");
  mkdirSync(dirname(included));
  writeFileSync(configPath, `include = ["conf.d/*.toml"]\n${pair.config}`);
  const main = pair.config;
  using owners = pair.lab.sampleOwners(3, [ADDED]);
  for (const router of pair.routers) router.start();
  await pair.settled("lvs1");
  expect(owners.owners(ADDED)).toEqual([]);
  writeFileSync(included, `[[vip]]\naddress = "${ADDED}/24"\ninterface = "eth0"\n`);
  await pair.reload(main);
  await pair.until("lvs1 has the VIP of the included file", () => owners.owners(ADDED).join() === "lvs1");
  expect((await pair.router("lvs2").status())?.peer.sameConfig).toBe(true);
  writeFileSync(included, '[log]\nlevel = "info"\n');
  await pair.reload(main, `${included}:1:1`);
  expect(owners.owners(ADDED)).toEqual(["lvs1"]);
  rmSync(included);
  await pair.reload(main);
  await pair.until("nobody has it", () => owners.owners(ADDED).length === 0);
});
