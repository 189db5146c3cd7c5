/** A whole table loaded in few messages. */
import { addressBytes, type IpAddress } from "../../model/address.ts";
import type { IpvsChange } from "../../model/ipvs-table.ts";
import { WEIGHT_MAX } from "../../model/real-server.ts";
import { ROW, ROW_ADDRESS, ROW_FORWARDINGS, type TableRows } from "../../model/server-rows.ts";
import type { VirtualService } from "../../model/virtual-service.ts";
import { Writer } from "../../wire/bytes/bytes.ts";
import { commandAttributes, IPVS_CMD, IPVS_GENL_VERSION } from "../../wire/ipvs/ipvs-numbers.ts";
import { ServiceName, writeDestination } from "../../wire/ipvs/ipvs-request.ts";
import { virtualServiceAttributes } from "../../wire/ipvs/ipvs-service.ts";
import { writeGenericHeader } from "../../wire/netlink/genetlink.ts";
import { beginMessage, endMessage, NLM_F_REQUEST } from "../../wire/netlink/netlink-message.ts";

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

/** Longer than any message that adds a service or a server. */
const TEMPLATE_BYTES = 512;
const WORD_BYTES = 4;
/** struct nlmsghdr (linux/netlink.h): the sequence number is the third word. */
const SEQUENCE_WORD = 2;
/** Where a service's address and port are, in words, in what the schema and `ServiceName` write of an IPv4 service. */
const SERVICE_WORDS = { address: 11, port: 13 } as const;
/** Where the values of an IPv4 server are in what `writeDestination` writes, in words from the end: see there. */
const FROM_END = { address: 13, port: 11, forward: 9, weight: 7, upper: 5, lower: 3 } as const;
const TUNNEL = ROW_FORWARDINGS.indexOf("tunnel");
const NO_WORDS = new Uint32Array(0);

/** A whole message and its words. Those of the next message are put into it, where it is of the same kind. */
class Template {
  readonly writer = new Writer(TEMPLATE_BYTES);
  bytes: Uint8Array = new Uint8Array(0);
  /** None: what comes next is of another kind. */
  words: Uint32Array = NO_WORDS;

  /** Takes what was written over. */
  take(isLikely: boolean): void {
    const written = this.writer.written();
    this.bytes = written;
    this.words = isLikely ? new Uint32Array(written.buffer, 0, written.length / WORD_BYTES) : NO_WORDS;
  }
}

/** Whether a service is as nearly all are, so that only its address and port need to be told from others. */
function isPlainService({ key, schedulerFlags, onePacket, persistence }: VirtualService): boolean {
  const isInet = key.kind === "address" && key.address.family === "inet";
  return isInet && schedulerFlags.length === 0 && !onePacket && persistence === undefined;
}

/** A port as it is in a word of an attribute: in network order. */
function portWord(port: number): number {
  return ((port & 0xff) << 8) | (port >>> 8);
}

function addressWord(address: IpAddress): number {
  const [first = 0, second = 0, third = 0, fourth = 0] = addressBytes(address);
  return first | (second << 8) | (third << 16) | (fourth << 24);
}

/**
 * Writes the messages of `additions`, one after another, without making the changes first. The messages of plain services
 * and of plain servers differ in a few words, which are put into the one before.
 */
export class TableLoader {
  readonly #familyId: number;
  readonly #table: TableRows<VirtualService>;
  readonly #name = new ServiceName();
  readonly #services = new Template();
  readonly #servers = new Template();
  /** The number of the service at hand, and of the next row. */
  #service = -1;
  #row = 0;
  /** Where the rows of the service at hand end. */
  #end = 0;
  /** The plain service before. */
  #before: VirtualService | undefined;

  constructor(familyId: number, table: TableRows<VirtualService>) {
    this.#familyId = familyId;
    this.#table = table;
  }

  /** Writes the next message. */
  write(writer: Writer, sequence: number): void {
    const row = this.#row;
    if (row === this.#end) {
      this.#service += 1;
      this.#end = this.#table.ends[this.#service] ?? 0;
      const service = this.#table.services[this.#service];
      if (service !== undefined) this.#writeService(writer, sequence, service);
      return;
    }
    this.#row = row + 1;
    if (!this.#writeAlike(writer, sequence, row)) this.#writeServer(writer, sequence, row);
  }

  #writeService(writer: Writer, sequence: number, service: VirtualService): void {
    const before = this.#before;
    const { key, scheduler } = service;
    this.#before = isPlainService(service) ? service : undefined;
    const isAlike = this.#before !== undefined && before?.scheduler === scheduler;
    if (isAlike && key.kind === "address" && before.key.kind === "address" && key.protocol === before.key.protocol) {
      this.#writeAlikeService(writer, sequence, addressWord(key.address), portWord(key.port));
      return;
    }
    const template = this.#services;
    template.writer.reset();
    const start = beginMessage(template.writer, this.#familyId, NLM_F_REQUEST, sequence);
    writeGenericHeader(template.writer, IPVS_CMD.newService, IPVS_GENL_VERSION);
    commandAttributes.encode(template.writer, { service: virtualServiceAttributes(service) });
    endMessage(template.writer, start);
    template.take(this.#before !== undefined);
    writer.bytes(template.bytes);
    this.#servers.words = NO_WORDS;
  }

  #writeAlikeService(writer: Writer, sequence: number, address: number, port: number): void {
    const { bytes, words } = this.#services;
    words[SEQUENCE_WORD] = sequence;
    words[SERVICE_WORDS.address] = address;
    words[SERVICE_WORDS.port] = port;
    writer.bytes(bytes);
    // Empty where there is no template: then these go nowhere.
    const serverWords = this.#servers.words;
    serverWords[SERVICE_WORDS.address] = address;
    serverWords[SERVICE_WORDS.port] = port;
  }

  #writeServer(writer: Writer, sequence: number, row: number): void {
    const service = this.#table.services[this.#service];
    if (service === undefined) return;
    const template = this.#servers;
    const { servers } = this.#table;
    this.#name.set(service.key);
    template.writer.reset();
    const start = beginMessage(template.writer, this.#familyId, NLM_F_REQUEST, sequence);
    writeGenericHeader(template.writer, IPVS_CMD.newDestination, IPVS_GENL_VERSION);
    this.#name.write(template.writer);
    writeDestination(template.writer, servers, row);
    endMessage(template.writer, start);
    template.take(servers.family(row) === "inet" && servers.get(row, ROW.forward) !== TUNNEL);
    writer.bytes(template.bytes);
  }

  /** Puts the words of a row into the message before. @returns false where there is none, or it is of another kind. */
  #writeAlike(writer: Writer, sequence: number, row: number): boolean {
    const { bytes, words } = this.#servers;
    const { servers } = this.#table;
    const numbers = servers.numbers(row);
    const start = servers.start(row);
    const forward = numbers[start + ROW.forward] ?? 0;
    const weight = numbers[start + ROW.weight] ?? 0;
    const end = words.length;
    // IPv4 and no tunnel: then all words but a few are those of the servers before.
    if (end === 0 || forward === TUNNEL || numbers[start + ROW.isInet6] !== 0 || weight > WEIGHT_MAX) return false;
    words[SEQUENCE_WORD] = sequence;
    words[end - FROM_END.address] = numbers[start + ROW_ADDRESS] ?? 0;
    words[end - FROM_END.port] = portWord(numbers[start + ROW.port] ?? 0);
    words[end - FROM_END.forward] = forward;
    words[end - FROM_END.weight] = weight;
    words[end - FROM_END.upper] = numbers[start + ROW.upperThreshold] ?? 0;
    words[end - FROM_END.lower] = numbers[start + ROW.lowerThreshold] ?? 0;
    writer.bytes(bytes);
    return true;
  }
}
