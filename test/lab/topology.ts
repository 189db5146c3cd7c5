/**
 * The two-tier network in network namespaces: a client, two routers, real servers, and a switch with a public and a
 * private bridge, which has one end of every cable. On request a third network that no heartbeat takes, with a guest
 * behind it, and a clone of the first router.
 *
 *   client .100 (and .1, the routers' gateway) ── public 203.0.113.0/24 ── lvs1 .2, lvs2 .3
 *   web1 .11, web2 .12, … ─────────────────────── private 10.0.0.0/24 ──── lvs1 .2, lvs2 .3
 *   guest .100 ────────────────────────────────── third 192.0.2.0/24 ───── lvs1 .2, lvs2 .3
 */
import { writeFileSync } from "node:fs";
import { inNamespace, run } from "./network-namespace.ts";

export const SIDES = ["public", "private", "third"] as const;
export type Side = (typeof SIDES)[number];
/** One end of a veth pair in a host, the other end in the switch. */
export interface Cable {
  readonly host: string;
  readonly interface: string;
  readonly side: Side;
}

export interface TopologyOptions {
  /** Real servers behind NAT, `web1` on; their gateway is the private VIP. Default 3. */
  readonly servers?: number;
  /** Real servers for direct routing, `direct1` on: the VIP on their loopback, a leg of their own to the clients. */
  readonly directServers?: number;
  /** Addresses of the client beside .100, from .101 on: for schedulers that look at the source. Default 0. */
  readonly clientAddresses?: number;
  /** `eth2` on both routers, in a network of its own with the `guest`. */
  readonly thirdNetwork?: boolean;
  /** A third machine with all addresses of lvs1, its cables not plugged in yet. */
  readonly clone?: boolean;
}

export const PUBLIC_VIP = "203.0.113.10";
export const PUBLIC_VIP_INET6 = "2001:db8::10";
export const PRIVATE_VIP = "10.0.0.1";
export const THIRD_VIP = "192.0.2.10";
export const CLIENT = "203.0.113.100";
export const GATEWAY = "203.0.113.1";
/** The client's address behind the gateway: the way back to it is the routers' default route. */
export const REMOTE_CLIENT = "198.51.100.100";
export const GUEST = "192.0.2.100";
export const ROUTERS = [
  { name: "lvs1", public: "203.0.113.2", private: "10.0.0.2" },
  { name: "lvs2", public: "203.0.113.3", private: "10.0.0.3" },
] as const;
export type RouterName = (typeof ROUTERS)[number]["name"];
export const CLONE = "clone";
/** A machine that runs the daemon. */
export type RouterHost = RouterName | typeof CLONE;

interface HostPlan {
  readonly name: string;
  readonly cables: readonly Cable[];
  /** Lines for `ip -batch` in the host's own namespace. */
  readonly lines: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
}

/** The kernel tells of a carrier within a second (net/core/link_watch.c), but for a busy machine. */
const CARRIER_ATTEMPTS = 1_000;
const CARRIER_PAUSE_MS = 20;

const MUTE = { "ipv6.conf.all.disable_ipv6": "1", "ipv6.conf.default.disable_ipv6": "1" };

let made = 0;

/** All that a probe needs of a topology: to open its sockets on a host. */
export type Hosts = Pick<Topology, "on">;

/** A network that exists until it is disposed of. */
export class Topology implements Disposable {
  readonly #prefix: string;
  readonly #plans: readonly HostPlan[];

  private constructor(prefix: string, plans: readonly HostPlan[]) {
    this.#prefix = prefix;
    this.#plans = plans;
  }

  /**
   * Builds the network and waits until every cable has carrier.
   * Only inside a lab: what it makes is private to the lab's own namespaces.
   */
  static create(options: TopologyOptions = {}): Topology {
    if (process.env["TANDEM_LAB_KIND"] === undefined) {
      throw new Error("a topology is built inside a lab only: bun test/lab/run.ts -- COMMAND");
    }
    made += 1;
    const topology = new Topology(`t${process.pid}n${made}`, planHosts(options));
    topology.#build();
    return topology;
  }

  /** The names of all hosts, without the switch. */
  get hosts(): readonly string[] {
    return this.#plans.map((plan) => plan.name);
  }

  get serverNames(): readonly string[] {
    return this.hosts.filter((name) => name.startsWith("web") || name.startsWith("direct"));
  }

  /** The machines of that topology that can have VIPs. */
  get routerHosts(): readonly RouterHost[] {
    const names: readonly RouterHost[] = [...ROUTERS.map(({ name }) => name), CLONE];
    return names.filter((name) => this.hosts.includes(name));
  }

  /** The cables of a side, or all of them. */
  cables(side?: Side): readonly Cable[] {
    const all = this.#plans.flatMap((plan) => plan.cables);
    return side === undefined ? all : all.filter((cable) => cable.side === side);
  }

  /** The network namespace of a host, or of the `switch`. */
  namespace(host: string): string {
    return `${this.#prefix}-${host}`;
  }

  /** Does `action` as a process of that host: its sockets and programs belong there (up to its first await). */
  on<T>(host: string, action: () => T): T {
    return inNamespace(this.namespace(host), action);
  }

  /** Runs a short program on a host to its end. Throws when it fails. Returns what it printed. */
  run(host: string, command: readonly string[]): string {
    return this.on(host, () => run(command));
  }

  /** Pulls a cable: both ends lose their carrier. */
  unplug(host: string, interfaceName: string): void {
    this.#switch(`link set ${portName(host, interfaceName)} down`);
  }

  /** Pulls every cable of a host at the same moment. */
  unplugAll(host: string): void {
    this.#setAll(host, "down");
  }

  plugAll(host: string): void {
    this.#setAll(host, "up");
  }

  plug(host: string, interfaceName: string): void {
    this.#switch(`link set ${portName(host, interfaceName)} up`);
  }

  /**
   * A cut that nobody is told of: the carrier stays. `both`: nothing passes; `to-host`: the switch no longer sends to
   * the host; `from-host`: the switch drops what the host sends.
   */
  silence(host: string, interfaceName: string, direction: "both" | "to-host" | "from-host" = "both"): void {
    const port = portName(host, interfaceName);
    if (direction === "both") {
      this.#switch(`link set ${port} nomaster`);
      return;
    }
    // With learning off and its table empty the bridge can only flood to a port, and a locked port lets only senders
    // in that are in the table (linux/if_link.h, IFLA_BRPORT_LOCKED). Both work on kernels without traffic control.
    const flags = direction === "to-host" ? "flood off mcast_flood off bcast_flood off" : "locked on";
    this.#switch(`link set ${port} type bridge_slave learning off ${flags}`);
    this.#switch(`link set ${port} type bridge_slave fdb_flush`);
  }

  /** The switch passes nothing between the two routers on that side, while both reach everybody else. */
  separate(side: Side): void {
    this.#isolate(side, "on");
  }

  /** Ends that. */
  join(side: Side): void {
    this.#isolate(side, "off");
  }

  #isolate(side: Side, state: "on" | "off"): void {
    const ports = this.cables(side).filter(({ host }) => ROUTERS.some((router) => router.name === host));
    // Isolated ports pass frames to every port but isolated ones (linux/if_link.h, IFLA_BRPORT_ISOLATED).
    for (const { host, interface: name } of ports) {
      this.#switch(`link set ${portName(host, name)} type bridge_slave isolated ${state}`);
    }
  }

  /** Takes an interface, with its cable, out of a host. */
  removeInterface(host: string, interfaceName: string): void {
    this.#batch(host, [`link del ${interfaceName}`]);
  }

  /** Puts it back with the addresses that it had, and waits for its carrier. */
  addInterface(host: string, interfaceName: string): void {
    const cable = this.#cable(host, interfaceName);
    const port = portName(host, interfaceName);
    const ends = `${interfaceName} netns ${this.namespace(host)} type veth peer name ${port} netns ${this.namespace("switch")}`;
    run(["ip", "link", "add", ...ends.split(" ")]);
    this.#batch("switch", [`link set ${port} master ${cable.side} up`]);
    const lines = this.#plans.find((plan) => plan.name === host)?.lines ?? [];
    const addresses = lines.filter((line) => line.startsWith("addr add ") && line.includes(` dev ${interfaceName}`));
    this.#batch(host, [`link set ${interfaceName} up`, ...addresses]);
    this.#awaitCarrier([cable]);
  }

  /** Ends every silence of that cable. */
  restore(host: string, interfaceName: string): void {
    const port = portName(host, interfaceName);
    const cable = this.#cable(host, interfaceName);
    this.#switch(`link set ${port} master ${cable.side}`);
    this.#switch(`link set ${port} type bridge_slave learning on flood on mcast_flood on bcast_flood on locked off`);
  }

  /** Delay and loss of what the switch sends to a host. Needs netem, which the user-mode kernel has. */
  impair(host: string, interfaceName: string, delayMs: number, lossPercent: number): void {
    const port = portName(host, interfaceName);
    const netem = ["netem", "delay", `${delayMs}ms`, "loss", `${lossPercent}%`];
    this.run("switch", ["tc", "qdisc", "replace", "dev", port, "root", ...netem]);
  }

  unimpair(host: string, interfaceName: string): void {
    this.run("switch", ["tc", "qdisc", "del", "dev", portName(host, interfaceName), "root"]);
  }

  /** Takes all of it down. What still runs inside keeps its namespace until it ends. */
  [Symbol.dispose](): void {
    const lines = [...this.hosts, "switch"].map((host) => `netns del ${this.namespace(host)}\n`);
    run(["ip", "-force", "-batch", "-"], lines.join(""));
  }

  #cable(host: string, interfaceName: string): Cable {
    const cable = this.cables().find((one) => one.host === host && one.interface === interfaceName);
    if (cable === undefined) throw new Error(`no such cable: ${host} ${interfaceName}`);
    return cable;
  }

  #setAll(host: string, state: "up" | "down"): void {
    const cables = this.cables().filter((cable) => cable.host === host);
    this.#batch(
      "switch",
      cables.map((cable) => `link set ${portName(host, cable.interface)} ${state}`),
    );
  }

  #switch(line: string): void {
    run(["ip", "-n", this.namespace("switch"), ...line.split(" ")]);
  }

  #build(): void {
    const names = [...this.hosts, "switch"].map((host) => `netns add ${this.namespace(host)}\n`);
    const cables = this.cables();
    const bridges = SIDES.filter((side) => cables.some((cable) => cable.side === side));
    const pairs = cables.map(
      (cable) =>
        `link add ${cable.interface} netns ${this.namespace(cable.host)} type veth ` +
        `peer name ${portName(cable.host, cable.interface)} netns ${this.namespace("switch")}\n`,
    );
    run(["ip", "-batch", "-"], [...names, ...pairs].join(""));
    // A switch says nothing of its own: a port out of its bridge would send neighbour discovery to the silenced host.
    this.on("switch", () => writeSysctls(MUTE));
    this.#batch("switch", [
      ...bridges.map((bridge) => `link add ${bridge} type bridge`),
      ...[...bridges, "lo"].map((bridge) => `link set ${bridge} up`),
      ...cables.map((cable) => `link set ${portName(cable.host, cable.interface)} master ${cable.side} up`),
    ]);
    for (const plan of this.#plans) {
      this.on(plan.name, () => writeSysctls(plan.sysctls ?? {}));
      const up = plan.cables.map((cable) => `link set ${cable.interface} up`);
      this.#batch(plan.name, ["link set lo up", ...up, ...plan.lines]);
    }
    this.#awaitCarrier(cables);
    if (this.hosts.includes(CLONE)) this.unplugAll(CLONE);
  }

  /** The kernel tells of carriers a little later than it has them. */
  #awaitCarrier(cables: readonly Cable[]): void {
    const ports = cables.map((cable) => portName(cable.host, cable.interface));
    for (let attempt = 0; attempt < CARRIER_ATTEMPTS; attempt++) {
      const links = this.run("switch", ["ip", "-br", "link"]);
      if (ports.every((port) => new RegExp(`^${port}@\\S+\\s+UP\\s`, "m").test(links))) return;
      Bun.sleepSync(CARRIER_PAUSE_MS);
    }
    throw new Error("the cables of the lab have no carrier");
  }

  #batch(host: string, lines: readonly string[]): void {
    run(["ip", "-n", this.namespace(host), "-batch", "-"], lines.map((line) => `${line}\n`).join(""));
  }
}

/** The switch's end of a cable. */
function portName(host: string, interfaceName: string): string {
  return `${host}-${interfaceName}`;
}

function planHosts(options: TopologyOptions): HostPlan[] {
  const third = options.thirdNetwork === true;
  const servers = Array.from({ length: options.servers ?? 3 }, (_, index) => planServer(index + 1));
  const direct = Array.from({ length: options.directServers ?? 0 }, (_, index) => planDirectServer(index + 1));
  return [
    planClient(options.clientAddresses ?? 0),
    ...ROUTERS.map((router) => planRouter(router, { third })),
    ...(options.clone === true ? [planRouter(ROUTERS[0], { third, host: CLONE })] : []),
    ...servers,
    ...direct,
    ...(third ? [planGuest()] : []),
  ];
}

/** IPv6 addresses are without duplicate detection, which would make them wait for a second. */
function address(text: string, interfaceName: string): string {
  return `addr add ${text} dev ${interfaceName}${text.includes(":") ? " nodad" : ""}`;
}

function planClient(extraAddresses: number): HostPlan {
  const extra = Array.from({ length: extraAddresses }, (_, index) => `203.0.113.${101 + index}/24`);
  return {
    name: "client",
    cables: [{ host: "client", interface: "eth0", side: "public" }],
    lines: [
      ...[`${CLIENT}/24`, "2001:db8::100/64", `${GATEWAY}/24`, ...extra].map((text) => address(text, "eth0")),
      address(`${REMOTE_CLIENT}/32`, "lo"),
    ],
  };
}

function planRouter(
  router: (typeof ROUTERS)[number],
  plan: { readonly third: boolean; readonly host?: string },
): HostPlan {
  const number = router.public.split(".")[3];
  const host = plan.host ?? router.name;
  return {
    name: host,
    cables: [
      { host, interface: "eth0", side: "public" },
      { host, interface: "eth1", side: "private" },
      ...(plan.third ? [{ host, interface: "eth2", side: "third" } as const] : []),
    ],
    lines: [
      address(`${router.public}/24`, "eth0"),
      address(`2001:db8::${number}/64`, "eth0"),
      address(`${router.private}/24`, "eth1"),
      address(`fd00::${number}/64`, "eth1"),
      ...(plan.third ? [address(`192.0.2.${number}/24`, "eth2")] : []),
      `route add default via ${GATEWAY}`,
    ],
  };
}

function planGuest(): HostPlan {
  return {
    name: "guest",
    cables: [{ host: "guest", interface: "eth0", side: "third" }],
    lines: [address(`${GUEST}/24`, "eth0")],
  };
}

function planServer(number: number): HostPlan {
  const name = `web${number}`;
  return {
    name,
    cables: [{ host: name, interface: "eth0", side: "private" }],
    lines: [
      address(`${serverAddress(name)}/24`, "eth0"),
      address(`fd00::1${number}/64`, "eth0"),
      `route add default via ${PRIVATE_VIP}`,
      "route add ::/0 via fd00::1",
    ],
  };
}

function planDirectServer(number: number): HostPlan {
  const name = `direct${number}`;
  return {
    name,
    cables: [
      { host: name, interface: "eth0", side: "private" },
      { host: name, interface: "eth1", side: "public" },
    ],
    lines: [
      address(`${serverAddress(name)}/24`, "eth0"),
      address(`203.0.113.2${number}/24`, "eth1"),
      address(`${PUBLIC_VIP}/32`, "lo"),
    ],
    // Never say or ask anything by ARP for the VIP on lo (ip-sysctl.rst); requests come in by eth0, answers leave by eth1.
    sysctls: { "ipv4.conf.all.arp_ignore": "1", "ipv4.conf.all.arp_announce": "2", "ipv4.conf.all.rp_filter": "0" },
  };
}

/** The private address of `web1` (10.0.0.11) or `direct1` (10.0.0.21) and so on. */
export function serverAddress(name: string): string {
  const number = /\d+$/.exec(name)?.[0] ?? "";
  return `10.0.0.${name.startsWith("direct") ? 2 : 1}${number}`;
}

function writeSysctls(sysctls: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(sysctls)) {
    // /proc/sys/net shows the namespace of the thread that opens it.
    writeFileSync(`/proc/sys/net/${key.replaceAll(".", "/")}`, value);
  }
}
