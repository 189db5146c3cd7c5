/** What of this machine would keep a router from its work, as findings. */
import { existsSync } from "node:fs";
import type { Family } from "../../model/address.ts";
import { effectiveUserId } from "../../sys/process/process.ts";
import { readSysctl, sysctlCommand } from "./sysctl.ts";

/** What the router is to do on this host. */
export interface PreflightRequest {
  /** The interfaces that carry VIPs or lead to the peer. */
  readonly interfaces: readonly string[];
  /** The ways in which real servers are reached; empty for a pair that only moves VIPs. */
  readonly forwarding: ReadonlySet<"nat" | "direct" | "tunnel">;
  /** The families of the VIPs. */
  readonly families: ReadonlySet<Family>;
}

/** Something on this host that would break the router. */
export interface Finding {
  readonly name: string;
  /** `error`: it will not work. `warning`: it may not, or not for everybody. `note`: to be known, and maybe as wanted. */
  readonly severity: "error" | "warning" | "note";
  /** A sentence without a full stop. */
  readonly text: string;
  /** A command that mends it; a setting made by `sysctl -w` lasts until the next start of the machine. */
  readonly mend: string;
}

/** What is looked at; a test gives another one. */
export interface HostView {
  readonly sysctl: (path: string) => string | undefined;
  readonly exists: (path: string) => boolean;
  readonly userId: () => number;
}

const THIS_HOST: HostView = { sysctl: readSysctl, exists: existsSync, userId: effectiveUserId };

/** Documentation/networking/ip-sysctl: 8 means "do not reply for all local addresses". */
const ARP_IGNORE_ALL = 8;
const RP_FILTER_STRICT = 1;

/** A kernel setting that should have one of some values. */
interface Expectation {
  readonly name: string;
  readonly severity: Finding["severity"];
  readonly path: string;
  readonly ok: (value: string) => boolean;
  readonly wanted: string;
  readonly why: string;
}

/** For many settings the kernel takes the larger of the value for all interfaces and that of the interface. */
function perInterface(
  request: PreflightRequest,
  setting: string,
  expectation: Omit<Expectation, "path">,
): Expectation[] {
  const names = new Set(["all", ...request.interfaces]);
  return Array.from(names, (name) => ({ ...expectation, path: `net/ipv4/conf/${name}/${setting}` }));
}

function natExpectations(request: PreflightRequest): Expectation[] {
  if (!request.forwarding.has("nat")) return [];
  const expectations: Expectation[] = [];
  const forwarding = {
    name: "ip-forward",
    severity: "error",
    ok: (value: string) => value === "1",
    wanted: "1",
    why: "this machine does not forward packets, so the answers of real servers behind NAT get lost",
  } as const;
  if (request.families.has("inet")) {
    expectations.push({ ...forwarding, path: "net/ipv4/ip_forward" });
    expectations.push(
      ...perInterface(request, "send_redirects", {
        name: "send-redirects",
        severity: "warning",
        ok: (value) => value === "0",
        wanted: "0",
        why: "a redirect can send real servers around this router, after which NAT no longer works for them",
      }),
    );
  }
  if (request.families.has("inet6")) expectations.push({ ...forwarding, path: "net/ipv6/conf/all/forwarding" });
  return expectations;
}

function ipv4Expectations(request: PreflightRequest): Expectation[] {
  if (!request.families.has("inet")) return [];
  return [
    ...perInterface(request, "arp_ignore", {
      name: "arp-ignore",
      severity: "error",
      ok: (value) => Number(value) !== ARP_IGNORE_ALL,
      wanted: "0",
      why: "this machine answers no ARP request, so nobody finds its VIPs",
    }),
    ...perInterface(request, "rp_filter", {
      name: "rp-filter",
      severity: "warning",
      ok: (value) => Number(value) !== RP_FILTER_STRICT,
      wanted: "2",
      why: "packets that come in by another interface than their answers leave by are dropped in silence",
    }),
  ];
}

function ipv6Expectations(request: PreflightRequest): Expectation[] {
  if (!request.families.has("inet6")) return [];
  return request.interfaces.map((name) => ({
    name: "ipv6-disabled",
    severity: "error",
    path: `net/ipv6/conf/${name}/disable_ipv6`,
    ok: (value) => value === "0",
    wanted: "0",
    why: "IPv6 is switched off on an interface with IPv6 VIPs",
  }));
}

function judge(expectation: Expectation, host: HostView): Finding[] {
  const value = host.sysctl(expectation.path);
  // A setting that is not there is of an interface or a module that is not there; that is told elsewhere.
  if (value === undefined || expectation.ok(value)) return [];
  return [
    {
      name: expectation.name,
      severity: expectation.severity,
      text: `${expectation.path} is ${value}: ${expectation.why}`,
      mend: sysctlCommand(expectation.path, expectation.wanted),
    },
  ];
}

function supportFindings(request: PreflightRequest, host: HostView): Finding[] {
  const findings: Finding[] = [];
  if (host.userId() !== 0) {
    findings.push({
      name: "not-root",
      severity: "error",
      text: "this user may not change addresses or open raw sockets",
      mend: "sudo tandem",
    });
  }
  for (const name of request.interfaces) {
    if (host.exists(`/proc/sys/net/ipv4/conf/${name}`)) continue;
    findings.push({
      name: "no-interface",
      severity: "error",
      text: `there is no interface ${name}`,
      mend: "ip link",
    });
  }
  return findings;
}

/** A bridge whose frames go through the firewall of IP: what its machines send each other is "forwarded" here. */
function bridgeFindings(request: PreflightRequest, host: HostView): Finding[] {
  const bridges = request.interfaces.filter((name) => host.exists(`/sys/class/net/${name}/bridge`));
  const settings = [
    ...(request.families.has("inet") ? ["net/bridge/bridge-nf-call-iptables"] : []),
    ...(request.families.has("inet6") ? ["net/bridge/bridge-nf-call-ip6tables"] : []),
  ];
  return bridges.length === 0
    ? []
    : settings
        .filter((path) => host.sysctl(path) === "1")
        .map((path) => ({
          name: "bridge-nf",
          severity: "note",
          text: `${path} is 1: what machines on ${bridges.join(" and ")} send each other goes through the FORWARD rules of this one`,
          mend: sysctlCommand(path, "0"),
        }));
}

const RANKS = { error: 0, warning: 1, note: 2 } as const;

/** What on this host would break the router, each with a command that mends it. Reads only; worst first. */
export function preflight(request: PreflightRequest, host: HostView = THIS_HOST): Finding[] {
  const expectations = [...natExpectations(request), ...ipv4Expectations(request), ...ipv6Expectations(request)];
  const findings = [
    ...supportFindings(request, host),
    ...expectations.flatMap((each) => judge(each, host)),
    ...bridgeFindings(request, host),
  ];
  return findings.toSorted((a, b) => RANKS[a.severity] - RANKS[b.severity]);
}
