/**
 * The inside of `npm run bench:checks deaths`: how long a dead server stays in the kernel's table, at each product's
 * defaults. Servers die in three ways, some in each, all in one instant; each has a companion in its service that lives.
 * Those that are stopped (SIGSTOP) are checked by HTTP: their kernel goes on accepting connections, and nobody answers.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { IpvsClient } from "../../../src/kernel/ipvs/ipvs-client.ts";
import { inNamespace, run } from "../../lab/network-namespace.ts";
import { startKeepalived, startTandem, waitFor } from "./checker.ts";
import { ip, makeNetwork, VIP } from "./peer-network.ts";

/** Dying in each way; several, since their checks may be at different points of their intervals. */
const DYING = 3;
const ROUTER = "198.51.100.1";
const DEATHS = ["refused", "silent", "stopped"] as const;
type Death = (typeof DEATHS)[number];
/** The last byte of the first address of each kind of servers, and of their companions. */
const FIRST_ADDRESS: Readonly<Record<Death, number>> = { refused: 20, silent: 40, stopped: 60 };
const FIRST_COMPANION = 100;
/** A checker whose servers have all been found alive goes on for a while, so that all are out of step. */
const SETTLE_MS = 3_000;
const POLL_INTERVAL_MS = 20;
/** ldirectord takes a second or two for each server in the lab: it starts a program for each change. */
const START_LIMIT_MS = 75_000;
/** Longer than the slowest of the defaults: keepalived's HTTP_GET, 60 s apart, and three retries after 5 s and 3 s. */
const GIVE_UP_MS = 120_000;

interface Dying {
  readonly death: Death;
  readonly servicePort: number;
  readonly server: string;
  readonly companion: string;
}

const SERVERS: readonly Dying[] = DEATHS.flatMap((death, kind) =>
  Array.from({ length: DYING }, (_, index) => ({
    death,
    servicePort: 10_000 + kind * 100 + index,
    server: `198.51.100.${FIRST_ADDRESS[death] + index}`,
    companion: `198.51.100.${FIRST_COMPANION + kind * DYING + index}`,
  })),
);

const PORT = 80;
const HOSTS = [...DEATHS, "living"] as const;
type Host = (typeof HOSTS)[number];

/** Machines on one segment: one whose servers will refuse, one that will be silent, one to be stopped, one that lives. */
function makeHosts(): void {
  ip("link add deaths type bridge");
  ip("link set deaths up");
  ip(`addr add ${ROUTER}/24 dev deaths`);
  for (const host of HOSTS) {
    ip(`netns add ${host}`);
    ip(`link add d-${host} type veth peer name eth0 netns ${host}`);
    ip(`link set d-${host} master deaths up`);
    ip(`-n ${host} link set eth0 up`);
    for (const address of addressesOf(host)) ip(`-n ${host} addr add ${address}/24 dev eth0`);
  }
}

function addressesOf(host: Host): readonly string[] {
  if (host === "living") return SERVERS.map(({ companion }) => companion);
  return SERVERS.filter(({ death }) => death === host).map(({ server }) => server);
}

type Machines = ReadonlyMap<Host, Subprocess> & AsyncDisposable;

/** A process for each machine, so that it can be stopped; they serve when this resolves. */
async function startMachines(): Promise<Machines> {
  const program = [process.execPath, `${import.meta.dir}/server.ts`];
  const started = HOSTS.map((host) => ({
    host,
    server: inNamespace(host, () => Bun.spawn(program, { stdio: ["ignore", "pipe", "inherit"] })),
  }));
  await Promise.all(started.map(({ server }) => server.stdout.getReader().read()));
  return Object.assign(new Map(started.map(({ host, server }) => [host, server])), {
    async [Symbol.asyncDispose]() {
      for (const { server } of started) server.kill("SIGKILL");
      await Promise.all(started.map(({ server }) => server.exited));
    },
  });
}

function serversByService(): Map<number, string[]> {
  using client = IpvsClient.open();
  return new Map(
    client
      .table()
      .map(({ service: { key }, servers }) => [
        key.kind === "address" ? key.port : 0,
        servers.filter(({ server }) => server.weight > 0).map(({ server }) => server.endpoint.address.text),
      ]),
  );
}

function isGone(table: ReadonlyMap<number, readonly string[]>, { servicePort, server }: Dying): boolean {
  return table.get(servicePort)?.includes(server) !== true;
}

/** Kills them all and watches the table. @returns for each death how long it took, in the order of the removals. */
async function measureRemovals(machines: Machines, untilMs: number): Promise<Map<Death, number[]>> {
  const areThere = () => {
    const table = serversByService();
    return SERVERS.every((dying) => !isGone(table, dying)) ? true : undefined;
  };
  await waitFor("all servers in the table", areThere, START_LIMIT_MS);
  await Bun.sleep(SETTLE_MS);
  const beganMs = performance.now();
  machines.get("refused")?.kill("SIGKILL");
  machines.get("stopped")?.kill("SIGSTOP");
  ip(`-n silent route add blackhole ${ROUTER}/32`);
  const tookMs = new Map<Death, number[]>(DEATHS.map((death) => [death, []]));
  let left = [...SERVERS];
  try {
    while (left.length > 0 && performance.now() < Math.min(untilMs, beganMs + GIVE_UP_MS)) {
      await Bun.sleep(POLL_INTERVAL_MS);
      const table = serversByService();
      const atMs = performance.now() - beganMs;
      for (const dying of left.filter((each) => isGone(table, each))) tookMs.get(dying.death)?.push(atMs);
      left = left.filter((dying) => !isGone(table, dying));
    }
  } finally {
    ip(`-n silent route del blackhole ${ROUTER}/32`);
  }
  return tookMs;
}

function tandemText(): string {
  return SERVERS.map(
    ({ death, servicePort, server, companion }) =>
      `[[service]]\nname = "s${servicePort}"\nlisten = "tcp://${VIP}:${servicePort}"\n` +
      (death === "stopped" ? '[service.check]\nkind = "http"\n' : "") +
      [server, companion].map((address) => `[[service.real]]\naddress = "${address}:${PORT}"\n`).join(""),
  ).join("\n");
}

function keepalivedText(): string {
  return SERVERS.map(({ death, servicePort, server, companion }) => {
    const check = death === "stopped" ? "HTTP_GET {\n url {\n path /\n status_code 200\n }\n}" : "TCP_CHECK {\n }";
    const real = (address: string) => `real_server ${address} ${PORT} {\n ${check}\n}\n`;
    return `virtual_server ${VIP} ${servicePort} {\n lvs_method NAT\n protocol TCP\n${real(server)}${real(companion)}}\n`;
  }).join("");
}

function ldirectordText(): string {
  return SERVERS.map(({ death, servicePort, server, companion }) => {
    const check =
      death === "stopped"
        ? '\tservice=http\n\tchecktype=negotiate\n\trequest="/"\n\treceive="ok"'
        : "\tservice=none\n\tchecktype=connect";
    return [
      `virtual=${VIP}:${servicePort}`,
      `\treal=${server}:${PORT} masq`,
      `\treal=${companion}:${PORT} masq`,
      `${check}\n\tscheduler=wlc\n\tprotocol=tcp\n`,
    ].join("\n");
  }).join("\n");
}

async function startLdirectord(): Promise<AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), "ldirectord-"));
  const config = join(folder, "ldirectord.cf");
  writeFileSync(config, ldirectordText());
  // In the foreground it says what it does, a lot of it.
  const program = Bun.spawn(["ldirectord", "-d", config, "start"], { stdio: ["ignore", "ignore", "ignore"] });
  return {
    async [Symbol.asyncDispose]() {
      program.kill("SIGKILL");
      await program.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const PRODUCTS: Readonly<Record<string, () => Promise<AsyncDisposable>>> = {
  tandem: () => startTandem(tandemText()),
  keepalived: () => startKeepalived(keepalivedText()),
  ldirectord: startLdirectord,
};

function range(times: readonly number[]): string {
  if (times.length < DYING) return `${times.length} of ${DYING} when it was given up`;
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  return `${(first / 1_000).toFixed(1)} to ${(last / 1_000).toFixed(1)} s`;
}

const [seconds, ...wanted] = process.argv.slice(2);
const untilMs = performance.now() + Number(seconds) * 1_000;
makeNetwork();
makeHosts();
process.stdout.write(`| at its defaults | ${DEATHS.join(" | ")} |\n|${" --- |".repeat(1 + DEATHS.length)}\n`);
for (const name of wanted.length > 0 ? wanted : Object.keys(PRODUCTS)) {
  const start = PRODUCTS[name];
  if (start === undefined) throw new Error(`no such product: ${name}`);
  run(["ipvsadm", "-C"]);
  try {
    await using machines = await startMachines();
    await using _running = await start();
    const took = await measureRemovals(machines, untilMs);
    process.stdout.write(`| ${name} | ${DEATHS.map((death) => range(took.get(death) ?? [])).join(" | ")} |\n`);
  } catch (error) {
    process.stdout.write(`| ${name} | ${error instanceof Error ? error.message : error} |${" |".repeat(2)}\n`);
  }
}
process.exit(0);
