/**
 * ldirectord.cf as `[[service]]` tables. A line that begins with four blanks or a tab belongs to the `virtual` above it;
 * an empty line ends that. ldirectord has neither VIPs nor routers: those are its cluster manager's.
 */
import { type Family, parseAddress } from "../../model/address.ts";
import {
  durationOf,
  FORWARDING_WORDS,
  type ForeignNotes,
  type ForeignResult,
  type ForeignServer,
  type ForeignService,
  type ForeignTable,
  ForeignNotes as Notes,
  nameFrom,
  wholeNumber,
} from "../foreign/foreign-model.ts";
import { maskOf, parseHostAndPort } from "../words/ipvsadm-values.ts";
import { type NameLookup, NO_NAMES } from "../words/name-lookup.ts";
import { ldirectordCheck } from "./ldirectord-check.ts";

interface Line {
  readonly line: number;
  readonly key: string;
  readonly value: string;
}

interface Section {
  readonly head: Line;
  readonly lines: Line[];
}

type Values = ReadonlyMap<string, string>;

function keyAndValue(text: string, line: number): Line | undefined {
  const match = /^\s*([A-Za-z0-9]+)\s*=\s*(.*?)\s*$/.exec(text);
  return match === null ? undefined : { line, key: (match[1] ?? "").toLowerCase(), value: match[2] ?? "" };
}

/** The text as global lines and sections. */
function split(text: string, notes: ForeignNotes): { readonly globals: Line[]; readonly sections: Section[] } {
  const globals: Line[] = [];
  const sections: Section[] = [];
  let section: Section | undefined;
  for (const [index, whole] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    if (/^\s*#/.test(whole)) continue;
    const isInside = section !== undefined && /^( {4}|\t| {1,3}\t)/.test(whole);
    if (!isInside) section = undefined;
    if (whole.trim() === "") continue;
    // Inside a section a # cuts the line, also within quotes; so it does there.
    const entry = keyAndValue(isInside ? (whole.split("#")[0] ?? "") : whole, line);
    if (entry === undefined) notes.error(line, "this is not KEY=VALUE");
    else if (section !== undefined) section.lines.push(entry);
    else if (entry.key === "virtual" || entry.key === "virtual6") {
      section = { head: entry, lines: [] };
      sections.push(section);
    } else globals.push(entry);
  }
  return { globals, sections };
}

/** `IP:port gate|masq|ipip [weight] ["request","receive"] [l:N] [u:N]`; a range of addresses becomes several. */
function realServers(entry: Line, lookup: NameLookup, notes: ForeignNotes): ForeignTable[] {
  const [addresses = "", method, ...rest] = entry.value.replaceAll(/"[^"]*"(\s*,\s*"[^"]*")?/g, "").split(/\s+/);
  if (/"/.test(entry.value))
    notes.warn(entry.line, "request and receive of one server are left out: the service's are used");
  const limit = (letter: string) => rest.find((word) => word.startsWith(`${letter}:`))?.slice(2);
  const forward = FORWARDING_WORDS[method ?? ""];
  const weight = rest.find((word) => /^\d+$/.test(word));
  const keys = {
    weight: wholeNumber(weight) ?? 1,
    forward,
    upper_threshold: wholeNumber(limit("u")),
    lower_threshold: wholeNumber(limit("l")),
  };
  return expand(addresses, entry.line, lookup, notes).map((address) => ({ address, ...keys }));
}

/** More servers than this in one range are a typing error. */
const MAX_RANGE = 1_024;

function expand(text: string, line: number, lookup: NameLookup, notes: ForeignNotes): string[] {
  const range = /^(\d+\.\d+\.\d+\.)(\d+)->\1(\d+)(:\S+)?$/.exec(text);
  if (range === null) return endpointTexts(text, line, lookup, notes);
  const [, head = "", first = "", last = "", port = ""] = range;
  const count = Number(last) - Number(first) + 1;
  if (count < 1 || count > MAX_RANGE) {
    notes.error(line, `${text} is no range of addresses`);
    return [];
  }
  return Array.from({ length: count }, (_, index) => `${head}${Number(first) + index}${port}`).flatMap((each) =>
    endpointTexts(each, line, lookup, notes),
  );
}

function endpointTexts(text: string, line: number, lookup: NameLookup, notes: ForeignNotes): string[] {
  const endpoint = parseHostAndPort(text, "tcp", lookup);
  if (!endpoint.ok) {
    notes.error(line, `${endpoint.problem}; names are looked up with --resolve only`);
    return [];
  }
  const { address, port } = endpoint.value;
  const host = address.family === "inet6" ? `[${address.text}]` : address.text;
  return [port === 0 ? host : `${host}:${port}`];
}

interface Listen {
  readonly text: string;
  readonly port: number;
  readonly family: Family;
}

function listenOf({ value, line }: Line, values: Values, lookup: NameLookup, notes: ForeignNotes): Listen | undefined {
  if (/^\d+$/.test(value)) return { text: `fwmark:${value}`, port: 0, family: "inet" };
  const endpoint = parseHostAndPort(value, "tcp", lookup);
  if (!endpoint.ok) {
    notes.error(line, `${endpoint.problem}; names are looked up with --resolve only`);
    return undefined;
  }
  const { address, port } = endpoint.value;
  const protocol = values.get("protocol") ?? (port === 53 ? "udp" : "tcp");
  const host = address.family === "inet6" ? `[${address.text}]` : address.text;
  return { text: `${protocol}://${host}:${port}`, port, family: address.family };
}

function persistenceOf(values: Values, line: number, notes: ForeignNotes): ForeignTable | undefined {
  const text = values.get("persistent");
  const seconds = wholeNumber(text);
  if (text === undefined) return undefined;
  if (seconds === undefined) {
    notes.error(line, `persistent=${text} is not a number of seconds`);
    return undefined;
  }
  const netmask = values.get("netmask");
  const mask = netmask === undefined ? undefined : parseAddress(netmask);
  const prefix = mask?.ok === true ? maskOf(mask.value).prefixLength : wholeNumber(netmask);
  return { timeout: durationOf(seconds), prefix };
}

/** Keys that are read; what is not among them has no counterpart. */
const KNOWN = new Set([
  ...["real", "real6", "scheduler", "schedflags", "persistent", "netmask", "protocol", "ops", "quiescent", "fallback"],
  ...["fallback6", "checktype", "service", "checkcommand", "checkport", "request", "receive", "httpmethod"],
  ...["virtualhost", "checktimeout", "negotiatetimeout", "checkinterval", "checkcount", "failurecount", "comment"],
  ...["login", "passwd", "database", "secret", "servicename"],
]);

function sorryOf(values: Values, lookup: NameLookup, line: number, notes: ForeignNotes): string | undefined {
  const text = (values.get("fallback") ?? values.get("fallback6"))?.split(/\s+/)[0];
  return text === undefined ? undefined : endpointTexts(text, line, lookup, notes)[0];
}

function serviceOf(
  { head, lines }: Section,
  globals: Values,
  lookup: NameLookup,
  notes: ForeignNotes,
): ForeignService | undefined {
  const values: Values = new Map([...globals, ...lines.map(({ key, value }) => [key, value] as const)]);
  for (const { key, line } of lines) {
    if (!KNOWN.has(key)) notes.warn(line, `${key} has no counterpart here`);
  }
  const listen = listenOf(head, values, lookup, notes);
  if (listen === undefined) return undefined;
  const check = ldirectordCheck(values, listen.port, head.line, notes);
  const servers = lines
    .filter(({ key }) => key === "real" || key === "real6")
    .flatMap((entry) => realServers(entry, lookup, notes))
    .map((keys): ForeignServer => ({ keys, checks: check === undefined ? [] : [check] }));
  const persistence = persistenceOf(values, head.line, notes);
  return {
    keys: {
      name: nameFrom(values.get("servicename") ?? listen.text),
      listen: listen.text,
      scheduler: values.get("scheduler") ?? "wrr",
      scheduler_flags: values.get("schedflags")?.split(","),
      one_packet: values.get("ops") === "yes" ? true : undefined,
      on_failure: values.get("quiescent") === "yes" ? "quiesce" : undefined,
      sorry: sorryOf(values, lookup, head.line, notes),
    },
    ...(persistence === undefined ? {} : { persistence }),
    servers,
  };
}

/** Reads the text of an ldirectord.cf. Pure; what has no counterpart is a warning, what cannot be read an issue. */
export function parseLdirectord(text: string, lookup: NameLookup = NO_NAMES): ForeignResult {
  const notes = new Notes();
  const { globals, sections } = split(text, notes);
  for (const { key, line } of globals) {
    if (!KNOWN.has(key)) notes.warn(line, `${key} has no counterpart here`);
  }
  const quiescent = globals.find(({ key }) => key === "quiescent");
  if (quiescent === undefined) {
    notes.warn(
      1,
      "quiescent is not set: ldirectord's manual says yes, its program no; here servers that fail are removed",
    );
  }
  const defaults = new Map(globals.map(({ key, value }) => [key, value]));
  const services = sections.flatMap((section) => serviceOf(section, defaults, lookup, notes) ?? []);
  notes.warn(1, "the VIPs and the two routers are not in this file: add [pair] and [[vip]]");
  return notes.result({
    pair: {},
    primary: {},
    backup: {},
    vips: [],
    services,
    gates: [],
    sync: {},
    timeouts: {},
    hooks: {},
  });
}
