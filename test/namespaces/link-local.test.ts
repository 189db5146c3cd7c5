/** A link-local VIP of IPv6, as hosts have it for their gateway, beside ordinary ones. */
import { beforeAll, expect, test } from "bun:test";
import { requireLab } from "../support/lab.ts";
import { VipPair } from "./support/vip-pair.ts";

beforeAll(requireLab);

const GATEWAY_VIP = "fe80::10";
const VIP = `[[vip]]\naddress = "${GATEWAY_VIP}/64"\ninterface = "eth0"\n`;

test("a link-local VIP moves with the others: by a switch, and when its router dies", async () => {
  await using pair = await VipPair.prepare({ more: [VIP] });
  using owners = pair.lab.sampleOwners(3, [GATEWAY_VIP]);
  for (const router of pair.routers) router.start();
  await pair.settled("lvs1");
  expect(owners.owners(GATEWAY_VIP)).toEqual(["lvs1"]);
  expect(await pair.router("lvs1").tandem("failover", "switch")).toMatchObject({ exitCode: 0 });
  await pair.settled("lvs2");
  await pair.until("lvs2 has it", () => owners.owners(GATEWAY_VIP).join() === "lvs2");
  const listed = await pair.router("lvs2").tandem("vip", "list");
  expect(listed.stdout).toContain(GATEWAY_VIP);
  pair.router("lvs2").signal("SIGKILL");
  await pair.owned("lvs1");
  await pair.until("lvs1 has it", () => owners.owners(GATEWAY_VIP).join() === "lvs1");
});
