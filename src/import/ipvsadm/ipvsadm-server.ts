/** The real server that the options of a line of ipvsadm describe. */
import type { Endpoint } from "../../model/address.ts";
import {
  type Forwarding,
  type RealServer,
  THRESHOLD_MAX,
  TUNNEL_TYPES,
  type Tunnel,
  WEIGHT_MAX,
} from "../../model/real-server.ts";
import { type ServiceKey, serviceFamily } from "../../model/virtual-service.ts";
import { parseNumber, type Valued, wrong } from "../words/ipvsadm-values.ts";
import type { Options } from "../words/ipvsadm-words.ts";

const FORWARD_OPTIONS: readonly (readonly [string, Forwarding])[] = [
  ["gatewaying", "direct"],
  ["ipip", "tunnel"],
  ["masquerading", "nat"],
];

const CHECKSUM_OPTIONS: readonly (readonly [string, Tunnel["checksum"]])[] = [
  ["tun-nocsum", "none"],
  ["tun-csum", "full"],
  ["tun-remcsum", "remote"],
];

const TUNNEL_OPTIONS = ["tun-type", "tun-port", ...CHECKSUM_OPTIONS.map(([name]) => name)];

/** The one of several options that is given; the default where none is. */
function oneOf<T>(options: Options, choices: readonly (readonly [string, T])[], fallback: T): Valued<T> {
  const [first, second] = choices.filter(([option]) => options.has(option));
  if (second !== undefined && first !== undefined) {
    return wrong(second[0], `--${first[0]} and --${second[0]} exclude each other`);
  }
  return { ok: true, value: first?.[1] ?? fallback };
}

function numberOf(options: Options, option: string, fallback: number, max: number): Valued<number> {
  const text = options.get(option)?.text;
  if (text === undefined) return { ok: true, value: fallback };
  const number = parseNumber(text, 0, max);
  return number.ok ? number : wrong(option, number.problem);
}

function tunnelOf(options: Options, forward: Forwarding): Valued<Tunnel | undefined> {
  const used = TUNNEL_OPTIONS.find((option) => options.has(option));
  if (used === undefined) return { ok: true, value: undefined };
  if (forward !== "tunnel") return wrong(used, `--${used} needs -i`);
  const text = options.get("tun-type")?.text ?? "ipip";
  const type = TUNNEL_TYPES.find((candidate) => candidate === text);
  if (type === undefined)
    return wrong("tun-type", `${JSON.stringify(text)} is not a tunnel: ${TUNNEL_TYPES.join(", ")}`);
  const checksum = oneOf(options, CHECKSUM_OPTIONS, "none");
  if (!checksum.ok) return checksum;
  if (type === "gue" && !options.has("tun-port")) return wrong("tun-type", "a gue tunnel needs --tun-port");
  if (type !== "gue" && options.has("tun-port")) return wrong("tun-port", `a tunnel of the type ${type} has no port`);
  if ((type === "ipip" && checksum.value !== "none") || (type === "gre" && checksum.value === "remote")) {
    const used = CHECKSUM_OPTIONS.find(([option]) => options.has(option))?.[0] ?? "tun-type";
    return wrong(used, `a tunnel of the type ${type} can't have that checksum`);
  }
  const port = options.has("tun-port") ? numberOf(options, "tun-port", 0, 65_535) : { ok: true as const, value: 0 };
  if (!port.ok) return port;
  return { ok: true, value: type === "ipip" ? undefined : { type, port: port.value, checksum: checksum.value } };
}

/**
 * The port that the kernel gets: ipvsadm puts the service's in where there is none, and always where the forwarding
 * can't change it (ipvsadm.c, process_options).
 */
function withServicePort(endpoint: Endpoint, key: ServiceKey, forward: Forwarding): Endpoint {
  if (key.kind === "fwmark" || (forward === "nat" && endpoint.port !== 0)) return endpoint;
  return { address: endpoint.address, port: key.port };
}

/** The real server that the options of `-a` or `-e` describe; what they leave out is ipvsadm's default. */
export function serverOf(options: Options, key: ServiceKey, given: Endpoint): Valued<RealServer> {
  const forward = oneOf<Forwarding>(options, FORWARD_OPTIONS, "direct");
  if (!forward.ok) return forward;
  const tunnel = tunnelOf(options, forward.value);
  if (!tunnel.ok) return tunnel;
  if (given.address.family !== serviceFamily(key) && forward.value !== "tunnel") {
    return wrong("real-server", "a real server of another address family than the service needs a tunnel: -i");
  }
  const weight = numberOf(options, "weight", 1, WEIGHT_MAX);
  const upper = numberOf(options, "u-threshold", 0, THRESHOLD_MAX);
  const lower = numberOf(options, "l-threshold", 0, THRESHOLD_MAX);
  if (!weight.ok) return weight;
  if (!upper.ok) return upper;
  if (!lower.ok) return lower;
  // ip_vs_edit_dest and ip_vs_add_dest (ip_vs_ctl.c): -ERANGE
  if (lower.value > upper.value) return wrong("l-threshold", `-y ${lower.value} must not be above -x ${upper.value}`);
  return {
    ok: true,
    value: {
      endpoint: withServicePort(given, key, forward.value),
      forward: forward.value,
      weight: weight.value,
      upperThreshold: upper.value,
      lowerThreshold: lower.value,
      ...(tunnel.value === undefined ? {} : { tunnel: tunnel.value }),
    },
  };
}
