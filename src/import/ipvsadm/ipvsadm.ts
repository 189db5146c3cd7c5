/** Lines of ipvsadm in any spelling that `ipvsadm -R` takes, read to the table that they leave behind. */
import type { ConfigIssue } from "../../config/keys/config.ts";
import { MAX_ISSUES } from "../../config/places/place.ts";
import { assert } from "../../lib/assert.ts";
import { type Endpoint, formatEndpoint } from "../../model/address.ts";
import type { RealServer } from "../../model/real-server.ts";
import { type TableRows, tableRows, wantedTable } from "../../model/server-rows.ts";
import { formatServiceKey, type ServiceKey, type VirtualService } from "../../model/virtual-service.ts";
import { NEEDS_READER, type QuickTable } from "../table/quick-table.ts";
import type { RowsResult, TableResult } from "../table/table-result.ts";
import { endpointOf, keyOf, type Valued, type ValueProblem } from "../words/ipvsadm-values.ts";
import { type Options, readLine, type TableCommand } from "../words/ipvsadm-words.ts";
import { type NameLookup, NO_NAMES } from "../words/name-lookup.ts";
import { keyWords } from "./ipvsadm-format.ts";
import { readIpvsadm, type UnusualLines } from "./ipvsadm-reader.ts";
import { serverOf } from "./ipvsadm-server.ts";
import { serviceOf } from "./ipvsadm-service.ts";

/** As much as a configuration file may have. */
const MAX_TEXT_LENGTH = 16 * 1024 * 1024;

interface Entry {
  service: VirtualService;
  readonly servers: Map<string, RealServer>;
}

type Entries = Map<string, Entry>;

function entriesOf(table: TableRows<VirtualService>): Entries {
  return new Map(
    wantedTable(table).map(({ service, servers }) => [
      formatServiceKey(service.key),
      { service, servers: new Map(servers.map((server) => [formatEndpoint(server.endpoint), server])) },
    ]),
  );
}

/** Carries out lines on a table that has been taken apart: they may change any part of it, as those of `ipvsadm -R`. */
class TableBuilder {
  readonly entries: Entries;
  readonly #lookup: NameLookup;

  constructor(entries: Entries, lookup: NameLookup) {
    this.entries = entries;
    this.#lookup = lookup;
  }

  /** Gives what is wrong with the line; undefined when it was carried out. */
  run(command: TableCommand, options: Options): ValueProblem | undefined {
    if (command === "clear") {
      this.entries.clear();
      return undefined;
    }
    const key = keyOf(options, this.#lookup);
    if (!key.ok) return key.problem;
    const text = formatServiceKey(key.value);
    const entry = this.entries.get(text);
    if (command === "add-service") return entry === undefined ? this.#setService(options, key.value) : again(text);
    if (entry === undefined) return noService(text);
    if (command === "edit-service") return this.#setService(options, key.value);
    if (command === "delete-service") {
      this.entries.delete(text);
      return undefined;
    }
    const endpoint = endpointOf(options, key.value, this.#lookup);
    return endpoint.ok ? runOnServer(command, entry, options, endpoint.value) : endpoint.problem;
  }

  #setService(options: Options, key: ServiceKey): ValueProblem | undefined {
    const service = serviceOf(options, key);
    if (!service.ok) return service.problem;
    const text = formatServiceKey(key);
    const entry = this.entries.get(text);
    if (entry === undefined) this.entries.set(text, { service: service.value, servers: new Map() });
    else entry.service = service.value;
    return undefined;
  }
}

function again(subject: string): ValueProblem {
  return { message: `${subject} is added a second time` };
}

function noService(text: string): ValueProblem {
  return { message: `there is no service ${text} above this line` };
}

function runOnServer(command: TableCommand, entry: Entry, options: Options, given: Endpoint): ValueProblem | undefined {
  const { key } = entry.service;
  if (command === "delete-server") {
    const port = given.port === 0 && key.kind === "address" ? key.port : given.port;
    const text = formatEndpoint({ address: given.address, port });
    return entry.servers.delete(text) ? undefined : { message: `${formatServiceKey(key)} has no real server ${text}` };
  }
  const server: Valued<RealServer> = serverOf(options, key, given);
  if (!server.ok) return server.problem;
  const text = formatEndpoint(server.value.endpoint);
  const known = entry.servers.has(text);
  if (command === "add-server" && known) return again(`the real server ${text}`);
  if (command === "edit-server" && !known) return { message: `${formatServiceKey(key)} has no real server ${text}` };
  entry.servers.set(text, server.value);
  return undefined;
}

/** What does it instead. A restored table leaves them alone: a running tandem may have set or started them itself. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ["set", "tandem service timeouts sets them"],
  ["start-daemon", "tandem service sync-start starts it"],
  ["stop-daemon", "tandem service sync-stop stops it"],
  ["zero", "tandem service zero does it"],
]);

/** From here on compiling what reads single lines takes less time than it saves. */
const MANY_LINES = 500;

/** A line that changes more than the end of the table. */
const REARRANGES = Symbol("needs the table taken apart");

/** Adds to the end of the table that is being read, as all lines of a saved table do. */
function append(
  table: QuickTable,
  command: TableCommand,
  options: Options,
  lookup: NameLookup,
): ValueProblem | typeof REARRANGES | undefined {
  if (command === "clear") return table.service === undefined ? undefined : REARRANGES;
  const key = keyOf(options, lookup);
  if (!key.ok) return key.problem;
  const text = formatServiceKey(key.value);
  if (command === "add-service") {
    if (table.has(text)) return again(text);
    const service = serviceOf(options, key.value);
    if (!service.ok) return service.problem;
    table.addService(service.value);
    return undefined;
  }
  if (!table.has(text)) return noService(text);
  if (command !== "add-server" || table.service === undefined || formatServiceKey(table.service.key) !== text) {
    return REARRANGES;
  }
  const endpoint = endpointOf(options, key.value, lookup);
  if (!endpoint.ok) return endpoint.problem;
  const server = serverOf(options, key.value, endpoint.value);
  if (!server.ok) return server.problem;
  return table.addServer(server.value) ? undefined : again(`the real server ${formatEndpoint(server.value.endpoint)}`);
}

/** Reads single lines with all of ipvsadm's spellings, and keeps what there is to say about them. */
class SingleLines implements UnusualLines {
  readonly issues: ConfigIssue[] = [];
  readonly warnings: ConfigIssue[] = [];
  readonly keyWords = keyWords;
  readonly #lookup: NameLookup;
  readonly #onMany: (() => void) | undefined;
  #builder: TableBuilder | undefined;
  #count = 0;

  constructor(lookup: NameLookup, onMany: (() => void) | undefined) {
    this.#lookup = lookup;
    this.#onMany = onMany;
  }

  get isFull(): boolean {
    return this.issues.length >= MAX_ISSUES;
  }

  get takesAll(): boolean {
    return this.#builder !== undefined;
  }

  service(words: string, settings: string): VirtualService | undefined {
    const line = readLine(`-A ${words}${settings}`);
    if (line.kind !== "command") return undefined;
    const key = keyOf(line.options, NO_NAMES);
    const service = key.ok ? serviceOf(line.options, key.value) : undefined;
    return service?.ok === true ? service.value : undefined;
  }

  read(text: string, line: number, table: QuickTable): void {
    this.#count += 1;
    if (this.#count === MANY_LINES) this.#onMany?.();
    const result = readLine(text);
    if (result.kind === "empty") return;
    if (result.kind === "wrong") {
      this.issues.push({ line, path: "", ...result.problem });
      return;
    }
    const { command, column } = result;
    if (result.kind === "other") {
      const hint = INSTEAD.get(command);
      const message = `--${command} is left out, since it is no part of the table of services`;
      this.warnings.push({ line, column, path: "", message, ...(hint === undefined ? {} : { hint }) });
      return;
    }
    const problem = this.#run(result.command, result.options, table);
    if (problem === undefined) return;
    const { option, ...rest } = problem;
    const place = option === undefined ? column : (result.options.get(option)?.column ?? column);
    this.issues.push({ line, column: place, path: "", ...rest });
  }

  /** The table that the lines leave behind. */
  finish(table: QuickTable): TableRows<VirtualService> {
    if (this.#builder === undefined) return table.finish();
    const entries = [...this.#builder.entries.values()];
    return tableRows(entries.map(({ service, servers }) => ({ service, servers: [...servers.values()] })));
  }

  #run(command: TableCommand, options: Options, table: QuickTable): ValueProblem | undefined {
    const appended = this.#builder === undefined ? append(table, command, options, this.#lookup) : REARRANGES;
    if (appended !== REARRANGES) return appended;
    this.#builder ??= new TableBuilder(entriesOf(table.finish()), this.#lookup);
    return this.#builder.run(command, options);
  }
}

/**
 * Reads lines of ipvsadm from bytes that are UTF-8, as `parseIpvsadm` does.
 * @param onMany called once where many lines are not as `ipvsadm -Sn` prints them
 */
export function readIpvsadmLines(
  bytes: Uint8Array,
  lookup: NameLookup = NO_NAMES,
  onMany: (() => void) | undefined = undefined,
): RowsResult {
  const lines = new SingleLines(lookup, onMany);
  const table = readIpvsadm(bytes, lines);
  assert(table !== NEEDS_READER, "the reader of single lines is there");
  if (lines.issues.length > 0) return { ok: false, issues: lines.issues };
  return { ok: true, table: lines.finish(table), warnings: lines.warnings.slice(0, MAX_ISSUES) };
}

/**
 * Reads what `ipvsadm -S` prints, of version 1.31 and of those before, or anything that `ipvsadm -R` takes, and gives
 * the table that it leaves behind when the table is empty before. `lookup` finds the names in a file that was saved
 * without `-n`. Pure; every mistake of the text is told, none throws.
 */
export function parseIpvsadm(text: string, lookup: NameLookup = NO_NAMES): TableResult {
  if (text.length > MAX_TEXT_LENGTH) {
    const message = `the text has ${text.length} characters; the limit is ${MAX_TEXT_LENGTH}`;
    return { ok: false, issues: [{ line: 1, column: 1, path: "", message }] };
  }
  const result = readIpvsadmLines(new TextEncoder().encode(text), lookup);
  return result.ok ? { ok: true, services: wantedTable(result.table), warnings: result.warnings } : result;
}
