import { beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { pairConfig, serviceText } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { PUBLIC_VIP, serverAddress } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";

beforeAll(requireLab);

const NAP = "987.5";
const LIMIT_MS = 40_000;

/** The processes that take this nap. */
function nappers(): number[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
      return words[0]?.endsWith("sleep") === true && words[1] === NAP ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

function parentOf(id: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1]);
}

test("a balancer that is killed leaves a check's program without a limit; the next one ends it", async () => {
  const servers = [{ address: `${serverAddress("web1")}:80` }];
  const check = ['kind = "external"', `command = ["/bin/sleep", "${NAP}"]`, 'interval = "10m"', 'timeout = "10m"'];
  const listen = `tcp://${PUBLIC_VIP}:80`;
  const service = serviceText({ name: "web", listen, scheduler: "rr", servers, check });
  await using lab = await PairLab.prepare(pairConfig({ services: [service] }), { servers: 1 });
  lab.pair.router("lvs1").start();
  // The first attempt comes soon after the start, whatever the interval.
  await lab.until("the program runs", LIMIT_MS, () => nappers().length === 1);
  const [program = 0] = nappers();
  process.kill(parentOf(program), "SIGKILL");
  await lab.until("the program is gone", LIMIT_MS, () => !existsSync(`/proc/${program}`));
  expect(nappers()).not.toContain(program);
});
