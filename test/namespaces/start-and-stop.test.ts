/** What a router finds when it starts, and what it leaves when it ends: its addresses, its socket, the kernel's settings. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { askDaemon } from "../../src/daemon/control/control-client.ts";
import type { StatusReport } from "../../src/daemon/status/status-report.ts";
import { serviceText } from "../lab/parts/pair-config.ts";
import type { RouterProcess } from "../lab/parts/router-process.ts";
import { ROUTERS, serverAddress } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";
import { LOADED_MS, VipPair } from "./support/vip-pair.ts";

beforeAll(requireLab);

/** Of a network of its own, whose first address it is. */
const FOREIGN_VIP = '[[vip]]\naddress = "198.51.100.10/24"\ninterface = "eth0"\n';
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

/** The process id of the daemon that answers there. */
async function answeringProcess(runtimeDirectory: string): Promise<number | undefined> {
  const status = await askDaemon(runtimeDirectory, { command: "status" }).catch(() => undefined);
  return (status as StatusReport | undefined)?.router.pid;
}

describe("the kernel's settings", () => {
  test.each([
    ["net/ipv4/ip_forward", { services: [NAT] }],
    ["net/ipv4/conf/eth0/promote_secondaries", { more: [FOREIGN_VIP] }],
  ])(
    "%s is the administrator's after an orderly stop, also where a router was killed, and stays so",
    async (path, config) => {
      await using pair = await VipPair.prepare(config);
      const lvs1 = pair.router("lvs1");
      const file = `/proc/sys/${path}`;
      const value = () => pair.lab.topology.on("lvs1", () => readFileSync(file, "utf8").trim());
      const set = (text: string, name = file) => pair.lab.topology.on("lvs1", () => writeFileSync(name, text));
      const recorded = () =>
        JSON.parse(readFileSync(join(lvs1.stateDirectory, "sysctls.json"), "utf8")) as { readonly settings: unknown };
      set("0", "/proc/sys/net/ipv4/conf/all/promote_secondaries");
      set("0");
      for (const end of ["SIGKILL", "SIGTERM"] as const) {
        lvs1.start();
        await pair.until("it answers", async () => (await lvs1.status()) !== undefined);
        await pair.until("it is set", () => value() === "1");
        expect(recorded().settings).toContainEqual({ path, previous: "0", ours: "1" });
        if (end === "SIGTERM") await stop(lvs1);
        else await lvs1.end();
      }
      expect([value(), recorded().settings]).toEqual(["0", []]);
      set("1");
      lvs1.start();
      await pair.until("it answers", async () => (await lvs1.status()) !== undefined);
      await stop(lvs1);
      expect([value(), recorded().settings]).toEqual(["1", []]);
    },
  );
});

describe("a router that is killed", () => {
  const MAIN = join(import.meta.dir, "../../src/main.ts");
  const FAULT = join(import.meta.dir, "../support/kill-fault.ts");
  const SETTINGS = ["ip_forward", "conf/all/send_redirects", "conf/eth0/send_redirects", "conf/eth1/send_redirects"];

  test("at any step with a setting or the disk has the next one give back what the administrator had", async () => {
    await using pair = await VipPair.prepare({ services: [NAT] });
    const { lab } = pair;
    const lvs1 = pair.router("lvs1");
    const values = () =>
      lab.topology.on("lvs1", () => SETTINGS.map((name) => readFileSync(`/proc/sys/net/ipv4/${name}`, "utf8").trim()));
    const before = values();
    const directories = ["--runtime-dir", lvs1.runtimeDirectory, "--state-dir", lvs1.stateDirectory];
    const words = ["run", "--config", lab.pair.configPath, "--router", "primary", ...directories];
    /** From a start to the end of an orderly stop, or to the step at which it is killed. */
    const live = async (program: readonly string[], killedAt?: number) => {
      const inNamespace = ["ip", "netns", "exec", lab.topology.namespace("lvs1")];
      const env = { ...process.env, ...(killedAt === undefined ? {} : { KILL_AT_STEP: String(killedAt) }) };
      await using life = Bun.spawn([...inNamespace, ...program, ...words], { env, stderr: "pipe" });
      const logged = new Response(life.stderr).text();
      const isOver = () => life.exitCode !== null || life.signalCode !== null;
      const isRunning = async () => (await answeringProcess(lvs1.runtimeDirectory)) === life.pid && values()[0] === "1";
      await pair.until("it is set", async () => isOver() || (await isRunning()));
      life.kill("SIGTERM");
      await life.exited;
      // What it said of a failure is in the test's.
      return life.signalCode ?? (life.exitCode === 0 ? 0 : await logged);
    };
    let killedAt = 0;
    let outcome: Awaited<ReturnType<typeof live>> = "SIGKILL";
    while (outcome === "SIGKILL") {
      killedAt += 1;
      outcome = await live([process.execPath, "--preload", FAULT, MAIN], killedAt);
      expect([killedAt, await live([lvs1.binary])]).toEqual([killedAt, 0]);
      expect([killedAt, values()]).toEqual([killedAt, before]);
    }
    expect(outcome).toBe(0);
    // Four settings there and back, each before and after, and the writing of files.
    expect(killedAt).toBeGreaterThan(20);
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
      await pair.until("every command is told so", async () => {
        const { stderr, exitCode } = await lvs1.tandem("status");
        return exitCode === 3 && stderr.includes("the daemon waits for one of its addresses: this machine has no");
      });
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
