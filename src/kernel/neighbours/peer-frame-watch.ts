/** Frames of the peer, found by a filter in the kernel. */
import { addressBytes, type Family, type IpAddress } from "../../model/address.ts";
import { type MacAddress, macBytes } from "../../model/mac-address.ts";
import { IPPROTO_UDP, SO_RCVBUF, SOL_SOCKET } from "../../sys/libc/constants.ts";
import { closeFd, type Fd } from "../../sys/libc/fd.ts";
import { openFrameReceiver } from "../../sys/sockets/packet-socket.ts";
import { drainDatagrams, trySocketOption } from "../../sys/sockets/socket.ts";
import type { FilterClause, FilterCondition } from "../../sys/sockets/socket-filter.ts";
import { ETHERNET_HEADER_BYTES, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from "../../wire/ethernet/ethernet-frame.ts";
import type { EthernetLink } from "./ethernet-link.ts";

/** Whose frames are looked for: those of a MAC, or where none is known those that say that they are from an address. */
export interface PeerFrameSource {
  readonly address: IpAddress;
  readonly mac?: MacAddress;
}

/** Frames that are looked at in one go; that there are some is what counts. */
const DRAIN_LIMIT = 64;
/** Room for some heartbeats of one look: an old frame that is found late would be taken for a new one. */
const RECEIVE_BUFFER_BYTES = 16 * 1024;

const SOURCE_MAC = 6;
/** RFC 768. */
const UDP_HEADER_BYTES = 8;
/** RFC 791 section 3.1: version 4, and a header of five words, since heartbeats have no options. */
const IPV4_PLAIN_HEADER = 0x45;
/** Where the fields are in a frame: RFC 791, RFC 8200, RFC 768. */
const LAYOUT = {
  inet: {
    etherType: ETHERTYPE_IPV4,
    protocol: ETHERNET_HEADER_BYTES + 9,
    source: ETHERNET_HEADER_BYTES + 12,
    port: ETHERNET_HEADER_BYTES + 20 + 2,
  },
  inet6: {
    etherType: ETHERTYPE_IPV6,
    protocol: ETHERNET_HEADER_BYTES + 6,
    source: ETHERNET_HEADER_BYTES + 8,
    port: ETHERNET_HEADER_BYTES + 40 + 2,
  },
} as const satisfies Record<Family, object>;

function words(at: number, bytes: Uint8Array): FilterCondition[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const conditions: FilterCondition[] = [];
  for (let offset = 0; offset + 4 <= bytes.length; offset += 4) {
    conditions.push({ at: at + offset, bytes: 4, is: "equal", value: view.getUint32(offset) });
  }
  if (bytes.length % 4 === 2) {
    const offset = bytes.length - 2;
    conditions.push({ at: at + offset, bytes: 2, is: "equal", value: view.getUint16(offset) });
  }
  return conditions;
}

/** UDP to that port from that source. */
export function peerFrameFilter({ address, mac }: PeerFrameSource, port: number): FilterClause[] {
  const layout = LAYOUT[address.family];
  const plain: FilterClause =
    address.family === "inet" ? [{ at: ETHERNET_HEADER_BYTES, bytes: 1, is: "equal", value: IPV4_PLAIN_HEADER }] : [];
  return [
    [
      ...(mac === undefined ? words(layout.source, addressBytes(address)) : words(SOURCE_MAC, macBytes(mac))),
      ...plain,
      { at: layout.protocol, bytes: 1, is: "equal", value: IPPROTO_UDP },
      { at: layout.port, bytes: 2, is: "equal", value: port },
    ],
  ];
}

/**
 * Sees that the peer's daemon sends heartbeats, whether they are accepted or not: frames come by here before any packet
 * filter. Nothing is read until somebody asks, so that it wakes nobody.
 */
export class PeerFrameWatch {
  readonly #fd: Fd;
  readonly #payloadOffset: number;

  /** @throws SyscallError when the interface is gone or raw sockets are not allowed. */
  constructor(link: EthernetLink, source: PeerFrameSource, port: number) {
    const { etherType, port: udpPorts } = LAYOUT[source.address.family];
    this.#payloadOffset = udpPorts - 2 + UDP_HEADER_BYTES;
    this.#fd = openFrameReceiver(etherType, link.index, peerFrameFilter(source, port));
    trySocketOption(this.#fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
  }

  /** What the datagrams carried that came since the last time. */
  look(): Uint8Array[] {
    return drainDatagrams(this.#fd, DRAIN_LIMIT).map((frame) => frame.subarray(this.#payloadOffset));
  }

  close(): void {
    closeFd(this.#fd);
  }
}
