import { type Parsed, parsed, problem } from "../lib/parsed.ts";
import type { Endpoint } from "./address.ts";
import type { RealServer, Tunnel } from "./real-server.ts";
import type { ServiceKey } from "./virtual-service.ts";

/** What the command line says of a real server's settings; absent is "as it is". */
export interface ServerSettings {
  readonly forward: RealServer["forward"] | undefined;
  readonly weight: number | undefined;
  readonly upperThreshold: number | undefined;
  readonly lowerThreshold: number | undefined;
  readonly tunnelType: Tunnel["type"] | undefined;
  readonly tunnelPort: number | undefined;
  readonly tunnelChecksum: Tunnel["checksum"] | undefined;
}

/** The checksums that the header of each tunnel has room for, as ipvsadm takes them. */
const CHECKSUMS: Readonly<Record<Tunnel["type"], readonly Tunnel["checksum"][]>> = {
  ipip: ["none"],
  gre: ["none", "full"],
  gue: ["none", "full", "remote"],
};

function mergedTunnel(current: RealServer, wanted: ServerSettings): Parsed<Tunnel | undefined> {
  const forward = wanted.forward ?? current.forward;
  const named =
    wanted.tunnelType !== undefined || wanted.tunnelPort !== undefined || wanted.tunnelChecksum !== undefined;
  if (forward !== "tunnel") return named ? problem("--tunnel-… needs --forward tunnel") : parsed(undefined);
  const before: Tunnel = current.tunnel ?? { type: "ipip", port: 0, checksum: "none" };
  const type = wanted.tunnelType ?? before.type;
  // What the new type can't have goes with the old one, unless it was asked for.
  const checksum = CHECKSUMS[type].includes(before.checksum) ? before.checksum : "none";
  const tunnel: Tunnel = {
    type,
    port: wanted.tunnelPort ?? (type === "gue" ? before.port : 0),
    checksum: wanted.tunnelChecksum ?? checksum,
  };
  if (tunnel.type === "gue" && tunnel.port === 0) return problem("a gue tunnel needs --tunnel-port PORT");
  if (tunnel.type !== "gue" && tunnel.port !== 0) return problem(`--tunnel-port is for gue; ${type} has no port`);
  if (!CHECKSUMS[type].includes(tunnel.checksum)) {
    return problem(`--tunnel-checksum ${tunnel.checksum}: with ${type} it is ${CHECKSUMS[type].join(" or ")}`);
  }
  // The same as no tunnel settings at all, and then the kernel's answer has none (wire/ipvs/ipvs-server.ts).
  const plain = tunnel.type === "ipip" && tunnel.port === 0 && tunnel.checksum === "none";
  return parsed(plain ? undefined : tunnel);
}

/** A real server with the settings named on the command line; a problem where they don't fit together. */
export function withServerSettings(current: RealServer, wanted: ServerSettings, key: ServiceKey): Parsed<RealServer> {
  const tunnel = mergedTunnel(current, wanted);
  if (!tunnel.ok) return tunnel;
  const forward = wanted.forward ?? current.forward;
  const { endpoint } = current;
  if (forward !== "nat" && key.kind === "address" && endpoint.port !== key.port) {
    return problem(`with --forward ${forward} packets keep their port, so the server's must be ${key.port}`);
  }
  const upperThreshold = wanted.upperThreshold ?? current.upperThreshold;
  const lowerThreshold = wanted.lowerThreshold ?? current.lowerThreshold;
  if (lowerThreshold > upperThreshold) {
    return problem(`the lower threshold ${lowerThreshold} is above the upper one ${upperThreshold}`);
  }
  return parsed({
    endpoint,
    forward,
    weight: wanted.weight ?? current.weight,
    upperThreshold,
    lowerThreshold,
    ...(tunnel.value === undefined ? {} : { tunnel: tunnel.value }),
  });
}

/** The real server that `add` starts from. */
export function newServer(endpoint: Endpoint): RealServer {
  return { endpoint, forward: "nat", weight: 1, upperThreshold: 0, lowerThreshold: 0 };
}
