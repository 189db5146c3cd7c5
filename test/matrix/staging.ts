/** What a row of the matrix has beside the usual pair, which has two VIPs, a neighbour on each side and one client. */
import type { GapTarget } from "../lab/parts/gap-probe.ts";
import { pairConfig, QUICK_CHECK, serviceText } from "../lab/parts/pair-config.ts";
import type { LabKind } from "../lab/run-in-lab.ts";
import {
  GATEWAY,
  GUEST,
  PRIVATE_VIP,
  PUBLIC_VIP,
  PUBLIC_VIP_INET6,
  REMOTE_CLIENT,
  serverAddress,
  THIRD_VIP,
  type TopologyOptions,
} from "../lab/topology.ts";

/** An echo on the routers or, with IPVS, a service that the real servers echo. */
export const ECHO_PORT = 7;
export const WEB = { address: PUBLIC_VIP, port: 80 };

/** Who asks, and for which VIP. */
const PROBES = {
  public: { address: PUBLIC_VIP, port: ECHO_PORT },
  inet6: { address: PUBLIC_VIP_INET6, port: ECHO_PORT },
  remote: { source: REMOTE_CLIENT, address: PUBLIC_VIP, port: ECHO_PORT },
  private: { from: "web1", address: PRIVATE_VIP, port: ECHO_PORT },
  third: { from: "guest", address: THIRD_VIP, port: ECHO_PORT },
} as const satisfies Record<string, GapTarget>;

export interface Staging {
  readonly network?: Omit<TopologyOptions, "directServers" | "clientAddresses">;
  /** Tables of the configuration beside the usual ones. */
  readonly tables?: readonly string[];
  /** Default: the gateway and the first real server. */
  readonly neighbours?: readonly string[];
  /** Whose gaps count; default: the client's. */
  readonly probes?: readonly (keyof typeof PROBES)[];
  /** Whose owners count; default: the public and the private one. */
  readonly vips?: readonly string[];
  /** Where no services are, who answers the probes: the lab on all routers, or a proxy on each that the row starts. */
  readonly echo?: "lab" | "local-proxies";
  /** The probe and the looks at the kernels: default each ms; less often where several pairs are watched at once. */
  readonly everyMs?: number;
}

export function vipTable(address: string, interfaceName: string): string {
  return `[[vip]]\naddress = "${address}"\ninterface = "${interfaceName}"\n`;
}

/** A VIP that is neither on the public nor on the private side. */
export const THIRD: Staging = {
  network: { thirdNetwork: true },
  tables: [vipTable(`${THIRD_VIP}/24`, "eth2")],
  neighbours: [GATEWAY, serverAddress("web1"), GUEST],
  probes: ["third"],
  vips: [PUBLIC_VIP, PRIVATE_VIP, THIRD_VIP],
};

/** A public VIP of IPv6 beside the others. */
export const INET6: Staging = {
  tables: [vipTable(`${PUBLIC_VIP_INET6}/64`, "eth0")],
  probes: ["public", "inet6"],
  vips: [PUBLIC_VIP, PRIVATE_VIP, PUBLIC_VIP_INET6],
};

export function networkOf(staging: Staging, kind: LabKind): TopologyOptions {
  return { servers: kind === "uml" ? 3 : 1, directServers: 1, ...staging.network };
}

export function targetsOf(staging: Staging): readonly GapTarget[] {
  return (staging.probes ?? ["public"]).map((name) => PROBES[name]);
}

export function configOf(staging: Staging, kind: LabKind): string {
  const more = staging.tables ?? [];
  if (kind === "uml") return pairConfig({ services: services(), more });
  const neighbours = staging.neighbours ?? [GATEWAY, serverAddress("web1")];
  return pairConfig({ pair: [`neighbours = ${JSON.stringify(neighbours)}`], more });
}

function services(): readonly string[] {
  const reals = ["web1", "web2", "web3"].map((name) => ({ address: `${serverAddress(name)}:80` }));
  const service = (name: string, listen: string) => ({ name, listen, scheduler: "rr", servers: reals });
  return [
    serviceText({ ...service("web", `tcp://${WEB.address}:${WEB.port}`), check: QUICK_CHECK }),
    serviceText(service("echo", `udp://${PUBLIC_VIP}:${ECHO_PORT}`)),
  ];
}
