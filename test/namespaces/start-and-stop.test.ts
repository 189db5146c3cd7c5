/** What a router finds when it starts, and what it leaves when it ends: its addresses, its socket, the kernel's settings. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serviceText } from "../lab/parts/pair-config.ts";
import type { RouterProcess } from "../lab/parts/router-process.ts";
import { ROUTERS, serverAddress } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";
import { LOADED_MS, VipPair } from "./support/vip-pair.ts";

beforeAll(requireLab);

const FORWARD = "/proc/sys/net/ipv4/ip_forward";
const NAT = serviceText({
  name: "web",
  listen: "tcp://203.0.113.10:80",
  scheduler: "rr",
  servers: [{ address: `${serverAddress("web1")}:80`, forward: "nat" }],
});

async function stop(router: RouterProcess): Promise<void> {
  router.signal("SIGTERM");
  expect(await router.awaitEnd(LOADED_MS)).toBe(0);
}

describe("the kernel's settings", () => {
  test("are the administrator's after an orderly stop, also where a router was killed, and stay so", async () => {
    await using pair = await VipPair.prepare({ services: [NAT] });
    const lvs1 = pair.router("lvs1");
    const forwards = () => pair.lab.topology.on("lvs1", () => readFileSync(FORWARD, "utf8").trim());
    const set = (value: string) => pair.lab.topology.on("lvs1", () => writeFileSync(FORWARD, value));
    const recorded = () =>
      JSON.parse(readFileSync(join(lvs1.stateDirectory, "sysctls.json"), "utf8")) as { readonly settings: unknown };
    set("0");
    for (const end of ["SIGKILL", "SIGTERM"] as const) {
      lvs1.start();
      await pair.until("it answers", async () => (await lvs1.status()) !== undefined);
      await pair.until("it forwards", () => forwards() === "1");
      expect(recorded().settings).toContainEqual({ path: "net/ipv4/ip_forward", previous: "0", ours: "1" });
      if (end === "SIGTERM") await stop(lvs1);
      else await lvs1.end();
    }
    expect([forwards(), recorded().settings]).toEqual(["0", []]);
    set("1");
    lvs1.start();
    await pair.until("it answers", async () => (await lvs1.status()) !== undefined);
    await stop(lvs1);
    expect([forwards(), recorded().settings]).toEqual(["1", []]);
  });
});

describe("a router that has none of its addresses", () => {
  test("says so once and waits for one, and ends when it is told to", async () => {
    await using pair = await VipPair.prepare();
    const lvs1 = pair.router("lvs1");
    const [{ public: own }] = ROUTERS;
    for (const name of ["eth0", "eth1"]) {
      pair.lab.topology.run("lvs1", ["ip", "address", "flush", "dev", name, "scope", "global"]);
    }
    const waits = () => lvs1.log.filter((line) => line.includes("waits for one of its addresses")).length;
    for (const isStopped of [true, false]) {
      const before = waits();
      lvs1.start({ knowsNotWhich: true });
      await pair.until("it waits", () => waits() > before);
      if (isStopped) await stop(lvs1);
    }
    pair.lab.topology.run("lvs1", ["ip", "address", "add", `${own}/24`, "dev", "eth0"]);
    await pair.until("it runs", async () => (await lvs1.status())?.router.name === "lvs1");
    expect(waits()).toBe(2);
  });
});

test("a runtime directory that somebody sweeps gets its socket back", async () => {
  await using pair = await VipPair.prepare();
  const lvs1 = pair.router("lvs1");
  lvs1.start();
  await pair.owned("lvs1");
  for (const swept of [join(lvs1.runtimeDirectory, "control.sock"), lvs1.runtimeDirectory]) {
    rmSync(swept, { recursive: true });
    await pair.until("it answers again", async () => (await lvs1.status()) !== undefined);
  }
});
