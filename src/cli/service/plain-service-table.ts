/**
 * The table of `service list` as it goes into pipes and files: no colours, no width to keep within. It is what
 * `serviceTable` gives, byte for byte (a property test holds the two together), straight from rows of numbers: the list
 * of 10,000 real servers takes a quarter of the time and of the memory.
 */
import { ByteText, countDigits, putDecimal } from "../../lib/byte-text.ts";
import {
  ROW,
  ROW_THRESHOLDS,
  ROW_TUNNEL,
  type RowField,
  type ServerRows,
  type TableRows,
} from "../../model/server-rows.ts";
import { formatServiceKey, type VirtualService } from "../../model/virtual-service.ts";
import { describeSettings } from "../changes/ipvs-changes.ts";
import { COLUMN_GAP, isPlainText } from "../output/table.ts";
import { ENDPOINT_BYTES_MAX, endpointLength, putEndpoint } from "./endpoint-bytes.ts";
import { serverSettings } from "./service-table.ts";

const HEADERS = ["SERVICE / REAL SERVER", "SETTINGS"] as const;
const COUNTERS: readonly (readonly [header: string, field: RowField])[] = [
  ["WEIGHT", ROW.weight],
  ["ACTIVE", ROW.activeConnections],
  ["INACTIVE", ROW.inactiveConnections],
  ["PERSISTENT", ROW.persistentConnections],
];
const FIELDS = COUNTERS.map(([, field]) => field);
const INDENT = "  ";
const SPACE = 0x20;

/** The texts of real servers' settings, each made once: most servers of a table are set alike but for their weight. */
class SettingsTexts {
  readonly #servers: ServerRows;
  readonly #known = new Map<string, string>();
  /** Without thresholds and tunnels, by the number of the forwarding. */
  readonly #simple: string[] = [];

  constructor(servers: ServerRows) {
    this.#servers = servers;
  }

  of(row: number): string {
    const forward = this.#servers.plainForward(row);
    const known = this.#simple[forward];
    if (known !== undefined) return known;
    const key = this.#keyOf(row);
    const text = this.#known.get(key) ?? serverSettings(this.#servers.observed(row));
    this.#known.set(key, text);
    if (forward >= 0) this.#simple[forward] = text;
    return text;
  }

  #keyOf(row: number): string {
    const fields = [ROW.forward, ...ROW_THRESHOLDS, ...ROW_TUNNEL];
    return fields.map((field) => this.#servers.get(row, field)).join(" ");
  }
}

interface Layout {
  readonly names: readonly string[];
  readonly settings: readonly string[];
  /** Of the first two columns, then of the counters. */
  readonly widths: readonly number[];
}

/** Undefined where a text is not made of ASCII: such widths are the other way's business. */
function layOut({ services, servers }: TableRows<VirtualService>, texts: SettingsTexts): Layout | undefined {
  const names = services.map(({ key }) => formatServiceKey(key));
  const settings = services.map(describeSettings);
  if (!settings.every(isPlainText)) return undefined;
  let name = HEADERS[0].length;
  let setting = HEADERS[1].length;
  for (const text of names) if (text.length > name) name = text.length;
  for (const text of settings) if (text.length > setting) setting = text.length;
  const largest = COUNTERS.map(() => 0);
  for (let row = 0; row < servers.count; row += 1) {
    const numbers = servers.numbers(row);
    const start = servers.start(row);
    const length = INDENT.length + endpointLength(servers, row);
    if (length > name) name = length;
    for (let index = 0; index < FIELDS.length; index += 1) {
      const value = numbers[start + (FIELDS[index] ?? 0)] ?? 0;
      if (value > (largest[index] ?? 0)) largest[index] = value;
    }
    const text = texts.of(row);
    if (text.length > setting) setting = text.length;
  }
  const counters = COUNTERS.map(([header], index) => Math.max(header.length, countDigits(largest[index] ?? 0)));
  return { names, settings, widths: [name, setting, ...counters] };
}

function writeHeaders(out: ByteText, widths: readonly number[]): void {
  const cells = [...HEADERS, ...COUNTERS.map(([header]) => header)].map((header, index) =>
    index < HEADERS.length ? header.padEnd(widths[index] ?? 0) : header.padStart(widths[index] ?? 0),
  );
  out.text(cells.join(COLUMN_GAP).trimEnd());
  out.lineEnd();
}

/** Lines of servers: all are as long as each other, and those set alike differ only in the endpoint and the counters. */
class ServerLines {
  readonly #servers: ServerRows;
  readonly #texts: SettingsTexts;
  readonly #widths: readonly number[];
  /** Where each counter ends in a line. */
  readonly #ends: readonly number[];
  readonly #lines = new Map<string, Uint8Array>();
  #settings: string | undefined;
  #line: Uint8Array = new Uint8Array(0);

  constructor(servers: ServerRows, texts: SettingsTexts, widths: readonly number[]) {
    this.#servers = servers;
    this.#texts = texts;
    this.#widths = widths;
    let end = (widths[0] ?? 0) + COLUMN_GAP.length + (widths[1] ?? 0);
    this.#ends = widths.slice(HEADERS.length).map((width) => {
      end += COLUMN_GAP.length + width;
      return end;
    });
  }

  write(out: ByteText, row: number): void {
    const servers = this.#servers;
    const settings = this.#texts.of(row);
    if (settings !== this.#settings) this.#choose(settings);
    const length = this.#line.length;
    // putEndpoint writes up to two bytes past its end, which are spaces of this line.
    out.reserve(length + ENDPOINT_BYTES_MAX);
    const { buffer, position } = out;
    const endpointEnd = putEndpoint(buffer, position + INDENT.length, servers, row);
    buffer.set(this.#line.subarray(endpointEnd - position), endpointEnd);
    buffer[position] = SPACE;
    buffer[position + 1] = SPACE;
    const numbers = servers.numbers(row);
    const start = servers.start(row);
    for (let index = 0; index < FIELDS.length; index += 1) {
      putDecimal(buffer, position + (this.#ends[index] ?? 0), numbers[start + (FIELDS[index] ?? 0)] ?? 0);
    }
    out.advance(length);
  }

  /** The line of a server with these settings, spaces where its own things go. */
  #choose(settings: string): void {
    this.#settings = settings;
    const known = this.#lines.get(settings);
    const length = (this.#ends[this.#ends.length - 1] ?? 0) + 1;
    const text = `${" ".repeat(this.#widths[0] ?? 0)}${COLUMN_GAP}${settings}`;
    this.#line = known ?? new TextEncoder().encode(`${text.padEnd(length - 1)}\n`);
    this.#lines.set(settings, this.#line);
  }
}

/**
 * Writes the table, piece by piece.
 * @returns false, having written nothing, for a table that this way can't show.
 */
export function writePlainTable(table: TableRows<VirtualService>, write: (piece: Uint8Array) => void): boolean {
  const { servers, ends } = table;
  const texts = new SettingsTexts(servers);
  const layout = layOut(table, texts);
  if (layout === undefined) return false;
  const { names, settings, widths } = layout;
  const out = new ByteText(write);
  const lines = new ServerLines(servers, texts, widths);
  writeHeaders(out, widths);
  let row = 0;
  for (let index = 0; index < names.length; index += 1) {
    out.text(`${(names[index] ?? "").padEnd(widths[0] ?? 0)}${COLUMN_GAP}${settings[index]}`.trimEnd());
    out.lineEnd();
    for (const end = ends[index] ?? 0; row < end; row += 1) lines.write(out, row);
  }
  out.end();
  return true;
}
