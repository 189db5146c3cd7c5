/**
 * What a router wants to know of all routes of a machine. A full Internet table is a million messages with few gateways:
 * a message that says nothing new is passed over without an object made for it.
 */
import { DecodeError } from "../../lib/errors.ts";
import type { Family } from "../../model/address.ts";
import { AF_INET, familyOf } from "../bytes/inet-address.ts";
import { type Gateway, isDefaultRoute, RTN_UNICAST, readRoute, toGateways } from "./rtnetlink-route.ts";

/** struct rtmsg, see rtnetlink-route.ts. */
const HEADER_BYTES = 12;
const PREFIX_LENGTH_OFFSET = 1;
const TYPE_OFFSET = 7;
/** struct rtattr: u16 length with the header, u16 type. */
const ATTRIBUTE_HEADER_BYTES = 4;
const ATTRIBUTE_ALIGNMENT_BYTES = 4;
const ATTRIBUTE_TYPE_MASK = 0x3fff;
/** enum rtattr_type_t */
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const TWO_TO_32 = 0x1_0000_0000;

export interface RouteSurvey {
  /** The routers that any route of any table leads to, each once. */
  readonly gateways: readonly Gateway[];
  /** The families that have a default route. */
  readonly defaultRoutes: readonly Family[];
}

/** Takes the messages of a dump one after another; `survey` says what was in them. */
export class RouteTally {
  readonly #gateways = new Map<string, Gateway>();
  readonly #defaults = new Set<Family>();
  /** Gateway and interface of the IPv4 routes seen, as one number. */
  readonly #seen = new Set<number>();

  /** Forgets what was taken: the table is read from its beginning. */
  begin(): void {
    this.#gateways.clear();
    this.#defaults.clear();
    this.#seen.clear();
  }

  /** Takes the payload from `start` to `end` of a message RTM_NEWROUTE. @throws DecodeError */
  take(view: DataView, start: number, end: number): void {
    if (end - start < HEADER_BYTES) throw new DecodeError("rtmsg", `needs ${HEADER_BYTES} bytes, got ${end - start}`);
    if (view.getUint8(start + TYPE_OFFSET) !== RTN_UNICAST) return;
    const isDefault = view.getUint8(start + PREFIX_LENGTH_OFFSET) === 0;
    const way = isDefault ? undefined : ipv4Way(view, start, end);
    if (way !== undefined && this.#seen.has(way)) return;
    const route = readRoute(new Uint8Array(view.buffer, view.byteOffset + start, end - start));
    for (const gateway of toGateways(route)) {
      this.#gateways.set(`${gateway.gateway.text}%${gateway.interfaceIndex}`, gateway);
    }
    if (way !== undefined) this.#seen.add(way);
    if (isDefaultRoute(route)) this.#defaults.add(familyOf(route.family, "rtm_family"));
  }

  survey(): RouteSurvey {
    return { gateways: [...this.#gateways.values()], defaultRoutes: [...this.#defaults].toSorted() };
  }
}

/** Gateway and interface of a plain IPv4 route; undefined for a route that is built in another way. @throws DecodeError */
function ipv4Way(view: DataView, start: number, end: number): number | undefined {
  if (view.getUint8(start) !== AF_INET) return undefined;
  let gateway: number | undefined;
  let interfaceIndex: number | undefined;
  let position = start + HEADER_BYTES;
  while (end - position >= ATTRIBUTE_HEADER_BYTES) {
    const length = view.getUint16(position, true);
    if (length < ATTRIBUTE_HEADER_BYTES || length > end - position) {
      throw new DecodeError("RTA", `an attribute cannot be ${length} bytes long where ${end - position} are left`);
    }
    const type = view.getUint16(position + 2, true) & ATTRIBUTE_TYPE_MASK;
    const isWord = length === ATTRIBUTE_HEADER_BYTES + 4;
    if (type === RTA_OIF && isWord) interfaceIndex = view.getUint32(position + ATTRIBUTE_HEADER_BYTES, true);
    else if (type === RTA_GATEWAY && isWord) gateway = view.getUint32(position + ATTRIBUTE_HEADER_BYTES, true);
    position += length + (-length & (ATTRIBUTE_ALIGNMENT_BYTES - 1));
  }
  return gateway === undefined || interfaceIndex === undefined ? undefined : interfaceIndex * TWO_TO_32 + gateway;
}
