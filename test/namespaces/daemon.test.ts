/** The daemon of the active is killed, stopped, restarted and told to end; the kernels say what becomes of the VIPs. */
import { beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PUBLIC_VIP } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";
import {
  atOnceMs,
  expectNeverTwo,
  expectNothingLost,
  LOADED_MS,
  STOP_MS,
  TAKEOVER_MS,
  VipPair,
} from "./support/vip-pair.ts";

beforeAll(requireLab);

test("SIGKILL: the VIPs end with their lease, and the standby takes them", async () => {
  await using pair = await VipPair.start();
  const watched = await pair.watch("SIGKILL of the active", async () => {
    pair.router("lvs1").signal("SIGKILL");
    await pair.owned("lvs2");
  });
  expectNeverTwo(watched);
  for (const ms of Object.values(watched.owners.noOwnerMs)) expect(ms).toBeLessThan(TAKEOVER_MS + atOnceMs(watched));
});

test.each(["SIGUSR1", "SIGUSR2"] as const)(
  "%s writes the state to the log, and nothing else happens",
  async (signal) => {
    await using pair = await VipPair.start();
    const [router] = pair.routers;
    if (router === undefined) throw new Error("no router");
    await pair.said("lvs1 is active", [router], () => router.signal(signal));
    expect((await router.status())?.router.role).toBe("active");
  },
);

test("a second daemon beside one that runs is refused, whatever directories it has, and touches nothing", async () => {
  await using pair = await VipPair.start();
  const router = pair.router("lvs1");
  const folder = mkdtempSync(join(tmpdir(), "tandem-second-"));
  try {
    const directories = ["--runtime-dir", join(folder, "run"), "--state-dir", join(folder, "state")];
    const { configPath } = pair.lab.pair;
    const second = await router.tandem("run", "--config", configPath, "--router", "primary", ...directories);
    expect(second.stderr).toContain("cannot start: another program has UDP port");
    expect(second.stderr).toContain("it may be another tandem");
    expect(second.exitCode).toBe(1);
    expect((await router.status())?.router.role).toBe("active");
    expect(router.log.join("\n")).not.toContain("somebody");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("heartbeat ping asks the daemon that runs here for the round trips of its heartbeats", async () => {
  await using pair = await VipPair.start();
  await pair.until("both paths have a round trip", async () => {
    const status = await pair.router("lvs1").status();
    return status?.paths.every(({ roundTripMs }) => roundTripMs !== null) === true;
  });
  const ping = () => pair.router("lvs1").tandem("heartbeat", "ping", "--count", "2", "--json");
  const { stdout, exitCode } = await ping();
  const { paths } = JSON.parse(stdout);
  expect(paths).toEqual(
    ["public", "private"].map((path) => ({
      ...{ path, sent: 2, answered: 2 },
      ...{ minMs: expect.any(Number), meanMs: expect.any(Number), maxMs: expect.any(Number) },
      ...{ p50Ms: expect.any(Number), p99Ms: expect.any(Number) },
    })),
  );
  expect(exitCode).toBe(0);
  pair.router("lvs2").signal("SIGKILL");
  await pair.until("lvs2 is silent", async () => (await pair.router("lvs1").status())?.peer.alive === false);
  expect((await ping()).exitCode).toBe(3);
});

test("SIGSTOP: the same; after SIGCONT there is still one owner", async () => {
  await using pair = await VipPair.start();
  const watched = await pair.watch("SIGSTOP of the active", async () => {
    pair.router("lvs1").signal("SIGSTOP");
    await pair.owned("lvs2");
    pair.router("lvs1").signal("SIGCONT");
    await pair.settled("lvs2");
  });
  expectNeverTwo(watched);
});

test("a daemon that is killed and restarted adopts its VIPs without an interruption", async () => {
  // A lease that outlasts the restart on a busy machine, and a peer that does not act before it.
  await using pair = await VipPair.start({ pair: ['lease = "8s"', 'dead_after = "4s"', 'failback = "manual"'] });
  const watched = await pair.watch("SIGKILL and restart of the active", async () => {
    await pair.router("lvs1").end();
    pair.router("lvs1").start();
    await pair.settled("lvs1");
  });
  expect(VipPair.ownersOf(watched)).toEqual([["lvs1"]]);
  const [last] = (await pair.router("lvs1").status())?.transitions ?? [];
  expect(last?.chain.map((cause) => cause.what)).toContain("2 VIPs of an earlier process are in the kernel");
});

test('`stop = "keep"` leaves the VIPs for the daemon that comes next', async () => {
  await using pair = await VipPair.prepare({ pair: ['stop = "keep"'] });
  pair.router("lvs1").start();
  await pair.owned("lvs1");
  const watched = await pair.watch('SIGTERM under stop = "keep", then start', async () => {
    pair.router("lvs1").signal("SIGTERM");
    expect(await pair.router("lvs1").awaitEnd(LOADED_MS)).toBe(0);
    pair.router("lvs1").start();
    await pair.until("lvs1 is active", async () => (await pair.router("lvs1").status())?.router.role === "active");
  });
  expect(VipPair.ownersOf(watched)).toEqual([["lvs1"]]);
  expectNothingLost(watched);
});

test("the last router that is told to stop ends at once, whether its peer left or died long ago", async () => {
  await using pair = await VipPair.start();
  pair.router("lvs2").signal("SIGTERM");
  expect(await pair.router("lvs2").awaitEnd(LOADED_MS)).toBe(0);
  const leftMs = await pair.timeToEnd("lvs1");
  pair.router("lvs1").start();
  await pair.owned("lvs1");
  pair.router("lvs2").start();
  await pair.settled("lvs1");
  pair.router("lvs2").signal("SIGKILL");
  await pair.until("lvs2 is silent", async () => (await pair.router("lvs1").status())?.peer.alive === false);
  const diedMs = await pair.timeToEnd("lvs1");
  expect(Math.max(leftMs, diedMs)).toBeLessThan(STOP_MS);
  expect(pair.owners.owners(PUBLIC_VIP)).toEqual([]);
});

test("a VIP that somebody deletes is back at once", async () => {
  await using pair = await VipPair.start();
  const watched = await pair.watch("VIP deleted by hand", async () => {
    pair.lab.topology.run("lvs1", ["ip", "addr", "del", `${PUBLIC_VIP}/32`, "dev", "eth0"]);
    await pair.until("it was told of", () => pair.router("lvs1").log.some((line) => line.includes("put back")));
    await pair.settled("lvs1");
  });
  expectNeverTwo(watched);
  for (const ms of Object.values(watched.owners.noOwnerMs)) expect(ms).toBeLessThan(atOnceMs(watched));
});

test.each([
  ["with the host's prefix", ["address add 203.0.113.10/24 dev eth0"]],
  ["as the first address of its subnet", ["address flush dev eth0", "address add 203.0.113.10/24 dev eth0"]],
  ["in several forms", ["address add 203.0.113.10/16 dev eth0 label eth0:x", "address add 203.0.113.10/32 dev eth1"]],
])("a VIP that somebody sets on the standby goes, %s, and takes nothing with it", async (_, lines) => {
  await using pair = await VipPair.start();
  const { topology } = pair.lab;
  const setting = () => topology.run("lvs2", ["cat", "/proc/sys/net/ipv4/conf/eth0/promote_secondaries"]).trim();
  expect(setting()).toBe("0");
  for (const line of lines) topology.run("lvs2", ["ip", ...line.split(" ")]);
  if (lines[0]?.includes("flush")) topology.run("lvs2", ["ip", "address", "add", "203.0.113.3/24", "dev", "eth0"]);
  await pair.until("it is gone", () => !topology.run("lvs2", ["ip", "address", "show"]).includes("203.0.113.10"));
  await pair.settled("lvs1");
  expect(topology.run("lvs2", ["ip", "address", "show", "dev", "eth0"])).toContain("203.0.113.3/24");
  expect(setting()).toBe("1");
  pair.router("lvs2").signal("SIGTERM");
  expect(await pair.router("lvs2").awaitEnd(LOADED_MS)).toBe(0);
  expect(setting()).toBe("0");
});

test("a VIP that somebody sets on the standby again and again goes each time, and that is said", async () => {
  await using pair = await VipPair.start();
  const { topology } = pair.lab;
  const said = () => pair.router("lvs2").log.filter((line) => line.includes("it was removed")).length;
  for (let turn = 1; turn <= 3; turn += 1) {
    topology.run("lvs2", ["ip", "address", "add", "203.0.113.10/24", "dev", "eth0"]);
    await pair.until("it is gone", () => !topology.run("lvs2", ["ip", "address", "show"]).includes("203.0.113.10"));
    await pair.until("it is said", () => said() === turn);
  }
  await pair.settled("lvs1");
});

test("a peer with another key is stood off from: never two owners", async () => {
  await using pair = await VipPair.prepare();
  pair.router("lvs1").start();
  await pair.owned("lvs1");
  const watched = await pair.watch("another key on the standby", async () => {
    await pair.changeKey();
    pair.router("lvs2").start();
    await pair.until("lvs2 stands off", async () => {
      const status = await pair.router("lvs2").status();
      return status?.router.doing.startsWith("standing off") === true;
    });
    expect(await pair.router("lvs2").tandem("status")).toMatchObject({ exitCode: 3 });
  });
  expectNeverTwo(watched);
  expectNothingLost(watched);
  expect((await pair.router("lvs1").status())?.paths.map((path) => path.refused["bad-mac"] ?? 0)).not.toContain(0);
});

test("SIGHUP adds a VIP and removes it; a file with mistakes changes nothing", async () => {
  await using pair = await VipPair.start();
  const extra = "203.0.113.20";
  const before = pair.config;
  const withVip = (address: string) => `${before}\n[[vip]]\naddress = "${address}/24"\ninterface = "eth0"\n`;
  const watched = await pair.watch("three reloads", async () => {
    using owners = pair.lab.sampleOwners(5, [extra]);
    await pair.reload(withVip(extra));
    await pair.until("lvs1 has the new VIP", () => owners.owners(extra).join() === "lvs1");
    await pair.reload(withVip("203.0.113.300"), "the configuration in force stays");
    await pair.settled("lvs1");
    expect(owners.owners(extra)).toEqual(["lvs1"]);
    await pair.reload(before);
    await pair.until("nobody has the VIP that went", () => owners.owners(extra).length === 0);
  });
  expect(VipPair.ownersOf(watched)).toEqual([["lvs1"]]);
  expectNothingLost(watched);
});
