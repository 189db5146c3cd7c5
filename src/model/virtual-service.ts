import { type Parsed, parsed, problem } from "../lib/parsed.ts";
import { type Family, formatEndpoint, type IpAddress, parseEndpoint } from "./address.ts";

export const PROTOCOLS = ["tcp", "udp", "sctp"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** What clients connect to: an address with a port, or a firewall mark. Port 0 needs persistence (ip_vs_ctl.c). */
export type ServiceKey =
  | { readonly kind: "address"; readonly protocol: Protocol; readonly address: IpAddress; readonly port: number }
  | { readonly kind: "fwmark"; readonly mark: number; readonly family: Family };

/** The scheduler's flags as the kernel has them: for sh and mh two have names (linux/ip_vs.h, IP_VS_SVC_F_SCHED*). */
export const SCHEDULER_FLAGS = ["flag-1", "flag-2", "flag-3"] as const;
export type SchedulerFlag = (typeof SCHEDULER_FLAGS)[number];

export interface Persistence {
  readonly timeoutSeconds: number;
  /** Clients of one network of this length share a real server: 0 to 32, or 1 to 128. */
  readonly prefixLength: number;
  /**
   * Only as seen in the kernel: an IPv4 mask that is no prefix (ipvsadm takes any), as its text `255.0.255.0`.
   * `prefixLength` is then the number of its one bits.
   */
  readonly irregularMask?: string;
  /** `sip`, the only persistence engine in the kernel. */
  readonly engine?: string;
}

export interface VirtualService {
  readonly key: ServiceKey;
  /** The kernel's name of the scheduler. Text, since a kernel may have others than we know. */
  readonly scheduler: string;
  readonly schedulerFlags: readonly SchedulerFlag[];
  readonly persistence?: Persistence;
  /** Each packet scheduled by itself (UDP). */
  readonly onePacket: boolean;
}

/** `tcp://203.0.113.10:80`, `udp://[2001:db8::10]:53`, `fwmark:7`, `fwmark:7/inet6`. Equal keys have equal texts. */
export function formatServiceKey(key: ServiceKey): string {
  if (key.kind === "fwmark") return key.family === "inet" ? `fwmark:${key.mark}` : `fwmark:${key.mark}/inet6`;
  return `${key.protocol}://${formatEndpoint(key)}`;
}

export function serviceFamily(key: ServiceKey): Family {
  return key.kind === "fwmark" ? key.family : key.address.family;
}

/** Reads what `formatServiceKey` writes. */
export function parseServiceKey(text: string): Parsed<ServiceKey> {
  const mark = /^fwmark:(\d{1,10})(?:\/(inet6?))?$/.exec(text);
  if (mark !== null) {
    const value = Number(mark[1]);
    // Mark 0 is what unmarked packets have; the kernel takes it for "no mark" (ip_vs_ctl.c).
    if (value < 1 || value > 0xffff_ffff) return problem(`the mark of ${JSON.stringify(text)} must be 1 to 4294967295`);
    return parsed({ kind: "fwmark", mark: value, family: mark[2] === "inet6" ? "inet6" : "inet" });
  }
  const match = /^([a-z]+):\/\/(.+)$/.exec(text);
  const protocol = PROTOCOLS.find((name) => name === match?.[1]);
  if (match === null || protocol === undefined) {
    return problem(
      `${JSON.stringify(text)} is not a virtual service; write tcp://ADDRESS:PORT, udp://…, sctp://… or fwmark:NUMBER`,
    );
  }
  const endpoint = parseEndpoint(match[2] ?? "");
  if (!endpoint.ok) return endpoint;
  return parsed({ kind: "address", protocol, address: endpoint.value.address, port: endpoint.value.port });
}
