/**
 * `tandem doctor`: everything on this host that would break LVS, the gravest first, each with the command that mends it
 * where there is one.
 */
import type { Config } from "../../config/keys/config.ts";
import { loadKeys } from "../../config/load.ts";
import { whoAmI } from "../../config/who-am-i.ts";
import { isBalancing } from "../../daemon/host/services-claim.ts";
import { ipvsSysctls } from "../../daemon/settings/ipvs-settings.ts";
import { AddressClient, type InterfaceAddress } from "../../kernel/addresses/address-client.ts";
import { type IpvsRequest, ipvsFindings } from "../../kernel/ipvs/ipvs-preflight.ts";
import { type Finding, type PreflightRequest, preflight } from "../../kernel/machine/preflight.ts";
import { TandemError } from "../../lib/errors.ts";
import type { IpAddress } from "../../model/address.ts";
import { readConfig } from "../line/config-file.ts";
import type { CommandContext, SingleRunner } from "../line/context.ts";
import { printable } from "../output/table.ts";
import { wrap } from "../output/wrap.ts";
import type { doctor as spec } from "../spec/single-command-specs.ts";
import { daemonFindings, withoutRepetitions } from "./daemon-findings.ts";
import { firewallFindings } from "./firewall-findings.ts";
import { wayFindings } from "./way-findings.ts";

/** The ways of forwarding that preflight asks about. */
function forwardings(config: Config): PreflightRequest["forwarding"] {
  const all = config.services.flatMap(({ servers, sorry }) => [
    ...servers.map(({ server }) => server.forward),
    ...(sorry === undefined ? [] : [sorry.forward]),
  ]);
  return new Set(all.filter((forward) => forward === "nat" || forward === "direct" || forward === "tunnel"));
}

function isSame(a: IpAddress, b: IpAddress): boolean {
  return a.text === b.text;
}

/** What the configuration wants of this host: the interfaces of its VIPs and those that have the routers' addresses. */
function requestOf(config: Config, present: readonly InterfaceAddress[]): PreflightRequest {
  const { primary, backup } = config.pair;
  const own = [primary.public, primary.private, backup.public, backup.private];
  const carrying = present
    .filter(({ prefix }) => own.some((address) => isSame(address, prefix.address)))
    .map((address) => address.interface);
  return {
    interfaces: [...new Set([...config.vips.map((vip) => vip.interface), ...carrying])],
    forwarding: forwardings(config),
    families: new Set(config.vips.map(({ prefix }) => prefix.address.family)),
  };
}

/** Without a configuration: every interface that is not loopback, by NAT, the usual case. */
function generalRequest(): PreflightRequest {
  using addresses = AddressClient.open();
  const global = addresses.list().filter(({ scope }) => scope === "global");
  return {
    interfaces: [...new Set(global.map((address) => address.interface))],
    forwarding: new Set(["nat"]),
    families: new Set(global.map(({ prefix }) => prefix.address.family)),
  };
}

/** A key file that the daemon would refuse. Whoever may not read it has been told to be root. */
function keyFindings(keyFile: string): Finding[] {
  try {
    loadKeys(keyFile);
    return [];
  } catch (error) {
    if (!(error instanceof TandemError)) throw error;
    if (error.exitCode === 4) return [];
    const text = `the key file ${keyFile} is of no use: ${error.reason}`;
    return [{ name: "key-file", severity: "error", text, mend: error.hint ?? "" }];
  }
}

/** FTP's control connections (RFC 959). */
const FTP_PORT = 21;

/** What the services need of IPVS. */
function ipvsRequestOf(config: Config): IpvsRequest {
  const keys = config.services.flatMap(({ listen }) => listen.map(({ key }) => key));
  return {
    balances: keys.length > 0,
    hasFtp: keys.some((key) => key.kind === "address" && key.protocol === "tcp" && key.port === FTP_PORT),
    settings: ipvsSysctls(config),
    isKept: isBalancing(),
  };
}

const GENERAL_IPVS: IpvsRequest = { balances: true, hasFtp: false, settings: [], isKept: false };

/** A machine that is neither router of the pair, or has addresses of both. */
function placeFindings(config: Config, present: readonly InterfaceAddress[]): Finding[] {
  const self = whoAmI(
    config,
    present.map(({ prefix }) => prefix.address),
  );
  if (self.ok) return [];
  const mend = "ip address   # or, where that is as it should be: tandem run --router primary|backup";
  return [{ name: "neither-router", severity: "error", text: self.problem, mend }];
}

interface Look {
  /** Why this machine is no router of the configuration; of no account where a daemon runs. */
  readonly place: readonly Finding[];
  readonly request: PreflightRequest;
  readonly ipvs: IpvsRequest;
  /** What the configuration names and this host lacks. */
  readonly findings: readonly Finding[];
  /** Absent: there is none. */
  readonly config?: Config;
  /** A word about where the request comes from. */
  readonly basis: string;
}

function chooseRequest(context: CommandContext): Look {
  try {
    const { path, config } = readConfig(context);
    using addresses = AddressClient.open();
    const present = addresses.list();
    return {
      config,
      place: placeFindings(config, present),
      request: requestOf(config, present),
      ipvs: ipvsRequestOf(config),
      findings: [...keyFindings(config.pair.keyFile), ...firewallFindings(config)],
      basis: `for ${path}`,
    };
  } catch (error) {
    const cause = error instanceof TandemError ? error.cause : undefined;
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    if (context.globals.config !== undefined || !isMissing) throw error;
    const basis = "without a configuration, for NAT on every interface";
    return { place: [], request: generalRequest(), ipvs: GENERAL_IPVS, findings: [], basis };
  }
}

/** The gravest first. */
const SEVERITIES = ["error", "warning", "note"] as const;
const TONES = { error: "bad", warning: "warn", note: "dim" } as const;

function findingLines(finding: Finding, context: CommandContext): string[] {
  const { palette, widthColumns } = context.output;
  const sentence = `${finding.severity}: ${printable(finding.text)}`;
  const [first = "", ...rest] = wrap(sentence, widthColumns ?? Number.POSITIVE_INFINITY);
  const marked = first.replace(/^\w+:/, (mark) => palette(TONES[finding.severity], mark));
  // The command is never broken: it is there to be copied.
  return [marked, ...rest, ...(finding.mend === "" ? [] : [`  mend: ${printable(finding.mend)}`])];
}

/** Says what on this host would break LVS; exit 3 when something would. */
export const doctor: SingleRunner<typeof spec> = async (_input, context) => {
  const { output } = context;
  const { place, request, ipvs, findings: ofConfig, basis, config } = chooseRequest(context);
  const rank = ({ severity }: Finding) => SEVERITIES.indexOf(severity);
  const [ofDaemon, ofWays] = await Promise.all([
    daemonFindings(context),
    config === undefined ? [] : wayFindings(config),
  ]);
  const ofHost = [...preflight(request), ...ipvsFindings(ipvs), ...ofConfig, ...ofWays];
  // Who runs as a router knows which one it is.
  const all = ofDaemon === undefined ? [...place, ...ofHost] : [...withoutRepetitions(ofDaemon, ofHost), ...ofHost];
  const findings = all.toSorted((a, b) => rank(a) - rank(b));
  const isFine = findings.every(({ severity }) => severity !== "error");
  if (output.json) {
    const told = findings.map(({ name, severity, text, mend }) => ({ name, severity, message: text, mend }));
    output.printJson({ ok: isFine, findings: told });
  } else {
    output.note(`looked ${basis}`);
    output.lines(findings.flatMap((finding) => findingLines(finding, context)));
    if (findings.length === 0) output.lines([output.palette("good", "nothing found that would break LVS")]);
  }
  return isFine ? 0 : 3;
};
