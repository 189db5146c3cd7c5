/** Frames that come in for addresses which this machine does not have any more. */
import { addressBytes, addressFromBytes, type Family, type IpAddress } from "../../model/address.ts";
import { type MacAddress, macBytes, macFromBytes } from "../../model/mac-address.ts";
import { closeFd, type Fd } from "../../sys/libc/fd.ts";
import { openFrameReceiver } from "../../sys/sockets/packet-socket.ts";
import { drainDatagrams } from "../../sys/sockets/socket.ts";
import type { FilterClause } from "../../sys/sockets/socket-filter.ts";
import { ETHERNET_HEADER_BYTES, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from "../../wire/ethernet/ethernet-frame.ts";
import type { EthernetLink } from "./ethernet-link.ts";

/** A frame that was sent to this machine for an address which it does not have any more. */
export interface StrayFrame {
  readonly address: IpAddress;
  /** The neighbour that sent it here: a router on the way, as a rule. */
  readonly mac: MacAddress;
  /** Who sent the packet in it. */
  readonly source: IpAddress;
}

/** Frames that are looked at in one go; that there are some is what counts. */
const DRAIN_LIMIT = 64;
/** A filter has room for so many addresses (see owner-sign.ts). */
const ADDRESSES_MAX = 200;

/** Where the addresses are in a frame: RFC 791 section 3.1, RFC 8200 section 3. */
const LAYOUT = {
  inet: {
    etherType: ETHERTYPE_IPV4,
    source: ETHERNET_HEADER_BYTES + 12,
    destination: ETHERNET_HEADER_BYTES + 16,
    bytes: 4,
  },
  inet6: {
    etherType: ETHERTYPE_IPV6,
    source: ETHERNET_HEADER_BYTES + 8,
    destination: ETHERNET_HEADER_BYTES + 24,
    bytes: 16,
  },
} as const satisfies Record<Family, object>;

function lastWord(address: IpAddress): number {
  const bytes = addressBytes(address);
  return new DataView(bytes.buffer).getUint32(bytes.length - 4);
}

function strayFilter(family: Family, mac: MacAddress, addresses: readonly IpAddress[]): FilterClause[] {
  const { destination, bytes } = LAYOUT[family];
  const own = new DataView(macBytes(mac).slice().buffer);
  const values = [...new Set(addresses.slice(0, ADDRESSES_MAX).map(lastWord))];
  return [
    [
      { at: 0, bytes: 4, is: "equal", value: own.getUint32(0) },
      { at: 4, bytes: 2, is: "equal", value: own.getUint16(4) },
      { at: destination + bytes - 4, bytes: 4, is: "one-of", values },
    ],
  ];
}

/** Sees frames for VIPs that still reach an old owner. Nothing is read until somebody asks, so a flood of them costs little. */
export class StrayWatch {
  readonly #family: Family;
  readonly #addresses: readonly IpAddress[];
  readonly #fd: Fd;

  /** @throws SyscallError when the interface is gone or raw sockets are not allowed. */
  constructor(link: EthernetLink, family: Family, addresses: readonly IpAddress[]) {
    this.#family = family;
    this.#addresses = addresses;
    this.#fd = openFrameReceiver(LAYOUT[family].etherType, link.index, strayFilter(family, link.mac, addresses));
  }

  /** Some of the frames that came since the last time, at most 64. */
  look(): readonly StrayFrame[] {
    const { source, destination, bytes } = LAYOUT[this.#family];
    return drainDatagrams(this.#fd, DRAIN_LIMIT).flatMap((frame) => {
      if (frame.length < destination + bytes) return [];
      const to = addressFromBytes(frame.subarray(destination, destination + bytes));
      const address = this.#addresses.find((own) => own.text === to.text);
      if (address === undefined) return [];
      return [
        {
          address,
          mac: macFromBytes(frame.subarray(6, 12)),
          source: addressFromBytes(frame.subarray(source, source + bytes)),
        },
      ];
    });
  }

  close(): void {
    closeFd(this.#fd);
  }
}
