/** The kernel settings of connection synchronisation: guarded while a router runs, given back when it ends (rule 10). */
import { beforeAll, expect, test } from "bun:test";
import { PATIENT_PAIR, pairConfig, serviceText } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import type { RouterName } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";

beforeAll(requireLab);

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
});
const SETTINGS = [
  "net.ipv4.ip_forward",
  "net.ipv4.conf.all.send_redirects",
  "net.ipv4.vs.sync_threshold",
  "net.ipv4.vs.sync_refresh_period",
  "net.ipv4.vs.sync_sock_size",
  "net.ipv4.vs.backup_only",
];
const LIMIT_MS = 60_000;

function values(lab: PairLab, router: RouterName, names: readonly string[] = SETTINGS): string[] {
  const text = lab.topology.run(router, ["sysctl", "-n", ...names]);
  return text
    .trim()
    .split("\n")
    .map((line) => line.replaceAll("\t", " "));
}

test("a router gives back what it changed, also what a killed one before it changed, and looks after backup_only", async () => {
  await using lab = await PairLab.prepare(CONFIG);
  const before = values(lab, "lvs1");
  const [first, second] = lab.pair.routers;
  const backupOnly = (router: RouterName) => values(lab, router, ["net.ipv4.vs.backup_only"])[0];
  first.start();
  await lab.until("lvs1 active", LIMIT_MS, async () => (await first.status())?.router.role === "active");
  second.start();
  await lab.ready();
  await lab.until("lvs2 has the setting of a standby", LIMIT_MS, () => backupOnly("lvs2") === "1");
  await lab.until("lvs1 has set all", LIMIT_MS, () => values(lab, "lvs1").includes("3 0"));
  expect(values(lab, "lvs1")).toEqual(["1", "0", "3 0", "10", "4194304", "0"]);

  // Somebody loads his own settings.
  for (const [router, wrong] of [
    ["lvs1", "1"],
    ["lvs2", "0"],
  ] as const) {
    lab.topology.run(router, ["sysctl", "-qw", `net.ipv4.vs.backup_only=${wrong}`]);
    await lab.until(`${router} has put it right`, LIMIT_MS, () => backupOnly(router) !== wrong);
  }

  await first.end();
  expect(values(lab, "lvs1", ["net.ipv4.vs.sync_threshold"])).toEqual(["3 0"]);
  first.start();
  // Active where its leases still ran, so that it adopted the VIPs; else standby.
  await lab.until("lvs1 hears its peer", LIMIT_MS, async () => (await first.status())?.peer.alive === true);
  first.signal("SIGTERM");
  expect(await first.awaitEnd(LIMIT_MS)).toBe(0);
  expect(values(lab, "lvs1")).toEqual(before);
});

test("a sync daemon that somebody stops runs again", async () => {
  await using lab = await PairLab.prepare(CONFIG);
  const [first] = lab.pair.routers;
  const daemons = () =>
    lab.topology.run("lvs1", ["ipvsadm", "-L", "--daemon"]).trim().split("\n").filter(Boolean).length;
  first.start();
  await lab.until("both sync daemons run", LIMIT_MS, () => daemons() === 2);
  lab.topology.run("lvs1", ["ipvsadm", "--stop-daemon", "backup"]);
  expect(daemons()).toBe(1);
  await lab.until("both sync daemons run again", LIMIT_MS, () => daemons() === 2);
});
