/**
 * The quick way to write what `formatTable` and `formatIpvsadm` write, from rows of numbers: ordinary services and real
 * servers are put together from parts; for the others those two are asked (a property test holds them together).
 */
import type { ByteText } from "../../lib/byte-text.ts";
import type { WantedService } from "../../model/ipvs-table.ts";
import { ROW, ROW_FORWARDINGS, type ServerRows, type TableRows } from "../../model/server-rows.ts";
import { formatServiceKey, type VirtualService } from "../../model/virtual-service.ts";
import type { SavedFormat } from "../words/import-formats.ts";

/** `formatTable` or `formatIpvsadm`. */
export type FormatTable = (services: readonly WantedService[]) => string;

/** Writes the endpoint of a row. */
export type WriteEndpoint = (out: ByteText, servers: ServerRows, row: number) => void;

const encoder = new TextEncoder();
const SERVICE_OPTIONS = { tcp: "-t", udp: "-u", sctp: "--sctp-service" } as const;
/** By the number of the forwarding. */
const FORWARD_OPTIONS = ["-m", "-g", "-i", "-g", "-g"] as const;
/** A name that stands in quotes as it is. */
const PLAIN_NAME = /^[!#-[\]-~]+$/;
const TOML_BEGIN = encoder.encode('\n[[service.real]]\naddress = "');
const TOML_WEIGHT = encoder.encode('"\nweight  = ');
const TOML_FORWARD = ROW_FORWARDINGS.map((forward) => encoder.encode(`\nforward = "${forward}"\n`));
const OPTION_FORWARD = FORWARD_OPTIONS.map((option) => encoder.encode(` ${option} -w `));

function isPlainService({ key, scheduler, schedulerFlags, persistence, onePacket }: VirtualService): boolean {
  const isPlain = schedulerFlags.length === 0 && persistence === undefined && !onePacket && PLAIN_NAME.test(scheduler);
  return isPlain && key.kind === "address";
}

function isPlainServer(servers: ServerRows, row: number): boolean {
  return servers.plainForward(row) >= 0 && servers.get(row, ROW.port) !== 0;
}

/** Whether all of a table can be written without the whole way, which takes long to load. */
export function isPlainTable({ services, servers }: TableRows<VirtualService>): boolean {
  if (!services.every(isPlainService)) return false;
  for (let row = 0; row < servers.count; row += 1) if (!isPlainServer(servers, row)) return false;
  return true;
}

/**
 * Writes a table from its end: the kernel puts what is new before the others (ip_vs_ctl.c), so that what is added in the
 * order of the text is in the end as it was.
 */
export class QuickFormat {
  readonly #out: ByteText;
  readonly #format: SavedFormat;
  readonly #whole: FormatTable | undefined;
  readonly #writeEndpoint: WriteEndpoint;

  /** @param whole needed for a table that is not plain. */
  constructor(out: ByteText, format: SavedFormat, writeEndpoint: WriteEndpoint, whole: FormatTable | undefined) {
    this.#out = out;
    this.#format = format;
    this.#whole = whole;
    this.#writeEndpoint = writeEndpoint;
  }

  write({ services, servers, ends }: TableRows<VirtualService>): void {
    for (let index = services.length - 1; index >= 0; index -= 1) {
      const service = services[index];
      if (service === undefined) continue;
      const first = index === 0 ? 0 : (ends[index - 1] ?? 0);
      if (this.#format === "toml" && index < services.length - 1) this.#out.lineEnd();
      this.#service(service, servers, first, (ends[index] ?? 0) - 1);
    }
  }

  #service(service: VirtualService, servers: ServerRows, first: number, last: number): void {
    const isPlain = isPlainService(service);
    // Without its servers, for what a server's own text is when the service's is taken away.
    const head = isPlain ? this.#head(service) : (this.#whole?.([{ service, servers: [] }]) ?? "");
    this.#out.text(head);
    const begin = isPlain && this.#format === "ipvsadm" ? encoder.encode(`-a ${keyWords(service)} -r `) : TOML_BEGIN;
    for (let row = last; row >= first; row -= 1) {
      if (isPlainServer(servers, row) && (isPlain || this.#format === "toml")) this.#server(servers, row, begin);
      else {
        const text = this.#whole?.([{ service, servers: [servers.observed(row).server] }]) ?? "";
        const own = this.#whole?.([{ service, servers: [] }]) ?? "";
        this.#out.text(text.slice(own.length));
      }
    }
  }

  #head(service: VirtualService): string {
    switch (this.#format) {
      case "ipvsadm":
        return `-A ${keyWords(service)} -s ${service.scheduler}\n`;
      case "toml":
        return `[[service]]\nlisten    = "${formatServiceKey(service.key)}"\nscheduler = "${service.scheduler}"\n`;
    }
  }

  #server(servers: ServerRows, row: number, begin: Uint8Array): void {
    const out = this.#out;
    const forward = servers.get(row, ROW.forward);
    out.bytes(begin);
    this.#writeEndpoint(out, servers, row);
    if (this.#format === "toml") {
      out.bytes(TOML_WEIGHT);
      out.decimal(servers.get(row, ROW.weight));
      out.bytes(TOML_FORWARD[forward] ?? TOML_BEGIN);
    } else {
      out.bytes(OPTION_FORWARD[forward] ?? TOML_BEGIN);
      out.decimal(servers.get(row, ROW.weight));
      out.lineEnd();
    }
  }
}

function keyWords({ key }: VirtualService): string {
  if (key.kind === "fwmark") return "";
  return `${SERVICE_OPTIONS[key.protocol]} ${formatServiceKey(key).slice(key.protocol.length + "://".length)}`;
}
