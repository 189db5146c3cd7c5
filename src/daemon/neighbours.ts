import type { Config } from "../config/config.ts";
import { coversAddress, type IpAddress, sameAddress } from "../model/address.ts";
import type { InterfaceAddress } from "../model/interface-address.ts";
import type { MacAddress } from "../model/mac-address.ts";
import { PATHS, type PathName } from "../model/pair.ts";
import type { SideInterfaces } from "./failover-settings.ts";

/** Neighbours asked on each side; their answers are evidence, and some are enough. */
export const NEIGHBOURS_MAX = 8;
/** A neighbour that was silent for this many questions to its MAC is asked by broadcast again. */
const UNICAST_TRIES = 3;

/** An address on a side whose answers count as evidence; never the peer. */
export interface SideNeighbour {
  readonly side: PathName;
  readonly address: IpAddress;
}

/**
 * The neighbours of each side: those of `[pair] neighbours`, or else the gateways of the route table and the real
 * servers; only those that are on the side's own network, since nobody else answers ARP there.
 * @param local this machine's addresses; VIPs of ours among them do no harm
 */
export function chooseNeighbours(
  config: Config,
  interfaces: SideInterfaces,
  local: readonly InterfaceAddress[],
  gateways: readonly IpAddress[],
): readonly SideNeighbour[] {
  const { primary, backup, neighbours } = config.pair;
  const routers = [primary.public, primary.private, backup.public, backup.private];
  const servers = config.services.flatMap((service) => service.servers.map(({ server }) => server.endpoint.address));
  const vips = config.vips.map((vip) => vip.prefix.address);
  const wanted = neighbours.length > 0 ? neighbours : [...gateways, ...servers];
  const unique = new Map(wanted.map((address) => [address.text, address]));
  const candidates = [...unique.values()].filter(
    (address) => ![...routers, ...vips].some((other) => sameAddress(other, address)),
  );
  return PATHS.flatMap((side) => {
    const networks = local.filter((own) => own.interface === interfaces[side]);
    return candidates
      .filter((address) => networks.some((own) => coversAddress(own.prefix.address, own.prefix.prefixLength, address)))
      .slice(0, NEIGHBOURS_MAX)
      .map((address) => ({ side, address }));
  });
}

interface Known extends SideNeighbour {
  mac: MacAddress | undefined;
  unanswered: number;
}

/** What is known of the neighbours: their MACs, and whether they still answer there. */
export class NeighbourBook {
  #entries: readonly Known[] = [];

  /** Takes a new list and keeps what is known of those that stay. */
  setNeighbours(neighbours: readonly SideNeighbour[]): void {
    this.#entries = neighbours.map((neighbour) => {
      const known = this.#find(neighbour.side, neighbour.address);
      return { ...neighbour, mac: known?.mac, unanswered: known?.unanswered ?? 0 };
    });
  }

  /** Whom to ask now on a side: by unicast where the MAC is known and answers, so that asking costs others nothing. */
  questions(side: PathName): readonly { readonly address: IpAddress; readonly mac: MacAddress | undefined }[] {
    return this.#entries
      .filter((entry) => entry.side === side)
      .map((entry) => {
        entry.unanswered += 1;
        return { address: entry.address, mac: entry.unanswered > UNICAST_TRIES ? undefined : entry.mac };
      });
  }

  /** Notes an answer; false when it is not from a neighbour of that side. */
  answered(side: PathName, address: IpAddress, mac: MacAddress): boolean {
    const entry = this.#find(side, address);
    if (entry === undefined) return false;
    entry.mac = mac;
    entry.unanswered = 0;
    return true;
  }

  /** The neighbours of a side with their MACs, for announcements of their own. */
  withMacs(side: PathName): readonly { readonly address: IpAddress; readonly mac: MacAddress }[] {
    return this.#entries.flatMap(({ side: where, address, mac }) =>
      where === side && mac !== undefined ? [{ address, mac }] : [],
    );
  }

  addresses(side: PathName): readonly IpAddress[] {
    return this.#entries.filter((entry) => entry.side === side).map((entry) => entry.address);
  }

  #find(side: PathName, address: IpAddress): Known | undefined {
    return this.#entries.find((entry) => entry.side === side && sameAddress(entry.address, address));
  }
}
