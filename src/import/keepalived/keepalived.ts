/**
 * keepalived.conf(5) as a configuration of ours. One file describes one router there and both here: what only the other
 * router's file says is left open, and `config check` asks for it.
 */
import { SYNC_LENGTH_BYTES_MIN } from "../../config/keys/schema.ts";
import {
  durationOf,
  type ForeignNotes,
  type ForeignResult,
  type ForeignTable,
  ForeignNotes as Notes,
} from "../foreign/foreign-model.ts";
import { readBlocks, type Statement } from "./keepalived-blocks.ts";
import { numberOf } from "./keepalived-check.ts";
import { serviceOf } from "./keepalived-service.ts";
import { TrackReader } from "./keepalived-track.ts";

type Keys = Record<string, ForeignTable[string]>;

function vipOf({ words }: Statement, fallbackInterface: string | undefined): ForeignTable {
  const after = (word: string) => (words.includes(word) ? words[words.indexOf(word) + 1] : undefined);
  return { address: words[0], interface: after("dev") ?? fallbackInterface, label: after("label") };
}

/** Programs of keepalived and of ours. */
const HOOKS: ReadonlyMap<string, string> = new Map([
  ["notify_master", "active"],
  ["notify_backup", "standby"],
]);

/** What is said of the two routers and their heartbeats. */
class PairReader {
  readonly pair: Keys = {};
  readonly primary: Keys = {};
  readonly backup: Keys = {};
  readonly vips: ForeignTable[] = [];
  readonly hooks: Keys = {};
  /** Of instances and VIPs. */
  readonly interfaces = new Set<string>();
  readonly #notes: ForeignNotes;
  readonly #tracks: TrackReader;
  #instances = 0;
  /** The interface of the first instance that names addresses of the routers, and the path that its are. */
  #publicDevice: string | undefined;

  constructor(notes: ForeignNotes, tracks: TrackReader) {
    this.#notes = notes;
    this.#tracks = tracks;
  }

  read({ block = [], words, line }: Statement): void {
    this.#instances += 1;
    if (this.#instances > 1) {
      this.#notes.warn(line, `all VIPs of a pair move together: those of ${words[1]} join the others`);
    }
    const find = (keyword: string) => block.findLast((statement) => statement.keyword === keyword);
    const device = find("interface")?.words[1];
    if (device !== undefined) this.interfaces.add(device);
    const isMaster = find("state")?.words[1] === "MASTER";
    for (const statement of block) this.#statement(statement, device, isMaster);
    // All move together: what one of them asks for is true for all.
    if (find("nopreempt") !== undefined) this.pair["failback"] = "manual";
    else this.pair["failback"] ??= "automatic";
  }

  /** Groups only say what moves together, which is all of it here; their programs are those of the pair. */
  readGroup({ block = [] }: Statement): void {
    for (const statement of block) {
      if (statement.keyword === "group") continue;
      if (!this.#hook(statement) && !this.#tracks.track(statement)) {
        this.#notes.warn(statement.line, `${statement.keyword} of vrrp_sync_group has no counterpart here`);
      }
    }
  }

  #hook({ keyword, words }: Statement): boolean {
    const hook = HOOKS.get(keyword);
    if (hook !== undefined) this.hooks[hook] = words.slice(1).flatMap((word) => word.split(/\s+/));
    return hook !== undefined;
  }

  /** An address of a router: of the public path where the first instance is, of the private one elsewhere. */
  #path(router: Keys, address: string | undefined, device: string | undefined, line: number): void {
    this.#publicDevice ??= device ?? "";
    const path = this.#publicDevice === (device ?? "") ? "public" : "private";
    const known = router[path];
    if (known === undefined) router[path] = address;
    else if (known !== address) this.#notes.warn(line, `${address} is left out: the ${path} path has ${known} already`);
  }

  #statement(statement: Statement, device: string | undefined, isMaster: boolean): void {
    const { keyword, words, line, block = [] } = statement;
    const [own, peer] = isMaster ? [this.primary, this.backup] : [this.backup, this.primary];
    switch (keyword) {
      case "interface":
      case "state":
      case "nopreempt":
      case "virtual_router_id":
      case "priority":
        return;
      case "virtual_ipaddress":
      case "virtual_ipaddress_excluded":
        this.#addVips(block.map((entry) => vipOf(entry, device)));
        return;
      case "unicast_src_ip":
        this.#path(own, words[1], device, line);
        return;
      case "unicast_peer":
        this.#path(peer, block[0]?.keyword, device, line);
        return;
      case "advert_int":
        this.#times(numberOf(words[1]) ?? 1);
        return;
      case "preempt_delay":
        this.pair["failback_after"] = durationOf(Math.max(1, numberOf(words[1]) ?? 1));
        return;
      case "authentication":
        this.#notes.warn(line, "authentication is left out: make a new key with tandem heartbeat keygen");
        return;
      default:
        if (this.#hook(statement) || this.#tracks.track(statement)) return;
        this.#notes.warn(line, `${keyword} of vrrp_instance has no counterpart here`);
    }
  }

  #addVips(vips: readonly ForeignTable[]): void {
    this.vips.push(...vips);
    for (const { interface: name } of vips) if (typeof name === "string") this.interfaces.add(name);
  }

  /** VRRP gives the other up after three intervals and a skew of up to one (RFC 9568, section 6.1). */
  #times(seconds: number): void {
    this.pair["interval"] = durationOf(seconds);
    this.pair["dead_after"] = durationOf(seconds * 4);
  }
}

/** `lvs_sync_daemon IF [INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS]` */
function syncOf({ words, line }: Statement, notes: ForeignNotes): ForeignTable {
  const after = (word: string) => (words.includes(word) ? words[words.indexOf(word) + 1] : undefined);
  const maxLength = numberOf(after("maxlen"));
  if (maxLength !== undefined && maxLength < SYNC_LENGTH_BYTES_MIN) {
    notes.warn(line, `maxlen ${maxLength} is left out: each connection is sent in a message of its own here`);
  }
  const isBatched = maxLength !== undefined && maxLength >= SYNC_LENGTH_BYTES_MIN;
  return {
    interface: words[1],
    id: numberOf(after("id")),
    group: after("group"),
    port: numberOf(after("port")),
    ttl: numberOf(after("ttl")),
    max_length: isBatched ? maxLength : undefined,
    sync: isBatched ? "batched" : undefined,
  };
}

/** `lvs_timeouts [tcp N] [tcpfin N] [udp N]` */
function timeoutsOf({ words }: Statement): ForeignTable {
  const after = (word: string) => {
    const seconds = numberOf(words.includes(word) ? words[words.indexOf(word) + 1] : undefined);
    return seconds === undefined ? undefined : durationOf(seconds);
  };
  return { tcp: after("tcp"), tcp_fin: after("tcpfin"), udp: after("udp") };
}

function globalsOf(statements: readonly Statement[], tracks: TrackReader, notes: ForeignNotes) {
  let sync: ForeignTable = {};
  let timeouts: ForeignTable = {};
  for (const { block = [] } of statements.filter(({ keyword }) => keyword === "global_defs")) {
    for (const statement of block) {
      if (statement.keyword === "lvs_sync_daemon") sync = syncOf(statement, notes);
      else if (statement.keyword === "lvs_timeouts") timeouts = timeoutsOf(statement);
      else if (!tracks.global(statement)) {
        notes.warn(statement.line, `${statement.keyword} of global_defs has no counterpart here`);
      }
    }
  }
  return { sync, timeouts };
}

const READ = new Set(["global_defs", "virtual_server", "virtual_server_group", "vrrp_instance", "vrrp_sync_group"]);

/** Reads the text of a keepalived.conf. Pure; what has no counterpart is a warning, what cannot be read an issue. */
export function parseKeepalived(text: string): ForeignResult {
  const notes = new Notes();
  const statements = readBlocks(text, notes);
  const groups = new Map<string, readonly Statement[]>();
  for (const { keyword, words, block = [] } of statements) {
    if (keyword === "virtual_server_group") groups.set(words[1] ?? "", block);
  }
  const tracks = new TrackReader(notes);
  const pair = new PairReader(notes, tracks);
  for (const statement of statements) {
    const { keyword, line } = statement;
    if (keyword === "vrrp_instance") pair.read(statement);
    else if (keyword === "vrrp_sync_group") pair.readGroup(statement);
    else if (keyword.startsWith("include")) notes.warn(line, "the included file is not read: import it by itself");
    else if (keyword.startsWith("@")) notes.warn(line, `a line for one router only (${keyword}) is left out`);
    else if (!READ.has(keyword) && !tracks.define(statement)) notes.warn(line, `${keyword} has no counterpart here`);
  }
  const services = statements
    .filter(({ keyword }) => keyword === "virtual_server")
    .flatMap((statement) => serviceOf(statement, groups, notes) ?? []);
  const { primary, backup, vips, hooks } = pair;
  const { sync, timeouts } = globalsOf(statements, tracks, notes);
  const gates = tracks.gates(pair.interfaces);
  return notes.result({ pair: pair.pair, primary, backup, vips, services, gates, sync, timeouts, hooks });
}
