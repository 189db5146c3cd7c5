/** One network namespace has one IPVS table, one backup_only and one pair of sync daemons: one router with services. */
import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PATIENT_PAIR, pairConfig, serviceText } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { requireLab } from "../support/lab.ts";

beforeAll(requireLab);

const LIMIT_MS = 60_000;
const SECOND_VIP = "203.0.113.20";

function serviceAt(vip: string): string {
  return serviceText({
    name: "web",
    listen: `tcp://${vip}:80`,
    scheduler: "rr",
    servers: [{ address: "10.0.0.11:80" }],
  });
}

/** The configuration of another pair on the same machines: a port of its own, a VIP of its own. */
function secondConfig(keyLine: string, withService: boolean): string {
  const text = pairConfig({
    pair: [...PATIENT_PAIR, "port = 5391"],
    services: withService ? [serviceAt(SECOND_VIP)] : [],
  });
  // The real servers' gateway is the first pair's.
  return text
    .replace(/key_file = .*/, keyLine)
    .replace("203.0.113.10/24", `${SECOND_VIP}/24`)
    .replace(/\[\[vip\]\]\naddress = "10\.0\.0\.1\/24"\ninterface = "eth1"\n/, "");
}

/** A second `tandem run` in the network namespace of lvs1, with directories of its own. */
function second(lab: PairLab) {
  const folder = join(dirname(lab.pair.configPath), "second");
  mkdirSync(folder, { recursive: true });
  const config = join(folder, "tandem.toml");
  const keyLine = /key_file = .*/.exec(readFileSync(lab.pair.configPath, "utf8"))?.[0] ?? "";
  const [{ binary }] = lab.pair.routers;
  const runtime = ["--runtime-dir", join(folder, "run")];
  return {
    configure: (withService: boolean) => writeFileSync(config, secondConfig(keyLine, withService)),
    start: () => {
      const words = [
        "run",
        "--config",
        config,
        "--router",
        "primary",
        ...runtime,
        "--state-dir",
        join(folder, "state"),
      ];
      return lab.topology.on("lvs1", () => Bun.spawn([binary, ...words], { stdio: ["ignore", "ignore", "pipe"] }));
    },
    hasVip: () => lab.topology.run("lvs1", ["ip", "-br", "addr", "show", "eth0"]).includes(SECOND_VIP),
  };
}

/** Collects what a process says until it says something. */
class Log {
  text = "";
  constructor(stream: ReadableStream<Uint8Array>) {
    void (async () => {
      const decoder = new TextDecoder();
      for await (const bytes of stream) this.text += decoder.decode(bytes, { stream: true });
    })();
  }
}

test("a second router with services is refused with the reason, and one without runs beside until it wants some", async () => {
  await using lab = await PairLab.prepare(pairConfig({ pair: PATIENT_PAIR, services: [serviceAt("203.0.113.10")] }), {
    servers: 1,
  });
  const [router] = lab.pair.routers;
  router.start();
  await lab.until("lvs1 active", LIMIT_MS, async () => (await router.status())?.router.role === "active");
  const rules = () => lab.topology.run("lvs1", ["ipvsadm", "-Sn"]);
  await lab.until("the service is there", LIMIT_MS, () => rules().includes("10.0.0.11:80"));
  const before = rules();
  const other = second(lab);

  other.configure(true);
  const refused = other.start();
  const said = await new Response(refused.stderr).text();
  expect(said).toContain(
    `cannot start: another tandem with services runs in this network namespace (process ${router.pid}): there is one IPVS table, one backup_only and one pair of sync daemons, over which two would fight`,
  );
  expect(await refused.exited).toBe(1);
  expect([rules(), other.hasVip()]).toEqual([before, false]);

  other.configure(false);
  await using beside = other.start();
  const log = new Log(beside.stderr);
  await lab.until("the other pair's VIP is there", LIMIT_MS, () => other.hasVip());
  other.configure(true);
  beside.kill("SIGHUP");
  await lab.until("the reload is refused", LIMIT_MS, () => log.text.includes("the configuration in force stays"));
  expect(log.text).toContain(`cannot reload: another tandem with services runs in this network namespace`);
  expect([rules(), other.hasVip()]).toEqual([before, true]);

  // Whatever becomes of the first one: a process that is gone has nothing any more.
  router.signal("SIGKILL");
  await router.awaitEnd(LIMIT_MS);
  beside.kill("SIGHUP");
  await lab.until("the other pair balances", LIMIT_MS, () => rules().includes(SECOND_VIP));
});
