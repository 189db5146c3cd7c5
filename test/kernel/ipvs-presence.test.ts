/** A router loads IPVS itself, serves as soon as it is there, and its heartbeats go on while it is not. */
import { afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { hasIpvs, hasIpvsTrace, loadIpvs } from "../../src/kernel/ipvs/ipvs-module.ts";
import { PATIENT_PAIR, pairConfig, serviceText } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { request } from "../lab/parts/requests.ts";
import { requireLab, run } from "../support/lab.ts";

beforeAll(requireLab);

const LIMIT_MS = 60_000;
const LOADER = "/proc/sys/kernel/modprobe";
const modprobe = readFileSync(LOADER, "utf8").trim();

function ipvsModules(): string[] {
  const names = readFileSync("/proc/modules", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "");
  // Those that use it come first.
  return names.filter((name) => name.startsWith("ip_vs")).toSorted((a, b) => b.length - a.length);
}

/** What the tests before this file have may still be going. */
function unload(): void {
  for (let attempt = 0; existsSync("/proc/net/ip_vs"); attempt += 1) {
    const { exitCode, stderr } = Bun.spawnSync(["rmmod", ...ipvsModules()], { stderr: "pipe" });
    if (exitCode !== 0 && attempt > 500) throw new Error(stderr.toString());
    if (exitCode !== 0) Bun.sleepSync(20);
  }
}

let loaded: string[] = [];
beforeEach(() => {
  loaded = ipvsModules();
  unload();
});
afterEach(() => {
  writeFileSync(LOADER, modprobe);
  run(modprobe, "-a", ...loaded);
});

const CONFIG = pairConfig({
  pair: PATIENT_PAIR,
  services: [
    serviceText({
      name: "web",
      listen: "tcp://203.0.113.10:80",
      scheduler: "rr",
      servers: [{ address: "10.0.0.11:80" }],
    }),
  ],
  more: ['[timeouts]\ntcp = "800s"\n'],
});

async function served(lab: PairLab): Promise<void> {
  const [router] = lab.pair.routers;
  await lab.until("lvs1 active", LIMIT_MS, async () => (await router.status())?.router.role === "active");
  await lab.until("the service is there", LIMIT_MS, () => lab.topology.run("lvs1", ["ipvsadm", "-Sn"]).includes("-r"));
  expect(await request(lab.topology, { address: "203.0.113.10", port: 80 })).toMatchObject({ server: "web1" });
  // What was asked for before IPVS was there is in force as well.
  expect(lab.topology.run("lvs1", ["ipvsadm", "-L", "--timeout"])).toContain("800 120 300");
  expect(lab.topology.run("lvs1", ["sysctl", "-n", "net.ipv4.vs.expire_nodest_conn"])).toBe("1\n");
}

test("loadIpvs() loads it as the kernel would, and says why where that does not help", () => {
  expect([hasIpvs(), hasIpvsTrace()]).toEqual([false, false]);
  for (const [program, reason] of [
    ["", "it is not loaded, and /proc/sys/kernel/modprobe names no program that would load it"],
    ["/bin/false", "`/bin/false -q -- ip_vs` ended with exit code 1"],
    ["/bin/true", "`/bin/true -q -- ip_vs` succeeded without making it available"],
  ] as const) {
    writeFileSync(LOADER, `${program}\n`);
    expect(loadIpvs()).toBe(reason);
  }
  writeFileSync(LOADER, modprobe);
  expect(loadIpvs()).toBeUndefined();
  expect([hasIpvs(), hasIpvsTrace()]).toEqual([true, true]);
  // What its program says counts for nothing where it is there.
  writeFileSync(LOADER, "/bin/false\n");
  expect(loadIpvs()).toBeUndefined();
});

test("a router loads IPVS at its start and serves", async () => {
  await using lab = await PairLab.prepare(CONFIG, { servers: 1 });
  lab.pair.routers[0].start();
  await served(lab);
});

test("heartbeats go on while what loads IPVS hangs; somebody loads it, and the router serves", async () => {
  const hanging = "/run/hanging-modprobe";
  writeFileSync(hanging, "#!/bin/sh\nexec sleep 1000\n", { mode: 0o755 });
  writeFileSync(LOADER, hanging);
  await using lab = await PairLab.prepare(CONFIG, { servers: 1 });
  const [first, second] = lab.pair.routers;
  first.start();
  second.start();
  await lab.until("the routers hear each other, and say what is missing", LIMIT_MS, async () => {
    const [one, two] = await Promise.all([first.status(), second.status()]);
    const says = one?.warnings.some((text) => text.startsWith("the kernel has no IPVS, so nothing is balanced here: "));
    return says === true && one?.peer.alive === true && two?.peer.alive === true;
  });
  await second.end();
  writeFileSync(LOADER, modprobe);
  run(modprobe, "-a", ...loaded);
  await served(lab);
});
