/** Reloads under traffic: what a reload does not touch loses nothing, and what it does is all in force when it says so. */
import { beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { HeldConnections } from "../lab/parts/held-connections.ts";
import { ipvsadmTable } from "../lab/parts/ipvs-table.ts";
import { pairConfig, serviceText } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { ShortConnections } from "../lab/parts/short-connections.ts";
import { PUBLIC_VIP, serverAddress } from "../lab/topology.ts";
import { Random } from "../simulation/random.ts";
import { requireLab } from "../support/lab.ts";

beforeAll(requireLab);

/** `TANDEM_RELOADS=500` for the figure in docs/benchmarks.md. */
const RELOADS = Number(process.env["TANDEM_RELOADS"] ?? 12);
const SEED = 10;
const HELD = 10;
const LIMIT_MS = 60_000;
const WEB = { address: PUBLIC_VIP, port: 80 };
const SERVERS = ["web1", "web2"].map(serverAddress);
const web = serviceText({
  name: "web",
  listen: `tcp://${PUBLIC_VIP}:80`,
  scheduler: "rr",
  servers: SERVERS.map((address) => ({ address: `${address}:80` })),
});

interface Drawn {
  readonly text: string;
  readonly isBroken: boolean;
  /** What the kernel has besides the service that is never touched. */
  readonly table: readonly string[];
}

/** Services and a VIP that come and go beside one that stays; one file in four is broken. */
function draw(random: Random): Drawn {
  const table: string[] = [];
  const services = [8001, 8002, 8003]
    .filter(() => random.chance(0.6))
    .map((port) => {
      const scheduler = random.pick(["rr", "wlc", "sh"]);
      const servers = SERVERS.filter(() => random.chance(0.7)).map((address) => ({
        address: `${address}:80`,
        weight: random.whole(1, 4),
      }));
      const some = servers.length > 0 ? servers : [{ address: `${SERVERS[0]}:80`, weight: 1 }];
      const name = `tcp://${PUBLIC_VIP}:${port}`;
      table.push(`${name} ${scheduler}`, ...some.map(({ address, weight }) => `${name} -> ${address} nat ${weight}`));
      return serviceText({ name: `s${port}`, listen: `tcp://${PUBLIC_VIP}:${port}`, scheduler, servers: some });
    });
  const extraVips = random.chance(0.5) ? ["203.0.113.20"] : [];
  const good = pairConfig({ extraVips, services: [web, ...services] });
  const isBroken = random.chance(0.25);
  const breakIt = random.pick([
    (text: string) => text.replace("scheduler", "schedule"),
    (text: string) => `${text}\n[[vip]]\naddress = "203.0.113.30/24"\ninterface = "eth9"\n`,
    (text: string) => text.slice(0, text.indexOf("[[service]]")),
    (text: string) => text.slice(0, text.lastIndexOf('"')),
  ]);
  return { text: isBroken ? breakIt(good) : good, isBroken, table: table.toSorted() };
}

/** The kernel's table without the service that stays. */
function othersIn(lab: PairLab): readonly string[] {
  const table = ipvsadmTable(lab.topology.run("lvs1", ["ipvsadm", "-Ln"]));
  return table.filter((line) => !line.startsWith(`tcp://${PUBLIC_VIP}:80 `));
}

test("random reloads, a broken one among them now and then, cost untouched connections nothing", async () => {
  await using lab = await PairLab.prepare(pairConfig({ services: [web] }), { servers: 2 });
  const [router] = lab.pair.routers;
  const keyPath = join(dirname(lab.pair.configPath), "pair.key");
  router.start();
  await lab.until("lvs1 active", LIMIT_MS, async () => (await router.status())?.router.role === "active");
  await lab.until("the servers", LIMIT_MS, () => lab.topology.run("lvs1", ["ipvsadm", "-Ln"]).split("->").length === 4);
  using held = await HeldConnections.open(lab.topology, WEB, HELD);
  using visitors = new ShortConnections(lab.topology, WEB, 50);
  const random = new Random(SEED);
  let table: readonly string[] = [];
  for (let turn = 0; turn < RELOADS; turn += 1) {
    const drawn = draw(random);
    writeFileSync(lab.pair.configPath, drawn.text.replaceAll("KEY_FILE", keyPath));
    const { exitCode, stderr } = await router.tandem("reload");
    expect({ turn, exitCode, stderr: drawn.isBroken ? stderr : "" }).toEqual({
      turn,
      exitCode: drawn.isBroken ? 2 : 0,
      stderr: drawn.isBroken ? expect.stringContaining("the configuration in force stays") : "",
    });
    if (!drawn.isBroken) table = drawn.table;
    await lab.until(`turn ${turn}: the table`, LIMIT_MS, () => {
      return JSON.stringify(othersIn(lab)) === JSON.stringify(table);
    });
  }
  const { opened, whole } = await visitors.end();
  expect({ whole, ...held.report(), longestSilenceMs: 0 }).toMatchObject({
    whole: opened,
    opened: HELD,
    broken: 0,
    stalled: 0,
  });
});
