/** What a switch can do to its hosts beside passing frames: nftables and flags of its ports. */
import type { Subprocess } from "bun";
import { PUBLIC_VIP, type RouterName, type Side, type Topology } from "../lab/topology.ts";

/** As topology.ts names the switch's end of a cable. */
function port(host: string, interfaceName: string): string {
  return `${host}-${interfaceName}`;
}

function portsOf(topology: Topology, side: Side): string[] {
  return topology.cables(side).map((cable) => port(cable.host, cable.interface));
}

function portsOfHost(topology: Topology, host: string): string[] {
  return topology.cables().flatMap((cable) => (cable.host === host ? [port(host, cable.interface)] : []));
}

/** All in one process, so that they come within a fraction of a millisecond. */
function links(topology: Topology, lines: readonly string[]): void {
  const batch = lines.map((line) => `link ${line}`).join("\n");
  topology.run("switch", ["sh", "-c", `printf '%s\n' "$1" | ip -batch -`, "sh", batch]);
}

/** Every port of that side loses its carrier, as when the switch has no power. */
export function switchOff(topology: Topology, side: Side): void {
  links(
    topology,
    portsOf(topology, side).map((name) => `set ${name} down`),
  );
}

export function switchOn(topology: Topology, side: Side): void {
  links(
    topology,
    portsOf(topology, side).map((name) => `set ${name} up`),
  );
}

/** A number for a group of interfaces that nothing else has (linux/if_link.h, IFLA_GROUP). */
const GONE = 77;

/**
 * The host is gone from one moment to the next: its cables end nowhere. As a group, since the kernel takes some 20 ms
 * for each interface that is removed by itself.
 */
export function removeHost(topology: Topology, router: RouterName): void {
  links(topology, [...portsOfHost(topology, router).map((name) => `set ${name} group ${GONE}`), `del group ${GONE}`]);
}

/** BR_STATE_DISABLED and BR_STATE_FORWARDING (linux/if_bridge.h): the carrier stays whatever the state. */
const PORT_STATES = { off: 0, on: 3 };

/**
 * The switch's ports of one router, which pass no frame for a while. A program that waits for its orders, since to
 * start one takes as long as a short blip.
 */
export class Blips implements AsyncDisposable {
  readonly #process: Subprocess<"pipe", "ignore", "inherit">;
  readonly #ports: readonly string[];

  private constructor(process: Subprocess<"pipe", "ignore", "inherit">, ports: readonly string[]) {
    this.#process = process;
    this.#ports = ports;
  }

  static prepare(topology: Topology, router: RouterName): Blips {
    const process = topology.on("switch", () =>
      Bun.spawn(["bridge", "-batch", "-"], { stdin: "pipe", stdout: "ignore", stderr: "inherit" }),
    );
    return new Blips(process, portsOfHost(topology, router));
  }

  async blip(lengthMs: number): Promise<void> {
    this.#set("off");
    await Bun.sleep(lengthMs);
    this.#set("on");
  }

  #set(state: keyof typeof PORT_STATES): void {
    const lines = this.#ports.map((name) => `link set dev ${name} state ${PORT_STATES[state]}\n`);
    this.#process.stdin.write(lines.join(""));
    this.#process.stdin.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stdin.end();
    await this.#process.exited;
  }
}

/** Rules for what the switch passes on, until `passAll`. */
function filter(topology: Topology, rules: readonly string[]): void {
  const chain = `{ type filter hook forward priority 0; policy accept; ${rules.join("; ")}; }`;
  topology.run("switch", ["nft", `table bridge faults { chain forward ${chain}; }`]);
}

export function passAll(topology: Topology): void {
  topology.run("switch", ["nft", "delete table bridge faults"]);
}

/** Each frame to or from a router is lost with that probability, also one from a router to the other. */
export function loseFrames(topology: Topology, percent: number): void {
  const ports = `{ ${["lvs1-eth0", "lvs1-eth1", "lvs2-eth0", "lvs2-eth1"].map((name) => `"${name}"`).join(", ")} }`;
  const lost = `numgen random mod 100 < ${percent} drop`;
  filter(topology, [`iifname ${ports} ${lost}`, `iifname != ${ports} oifname ${ports} ${lost}`]);
}

/** No gratuitous ARP for the VIP is passed on that is for everybody. */
export function dropAnnouncements(topology: Topology): void {
  filter(topology, [`arp saddr ip ${PUBLIC_VIP} arp daddr ip ${PUBLIC_VIP} ether daddr ff:ff:ff:ff:ff:ff drop`]);
}

/**
 * Ports that answer ARP requests in the place of the machine asked for, and pass on neither requests that they can
 * answer nor announcements (linux/if_link.h, IFLA_BRPORT_NEIGH_SUPPRESS). What they know of the VIP stays as it is now.
 */
export function suppressArp(topology: Topology, owner: RouterName): void {
  const mac = JSON.parse(topology.run(owner, ["ip", "-j", "link", "show", "eth0"]))[0].address;
  topology.run("switch", ["ip", "neigh", "replace", PUBLIC_VIP, "lladdr", mac, "dev", "public", "nud", "permanent"]);
  const ports = portsOf(topology, "public");
  links(
    topology,
    ports.map((name) => `set ${name} type bridge_slave neigh_suppress on`),
  );
}
