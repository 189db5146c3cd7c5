/** What an operator orders at one router holds at the other one too, and lasts: over a takeover and over a restart. */
import { beforeAll, expect, test } from "bun:test";
import { ipvsadmTable } from "../lab/parts/ipvs-table.ts";
import { PATIENT_CHECK, PATIENT_PAIR, pairConfig, serviceText } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { type RouterName, serverAddress } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";

beforeAll(requireLab);

const SERVICE = "tcp://203.0.113.10:80";
const configOf = (servers: readonly string[]) =>
  pairConfig({
    pair: PATIENT_PAIR,
    services: [
      serviceText({
        name: "web",
        listen: SERVICE,
        scheduler: "rr",
        servers: servers.map((name) => ({ address: `${serverAddress(name)}:80` })),
        check: PATIENT_CHECK,
      }),
    ],
  });
const CONFIG = configOf(["web1", "web2", "web3"]);
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

test("a server that is added beside the configuration is at both routers, and lasts over reload, takeover and restart", async () => {
  const [address, removed] = [`${serverAddress("web3")}:80`, `${serverAddress("web2")}:80`];
  await using lab = await PairLab.start(configOf(["web1", "web2"]));
  const everywhere = (isSo: (router: RouterName) => boolean) => () => (["lvs1", "lvs2"] as const).every(isSo);
  const isGone = (router: RouterName, server: string) =>
    !ipvsadmTable(lab.topology.run(router, ["ipvsadm", "-Ln"])).some((line) => line.includes(` -> ${server} `));
  const [first, second] = lab.pair.routers;
  const added = await first.tandem("real", "add", "web", serverAddress("web3"), "--keep", "--weight", "3");
  expect(added).toEqual({
    stdout: `added real server ${address} of ${SERVICE} (kept by the daemon)\n`,
    stderr: "",
    exitCode: 0,
  });
  await first.tandem("real", "del", "web", serverAddress("web2"), "--keep");
  // The check of the service has to pass first.
  const isKept = (router: RouterName) => weighs(lab, router, address, 3) && isGone(router, removed);
  await lab.until("both changes in both kernels", LIMIT_MS, everywhere(isKept));

  first.signal("SIGHUP");
  await lab.until("the reload is told", LIMIT_MS, () => first.log.some((line) => line.includes("is in force")));
  expect(isKept("lvs1")).toBe(true);
  first.signal("SIGKILL");
  await lab.until("lvs2 active", LIMIT_MS, async () => (await second.status())?.router.role === "active");
  expect(isKept("lvs2")).toBe(true);
  const listed = JSON.parse((await second.tandem("real", "list", "web", "--json")).stdout);
  expect(listed).toMatchObject({
    servers: expect.arrayContaining([expect.objectContaining({ server: address, kept: "added" })]),
    removed: [{ service: SERVICE, server: removed }],
  });

  first.start();
  await lab.until("lvs1 knows of both", LIMIT_MS, async () => {
    const servers = (await first.status())?.services[0]?.servers.map(({ state, kept }) => `${state} ${kept}`);
    return servers?.join() === "up null,removed removed,up added" && isKept("lvs1");
  });
  await first.tandem("real", "reset", "web", serverAddress("web3"));
  await second.tandem("real", "reset", "web", serverAddress("web2"));
  const isAsConfigured = (router: RouterName) => isGone(router, address) && weighs(lab, router, removed, 1);
  await lab.until("as configured in both kernels", LIMIT_MS, everywhere(isAsConfigured));
  expect(await second.tandem("real", "reset", "web", serverAddress("web2"))).toMatchObject({ exitCode: 1 });
});
