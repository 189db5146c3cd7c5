/** The checkers of a real server of keepalived. */
import { durationOf, type ForeignNotes, type ForeignTable } from "../foreign/foreign-model.ts";
import type { Statement } from "./keepalived-blocks.ts";

/** What falls from the virtual server to the real server to the checker; seconds. */
export interface CheckDefaults {
  readonly delayLoop: number;
  readonly connectTimeout: number;
  readonly retry: number | undefined;
  readonly virtualHost: string | undefined;
}

/** The defaults of keepalived.conf(5). */
export const KEEPALIVED_DEFAULTS: CheckDefaults = {
  delayLoop: 60,
  connectTimeout: 5,
  retry: undefined,
  virtualHost: undefined,
};

export function numberOf(word: string | undefined): number | undefined {
  const value = Number(word);
  return word !== undefined && /^\d+(\.\d+)?$/.test(word) && Number.isFinite(value) ? value : undefined;
}

/** The defaults with what a block says. */
export function withTimes(defaults: CheckDefaults, block: readonly Statement[]): CheckDefaults {
  const last = (keyword: string) => block.findLast((statement) => statement.keyword === keyword)?.words[1];
  return {
    delayLoop: numberOf(last("delay_loop")) ?? defaults.delayLoop,
    connectTimeout: numberOf(last("connect_timeout")) ?? defaults.connectTimeout,
    retry: numberOf(last("retry") ?? last("nb_get_retry")) ?? defaults.retry,
    virtualHost: last("virtualhost") ?? defaults.virtualHost,
  };
}

/** Kinds with the retries that they have when nothing is said. */
const KINDS: Readonly<Record<string, readonly [kind: string, retries: number]>> = {
  TCP_CHECK: ["tcp", 1],
  HTTP_GET: ["http", 1],
  SSL_GET: ["https", 1],
  SMTP_CHECK: ["smtp", 1],
  DNS_CHECK: ["dns", 3],
  MISC_CHECK: ["external", 0],
  UDP_CHECK: ["udp", 1],
  PING_CHECK: ["ping", 1],
};

export const CHECKERS: ReadonlySet<string> = new Set([...Object.keys(KINDS), "BFD_CHECK", "FILE_CHECK"]);

/** Keys with the same meaning here, by their names there. */
const SAME: Readonly<Record<string, string>> = {
  connect_ip: "connect_address",
  bindto: "bind_address",
  bind_if: "bind_interface",
};
const SAME_NUMBERS: Readonly<Record<string, string>> = { connect_port: "port", fwmark: "mark" };
const TIMES = ["delay_loop", "connect_timeout", "retry", "nb_get_retry", "virtualhost", "alpha", "warmup"];

function timesOf(times: CheckDefaults, retries: number): ForeignTable {
  return {
    interval: durationOf(times.delayLoop),
    // Ours must fit into the interval.
    timeout: durationOf(Math.min(times.connectTimeout, times.delayLoop)),
    rise: 1,
    fall: (times.retry ?? retries) + 1,
  };
}

function urlKeys(url: Statement, times: CheckDefaults, notes: ForeignNotes): ForeignTable {
  const keys: Record<string, string | readonly (string | number)[]> = {};
  if (times.virtualHost !== undefined) keys["host"] = times.virtualHost;
  for (const { keyword, words, line } of url.block ?? []) {
    if (keyword === "path") keys["path"] = words[1] ?? "/";
    else if (keyword === "virtualhost") keys["host"] = words[1] ?? "";
    else if (keyword === "regex") keys["expect_body_regex"] = words.slice(1).join(" ");
    else if (keyword === "status_code") {
      keys["expect_status"] = words.slice(1).map((word) => (/^\d+$/.test(word) ? Number(word) : word));
    } else
      notes.warn(
        line,
        `${keyword} of a url has no counterpart here${keyword === "digest" ? ": the page is not compared" : ""}`,
      );
  }
  return keys["expect_status"] === undefined ? { ...keys, expect_status: ["200-299"] } : keys;
}

/** Texts between quotes, and what stands between blanks. */
function split(text: string): string[] {
  const words = text.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  return words.map((word) => word.replaceAll(/'([^']*)'|"([^"]*)"/g, "$1$2"));
}

/** The words of a command line after its keyword. There is no shell, but quotes hold words together. */
export function commandOf(words: readonly string[]): string[] {
  const command = split(words.slice(1).join(" "));
  const [whole = ""] = command;
  // Some put all of it between quotes.
  return command.length === 1 && /\s/.test(whole) ? split(whole) : command;
}

/** Keys that belong to one kind of checker. */
function ownKey(checker: string, { keyword, words }: Statement): ForeignTable | undefined {
  if (checker === "DNS_CHECK" && keyword === "name") return { query: words[1] };
  if (checker === "DNS_CHECK" && keyword === "type") return { record: words[1] };
  if (checker === "MISC_CHECK" && keyword === "misc_path") return { command: commandOf(words) };
  if (checker === "MISC_CHECK" && keyword === "misc_timeout") return { timeout: durationOf(numberOf(words[1]) ?? 1) };
  if (checker === "MISC_CHECK" && keyword === "user") return { user: words[1] };
  if (checker.endsWith("_GET") && keyword === "http_protocol") return { http_version: words[1]?.slice(0, 3) };
  if (checker === "SSL_GET" && keyword === "sni_name") return { server_name: words[1] };
  if (keyword === "url" || TIMES.includes(keyword)) return {};
  const same = SAME[keyword];
  if (same !== undefined) return { [same]: words[1] };
  const number = SAME_NUMBERS[keyword];
  return number === undefined ? undefined : { [number]: numberOf(words[1]) };
}

/** One checker as checks of ours: one for each url that it asks for. */
export function checksOf(checker: Statement, defaults: CheckDefaults, notes: ForeignNotes): ForeignTable[] {
  const { keyword, line, block = [] } = checker;
  const found = KINDS[keyword];
  if (found === undefined) {
    notes.warn(line, `${keyword} has no counterpart here: the server is not checked by it`);
    return [];
  }
  const [kind, retries] = found;
  const times = withTimes(defaults, block);
  const keys: Record<string, ForeignTable[string]> = { kind, ...timesOf(times, retries) };
  for (const statement of block) {
    const own = ownKey(keyword, statement);
    if (own === undefined) notes.warn(statement.line, `${statement.keyword} of ${keyword} has no counterpart here`);
    else Object.assign(keys, own);
  }
  if (keyword === "SSL_GET") {
    keys["verify"] = false;
    notes.warn(line, "SSL_GET never verified the certificate: verify = false keeps it so");
  }
  if (keyword === "DNS_CHECK" && keys["record"] === undefined) keys["record"] = "SOA";
  if (keyword === "DNS_CHECK" && keys["query"] === undefined) keys["query"] = ".";
  const urls = block.filter((statement) => statement.keyword === "url");
  return urls.length === 0 ? [keys] : urls.map((url) => ({ ...keys, ...urlKeys(url, times, notes) }));
}
