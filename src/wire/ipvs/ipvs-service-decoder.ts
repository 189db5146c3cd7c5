/**
 * Virtual services from the kernel's messages with nothing in between: of 1,000 services, the attributes as objects were
 * most of what a list touched. What is not quite ordinary (persistence, an engine, a thing that is missing or has another
 * length) is read by the schema: an ordinary service is what the schema makes of it (a property test holds the two together).
 */

import { addressFromBytes } from "../../model/address.ts";
import type { Protocol, ServiceKey, VirtualService } from "../../model/virtual-service.ts";
import { AF_INET } from "../bytes/inet-address.ts";
import { readGenericHeader } from "../netlink/genetlink.ts";
import { IP_PROTOCOLS, plainServiceAnswer } from "./ipvs-numbers.ts";
import { toVirtualService } from "./ipvs-service.ts";

/** struct nlattr (linux/netlink.h): u16 length of header and payload, u16 type, whose two upper bits are flags. */
const ATTRIBUTE_HEADER_BYTES = 4;
const TYPE_MASK = 0x3fff;
const GENERIC_HEADER_BYTES = 4;
const IPVS_CMD_ATTR_SERVICE = 1;
/** enum { IPVS_SVC_ATTR_* } */
const ATTR = { family: 1, protocol: 2, address: 3, port: 4, fwmark: 5, scheduler: 6, flags: 7, engine: 11 } as const;
/** Of an ordinary service by its address. */
const NEEDED = [ATTR.family, ATTR.protocol, ATTR.address, ATTR.port, ATTR.scheduler, ATTR.flags];
const NEEDED_BITS = NEEDED.reduce((bits, id) => bits | (1 << id), 0);
/** IP_VS_SVC_F_HASHED: the kernel's own bit, which says nothing. Any other makes a service not ordinary. */
const HASHED = 0x2;
/** union nf_inet_addr */
const ADDRESS_BYTES = 16;
/** IP_VS_SCHEDNAME_MAXLEN */
const NAME_BYTES_MAX = 16;

const decoder = new TextDecoder();

export class ServiceDecoder {
  #seen = 0;
  #protocol = 0;
  #port = 0;
  #address = 0;
  #scheduler = "";

  /**
   * The service of one message: its payload is from `start` to `end` of `view`.
   * @throws DecodeError
   */
  decode(view: DataView, start: number, end: number): VirtualService {
    if (this.#readOrdinary(view, start + GENERIC_HEADER_BYTES, end)) {
      return { key: this.#key(view), scheduler: this.#scheduler, schedulerFlags: [], onePacket: false };
    }
    const payload = new Uint8Array(view.buffer, view.byteOffset + start, end - start);
    return toVirtualService(plainServiceAnswer.decode(readGenericHeader(payload).attributes).service ?? {});
  }

  /** Only IPv4 with a protocol that IPVS has, and nothing that stands twice. */
  #readOrdinary(view: DataView, start: number, end: number): boolean {
    if (end - start < ATTRIBUTE_HEADER_BYTES) return false;
    const isService = (view.getUint16(start + 2, true) & TYPE_MASK) === IPVS_CMD_ATTR_SERVICE;
    if (!isService || view.getUint16(start, true) !== end - start) return false;
    this.#seen = 0;
    for (let at = start + ATTRIBUTE_HEADER_BYTES; at < end; ) {
      if (end - at < ATTRIBUTE_HEADER_BYTES) return false;
      const length = view.getUint16(at, true);
      const id = view.getUint16(at + 2, true) & TYPE_MASK;
      if (length < ATTRIBUTE_HEADER_BYTES || length > end - at) return false;
      if (!this.#take(view, id, at + ATTRIBUTE_HEADER_BYTES, length - ATTRIBUTE_HEADER_BYTES)) return false;
      at = Math.min(at + ((length + 3) & ~3), end);
    }
    return (this.#seen & NEEDED_BITS) === NEEDED_BITS;
  }

  #take(view: DataView, id: number, at: number, length: number): boolean {
    if (id <= ATTR.engine) {
      if ((this.#seen & (1 << id)) !== 0) return false;
      this.#seen |= 1 << id;
    }
    switch (id) {
      case ATTR.family:
        return length === 2 && view.getUint16(at, true) === AF_INET;
      case ATTR.protocol:
        this.#protocol = length === 2 ? view.getUint16(at, true) : 0;
        return (
          this.#protocol === IP_PROTOCOLS.tcp ||
          this.#protocol === IP_PROTOCOLS.udp ||
          this.#protocol === IP_PROTOCOLS.sctp
        );
      case ATTR.address:
        this.#address = at;
        return length === ADDRESS_BYTES;
      case ATTR.port:
        this.#port = length === 2 ? view.getUint16(at) : 0;
        return length === 2;
      case ATTR.scheduler:
        return this.#takeScheduler(view, at, length);
      case ATTR.flags:
        return length === 8 && (view.getUint32(at, true) & ~HASHED) === 0;
      // u32 timeoutSeconds and netmask: without persistence they say nothing, but have their length.
      case 8:
      case 9:
        return length === 4;
      case ATTR.fwmark:
      case ATTR.engine:
        return false;
      default:
        return true;
    }
  }

  /** Most services of a table have the same one: its text is made once. */
  #takeScheduler(view: DataView, at: number, length: number): boolean {
    if (length < 1 || length > NAME_BYTES_MAX || view.getUint8(at + length - 1) !== 0) return false;
    let isSame = this.#scheduler.length === length - 1;
    for (let index = 0; index < length - 1; index += 1) {
      const byte = view.getUint8(at + index);
      // No inner zero, and only ASCII: the rest is the schema's business.
      if (byte === 0 || byte > 0x7e) return false;
      if (isSame && this.#scheduler.charCodeAt(index) !== byte) isSame = false;
    }
    if (!isSame) this.#scheduler = decoder.decode(new Uint8Array(view.buffer, view.byteOffset + at, length - 1));
    return true;
  }

  #key(view: DataView): ServiceKey {
    const bytes = new Uint8Array(view.buffer, view.byteOffset + this.#address, 4);
    let protocol: Protocol = "tcp";
    if (this.#protocol === IP_PROTOCOLS.udp) protocol = "udp";
    else if (this.#protocol === IP_PROTOCOLS.sctp) protocol = "sctp";
    return { kind: "address", protocol, address: addressFromBytes(bytes), port: this.#port };
  }
}
