import { ByteText, countDigits } from "../lib/byte-text.ts";
import { formatEndpoint } from "../model/address.ts";
import { ROW, ROW_FORWARDINGS, type RowField, type ServerRows, type TableRows } from "../model/server-rows.ts";
import { formatServiceKey, type VirtualService } from "../model/virtual-service.ts";
import { describeSettings } from "./ipvs-changes.ts";
import { serverSettings } from "./service-table.ts";
import { COLUMN_GAP, isPlainText } from "./table.ts";

/**
 * The table of `service list` as it goes into pipes and files: no colours, no width to keep within. It is what
 * `serviceTable` gives, byte for byte (a property test holds the two together), straight from rows of numbers: the list
 * of 10,000 real servers takes a quarter of the time and of the memory.
 */

const HEADERS = ["SERVICE / REAL SERVER", "SETTINGS"] as const;
const COUNTERS: readonly (readonly [header: string, field: RowField])[] = [
  ["WEIGHT", ROW.weight],
  ["ACTIVE", ROW.activeConnections],
  ["INACTIVE", ROW.inactiveConnections],
  ["PERSISTENT", ROW.persistentConnections],
];
const INDENT = "  ";

/** The texts of real servers' settings, each made once: most servers of a table are set alike but for their weight. */
class SettingsTexts {
  readonly #servers: ServerRows;
  readonly #known = new Map<number | string, string>();

  constructor(servers: ServerRows) {
    this.#servers = servers;
  }

  of(row: number): string {
    const servers = this.#servers;
    const forward = servers.get(row, ROW.forward);
    const upper = servers.get(row, ROW.upperThreshold);
    const lower = servers.get(row, ROW.lowerThreshold);
    const isSimple = upper === 0 && lower === 0 && ROW_FORWARDINGS[forward] !== "tunnel";
    const key = isSimple ? forward : this.#keyOf(row);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const text = serverSettings(servers.observed(row));
    this.#known.set(key, text);
    return text;
  }

  #keyOf(row: number): string {
    const fields = [
      ROW.forward,
      ROW.upperThreshold,
      ROW.lowerThreshold,
      ROW.tunnelType,
      ROW.tunnelPort,
      ROW.tunnelChecksum,
    ];
    return fields.map((field) => this.#servers.get(row, field)).join(" ");
  }
}

function endpointText(servers: ServerRows, row: number): string {
  return formatEndpoint(servers.observed(row).server.endpoint);
}

/** How long `10.0.0.11:80` is. */
function endpointLength(servers: ServerRows, row: number): number {
  if (servers.get(row, ROW.isInet6) !== 0) return endpointText(servers, row).length;
  let length = 4 + countDigits(servers.get(row, ROW.port));
  for (let index = 0; index < 4; index += 1) length += countDigits(servers.addressByte(row, index));
  return length;
}

/** `10.0.0.11:80`. */
export function writeEndpoint(out: ByteText, servers: ServerRows, row: number): void {
  if (servers.get(row, ROW.isInet6) !== 0) {
    out.text(endpointText(servers, row));
    return;
  }
  for (let index = 0; index < 4; index += 1) {
    if (index > 0) out.text(".");
    out.decimal(servers.addressByte(row, index));
  }
  out.text(":");
  out.decimal(servers.get(row, ROW.port));
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
  let name = Math.max(HEADERS[0].length, ...names.map((text) => text.length));
  let setting = Math.max(HEADERS[1].length, ...settings.map((text) => text.length));
  const counters = COUNTERS.map(([header]) => header.length);
  for (let row = 0; row < servers.count; row += 1) {
    name = Math.max(name, INDENT.length + endpointLength(servers, row));
    setting = Math.max(setting, texts.of(row).length);
    for (let index = 0; index < COUNTERS.length; index += 1) {
      const digits = countDigits(servers.get(row, COUNTERS[index]?.[1] ?? ROW.weight));
      if (digits > (counters[index] ?? 0)) counters[index] = digits;
    }
  }
  return { names, settings, widths: [name, setting, ...counters] };
}

function writeHeaders(out: ByteText, widths: readonly number[]): void {
  const cells = [...HEADERS, ...COUNTERS.map(([header]) => header)].map((header, index) =>
    index < HEADERS.length ? header.padEnd(widths[index] ?? 0) : header.padStart(widths[index] ?? 0),
  );
  out.text(cells.join(COLUMN_GAP).trimEnd());
  out.lineEnd();
}

function writeServer(
  out: ByteText,
  servers: ServerRows,
  row: number,
  settings: string,
  widths: readonly number[],
): void {
  out.text(INDENT);
  writeEndpoint(out, servers, row);
  out.spaces((widths[0] ?? 0) - INDENT.length - endpointLength(servers, row));
  out.text(COLUMN_GAP);
  out.text(settings);
  out.spaces((widths[1] ?? 0) - settings.length);
  for (let index = 0; index < COUNTERS.length; index += 1) {
    const value = servers.get(row, COUNTERS[index]?.[1] ?? ROW.weight);
    out.text(COLUMN_GAP);
    out.spaces((widths[index + HEADERS.length] ?? 0) - countDigits(value));
    out.decimal(value);
  }
  out.lineEnd();
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
  writeHeaders(out, widths);
  let row = 0;
  for (let index = 0; index < names.length; index += 1) {
    out.text(`${(names[index] ?? "").padEnd(widths[0] ?? 0)}${COLUMN_GAP}${settings[index]}`.trimEnd());
    out.lineEnd();
    for (const end = ends[index] ?? 0; row < end; row += 1) writeServer(out, servers, row, texts.of(row), widths);
  }
  out.end();
  return true;
}
