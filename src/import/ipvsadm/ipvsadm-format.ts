/** A table as lines of `ipvsadm -Sn`. */
import { addressBits, formatEndpoint } from "../../model/address.ts";
import type { WantedService } from "../../model/ipvs-table.ts";
import type { RealServer, Tunnel } from "../../model/real-server.ts";
import { formatSchedulerFlag } from "../../model/scheduler-flag.ts";
import { type Persistence, type ServiceKey, serviceFamily, type VirtualService } from "../../model/virtual-service.ts";
import { dottedMask } from "../words/ipvsadm-values.ts";

const SERVICE_OPTIONS = { tcp: "-t", udp: "-u", sctp: "--sctp-service" } as const;
const CHECKSUM_OPTIONS = { none: "--tun-nocsum", full: "--tun-csum", remote: "--tun-remcsum" } as const;

/** `-t 203.0.113.10:80`, `-f 7 -6`. */
export function keyWords(key: ServiceKey): string {
  if (key.kind === "fwmark") return `-f ${key.mark}${key.family === "inet6" ? " -6" : ""}`;
  return `${SERVICE_OPTIONS[key.protocol]} ${formatEndpoint(key)}`;
}

function maskWords(key: ServiceKey, { prefixLength, irregularMask }: Persistence): string[] {
  const family = serviceFamily(key);
  if (irregularMask !== undefined) return ["-M", irregularMask];
  if (prefixLength === addressBits(family)) return [];
  return ["-M", family === "inet" ? dottedMask(prefixLength) : String(prefixLength)];
}

function serviceLine({ key, scheduler, schedulerFlags, persistence, onePacket }: VirtualService): string {
  const flags = schedulerFlags.map((flag) => formatSchedulerFlag(scheduler, flag)).join(",");
  return [
    `-A ${keyWords(key)} -s ${scheduler}`,
    ...(persistence === undefined ? [] : ["-p", String(persistence.timeoutSeconds), ...maskWords(key, persistence)]),
    ...(persistence?.engine === undefined ? [] : ["--pe", persistence.engine]),
    ...(onePacket ? ["-o"] : []),
    ...(flags === "" ? [] : ["-b", flags]),
  ].join(" ");
}

function tunnelWords(tunnel: Tunnel = { type: "ipip", port: 0, checksum: "none" }): string[] {
  if (tunnel.type === "ipip") return ["--tun-type", "ipip"];
  const port = tunnel.type === "gue" ? ["--tun-port", String(tunnel.port)] : [];
  return ["--tun-type", tunnel.type, ...port, CHECKSUM_OPTIONS[tunnel.checksum]];
}

function serverLine(key: ServiceKey, server: RealServer): string {
  const { forward, upperThreshold, lowerThreshold } = server;
  // An address of this machine is no forwarding of its own: the kernel finds that out again by itself.
  const way = forward === "nat" ? "-m" : forward === "tunnel" ? "-i" : "-g";
  return [
    `-a ${keyWords(key)} -r ${formatEndpoint(server.endpoint)} ${way} -w ${server.weight}`,
    ...(forward === "tunnel" ? tunnelWords(server.tunnel) : []),
    ...(upperThreshold === 0 ? [] : ["-x", String(upperThreshold)]),
    ...(lowerThreshold === 0 ? [] : ["-y", String(lowerThreshold)]),
  ].join(" ");
}

/**
 * A table as `ipvsadm -Sn` of version 1.31 prints it, with what that leaves out: thresholds, the third flag of sh and
 * mh, and firewall marks above 2147483647 as numbers that ipvsadm takes back. Ends with a newline; empty for no services.
 */
export function formatIpvsadm(services: readonly WantedService[]): string {
  const lines = services.flatMap(({ service, servers }) => [
    serviceLine(service),
    ...servers.map((server) => serverLine(service.key, server)),
  ]);
  return lines.map((line) => `${line}\n`).join("");
}
