/** In which order the kernel thread works, and storms of reloads, which must not keep it from its leases. */
import { beforeAll, expect, test } from "bun:test";
import { KernelThread } from "../../src/daemon/kernel-thread/kernel-thread.ts";
import type { KernelWork } from "../../src/daemon/kernel-thread/kernel-thread-protocol.ts";
import { requireLab } from "../support/lab.ts";
import { prefixOf } from "../support/must.ts";
import { expectNothingLost, VipPair } from "./support/vip-pair.ts";

beforeAll(requireLab);

const VIP = { prefix: prefixOf("203.0.113.10/24"), interface: "none0" };

test("changes go before readings that wait, in their own order, and readings of a kind are made once for all", async () => {
  const thread = new KernelThread((reason) => {
    throw new Error(reason);
  });
  const answered: string[] = [];
  const surveys = new Set<number>();
  const waiting: Promise<void>[] = [];
  const ask = (name: string, work: KernelWork) =>
    waiting.push(
      new Promise((resolve) =>
        thread.request(work, ({ id }) => {
          answered.push(name);
          if (work.kind === "survey") surveys.add(id);
          resolve();
        }),
      ),
    );
  for (let turn = 0; turn < 100; turn += 1) ask("survey", { kind: "survey" });
  ask("routes", { kind: "routes" });
  ask("prepare", { kind: "prepare", vips: [VIP] });
  for (let turn = 0; turn < 3; turn += 1) {
    ask(`lease ${turn}`, { kind: "lease", vips: [VIP], validSeconds: 3 });
    ask(`drop ${turn}`, { kind: "drop", vips: [VIP] });
  }
  expect(thread.waitingCount).toBe(1 + 6 + 3);
  await Promise.all(waiting);
  expect(answered).toEqual([
    "survey",
    ...[0, 1, 2].flatMap((turn) => [`lease ${turn}`, `drop ${turn}`]),
    "prepare",
    ...Array.from({ length: 99 }, () => "survey"),
    "routes",
  ]);
  expect([surveys.size, thread.waitingCount]).toEqual([2, 0]);
  thread.close();
});

test.each(["with the same file", "with another file each time"])(
  "a hundred SIGHUPs a second at the active, %s: it stays active, and the last file counts",
  async (how) => {
    await using pair = await VipPair.start();
    const active = pair.router("lvs1");
    const { config } = pair;
    const reloads = () => active.log.filter((line) => line.includes("is in force")).length;
    const watched = await pair.watch(`a storm of reloads, ${how}`, async () => {
      // For longer than a lease and the silence after which the peer would act.
      for (let turn = 0; turn < 500; turn += 1) {
        if (how !== "with the same file") await Bun.write(pair.lab.pair.configPath, `${config}\n# ${turn}\n`);
        active.signal("SIGHUP");
        await Bun.sleep(10);
      }
      await Bun.write(pair.lab.pair.configPath, `${config}\n[log]\nformat = "json"\n`);
      active.signal("SIGHUP");
      await pair.until("the last file is in force", () => active.log.at(-1)?.startsWith("{") === true);
      await pair.settled("lvs1");
    });
    expect(VipPair.ownersOf(watched)).toEqual([["lvs1"]]);
    expectNothingLost(watched);
    expect(reloads()).toBeGreaterThan(0);
    expect((await active.status())?.transitions).toHaveLength(1);
  },
);
