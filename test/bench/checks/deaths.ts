/**
 * The inside of `npm run bench:checks deaths`: how long a dead server stays in the kernel's table, at each product's
 * defaults. Servers die in two ways, some in each, all in one instant; each has a companion in its service that lives.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IpvsClient } from "../../../src/kernel/ipvs-client.ts";
import { inNamespace, run } from "../../lab/network-namespace.ts";
import { startKeepalived, startTandem, waitFor } from "./checker.ts";
import { ip, makeNetwork, VIP } from "./peer-network.ts";

/** Dying in each way; several, since their checks are at different points of their intervals. */
const DYING = 5;
const ROUTER = "198.51.100.1";
const DEATHS = ["refused", "silent"] as const;
type Death = (typeof DEATHS)[number];
/** A checker whose servers have all been found alive goes on for a while, so that all are out of step. */
const SETTLE_MS = 3_000;
const POLL_INTERVAL_MS = 20;
/** Longer than the slowest of the defaults: keepalived's, with 60 s from one check to the next, and a retry. */
const GIVE_UP_MS = 200_000;

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
    server: `198.51.100.${(kind === 0 ? 20 : 60) + index}`,
    companion: `198.51.100.${100 + kind * DYING + index}`,
  })),
);

const PORT = 80;
const HOSTS = ["refused", "silent", "living"] as const;
type Host = (typeof HOSTS)[number];

/** Three machines on one segment: one whose servers will refuse, one that will be silent, one that lives. */
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

interface Listener {
  stop(closeActive: boolean): void;
}

function listen(host: Host): Listener {
  return inNamespace(host, () =>
    Bun.listen({ hostname: "0.0.0.0", port: PORT, socket: { data: (socket) => void socket.end() } }),
  );
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
async function measureRemovals(): Promise<Map<Death, number[]>> {
  const listeners = HOSTS.map(listen);
  await waitFor("all servers in the table", () =>
    SERVERS.every((dying) => !isGone(serversByService(), dying)) ? true : undefined,
  );
  await Bun.sleep(SETTLE_MS);
  const beganMs = performance.now();
  listeners[0]?.stop(true);
  ip(`-n silent route add blackhole ${ROUTER}/32`);
  const tookMs = new Map<Death, number[]>(DEATHS.map((death) => [death, []]));
  let left = [...SERVERS];
  try {
    while (left.length > 0 && performance.now() - beganMs < GIVE_UP_MS) {
      await Bun.sleep(POLL_INTERVAL_MS);
      const table = serversByService();
      const atMs = performance.now() - beganMs;
      for (const dying of left.filter((each) => isGone(table, each))) tookMs.get(dying.death)?.push(atMs);
      left = left.filter((dying) => !isGone(table, dying));
    }
  } finally {
    ip(`-n silent route del blackhole ${ROUTER}/32`);
    for (const listener of listeners) listener.stop(true);
  }
  return tookMs;
}

function tandemText(): string {
  return SERVERS.map(
    ({ servicePort, server, companion }) =>
      `[[service]]\nname = "s${servicePort}"\nlisten = "tcp://${VIP}:${servicePort}"\n` +
      [server, companion].map((address) => `[[service.real]]\naddress = "${address}:${PORT}"\n`).join(""),
  ).join("\n");
}

function keepalivedText(): string {
  return SERVERS.map(({ servicePort, server, companion }) => {
    const real = (address: string) => `real_server ${address} ${PORT} {\n TCP_CHECK {\n }\n}\n`;
    return `virtual_server ${VIP} ${servicePort} {\n lvs_method NAT\n protocol TCP\n${real(server)}${real(companion)}}\n`;
  }).join("");
}

function ldirectordText(): string {
  return SERVERS.map(({ servicePort, server, companion }) =>
    [
      `virtual=${VIP}:${servicePort}`,
      `\treal=${server}:${PORT} masq`,
      `\treal=${companion}:${PORT} masq`,
      "\tservice=none\n\tchecktype=connect\n\tscheduler=wlc\n\tprotocol=tcp\n",
    ].join("\n"),
  ).join("\n");
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
  ldirectord: startLdirectord,
  keepalived: () => startKeepalived(keepalivedText()),
};

function seconds(times: readonly number[]): string {
  if (times.length < DYING) return `${times.length} of ${DYING} after ${GIVE_UP_MS / 1_000} s`;
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  return `${(first / 1_000).toFixed(1)} to ${(last / 1_000).toFixed(1)} s`;
}

const wanted = process.argv.slice(2);
makeNetwork();
makeHosts();
process.stdout.write("| at its defaults | refused | silent |\n| --- | --- | --- |\n");
for (const name of wanted.length > 0 ? wanted : Object.keys(PRODUCTS)) {
  const start = PRODUCTS[name];
  if (start === undefined) throw new Error(`no such product: ${name}`);
  run(["ipvsadm", "-C"]);
  await using _running = await start();
  const took = await measureRemovals();
  process.stdout.write(`| ${name} | ${DEATHS.map((death) => seconds(took.get(death) ?? [])).join(" | ")} |\n`);
}
process.exit(0);
