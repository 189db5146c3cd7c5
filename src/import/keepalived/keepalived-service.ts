/** `virtual_server` of keepalived as a `[[service]]`. */
import { parseAddress } from "../../model/address.ts";
import {
  FORWARDING_WORDS,
  type ForeignNotes,
  type ForeignServer,
  type ForeignService,
  type ForeignTable,
  nameFrom,
} from "../foreign/foreign-model.ts";
import { maskOf } from "../words/ipvsadm-values.ts";
import type { Statement } from "./keepalived-blocks.ts";
import {
  CHECKERS,
  type CheckDefaults,
  checksOf,
  KEEPALIVED_DEFAULTS,
  numberOf,
  withTimes,
} from "./keepalived-check.ts";

type Keys = Record<string, ForeignTable[string]>;

/** keepalived -p without a number. */
const PERSISTENCE_DEFAULT = "360s";

/** `ADDRESS:PORT`, with brackets around IPv6. */
function endpointText(address: string, port: string | undefined): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return port === undefined ? host : `${host}:${port}`;
}

/** One line of `virtual_server_group`, or the words after `virtual_server`, as what is listened on. */
function listenOf(words: readonly string[], protocol: string, family: string | undefined): string | undefined {
  const [first = "", second] = words;
  if (first === "fwmark") {
    const isSix = (words[2] ?? family) === "inet6";
    return numberOf(second) === undefined ? undefined : `fwmark:${second}${isSix ? "/inet6" : ""}`;
  }
  return parseAddress(first).ok ? `${protocol}://${endpointText(first, second ?? "0")}` : undefined;
}

/** `TUN type gue port 6080 csum` after the word of the method. */
function tunnelKeys(words: readonly string[]): ForeignTable | undefined {
  const checksums: Readonly<Record<string, string>> = { nocsum: "none", csum: "full", remcsum: "remote" };
  const type = words[words.indexOf("type") + 1];
  if (!words.includes("type") || type === undefined) return undefined;
  const port = words.includes("port") ? numberOf(words[words.indexOf("port") + 1]) : undefined;
  const checksum = words.map((word) => checksums[word]).find((text) => text !== undefined);
  return { type, port, checksum };
}

function persistenceOf(block: readonly Statement[], notes: ForeignNotes): ForeignTable | undefined {
  const find = (keyword: string) => block.findLast((statement) => statement.keyword === keyword);
  const [timeout, granularity, engine] = ["timeout", "granularity", "engine"].map((key) => find(`persistence_${key}`));
  // A mask alone turns persistence on; an engine alone means nothing.
  if (timeout === undefined && granularity === undefined) return undefined;
  const word = granularity?.words[1] ?? "";
  const mask = parseAddress(word);
  const prefix = mask.ok && mask.value.family === "inet" ? maskOf(mask.value) : { prefixLength: numberOf(word) };
  if (granularity !== undefined && "irregularMask" in prefix) {
    notes.warn(granularity.line, `the mask ${word} is no prefix, which is all that prefix can say`);
  }
  return {
    timeout: timeout?.words[1] === undefined ? PERSISTENCE_DEFAULT : `${timeout.words[1]}s`,
    prefix: granularity === undefined ? undefined : prefix.prefixLength,
    engine: engine?.words[1],
  };
}

const SCHEDULER_FLAGS = ["flag-1", "flag-2", "flag-3", "sh-port", "sh-fallback", "mh-port", "mh-fallback"];
/** Read elsewhere, or what ours does anyway. */
const KNOWN = new Set([
  ...["protocol", "ip_family", "real_server", "persistence_timeout", "persistence_granularity", "persistence_engine"],
  ...["delay_loop", "connect_timeout", "retry", "virtualhost", "alpha", "warmup", "weight"],
]);

/** What a statement of a virtual server becomes; undefined: it has no counterpart. */
function serviceKey({ keyword, words }: Statement): Keys | undefined {
  const [, value] = words;
  switch (keyword) {
    case "lvs_sched":
    case "lb_algo":
      return { scheduler: value };
    case "lvs_method":
    case "lb_kind":
      return { forward: FORWARDING_WORDS[(value ?? "").toLowerCase()] };
    case "ops":
      return { one_packet: true };
    case "quorum":
      return { quorum: numberOf(value), quorum_by: "weight" };
    case "hysteresis":
      return { quorum_hysteresis: numberOf(value) };
    case "inhibit_on_failure":
      return { on_failure: "quiesce" };
    case "sorry_server":
      return { sorry: endpointText(value ?? "", words[2]) };
    default:
      return KNOWN.has(keyword) || SCHEDULER_FLAGS.includes(keyword) ? {} : undefined;
  }
}

function serverOf(statement: Statement, times: CheckDefaults, weight: number, notes: ForeignNotes): ForeignServer {
  const { words, block = [] } = statement;
  const own = withTimes(times, block);
  const keys: Keys = { address: endpointText(words[1] ?? "", words[2]), weight };
  const checks: ForeignTable[] = [];
  for (const inner of block) {
    const { keyword, line } = inner;
    const value = inner.words[1];
    if (CHECKERS.has(keyword)) checks.push(...checksOf(inner, own, notes));
    else if (keyword === "weight") keys["weight"] = numberOf(value);
    else if (keyword === "lvs_method") keys["forward"] = FORWARDING_WORDS[(value ?? "").toLowerCase()];
    else if (keyword === "uthreshold") keys["upper_threshold"] = numberOf(value);
    else if (keyword === "lthreshold") keys["lower_threshold"] = numberOf(value);
    else if (keyword === "inhibit_on_failure")
      notes.warn(line, "on_failure is for a whole service here, not for a server");
    else if (keyword === "notify_up" || keyword === "notify_down") {
      notes.warn(line, `${keyword} has no counterpart here: see verdict in [hooks]`);
    } else if (!KNOWN.has(keyword)) notes.warn(line, `${keyword} of a real server has no counterpart here`);
  }
  return { keys, checks };
}

/** @param groups the statements of each `virtual_server_group` by its name */
export function serviceOf(
  statement: Statement,
  groups: ReadonlyMap<string, readonly Statement[]>,
  notes: ForeignNotes,
): ForeignService | undefined {
  const { words, block = [], line } = statement;
  const find = (keyword: string) => block.findLast((inner) => inner.keyword === keyword);
  const protocol = find("protocol")?.words[1]?.toLowerCase();
  const isGroup = words[1] === "group";
  if (protocol === undefined && words[1] !== "fwmark") {
    notes.warn(line, "without a protocol keepalived makes a UDP service; if that was a mistake, write tcp:// instead");
  }
  const family = find("ip_family")?.words[1];
  const sources = isGroup ? (groups.get(words[2] ?? "") ?? []).map((entry) => entry.words) : [words.slice(1)];
  const listen = sources.map((source) => listenOf(source, protocol ?? "udp", family));
  if (listen.length === 0 || listen.includes(undefined)) {
    notes.warn(line, `${words.join(" ")} is left out: a range, a name or an unknown group has no counterpart here`);
    return undefined;
  }
  const flags = block.map(({ keyword }) => keyword).filter((keyword) => SCHEDULER_FLAGS.includes(keyword));
  const keys: Keys = {
    name: nameFrom(isGroup ? (words[2] ?? "") : (listen[0] ?? "")),
    listen: listen.length === 1 ? listen[0] : (listen as string[]),
    scheduler: "wlc",
    scheduler_flags: flags.length === 0 ? undefined : flags,
    forward: "nat",
  };
  for (const inner of block) {
    const own = serviceKey(inner);
    if (inner.keyword === "quorum_up" || inner.keyword === "quorum_down") {
      notes.warn(inner.line, `${inner.keyword} has no counterpart here: see quorum in [hooks]`);
    } else if (own === undefined)
      notes.warn(inner.line, `${inner.keyword} of a virtual server has no counterpart here`);
    else Object.assign(keys, own);
  }
  const times = withTimes(KEEPALIVED_DEFAULTS, block);
  const weight = numberOf(find("weight")?.words[1]) ?? 1;
  const method = find("lvs_method") ?? find("lb_kind");
  const tunnel = tunnelKeys(method?.words ?? []);
  const persistence = persistenceOf(block, notes);
  const servers = block.filter(({ keyword }) => keyword === "real_server");
  return {
    keys,
    ...(tunnel === undefined ? {} : { tunnel }),
    ...(persistence === undefined ? {} : { persistence }),
    servers: servers.map((server) => serverOf(server, times, weight, notes)),
  };
}
