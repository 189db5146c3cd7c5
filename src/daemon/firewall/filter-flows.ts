/** Which packets a router of this configuration needs to get through the firewall. */
import type { Config, SyncSettings } from "../../config/keys/config.ts";
import type { FlowInterface, RouterFlow } from "../../kernel/filter/router-flow.ts";
import { type IpAddress, sameAddress } from "../../model/address.ts";
import type { InterfaceAddress } from "../../model/interface-address.ts";
import type { Link } from "../../model/link.ts";
import { otherRouter, PATHS, type PairSettings, type PathName, type RouterId } from "../../model/pair.ts";
import { type RealServer, realServerKey } from "../../model/real-server.ts";
import type { Vip } from "../../model/vip.ts";
import { formatServiceKey, type Protocol, type VirtualService } from "../../model/virtual-service.ts";

/** What of a configuration says which packets there are, as plain data. */
export interface FlowConfig {
  readonly pair: Pick<PairSettings, "port" | "primary" | "backup">;
  readonly vips: readonly Vip[];
  readonly services: readonly FlowService[];
  readonly sync: Pick<SyncSettings, "enabled" | "interface" | "group" | "port">;
  /** `[ipvs] conntrack`; absent: as the kernel has it. */
  readonly conntrack?: boolean;
}

interface FlowService {
  readonly listen: readonly Pick<VirtualService, "key">[];
  readonly servers: readonly Pick<RealServer, "endpoint" | "forward">[];
}

/** What `filterFlows` needs of a configuration. */
export function flowConfigOf({ pair, vips, services, sync, ipvs }: Config): FlowConfig {
  return {
    pair: { port: pair.port, primary: pair.primary, backup: pair.backup },
    vips,
    services: services.map(({ listen, servers, sorry }) => ({
      listen: listen.map(({ key }) => ({ key })),
      servers: [...servers.map(({ server }) => server), ...(sorry === undefined ? [] : [sorry])].map(
        ({ endpoint, forward }) => ({ endpoint, forward }),
      ),
    })),
    sync,
    ...(ipvs.conntrack === undefined ? {} : { conntrack: ipvs.conntrack }),
  };
}

/** This machine's network, as far as packets' ways depend on it. */
export interface FlowHost {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  /** The number of the interface by which packets to an address leave. */
  readonly interfaceTowards: (address: IpAddress) => number | undefined;
  /** Whether the kernel has connection tracking of what IPVS forwards (net.ipv4.vs.conntrack). */
  readonly tracksIpvs: boolean;
}

/** IANA's protocol numbers. */
const PROTOCOLS: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };
const PROTOCOL_UDP = 17;
/** What connection tracking makes of the first answer to a packet that it has not seen (nf_conntrack_proto_tcp.c, tcp_new). */
const UNTRACKED_ANSWERS: Readonly<Record<Protocol, Pick<RouterFlow, "conntrack">>> = {
  tcp: { conntrack: "invalid" },
  udp: { conntrack: "new" },
  sctp: {},
};
const PROTOCOL_ICMPV6 = 58;
/** RFC 4861 section 4.3: a neighbour solicitation, of code 0: the two bytes where others have their source port. */
const SOLICITATION = 135 << 8;
/** Flows of servers beyond so many are like the first ones. */
const SERVER_FLOWS_MAX = 512;

/** Addresses of documentation (RFC 5737, RFC 3849): no route but the default one leads there. */
const OUTSIDE = {
  inet: { family: "inet", text: "192.0.2.1" },
  inet6: { family: "inet6", text: "2001:db8::1" },
} as const;

class FlowList {
  readonly flows: RouterFlow[] = [];
  readonly #config: FlowConfig;
  readonly #host: FlowHost;
  readonly #ways = new Map<string, number | undefined>();
  #serverFlows = 0;

  constructor(config: FlowConfig, host: FlowHost) {
    this.#config = config;
    this.#host = host;
  }

  /** Heartbeats on one side, both ways. */
  heartbeats(router: RouterId, side: PathName): void {
    const { pair } = this.#config;
    const [own, peer] = [pair[router], pair[otherRouter(router)]];
    const device = this.#interfaceOf(own[side]);
    const common = {
      concern: "heartbeats",
      family: own[side].family,
      protocol: PROTOCOL_UDP,
      sourcePort: pair.port,
      destinationPort: pair.port,
    } as const;
    const where = `on the ${side} side (UDP port ${pair.port})`;
    this.flows.push(
      // Both ends send from the port that they receive on: what comes belongs to what was sent.
      {
        ...common,
        label: `from ${peer.name} ${where}`,
        hook: "input",
        source: peer[side],
        destination: own[side],
        destinationType: "local",
        conntrack: "established",
        in: device,
        out: [],
      },
      {
        ...common,
        label: `to ${peer.name} ${where}`,
        hook: "output",
        source: own[side],
        destination: peer[side],
        destinationType: "unicast",
        conntrack: "new",
        in: [],
        out: device,
      },
    );
  }

  /** What a kernel tells the other one of its connections: multicast, both ways, since each may be active. */
  sync(group: IpAddress, router: RouterId): void {
    const { sync, pair } = this.#config;
    const device =
      sync.interface === undefined ? this.#interfaceOf(pair[router].private) : this.#interfaceNamed(sync.interface);
    const common = {
      concern: "sync",
      family: group.family,
      protocol: PROTOCOL_UDP,
      destination: group,
      destinationType: "multicast",
      destinationPort: sync.port,
      conntrack: "new",
    } as const;
    const port = `(UDP to ${sync.group}, port ${sync.port})`;
    const peer = pair[otherRouter(router)].name;
    this.flows.push(
      {
        ...common,
        label: `from ${peer} ${port}`,
        hook: "input",
        in: device,
        out: [],
      },
      { ...common, label: `to ${peer} ${port}`, hook: "output", in: [], out: device },
    );
  }

  /** What finds the VIPs on their links: ARP, and neighbour solicitations for IPv6. */
  neighbours(): void {
    for (const { prefix, interface: name } of this.#config.vips) {
      const device = this.#interfaceNamed(name);
      // Nobody asks there.
      if (device.some(({ loopback }) => loopback)) continue;
      const { family } = prefix.address;
      const common = {
        concern: "neighbours",
        label: `${name} (${family === "inet" ? "ARP" : "IPv6 neighbour discovery"})`,
        hook: "input",
        in: device,
        out: [],
      } as const;
      if (family === "inet") this.flows.push({ ...common, family: "arp" });
      else {
        // Connection tracking leaves neighbour discovery alone (nf_conntrack_proto_icmpv6.c).
        const fields = { protocol: PROTOCOL_ICMPV6, sourcePort: SOLICITATION, conntrack: "untracked" } as const;
        this.flows.push({ ...common, ...fields, family });
      }
    }
  }

  service({ listen, servers }: FlowService): void {
    for (const { key } of listen) {
      if (key.kind === "address") this.#clients(key);
      for (const server of servers) {
        if (server.forward !== "nat" || this.#serverFlows >= SERVER_FLOWS_MAX) continue;
        const { endpoint } = server;
        this.#server(key, { ...endpoint, label: realServerKey(server) });
      }
    }
  }

  #clients(key: Extract<VirtualService["key"], { kind: "address" }>): void {
    const device = this.#clientSides(key.address);
    this.flows.push({
      concern: "clients",
      label: formatServiceKey(key),
      hook: "input",
      family: key.address.family,
      protocol: PROTOCOLS[key.protocol],
      destination: key.address,
      destinationType: "local",
      ...(key.port === 0 ? {} : { destinationPort: key.port }),
      conntrack: "new",
      in: device,
      out: [],
    });
  }

  /**
   * What IPVS sends to a server behind NAT is this machine's own output; the answers are forwarded. Connection tracking
   * knows neither unless it is told (ip_vs_notrack): the answer to a TCP connection's beginning, whose beginning it has
   * not seen, is invalid to it.
   */
  #server(
    key: VirtualService["key"],
    server: { readonly address: IpAddress; readonly port: number; readonly label: string },
  ): void {
    const inside = this.#interfaceTowards(server.address);
    const outside = key.kind === "address" ? this.#clientSides(key.address) : [];
    const protocol = key.kind === "address" ? { protocol: PROTOCOLS[key.protocol] } : {};
    const common = { label: server.label, family: server.address.family, ...protocol };
    const isTracked = this.#host.tracksIpvs;
    // With a mark, the protocol is not known, and with it what connection tracking makes of answers.
    const untracked = key.kind === "address" ? UNTRACKED_ANSWERS[key.protocol] : {};
    this.#serverFlows += 2;
    this.flows.push(
      {
        ...common,
        concern: "servers",
        hook: "output",
        destination: server.address,
        destinationType: "unicast",
        ...(server.port === 0 ? {} : { destinationPort: server.port }),
        conntrack: isTracked ? "new" : "untracked",
        in: [],
        out: inside,
      },
      {
        ...common,
        concern: "answers",
        hook: "forward",
        source: server.address,
        destinationType: "unicast",
        ...(server.port === 0 ? {} : { sourcePort: server.port }),
        ...(isTracked ? { conntrack: "established" } : untracked),
        in: inside,
        out: outside,
      },
    );
  }

  /** Clients of a VIP are behind its interface, or where the default route leads. */
  #clientSides(address: IpAddress): readonly FlowInterface[] {
    const vip = this.#config.vips.find(({ prefix }) => sameAddress(prefix.address, address));
    const own = vip === undefined ? [] : this.#interfaceNamed(vip.interface);
    const outwards = this.#interfaceTowards(OUTSIDE[address.family]);
    const all = [...own.filter(({ loopback }) => !loopback), ...outwards];
    return all.filter(({ index }, place) => all.findIndex((other) => other.index === index) === place);
  }

  #interfaceNamed(name: string): readonly Link[] {
    return this.#host.links.filter((link) => link.name === name);
  }

  #interfaceOf(own: IpAddress): readonly FlowInterface[] {
    const found = this.#host.addresses.find(({ prefix }) => sameAddress(prefix.address, own));
    return this.#numbered(found?.interfaceIndex);
  }

  #interfaceTowards(address: IpAddress): readonly FlowInterface[] {
    if (!this.#ways.has(address.text)) this.#ways.set(address.text, this.#host.interfaceTowards(address));
    return this.#numbered(this.#ways.get(address.text));
  }

  #numbered(index: number | undefined): readonly FlowInterface[] {
    return this.#host.links.filter((link) => link.index === index);
  }
}

/** Which router of the pair this machine is, by its addresses; undefined: neither. */
function routerOf({ pair }: FlowConfig, addresses: readonly InterfaceAddress[]): RouterId | undefined {
  const isOwn = (address: IpAddress) => addresses.some(({ prefix }) => sameAddress(prefix.address, address));
  return (["primary", "backup"] as const).find((router) => PATHS.some((side) => isOwn(pair[router][side])));
}

/** What this machine's packet filter has to let through, for either role: a standby may be active soon. */
export function filterFlows(config: FlowConfig, host: FlowHost): readonly RouterFlow[] {
  const list = new FlowList(config, host);
  const router = routerOf(config, host.addresses);
  for (const service of config.services) list.service(service);
  if (router !== undefined) {
    for (const side of PATHS) list.heartbeats(router, side);
    const { enabled, group } = config.sync;
    const family = group.includes(":") ? "inet6" : "inet";
    if (enabled && config.services.length > 0) list.sync({ family, text: group }, router);
  }
  list.neighbours();
  return list.flows;
}
