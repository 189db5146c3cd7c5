/**
 * Lines of /proc/net/ip_vs_conn as connection synchronisation needs them: bytes in, numbers and bytes out, without the
 * texts that ipvs-connections.ts makes for people, since a busy router has a hundred thousand of them.
 *
 *   Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
 *   TCP CB007164 D431 CB00710A 0050 0A00000B 0050 ESTABLISHED     897
 */
import { DecodeError } from "../../lib/errors.ts";
import { addressBytes, parseAddress } from "../../model/address.ts";
import type { SyncEndpoint, SyncEngine } from "./sync-message.ts";

/** A connection of the kernel's table. */
export interface ConnectionRow {
  /** 6 TCP, 17 UDP, 132 SCTP; 0 for the memory of a client by firewall mark. */
  readonly protocol: number;
  readonly client: SyncEndpoint;
  readonly virtual: SyncEndpoint;
  readonly server: SyncEndpoint;
  /** The kernel's name: `ESTABLISHED`. */
  readonly state: string;
  /** Until the kernel forgets it, unless a packet comes. */
  readonly expiresSeconds: number;
  readonly engine?: SyncEngine;
}

/** ip_vs_proto.c, ip_vs_proto_name; others are `IP_` and their number. */
const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ["IP", 0],
  ["ICMP", 1],
  ["TCP", 6],
  ["UDP", 17],
  ["ICMPv6", 58],
  ["SCTP", 132],
]);

const SPACE = 0x20;
/** Three IPv6 addresses, and an engine's data of at most 255 bytes (IP_VS_PEDATA_MAXLEN). */
export const CONNECTION_ROW_BYTES_MAX = 512;
const HEADING = "Pro ";

const decoder = new TextDecoder("latin1");

/** Whether a line is the heading of the file. */
export function isRowHeading(line: Uint8Array): boolean {
  return line.length >= HEADING.length && decoder.decode(line.subarray(0, HEADING.length)) === HEADING;
}

/** The words of a line, one after another, as places in its bytes. */
class Words {
  readonly #line: Uint8Array;
  #position = 0;
  /** Where the word read last begins and ends. */
  start = 0;
  end = 0;

  constructor(line: Uint8Array) {
    this.#line = line;
  }

  next(field: string): void {
    const line = this.#line;
    let position = this.#position;
    while (position < line.length && line[position] === SPACE) position += 1;
    this.start = position;
    while (position < line.length && line[position] !== SPACE) position += 1;
    this.end = position;
    this.#position = position;
    if (this.start === this.end) throw new DecodeError(field, "it is missing");
  }

  text(field: string): string {
    this.next(field);
    return decoder.decode(this.#line.subarray(this.start, this.end));
  }

  /** What is left after one blank. */
  rest(): Uint8Array {
    return this.#line.subarray(Math.min(this.#line.length, this.#position + 1));
  }

  /** A number of exactly so many upper-case hexadecimal digits, or -1. */
  hex(digits: number): number {
    if (this.end - this.start !== digits) return -1;
    let value = 0;
    for (let position = this.start; position < this.end; position += 1) {
      const digit = hexDigit(this.#line[position] ?? 0);
      if (digit < 0) return -1;
      value = value * 16 + digit;
    }
    return value;
  }
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x41 && code <= 0x46 ? code - 0x41 + 10 : -1;
}

/** IPv4 is eight hexadecimal digits, IPv6 eight groups between colons (%pI6). */
function addressOf(words: Words, line: Uint8Array, field: string): Uint8Array {
  words.next(field);
  const value = words.hex(8);
  if (value >= 0) return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
  const text = decoder.decode(line.subarray(words.start, words.end));
  const address = parseAddress(text);
  if (!address.ok || address.value.family !== "inet6") throw new DecodeError(field, `${JSON.stringify(text)} is none`);
  return addressBytes(address.value);
}

function endpointOf(words: Words, line: Uint8Array, field: string): SyncEndpoint {
  const address = addressOf(words, line, field);
  words.next(field);
  const port = words.hex(4);
  if (port < 0) throw new DecodeError(field, "its port is not of four hexadecimal digits");
  return { address, port };
}

function protocolOf(name: string): number {
  const known = PROTOCOLS.get(name);
  if (known !== undefined) return known;
  const number = /^IP_(\d{1,3})$/.exec(name)?.[1];
  if (number === undefined || Number(number) > 255) throw new DecodeError("protocol", JSON.stringify(name));
  return Number(number);
}

function engineOf(words: Words): SyncEngine | undefined {
  const rest = words.rest();
  if (rest.length === 0) return undefined;
  const gap = rest.indexOf(SPACE);
  const data = rest.slice(gap + 1);
  if (gap < 1 || gap > 16 || data.length === 0 || data.length > 255) throw new DecodeError("engine", "it has no data");
  return { name: decoder.decode(rest.subarray(0, gap)), data };
}

/** Reads one line, without its end. @throws DecodeError */
export function readConnectionRow(line: Uint8Array): ConnectionRow {
  if (line.length > CONNECTION_ROW_BYTES_MAX) throw new DecodeError("line", `it has ${line.length} bytes`);
  const words = new Words(line);
  const protocol = protocolOf(words.text("protocol"));
  const ends = {
    client: endpointOf(words, line, "client"),
    virtual: endpointOf(words, line, "virtual"),
    server: endpointOf(words, line, "server"),
  };
  const state = words.text("state");
  const expires = words.text("expires");
  if (!/^\d{1,10}$/.test(expires)) throw new DecodeError("expires", `${JSON.stringify(expires)} is not a number`);
  const engine = engineOf(words);
  return {
    protocol,
    ...ends,
    state,
    expiresSeconds: Number(expires),
    ...(engine === undefined ? {} : { engine }),
  };
}
