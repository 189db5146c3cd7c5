/** `tandem reload` and SIGHUP on real routers: all or nothing, and whoever asks is told. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { PUBLIC_VIP } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";
import { killAtSteps } from "../support/reload-kills.ts";
import { expectNothingLost, VipPair } from "./support/vip-pair.ts";

beforeAll(requireLab);

const EXTRA = "203.0.113.20";

function withVip(config: string, address: string, name = "eth0"): string {
  return `${config}\n[[vip]]\naddress = "${address}"\ninterface = "${name}"\n`;
}

function withoutVips(config: string): string {
  return `vip = []\n${config.slice(0, config.indexOf("[[vip]]"))}`;
}

/** The addresses of a router that are ours, as the kernel has them. */
function kernelHas(pair: VipPair, name: "lvs1" | "lvs2", text: string): boolean {
  return pair.lab.topology.run(name, ["ip", "-o", "addr", "show"]).includes(text);
}

function write(pair: VipPair, config: string): void {
  writeFileSync(pair.lab.pair.configPath, config);
}

const BROKEN: readonly (readonly [what: string, change: (config: string) => string, said: RegExp])[] = [
  ["one letter is wrong", (config) => config.replace("[[vip]]", "[[vipp]]"), /:\d+:\d+: .*vipp/],
  ["it ends in the middle", (config) => config.slice(0, config.lastIndexOf('"')), /:\d+:\d+: /],
  [
    "it names an interface that is not there",
    (config) => withVip(config, `${EXTRA}/24`, "eth9"),
    /eth9 is not on this machine/,
  ],
  [
    "it names a program that is not there",
    (config) => `${config}\n[hooks]\nactive = ["/bin/nosuch"]\n`,
    /\/bin\/nosuch/,
  ],
  ["it has no VIPs any more", (config) => withoutVips(config), /would take away all VIPs/],
];

describe("a file that is refused changes nothing, and says why to whoever asks", () => {
  test.each(BROKEN)("%s", async (_, change, said) => {
    await using pair = await VipPair.start();
    const lvs1 = pair.router("lvs1");
    const watched = await pair.watch("a refused reload", async () => {
      write(pair, change(pair.config));
      const dry = await lvs1.tandem("reload", "--dry-run");
      expect(dry).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(said) });
      expect(await lvs1.tandem("reload")).toMatchObject({ exitCode: 2, stderr: dry.stderr, stdout: "" });
      await pair.said("the reload by a signal was refused", pair.routers, () => {
        for (const router of pair.routers) router.signal("SIGHUP");
      });
    });
    expect(VipPair.ownersOf(watched)).toEqual([["lvs1"]]);
    expectNothingLost(watched);
    const status = await lvs1.status();
    expect(status?.reload).toMatchObject({ outcome: "refused", by: "signal" });
    expect(status?.warnings.join("\n")).toMatch(said);
    // One line of the log for each mistake, and no carets.
    expect(lvs1.log.filter((line) => line.includes("^"))).toEqual([]);
  });
});

test("a reload does what its dry run says, and says the same", async () => {
  await using pair = await VipPair.start();
  const lvs1 = pair.router("lvs1");
  write(pair, withVip(pair.config.replace('lease = "2s"', 'lease = "3s"'), `${EXTRA}/24`));
  const dry = await lvs1.tandem("reload", "--dry-run");
  expect([dry.exitCode, kernelHas(pair, "lvs1", EXTRA)]).toEqual([0, false]);
  expect(dry.stdout.trimEnd().split("\n")).toEqual([
    `would add VIP ${EXTRA}/24 on eth0`,
    'would edit pair.lease (from "2s" to "3s")',
  ]);
  const plan = await lvs1.tandem("config", "plan", pair.lab.pair.configPath);
  expect(plan.stdout).toBe(dry.stdout);
  const done = await lvs1.tandem("reload");
  expect(done.stdout.trimEnd().split("\n")).toEqual([
    `added VIP ${EXTRA}/24 on eth0`,
    'changed pair.lease (from "2s" to "3s")',
  ]);
  // All of it is in force when it is said.
  expect([done.exitCode, kernelHas(pair, "lvs1", EXTRA)]).toEqual([0, true]);
  expect(await lvs1.tandem("reload")).toMatchObject({ exitCode: 0, stdout: "" });
  const told = JSON.parse((await lvs1.tandem("reload", "--json")).stdout);
  expect(told).toMatchObject({ outcome: "unchanged", changes: [], digest: expect.stringMatching(/^[0-9a-f]{16}$/) });
});

test("--force takes all VIPs away", async () => {
  await using pair = await VipPair.start();
  write(pair, withoutVips(pair.config));
  const done = await pair.router("lvs1").tandem("reload", "--force");
  expect(done).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`removed VIP ${PUBLIC_VIP}/24 on eth0`) });
  await pair.until("lvs1 has no VIP", () => !kernelHas(pair, "lvs1", PUBLIC_VIP));
});

test("another prefix of a VIP is in the kernel when the reload says so, and nobody is blamed", async () => {
  await using pair = await VipPair.start();
  const lvs1 = pair.router("lvs1");
  for (const length of [32, 16, 24]) {
    write(pair, pair.config.replace(new RegExp(`${PUBLIC_VIP}/\\d+`), `${PUBLIC_VIP}/${length}`));
    expect(await lvs1.tandem("reload")).toMatchObject({ exitCode: 0 });
    await pair.until(`lvs1 has ${PUBLIC_VIP} alone`, () => {
      const shown = pair.lab.topology.run("lvs1", ["ip", "-o", "addr", "show"]).split("\n");
      return shown.filter((line) => line.includes(`${PUBLIC_VIP}/`)).length === 1;
    });
  }
  expect(lvs1.log.filter((line) => line.includes("somebody else removed"))).toEqual([]);
  expect((await lvs1.status())?.warnings.filter((line) => line.includes("somebody else"))).toEqual([]);
});

test("a VIP that another machine answers for is a warning of the reload that adds it, and an alarm", async () => {
  await using pair = await VipPair.start();
  const lvs1 = pair.router("lvs1");
  const before = pair.config;
  pair.lab.topology.run("client", ["ip", "address", "add", `${EXTRA}/32`, "dev", "eth0"]);
  const said = new RegExp(`another machine \\([0-9a-f:]{17}\\) answers for ${EXTRA}`);
  let told: { readonly exitCode: number; readonly stderr: string } | undefined;
  // On a busy machine its answer may come after that of the reload.
  await pair.until("a reload that adds it says so", async () => {
    write(pair, before);
    await lvs1.tandem("reload");
    write(pair, withVip(before, `${EXTRA}/24`));
    told = await lvs1.tandem("reload");
    return said.test(told.stderr);
  });
  expect(told?.exitCode).toBe(0);
  const status = await lvs1.status();
  expect(status?.alarms).toMatchObject([{ kind: "two-owners", text: expect.stringContaining(EXTRA) }]);
  expect(lvs1.log.filter((line) => /warn .*config: /.test(line) && said.test(line))).not.toEqual([]);
});

test("a refused dry run paints what it would do as one that is not refused", async () => {
  await using pair = await VipPair.start();
  write(pair, withoutVips(pair.config));
  const { exitCode, stdout } = await pair.router("lvs1").tandem("reload", "--dry-run", "--color", "always");
  expect(exitCode).toBe(2);
  expect(stdout).toContain(`would \u001b[31mremove\u001b[39m VIP ${PUBLIC_VIP}/24 on eth0`);
});

test("a daemon that is started with a broken file goes on with what was in force last, and says so", async () => {
  await using pair = await VipPair.start();
  const lvs1 = pair.router("lvs1");
  const good = withVip(pair.config, `${EXTRA}/24`);
  await pair.reload(good);
  write(pair, good.replace("[[vip]]", "[[vipp]]"));
  lvs1.signal("SIGTERM");
  await lvs1.awaitEnd(60_000);
  lvs1.start();
  await pair.until("lvs1 runs again", async () => (await lvs1.status())?.peer.alive === true);
  const status = await lvs1.status();
  expect(status?.reload).toMatchObject({ outcome: "refused", by: "start" });
  expect(status?.vips.map(({ address }) => address)).toContain(`${EXTRA}/24`);
  expect(status?.warnings.join("\n")).toContain("goes on with the configuration of");
  write(pair, good);
  expect(await lvs1.tandem("reload")).toMatchObject({ exitCode: 0 });
  expect((await lvs1.status())?.reload.outcome).not.toBe("refused");
});

test("a router that is killed at any step of a reload has what the file says after its restart, and the settings are the administrator's at the end", async () => {
  // Of a network of its own: a kernel setting comes and goes with it.
  const foreign = "198.51.100.10";
  const setting = "/proc/sys/net/ipv4/conf/eth0/promote_secondaries";
  await using pair = await VipPair.prepare({ pair: ['lease = "30s"', 'failback = "manual"'] });
  const value = () => pair.lab.topology.on("lvs1", () => readFileSync(setting, "utf8").trim());
  const before = value();
  const vips = [EXTRA, foreign] as const;
  const present = () => [PUBLIC_VIP, ...vips].filter((vip) => kernelHas(pair, "lvs1", `${vip}/`)).join(" ");
  await killAtSteps({
    lab: pair.lab,
    texts: [withVip(pair.config, `${EXTRA}/24`), withVip(pair.config, `${foreign}/24`)],
    state: present,
    wanted: [`${PUBLIC_VIP} ${EXTRA}`, `${PUBLIC_VIP} ${foreign}`],
    // A reload has some fifteen; what the daemon does besides while it runs may add a few.
    steps: Array.from({ length: 100 }, (_, index) => index + 1),
    // The record of what is tried and of what is in force, the VIP that comes and the one that goes, each there and back.
    stepsMin: 8,
  });
  expect([present(), value()]).toEqual(["", before]);
});
