/** What an operator orders at one router holds at the other one too, and lasts: over a takeover and over a restart. */
import { beforeAll, expect, test } from "bun:test";
import { ipvsadmTable } from "../lab/parts/ipvs-table.ts";
import { PATIENT_CHECK, PATIENT_PAIR, pairConfig, serviceText } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { type RouterName, serverAddress } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";

beforeAll(requireLab);

const SERVICE = "tcp://203.0.113.10:80";
const CONFIG = pairConfig({
  pair: PATIENT_PAIR,
  services: [
    serviceText({
      name: "web",
      listen: SERVICE,
      scheduler: "rr",
      servers: ["web1", "web2", "web3"].map((name) => ({ address: `${serverAddress(name)}:80` })),
      check: PATIENT_CHECK,
    }),
  ],
});
const LIMIT_MS = 60_000;

/** Whether the server has that weight in the router's kernel, by what ipvsadm prints. */
function weighs(lab: PairLab, router: RouterName, server: string, weight: number): boolean {
  const table = ipvsadmTable(lab.topology.run(router, ["ipvsadm", "-Ln"]));
  return table.includes(`${SERVICE} -> ${server} nat ${weight}`);
}

test("a weight given to a running daemon reaches the other router, and ends with undrain", async () => {
  await using lab = await PairLab.start(CONFIG);
  const bothWeigh = (weight: number) => () =>
    (["lvs1", "lvs2"] as const).every((router) => weighs(lab, router, "10.0.0.12:80", weight));
  const [first] = lab.pair.routers;
  expect(await first.tandem("real", "undrain", SERVICE, "10.0.0.12:80", "--weight", "7")).toMatchObject({
    exitCode: 0,
  });
  await lab.until("7 in both kernels", LIMIT_MS, bothWeigh(7));
  expect(await first.tandem("real", "undrain", SERVICE, "10.0.0.12:80")).toMatchObject({ exitCode: 0 });
  await lab.until("as configured in both kernels", LIMIT_MS, bothWeigh(1));
});

test("a drain reaches the other router, holds after a takeover, and is known to a restarted daemon", async () => {
  await using lab = await PairLab.start(CONFIG);
  const weigh = (router: RouterName, weight: number) => () => weighs(lab, router, "10.0.0.13:80", weight);
  const [first, second] = lab.pair.routers;
  const drained = await first.tandem("real", "drain", SERVICE, "10.0.0.13:80");
  expect(drained).toEqual({ stdout: drained.stdout, stderr: "", exitCode: 0 });
  await lab.until("drained in both kernels", LIMIT_MS, () => weigh("lvs1", 0)() && weigh("lvs2", 0)());

  first.signal("SIGKILL");
  await lab.until("lvs2 active", LIMIT_MS, async () => (await second.status())?.router.role === "active");
  expect(weigh("lvs2", 0)()).toBe(true);
  // Taken back where it was not given, while the other one is away.
  await second.tandem("real", "undrain", SERVICE, "10.0.0.13:80");
  await second.tandem("failover", "hold");
  await lab.until("undrained in the kernel of lvs2", LIMIT_MS, weigh("lvs2", 1));

  first.start();
  await lab.until("lvs1 knows of both", LIMIT_MS, async () => {
    return weigh("lvs1", 1)() && (await first.status())?.router.held === true;
  });
});
