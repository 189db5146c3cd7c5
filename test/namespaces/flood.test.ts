/** A flood of forged heartbeats from the peer's own address, right in all but the signature: nothing moves. */
import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { parseConfig } from "../../src/config/parse.ts";
import { pairIdOfConfig } from "../../src/daemon/network/router-network.ts";
import type { RouterName } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";
import { VipPair } from "./support/vip-pair.ts";

beforeAll(requireLab);

const RATE = 50_000;
const SECONDS = 4;

function pairIdOf(pair: VipPair): string {
  const parsed = parseConfig(pair.config);
  if (!parsed.ok) throw new Error("the lab's configuration is wrong");
  return pairIdOfConfig(parsed.config);
}

/** Floods the public path of a router from the other one's address. @returns how many packets were sent. */
async function flood(pair: VipPair, to: RouterName): Promise<number> {
  const from = to === "lvs1" ? "lvs2" : "lvs1";
  const address = { lvs1: "203.0.113.2", lvs2: "203.0.113.3" };
  const words = [address[from], address[to], "5390", pairIdOf(pair), RATE, SECONDS].map(String);
  const script = join(import.meta.dir, "support/flood-fixture.ts");
  const sender = pair.lab.topology.on(from, () => Bun.spawn([process.execPath, script, ...words], { stdout: "pipe" }));
  return Number(await new Response(sender.stdout).text());
}

test.each(["lvs2", "lvs1"] as const)("fifty thousand forged heartbeats a second at %s move nothing", async (target) => {
  await using pair = await VipPair.start();
  const before = (await pair.router(target).status())?.transitions.length;
  const sent = await flood(pair, target);
  const status = await pair.router(target).status();
  const refused = status?.paths.find(({ path }) => path === "public")?.refused ?? {};
  expect({ transitions: status?.transitions.length, alive: status?.peer.alive }).toEqual({
    transitions: before,
    alive: true,
  });
  // The kernel drops what nobody read in time; what came in was counted, by its name.
  expect(refused["bad-mac"] ?? 0).toBeGreaterThan(sent / 10);
});
