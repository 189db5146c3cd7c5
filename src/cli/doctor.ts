import type { Config } from "../config/config.ts";
import { loadKeys } from "../config/load.ts";
import { AddressClient } from "../kernel/address-client.ts";
import { type Finding, type PreflightRequest, preflight } from "../kernel/preflight.ts";
import { TandemError } from "../lib/errors.ts";
import type { IpAddress } from "../model/address.ts";
import { readConfig } from "./config-file.ts";
import type { CommandContext, SingleRunner } from "./context.ts";
import type { doctor as spec } from "./spec/singles.ts";
import { printable } from "./table.ts";
import { wrap } from "./wrap.ts";

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
function requestOf(config: Config): PreflightRequest {
  using addresses = AddressClient.open();
  const { primary, backup } = config.pair;
  const own = [primary.public, primary.private, backup.public, backup.private];
  const carrying = addresses
    .list()
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

interface Look {
  readonly request: PreflightRequest;
  /** What the configuration names and this host lacks. */
  readonly findings: readonly Finding[];
  /** A word about where the request comes from. */
  readonly basis: string;
}

function chooseRequest(context: CommandContext): Look {
  try {
    const { path, config } = readConfig(context);
    return { request: requestOf(config), findings: keyFindings(config.pair.keyFile), basis: `for ${path}` };
  } catch (error) {
    const cause = error instanceof TandemError ? error.cause : undefined;
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    if (context.globals.config !== undefined || !isMissing) throw error;
    return { request: generalRequest(), findings: [], basis: "without a configuration, for NAT on every interface" };
  }
}

function findingLines(finding: Finding, context: CommandContext): string[] {
  const { palette, widthColumns } = context.output;
  const isError = finding.severity === "error";
  const sentence = `${isError ? "error:" : "warning:"} ${printable(finding.text)}`;
  const [first = "", ...rest] = wrap(sentence, widthColumns ?? Number.POSITIVE_INFINITY);
  const marked = first.replace(/^\w+:/, (mark) => palette(isError ? "bad" : "warn", mark));
  // The command is never broken: it is there to be copied.
  return [marked, ...rest, `  mend: ${printable(finding.mend)}`];
}

/** Says what on this host would break LVS; exit 3 when something would. */
export const doctor: SingleRunner<typeof spec> = (_input, context) => {
  const { output } = context;
  const { request, findings: ofConfig, basis } = chooseRequest(context);
  const findings = [...preflight(request), ...ofConfig];
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
