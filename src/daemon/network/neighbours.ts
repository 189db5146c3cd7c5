import type { Config } from "../../config/keys/config.ts";
import type { Gateway } from "../../kernel/addresses/route-client.ts";
import { addressBits, coversAddress, type IpAddress, sameAddress } from "../../model/address.ts";
import type { InterfaceAddress } from "../../model/interface-address.ts";
import type { MacAddress } from "../../model/mac-address.ts";

/** Neighbours asked on each interface; their answers are evidence, and some are enough. */
export const NEIGHBOURS_MAX = 8;
/** A neighbour that was silent for this many questions to its MAC is asked by broadcast again. */
const UNICAST_TRIES = 3;

/** An address behind an interface whose answers count as evidence; never the peer. */
export interface InterfaceNeighbour {
  readonly interface: string;
  readonly address: IpAddress;
}

/** An interface that carries a path or VIPs. */
export interface NeighbourPlace {
  readonly name: string;
  readonly index: number;
  /**
   * It carries a path, and so has an address of this router. Where it has none, the VIPs say which network it is in,
   * also while the other router has them.
   */
  readonly isSide: boolean;
}

type Network = Pick<InterfaceAddress, "prefix" | "peer">;

function covers({ prefix, peer }: Network, address: IpAddress): boolean {
  return coversAddress(peer ?? prefix.address, prefix.prefixLength, address);
}

function networksOf(place: NeighbourPlace, config: Config, local: readonly InterfaceAddress[]): readonly Network[] {
  const there = local.filter((own) => own.interfaceIndex === place.index);
  if (place.isSide) return there;
  const vips = config.vips.filter(({ prefix, interface: name }) => {
    return name === place.name && prefix.prefixLength < addressBits(prefix.address.family);
  });
  return [...there, ...vips];
}

/**
 * The neighbours of each interface: those of `[pair] neighbours`, or else the gateways of the routes by it and the real
 * servers; of addresses only those that are on the interface's own network, since nobody else answers ARP there.
 * @param local this machine's addresses; VIPs of ours among them do no harm
 */
export function chooseNeighbours(
  config: Config,
  places: readonly NeighbourPlace[],
  local: readonly InterfaceAddress[],
  gateways: readonly Gateway[],
): readonly InterfaceNeighbour[] {
  const { primary, backup, neighbours } = config.pair;
  const own = [primary.public, primary.private, backup.public, backup.private];
  const others = [...own, ...config.vips.map((vip) => vip.prefix.address)];
  const servers = config.services.flatMap((service) => service.servers.map(({ server }) => server.endpoint.address));
  return places.flatMap((place) => {
    const networks = networksOf(place, config, local);
    const isNear = (address: IpAddress) => networks.some((network) => covers(network, address));
    const ways = gateways.filter(({ interfaceIndex }) => interfaceIndex === place.index).map(({ gateway }) => gateway);
    const named = neighbours.filter(isNear);
    // Those who named neighbours were asked for some on each side, and may not have thought of a third interface.
    const isNamed = place.isSide ? neighbours.length > 0 : named.length > 0;
    const wanted = isNamed ? named : [...ways, ...servers.filter(isNear)];
    const unique = new Map(wanted.map((address) => [address.text, address]));
    return [...unique.values()]
      .filter((address) => !others.some((other) => sameAddress(other, address)))
      .slice(0, NEIGHBOURS_MAX)
      .map((address) => ({ interface: place.name, address }));
  });
}

interface Known extends InterfaceNeighbour {
  mac: MacAddress | undefined;
  unanswered: number;
}

/** What is known of the neighbours: their MACs, and whether they still answer there. */
export class NeighbourBook {
  #entries: readonly Known[] = [];

  /** Takes a new list and keeps what is known of those that stay. */
  setNeighbours(neighbours: readonly InterfaceNeighbour[]): void {
    this.#entries = neighbours.map((neighbour) => {
      const known = this.#find(neighbour.interface, neighbour.address);
      return { ...neighbour, mac: known?.mac, unanswered: known?.unanswered ?? 0 };
    });
  }

  /** Whom to ask now on an interface: by unicast where the MAC is known and answers, so that asking costs others nothing. */
  questions(name: string): readonly { readonly address: IpAddress; readonly mac: MacAddress | undefined }[] {
    return this.#entries
      .filter((entry) => entry.interface === name)
      .map((entry) => {
        entry.unanswered += 1;
        return { address: entry.address, mac: entry.unanswered > UNICAST_TRIES ? undefined : entry.mac };
      });
  }

  /** Notes an answer; false when it is not from a neighbour of that interface. */
  answered(name: string, address: IpAddress, mac: MacAddress): boolean {
    const entry = this.#find(name, address);
    if (entry === undefined) return false;
    entry.mac = mac;
    entry.unanswered = 0;
    return true;
  }

  /** The neighbours of an interface with their MACs, for announcements of their own. */
  withMacs(name: string): readonly { readonly address: IpAddress; readonly mac: MacAddress }[] {
    return this.#entries.flatMap(({ interface: where, address, mac }) =>
      where === name && mac !== undefined ? [{ address, mac }] : [],
    );
  }

  addresses(name: string): readonly IpAddress[] {
    return this.#entries.filter((entry) => entry.interface === name).map((entry) => entry.address);
  }

  #find(name: string, address: IpAddress): Known | undefined {
    return this.#entries.find((entry) => entry.interface === name && sameAddress(entry.address, address));
  }
}
