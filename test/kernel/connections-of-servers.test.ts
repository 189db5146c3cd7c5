/** What becomes of clients whose real server is removed or quiesced, by the settings of [ipvs]: real traffic through one router. */
import { beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { udp } from "bun";
import { HeldConnections } from "../lab/parts/held-connections.ts";
import { pairConfig } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { request } from "../lab/parts/requests.ts";
import { PUBLIC_VIP, serverAddress, type Topology } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";

beforeAll(requireLab);

/** Far from the 300 s after which the kernel forgets a flow. */
const LIMIT_MS = 60_000;
const SERVERS = ["web1", "web2"] as const;
type Server = (typeof SERVERS)[number];
const PORTS = { dns: 53, web: 80, shop: 8080 } as const;
type Service = keyof typeof PORTS;

/** The weight of each server of each service; without one it is not there. */
type Weights = Readonly<Record<Service, Readonly<Partial<Record<Server, number>>>>>;
const BOTH = { web1: 1, web2: 1 };
const ALL: Weights = { dns: BOTH, web: BOTH, shop: BOTH };

function serviceText(name: Service, weights: Weights[Service]): string {
  const protocol = name === "dns" ? "udp" : "tcp";
  const port = name === "shop" ? 80 : PORTS[name];
  return [
    `[[service]]\nname = "${name}"\nlisten = "${protocol}://${PUBLIC_VIP}:${PORTS[name]}"\nscheduler = "rr"\ncheck = false`,
    ...(name === "shop" ? ['persistence = "5m"'] : []),
    ...Object.entries(weights).map(
      ([server, weight]) => `[[service.real]]\naddress = "${serverAddress(server)}:${port}"\nweight = ${weight}`,
    ),
    "",
  ].join("\n");
}

function configText(weights: Weights, ipvs: readonly string[]): string {
  return pairConfig({
    pair: ['dead_after = "1s"'],
    services: [serviceText("dns", weights.dns), serviceText("web", weights.web), serviceText("shop", weights.shop)],
    more: [["[ipvs]", ...ipvs, ""].join("\n")],
  });
}

/** One flow of UDP: a client that asks twenty times a second from the same port, and servers that answer by their names. */
class Flow implements Disposable {
  /** Who answered last. */
  server: string | undefined;
  sent = 0;
  answers = 0;
  readonly #sockets: readonly { close(): void }[];
  readonly #timer: Timer;

  private constructor(client: udp.ConnectedSocket<"buffer">, sockets: readonly { close(): void }[]) {
    this.#sockets = sockets;
    this.#timer = setInterval(() => {
      this.sent += 1;
      client.send("who");
    }, 50);
  }

  static async start(topology: Topology): Promise<Flow> {
    const servers = await Promise.all(
      SERVERS.map((name) =>
        topology.on(name, () =>
          Bun.udpSocket({
            hostname: "0.0.0.0",
            port: PORTS.dns,
            socket: { data: (socket, _bytes, port, address) => void socket.send(name, port, address) },
          }),
        ),
      ),
    );
    let flow: Flow | undefined;
    const client = await topology.on("client", () =>
      Bun.udpSocket({
        connect: { hostname: PUBLIC_VIP, port: PORTS.dns },
        socket: {
          data: (_socket, bytes) => {
            if (flow === undefined) return;
            flow.server = bytes.toString();
            flow.answers += 1;
          },
          // Before the router answers for the VIP.
          error: () => {},
        },
      }),
    );
    flow = new Flow(client, [...servers, client]);
    return flow;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.close();
  }
}

async function ask(lab: PairLab, port: number): Promise<string> {
  const outcome = await request(lab.topology, { address: PUBLIC_VIP, port });
  return outcome.kind === "answered" ? outcome.server : outcome.reason;
}

function without(weights: Weights[Service], server: string | undefined): Weights[Service] {
  return Object.fromEntries(Object.entries(weights).filter(([name]) => name !== server));
}

/** A router that is active, and a client with a flow of UDP, an open TCP connection and a memory of persistence. */
async function startStory(ipvs: readonly string[]) {
  const lab = await PairLab.prepare(configText(ALL, ipvs), { servers: 2 });
  const [router] = lab.pair.routers;
  router.start();
  await lab.until("lvs1 active", LIMIT_MS, async () => (await router.status())?.router.role === "active");
  await lab.until("both servers in each service", LIMIT_MS, () => serversIn(tableOf(lab)) === 6);
  const flow = await Flow.start(lab.topology);
  await lab.until("a server answers the flow", LIMIT_MS, () => flow.server !== undefined);
  const held = await HeldConnections.open(lab.topology, { address: PUBLIC_VIP, port: PORTS.web }, 1);
  const shop = await ask(lab, PORTS.shop);
  return {
    lab,
    flow,
    held,
    /** Who has the client in each service. */
    before: { dns: flow.server ?? "", web: Object.keys(held.report().perServer)[0] ?? "", shop },
    /** Puts other weights in force. */
    async reload(weights: Weights): Promise<void> {
      const keyPath = join(dirname(lab.pair.configPath), "pair.key");
      writeFileSync(lab.pair.configPath, configText(weights, ipvs).replaceAll("KEY_FILE", keyPath));
      router.signal("SIGHUP");
      const lines = Object.values(weights).flatMap((each) => Object.entries(each));
      await lab.until("the table is as configured", LIMIT_MS, () => {
        const table = tableOf(lab);
        const zeros = (table.match(/ -w 0$/gm) ?? []).length;
        return serversIn(table) === lines.length && zeros === lines.filter(([, weight]) => weight === 0).length;
      });
    },
    async [Symbol.asyncDispose]() {
      flow[Symbol.dispose]();
      held[Symbol.dispose]();
      await lab[Symbol.asyncDispose]();
    },
  };
}

function tableOf(lab: PairLab): string {
  return lab.topology.run("lvs1", ["ipvsadm", "-Sn"]);
}

function serversIn(table: string): number {
  return (table.match(/^-a /gm) ?? []).length;
}

/** The kernel's entry of the flow goes to this server. */
function flowGoesTo(lab: PairLab): string | undefined {
  const line = lab.topology
    .run("lvs1", ["ipvsadm", "-Lnc"])
    .split("\n")
    .find((each) => /^UDP .*:53 /.test(each));
  return SERVERS.find((server) => line?.includes(`${serverAddress(server)}:`));
}

const other = (server: string) => (server === "web1" ? "web2" : "web1");

test("by default clients leave a server that is removed, and persistent ones a server that is quiesced", async () => {
  await using story = await startStory([]);
  const { lab, flow, held, before } = story;
  // A quiesced server keeps what is open; only persistent clients leave it.
  await story.reload({
    dns: { ...BOTH, [before.dns]: 0 },
    web: { ...BOTH, [before.web]: 0 },
    shop: { ...BOTH, [before.shop]: 0 },
  });
  const answers = flow.answers;
  await lab.until("twenty more answers", LIMIT_MS, () => flow.answers >= answers + 20);
  expect(await ask(lab, PORTS.shop)).toBe(other(before.shop));
  expect([flow.server, held.report().broken]).toEqual([before.dns, 0]);

  await story.reload({ dns: without(BOTH, before.dns), web: without(BOTH, before.web), shop: BOTH });
  await lab.until("the flow has another server", LIMIT_MS, () => flow.server === other(before.dns));
  await lab.until("the connection is reset", LIMIT_MS, () => held.report().broken === 1);
  expect(await ask(lab, PORTS.web)).toBe(other(before.web));

  // A service that is removed takes its servers with it.
  using later = await HeldConnections.open(lab.topology, { address: PUBLIC_VIP, port: PORTS.web }, 1);
  await story.reload({ dns: BOTH, web: {}, shop: BOTH });
  await lab.until("the later connection is reset", LIMIT_MS, () => later.report().broken === 1);
});

test("with the kernel's own defaults a flow stays with a removed server, a connection hangs, a persistent client stays", async () => {
  await using story = await startStory(["expire_nodest_conn = false", "expire_quiescent_template = false"]);
  const { lab, flow, held, before } = story;
  await story.reload({
    dns: without(BOTH, before.dns),
    web: without(BOTH, before.web),
    shop: { ...BOTH, [before.shop]: 0 },
  });
  const { sent, answers } = flow;
  await lab.until("the flow has asked forty times, and the connection hangs", LIMIT_MS, () => {
    return flow.sent >= sent + 40 && held.report().stalled === 1;
  });
  expect([flowGoesTo(lab), flow.server, held.report().broken]).toEqual([before.dns as Server, before.dns, 0]);
  // What was on its way when the server was removed.
  expect(flow.answers - answers).toBeLessThan(5);
  for (let visit = 0; visit < 3; visit += 1) expect(await ask(lab, PORTS.shop)).toBe(before.shop);

  // Back in time: both go on.
  await story.reload(ALL);
  await lab.until("the flow is answered again", LIMIT_MS, () => flow.answers > answers + 20);
  await lab.until("the connection goes on", LIMIT_MS, () => held.report().stalled === 0);
  expect([flow.server, held.report().broken]).toEqual([before.dns, 0]);

  await story.reload({ ...ALL, web: {} });
  await lab.until("the connection of a service that is gone hangs", LIMIT_MS, () => held.report().stalled === 1);
  expect(held.report().broken).toBe(0);
});
