import type { ConfigIssue } from "../config/config.ts";
import { MAX_ISSUES } from "../config/place.ts";
import { type Endpoint, formatEndpoint } from "../model/address.ts";
import type { RealServer } from "../model/real-server.ts";
import { formatServiceKey, type ServiceKey, type VirtualService } from "../model/virtual-service.ts";
import { serverOf } from "./ipvsadm-server.ts";
import { serviceOf } from "./ipvsadm-service.ts";
import { endpointOf, keyOf, type Valued, type ValueProblem } from "./ipvsadm-values.ts";
import { type LineResult, type Options, readLine, type TableCommand } from "./ipvsadm-words.ts";
import { type NameLookup, NO_NAMES } from "./name-lookup.ts";
import type { TableResult } from "./table-result.ts";

/** As much as a configuration file may have. */
const MAX_TEXT_LENGTH = 16 * 1024 * 1024;

interface Entry {
  service: VirtualService;
  readonly servers: Map<string, RealServer>;
}

/** Carries out lines on a table that begins empty, as `ipvsadm -R` would on the kernel's. */
class TableBuilder {
  readonly entries = new Map<string, Entry>();
  readonly #lookup: NameLookup;

  constructor(lookup: NameLookup) {
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
    if (entry === undefined) return { message: `there is no service ${text} above this line` };
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

function judge(
  result: LineResult,
  builder: TableBuilder,
  line: number,
  issues: ConfigIssue[],
  warnings: ConfigIssue[],
): void {
  if (result.kind === "empty") return;
  if (result.kind === "wrong") {
    issues.push({ line, path: "", ...result.problem });
    return;
  }
  const { command, column } = result;
  if (result.kind === "other") {
    const hint = INSTEAD.get(command);
    warnings.push({
      line,
      column,
      path: "",
      message: `--${command} is left out, since it is no part of the table of services`,
      ...(hint === undefined ? {} : { hint }),
    });
    return;
  }
  const problem = builder.run(result.command, result.options);
  if (problem === undefined) return;
  const { option, ...rest } = problem;
  const place = option === undefined ? column : (result.options.get(option)?.column ?? column);
  issues.push({ line, column: place, path: "", ...rest });
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
  const builder = new TableBuilder(lookup);
  const issues: ConfigIssue[] = [];
  const warnings: ConfigIssue[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (issues.length >= MAX_ISSUES) break;
    judge(readLine(line), builder, index + 1, issues, warnings);
  }
  if (issues.length > 0) return { ok: false, issues };
  const services = [...builder.entries.values()].map(({ service, servers }) => ({
    service,
    servers: [...servers.values()],
  }));
  return { ok: true, services, warnings: warnings.slice(0, MAX_ISSUES) };
}
