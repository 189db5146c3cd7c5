/** A lost path is shown, and never a failover by itself (design, rule 1 of failover). */
import { beforeAll, expect, test } from "bun:test";
import { PRIVATE_VIP, PUBLIC_VIP } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";
import { LOADED_MS, VipPair } from "./support/vip-pair.ts";

beforeAll(requireLab);

test.each([
  ["private", "eth1"],
  ["public", "eth0"],
] as const)("the %s path alone is lost at the standby: it is shown as down, and the VIPs stay", async (path, cable) => {
  await using pair = await VipPair.start();
  const isUp = async () => {
    const status = await pair.router("lvs1").status();
    return status?.paths.find((one) => one.path === path)?.up;
  };
  await pair.lab.until(`the ${path} path is up`, LOADED_MS, async () => (await isUp()) === true);
  pair.lab.topology.unplug("lvs2", cable);
  await pair.lab.until(`the ${path} path is down`, LOADED_MS, async () => (await isUp()) === false);
  const { changes, twoOwnersMs } = pair.owners.report();
  const never = { [PUBLIC_VIP]: 0, [PRIVATE_VIP]: 0 };
  expect(twoOwnersMs).toEqual(never);
  for (const vip of [PUBLIC_VIP, PRIVATE_VIP]) expect(changes[vip]?.at(-1)?.owners).toEqual(["lvs1"]);
  // Nobody had them only until lvs1 took them at the start.
  for (const vip of [PUBLIC_VIP, PRIVATE_VIP]) expect(changes[vip]).toHaveLength(2);
});
