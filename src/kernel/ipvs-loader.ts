import type { IpvsChange } from "../model/ipvs-table.ts";
import { WEIGHT_MAX } from "../model/real-server.ts";
import { ROW, ROW_ADDRESS, ROW_FORWARDINGS, type TableRows } from "../model/server-rows.ts";
import type { VirtualService } from "../model/virtual-service.ts";
import { Writer } from "../wire/bytes.ts";
import { writeGenericHeader } from "../wire/genetlink.ts";
import { commandAttributes, IPVS_CMD, IPVS_GENL_VERSION } from "../wire/ipvs.ts";
import { ServiceName, writeDestination } from "../wire/ipvs-request.ts";
import { virtualServiceAttributes } from "../wire/ipvs-service.ts";
import { beginMessage, endMessage, NLM_F_REQUEST } from "../wire/netlink.ts";

/** The changes that add a whole table: each service, then its servers. */
export function additions({ services, servers, ends }: TableRows<VirtualService>): IpvsChange[] {
  const changes: IpvsChange[] = [];
  let row = 0;
  for (const [index, service] of services.entries()) {
    changes.push({ kind: "add-service", service });
    for (const end = ends[index] ?? 0; row < end; row += 1) {
      changes.push({ kind: "add-server", key: service.key, server: servers.observed(row).server });
    }
  }
  return changes;
}

/** How many changes `additions` gives. */
export function countAdditions({ services, servers }: TableRows<VirtualService>): number {
  return services.length + servers.count;
}

/** Longer than any message that adds a server. */
const TEMPLATE_BYTES = 512;
const WORD_BYTES = 4;
/** struct nlmsghdr (linux/netlink.h): the sequence number is the third word. */
const SEQUENCE_WORD = 2;
/** Where the values of an IPv4 server are in what `writeDestination` writes, in words from the end: see there. */
const FROM_END = { address: 13, port: 11, forward: 9, weight: 7, upper: 5, lower: 3 } as const;
const TUNNEL = ROW_FORWARDINGS.indexOf("tunnel");

/**
 * Writes the messages of `additions`, one after another, without making the changes first. The messages of one service's
 * servers differ in a few words, which are put into the first one of them.
 */
export class TableLoader {
  readonly #familyId: number;
  readonly #table: TableRows<VirtualService>;
  readonly #name = new ServiceName();
  readonly #first = new Writer(TEMPLATE_BYTES);
  #bytes: Uint8Array = new Uint8Array(0);
  #words: Uint32Array = new Uint32Array(0);
  #service = -1;
  #row = 0;

  constructor(familyId: number, table: TableRows<VirtualService>) {
    this.#familyId = familyId;
    this.#table = table;
  }

  /** Writes the next message. */
  write(writer: Writer, sequence: number): void {
    const { ends } = this.#table;
    if (this.#service < 0 || this.#row === (ends[this.#service] ?? 0)) this.#writeService(writer, sequence);
    else {
      if (!this.#writeAlike(writer, sequence, this.#row)) this.#writeServer(writer, sequence, this.#row);
      this.#row += 1;
    }
  }

  #writeService(writer: Writer, sequence: number): void {
    this.#service += 1;
    this.#words = new Uint32Array(0);
    const service = this.#table.services[this.#service];
    if (service === undefined) return;
    this.#name.set(service.key);
    const start = beginMessage(writer, this.#familyId, NLM_F_REQUEST, sequence);
    writeGenericHeader(writer, IPVS_CMD.newService, IPVS_GENL_VERSION);
    commandAttributes.encode(writer, { service: virtualServiceAttributes(service) });
    endMessage(writer, start);
  }

  #writeServer(writer: Writer, sequence: number, row: number): void {
    const first = this.#first;
    first.reset();
    const start = beginMessage(first, this.#familyId, NLM_F_REQUEST, sequence);
    writeGenericHeader(first, IPVS_CMD.newDestination, IPVS_GENL_VERSION);
    this.#name.write(first);
    writeDestination(first, this.#table.servers, row);
    endMessage(first, start);
    writer.bytes(first.written());
    this.#bytes = first.written();
    this.#words = this.#isPlain(row)
      ? new Uint32Array(this.#bytes.buffer, 0, this.#bytes.length / WORD_BYTES)
      : new Uint32Array(0);
  }

  /** IPv4 and no tunnel: then all words but a few are those of the servers before. */
  #isPlain(row: number): boolean {
    const { servers } = this.#table;
    return servers.family(row) === "inet" && servers.get(row, ROW.forward) !== TUNNEL;
  }

  /** Puts the words of a row into the message before. @returns false where there is none, or it is of another kind. */
  #writeAlike(writer: Writer, sequence: number, row: number): boolean {
    const words = this.#words;
    if (words.length === 0 || !this.#isPlain(row)) return false;
    const numbers = this.#table.servers.numbers(row);
    const start = this.#table.servers.start(row);
    const weight = numbers[start + ROW.weight] ?? 0;
    if (weight > WEIGHT_MAX) return false;
    const end = words.length;
    const port = numbers[start + ROW.port] ?? 0;
    words[SEQUENCE_WORD] = sequence;
    words[end - FROM_END.address] = numbers[start + ROW_ADDRESS] ?? 0;
    words[end - FROM_END.port] = ((port & 0xff) << 8) | (port >>> 8);
    words[end - FROM_END.forward] = numbers[start + ROW.forward] ?? 0;
    words[end - FROM_END.weight] = weight;
    words[end - FROM_END.upper] = numbers[start + ROW.upperThreshold] ?? 0;
    words[end - FROM_END.lower] = numbers[start + ROW.lowerThreshold] ?? 0;
    writer.bytes(this.#bytes);
    return true;
  }
}
