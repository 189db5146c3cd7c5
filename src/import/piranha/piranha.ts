/** lvs.cf of Piranha, whose pair of routers is the nearest to ours. */
import { parseAddress } from "../../model/address.ts";
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
} from "../foreign/foreign-model.ts";
import { maskOf } from "../words/ipvsadm-values.ts";
import { type NameLookup, NO_NAMES } from "../words/name-lookup.ts";
import { PIRANHA_DROPPED, PIRANHA_GLOBALS, PIRANHA_SERVER, PIRANHA_VIRTUAL } from "./piranha-keys.ts";
import { type PiranhaBlock, type PiranhaLine, readPiranha } from "./piranha-lines.ts";

type Keys = Record<string, ForeignTable[string]>;

function last(lines: readonly PiranhaLine[], key: string): PiranhaLine | undefined {
  return lines.findLast((line) => line.key === key);
}

function textOf(lines: readonly PiranhaLine[], key: string): string | undefined {
  return last(lines, key)?.values[0];
}

/** strtol(…, 0): 010 is 8 and 0x10 is 16 there. */
function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^(0x[\da-fA-F]+|\d+)$/.test(text)) return undefined;
  return /^0\d/.test(text) ? Number.parseInt(text, 8) : Number(text);
}

/** `IP dev[:n]` as a VIP. Without a mask the address counts alone: the class of the address is what nobody means. */
function vipOf(line: PiranhaLine, mask: PiranhaLine | undefined, notes: ForeignNotes): ForeignTable {
  const [address = "", device = ""] = line.values;
  const netmask = parseAddress(mask?.values[0] ?? "");
  const prefix = netmask.ok ? maskOf(netmask.value).prefixLength : 32;
  if (!netmask.ok) notes.warn(line.line, `${address} has no mask, which Piranha took from its class: /32 here`);
  return {
    address: `${address}/${prefix}`,
    interface: device.split(":")[0],
    label: device.includes(":") ? device : undefined,
  };
}

function pairOf(lines: readonly PiranhaLine[]): { pair: Keys; primary: Keys; backup: Keys } {
  const primary = textOf(lines, "primary");
  const backup = textOf(lines, "backup");
  const hasPrivate = last(lines, "primary_private") !== undefined;
  const [keepalive, deadtime] = [numberOf(textOf(lines, "keepalive")) ?? 2, numberOf(textOf(lines, "deadtime")) ?? 5];
  return {
    // Piranha's returned node stays backup.
    pair: { interval: durationOf(keepalive), dead_after: durationOf(deadtime), failback: "manual" },
    primary: { name: "primary", public: primary, private: textOf(lines, "primary_private") ?? primary },
    backup: {
      name: "backup",
      public: backup,
      private: (hasPrivate ? textOf(lines, "backup_private") : undefined) ?? backup,
    },
  };
}

/** Escapes that nanny knows, in a text that keeps them. */
function unescaped(text: string | undefined): string | undefined {
  return text?.replaceAll(
    /\\([rnt\\'"])/g,
    (_whole, letter: string) => ({ r: "\r", n: "\n", t: "\t" })[letter] ?? letter,
  );
}

function checkOf(lines: readonly PiranhaLine[], port: string, notes: ForeignNotes): ForeignTable {
  const seconds = numberOf(textOf(lines, "timeout")) ?? 10;
  const reentry = numberOf(textOf(lines, "reentry")) ?? 180;
  const times = {
    interval: durationOf(seconds),
    timeout: durationOf(seconds),
    rise: Math.min(100, Math.max(1, Math.ceil(reentry / Math.max(1, seconds)))),
    fall: 1,
  };
  const [send, expect] = [unescaped(textOf(lines, "send")), unescaped(textOf(lines, "expect"))];
  const program = last(lines, "send_program");
  if (program !== undefined) {
    notes.warn(
      program.line,
      "send_program: its exit status counts here, not what it prints; %h and %p are in its environment",
    );
    return { kind: "external", command: (program.values[0] ?? "").split(/\s+/), ...times };
  }
  const regex = last(lines, "use_regex");
  if (numberOf(regex?.values[0]) === 1) {
    const step = "{ expect_regex = … } in script";
    notes.warn(regex?.line ?? 1, `use_regex: write the pattern as ${step}; here the text is looked for as it is`);
  }
  if (send === undefined && expect === undefined) {
    if (port !== "80" && port !== "http") return { kind: "tcp", ...times };
    return { kind: "send-expect", send: "GET / HTTP/1.0\r\n\r\n", expect: "HTTP", ...times };
  }
  return { kind: "send-expect", send, expect, ...times };
}

class PiranhaReader {
  readonly vips: ForeignTable[] = [];
  readonly #notes: ForeignNotes;
  readonly #lookup: NameLookup;
  readonly #forward: string | undefined;

  constructor(notes: ForeignNotes, lookup: NameLookup, network: string) {
    this.#notes = notes;
    this.#lookup = lookup;
    this.#forward = FORWARDING_WORDS[network];
  }

  /** @returns undefined for a block that is switched off */
  service(block: PiranhaBlock): ForeignService | undefined {
    const { lines, name, line } = block;
    this.#report(lines, PIRANHA_VIRTUAL, "virtual");
    const address = last(lines, "address");
    if (address !== undefined) this.vips.push(vipOf(address, last(lines, "vip_nmask"), this.#notes));
    if (numberOf(textOf(lines, "active")) !== 1) {
      this.#notes.warn(line, `virtual ${name} is not active, and is left out but for its VIP`);
      return undefined;
    }
    const portText = textOf(lines, "port") ?? "80";
    const port = numberOf(portText) ?? this.#lookup.port(portText, "tcp") ?? (portText === "http" ? 80 : undefined);
    if (port === undefined)
      this.#notes.error(line, `${portText} is not a port; names are looked up with --resolve only`);
    const mark = numberOf(textOf(lines, "fwmark")) ?? 0;
    const host = address?.values[0] ?? "";
    const check = checkOf(lines, portText, this.#notes);
    const sorry = textOf(lines, "sorry_server");
    return {
      keys: {
        name: nameFrom(name),
        listen: mark > 0 ? `fwmark:${mark}` : `${textOf(lines, "protocol") ?? "tcp"}://${host}:${port ?? 0}`,
        scheduler: textOf(lines, "scheduler") ?? "wlc",
        forward: this.#forward,
        on_failure: numberOf(textOf(lines, "quiesce_server")) === 1 ? "quiesce" : undefined,
        sorry,
        // nanny gives a server that is back its weight in steps of some twenty seconds.
        slow_start: "100s",
      },
      ...this.#persistence(lines),
      servers: block.blocks.flatMap((server) => this.#server(server, check)),
    };
  }

  #persistence(lines: readonly PiranhaLine[]): { readonly persistence?: ForeignTable } {
    const seconds = numberOf(textOf(lines, "persistent")) ?? 0;
    const mask = parseAddress(textOf(lines, "pmask") ?? "");
    const prefix = mask.ok ? maskOf(mask.value).prefixLength : 32;
    if (seconds === 0) return {};
    return { persistence: { timeout: durationOf(seconds), prefix: prefix === 32 ? undefined : prefix } };
  }

  #server({ lines, name, line }: PiranhaBlock, check: ForeignTable): ForeignServer[] {
    this.#report(lines, PIRANHA_SERVER, "server");
    if (numberOf(textOf(lines, "active")) !== 1) {
      this.#notes.warn(line, `server ${name} is not active, and is left out`);
      return [];
    }
    const text = textOf(lines, "address") ?? "";
    const known = parseAddress(text);
    const address = known.ok ? known.value : this.#lookup.host(text);
    if (address === undefined) {
      this.#notes.error(line, `${JSON.stringify(text)} is not an address; names are looked up with --resolve only`);
      return [];
    }
    const port = numberOf(textOf(lines, "port"));
    const weight = numberOf(textOf(lines, "weight")) ?? 1;
    return [
      { keys: { address: port === undefined ? address.text : `${address.text}:${port}`, weight }, checks: [check] },
    ];
  }

  #report(lines: readonly PiranhaLine[], known: ReadonlySet<string>, where: string): void {
    for (const { key, line } of lines) {
      if (PIRANHA_DROPPED.has(key)) this.#notes.warn(line, `${key} has no counterpart here`);
      else if (!known.has(key)) this.#notes.error(line, `${key} is no key of Piranha's in ${where}`);
    }
  }
}

/** Reads the text of an lvs.cf. Pure; what has no counterpart is a warning, what cannot be read an issue. */
export function parsePiranha(text: string, lookup: NameLookup = NO_NAMES): ForeignResult {
  const notes = new Notes();
  const { lines, blocks } = readPiranha(text, notes);
  for (const { key, line } of lines) {
    if (PIRANHA_DROPPED.has(key)) notes.warn(line, `${key} has no counterpart here`);
    else if (!PIRANHA_GLOBALS.has(key)) notes.error(line, `${key} is no key of Piranha's`);
  }
  if (textOf(lines, "service") === "fos")
    notes.error(last(lines, "service")?.line ?? 1, "service = fos has no LVS in it");
  const reader = new PiranhaReader(notes, lookup, textOf(lines, "network") ?? "nat");
  const gateway = last(lines, "nat_router");
  if (gateway !== undefined) reader.vips.push(vipOf(gateway, last(lines, "nat_nmask"), notes));
  const services = blocks.filter(({ kind }) => kind === "virtual").flatMap((block) => reader.service(block) ?? []);
  const timeout = (key: string) => {
    const seconds = numberOf(textOf(lines, key)) ?? 0;
    return seconds === 0 ? undefined : durationOf(seconds);
  };
  const isSynced = numberOf(textOf(lines, "syncdaemon")) === 1;
  return notes.result({
    ...pairOf(lines),
    vips: reader.vips,
    services,
    gates: [],
    sync: isSynced
      ? { interface: textOf(lines, "syncd_iface"), id: numberOf(textOf(lines, "syncd_id")) }
      : { enabled: false },
    timeouts: { tcp: timeout("tcp_timeout"), tcp_fin: timeout("tcpfin_timeout"), udp: timeout("udp_timeout") },
    hooks: {
      active: textOf(lines, "active_cmd")?.split(/\s+/),
      standby: textOf(lines, "inactive_cmd")?.split(/\s+/),
    },
  });
}
