/** [ipvs] on a real kernel: set, put right, changed by a reload, shown where the kernel lacks one, given back. */
import { beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { PATIENT_PAIR, pairConfig, serviceText } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { requireLab } from "../support/lab.ts";

beforeAll(requireLab);

const LIMIT_MS = 60_000;
/** Linux 6.2 and newer has it. */
const NEWER = "net/ipv4/vs/est_nice";
const hasNewer = () => existsSync(`/proc/sys/${NEWER}`);
const NAMES = ["expire_nodest_conn", "expire_quiescent_template", "conn_reuse_mode", "drop_entry"];

function configText(ipvs: readonly string[], port = 80): string {
  const servers = [{ address: `10.0.0.11:${port}` }];
  const web = serviceText({ name: "web", listen: `tcp://203.0.113.10:${port}`, scheduler: "rr", servers });
  return pairConfig({ pair: PATIENT_PAIR, services: [web], more: [["[ipvs]", ...ipvs, ""].join("\n")] });
}

function values(lab: PairLab): string {
  return lab.topology
    .run("lvs1", ["sysctl", "-n", ...NAMES.map((name) => `net.ipv4.vs.${name}`)])
    .replaceAll("\n", " ");
}

test("[ipvs] is in force while the router runs, whoever changes it, and given back as it was", async () => {
  await using lab = await PairLab.prepare(configText(["conn_reuse_mode = 2", "drop_entry = 2"]), { servers: 1 });
  const [router] = lab.pair.routers;
  const key = /key_file = .*/.exec(readFileSync(lab.pair.configPath, "utf8"))?.[0] ?? "";
  const reload = (text: string) => {
    writeFileSync(lab.pair.configPath, text.replace(/key_file = .*/, key));
    router.signal("SIGHUP");
  };
  // The administrator's own.
  lab.topology.run("lvs1", ["sysctl", "-qw", "net.ipv4.vs.conn_reuse_mode=0", "net.ipv4.vs.expire_nodest_conn=0"]);
  const before = values(lab);
  expect(before).toBe("0 0 0 0 ");

  router.start();
  // The kernel makes 1 of an automatic defence while it has memory enough.
  await lab.until("all is set", LIMIT_MS, () => values(lab) === "1 1 2 1 ");
  await lab.until("lvs1 active", LIMIT_MS, async () => (await router.status())?.router.role === "active");
  lab.topology.run("lvs1", ["sysctl", "-qw", "net.ipv4.vs.expire_nodest_conn=0", "net.ipv4.vs.conn_reuse_mode=1"]);
  await lab.until("it is put right", LIMIT_MS, () => values(lab) === "1 1 2 1 ");

  reload(configText(["expire_quiescent_template = false", "est_nice = 5"]));
  await lab.until("the reload is in force", LIMIT_MS, () => values(lab) === "1 0 0 0 ");
  const lack = `[ipvs]: this kernel has no setting ${NEWER}`;
  expect((await router.status())?.warnings.includes(lack)).toBe(!hasNewer());
  expect(router.log.filter((line) => line.includes(lack))).toHaveLength(hasNewer() ? 0 : 1);

  // What a reload would do, and what is wrong now.
  writeFileSync(
    lab.pair.configPath,
    configText(["sloppy_tcp = true", "est_nice = 5"], 81).replace(/key_file = .*/, key),
  );
  const plan = await router.tandem("config", "plan", lab.pair.configPath);
  expect(plan.stdout.split("\n").filter((line) => line.includes("net/ipv4/vs"))).toEqual([
    "would edit kernel setting net/ipv4/vs/expire_quiescent_template (from 0 to 1)",
    "would edit kernel setting net/ipv4/vs/sloppy_tcp (from 0 to 1)",
  ]);
  const doctor = await router.tandem("doctor", "--json", "--config", lab.pair.configPath);
  const findings = (JSON.parse(doctor.stdout) as { findings: { name: string; severity: string; message: string }[] })
    .findings;
  expect(findings.filter(({ name }) => name === "ipvs-setting").map(({ message }) => message.split(" ")[0])).toEqual([
    "net/ipv4/vs/expire_quiescent_template",
    "net/ipv4/vs/sloppy_tcp",
    ...(hasNewer() ? [] : ["this"]),
  ]);

  router.signal("SIGTERM");
  expect(await router.awaitEnd(LIMIT_MS)).toBe(0);
  expect(values(lab)).toBe(before);
});
