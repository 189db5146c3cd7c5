/** What an ARP or neighbour answer means for failover: of the peer, of a rival, of a twin, of a neighbour. */
import type { Input } from "../../failover/machine/failover-input.ts";
import type { OwnerAnswer } from "../../kernel/neighbours/owner-probe.ts";
import { type IpAddress, sameAddress } from "../../model/address.ts";
import { PATHS, type PathName } from "../../model/pair.ts";
import type { SideInterfaces } from "../settings/failover-settings.ts";

type SideAddresses = Readonly<Record<PathName, IpAddress>>;

/** What has to be known to tell what an answer on the wire means. */
export interface AnswerContext {
  readonly sides: SideInterfaces;
  readonly own: SideAddresses;
  readonly peer: SideAddresses;
  /** Whether this machine has, or had a moment ago, an interface with that MAC. */
  readonly isOwnMac: (answer: OwnerAnswer) => boolean;
  /** Notes the answer of a neighbour; false when it is none of that interface. */
  readonly isNeighbour: (answer: OwnerAnswer) => boolean;
}

export type AnswerMeaning =
  | { readonly kind: "neighbour"; readonly interface: string }
  | { readonly kind: "owner" | "peer" | "twin"; readonly input: Input };

function sideOf(addresses: SideAddresses, context: AnswerContext, answer: OwnerAnswer): PathName | undefined {
  return PATHS.find((side) => context.sides[side] === answer.interface && sameAddress(addresses[side], answer.address));
}

/**
 * What it means that somebody showed on the wire that it has an address: that a neighbour is there, that the peer's
 * kernel lives, that another machine has this router's own address, or who has a VIP. Undefined: nothing.
 */
export function meaningOf(answer: OwnerAnswer, context: AnswerContext): AnswerMeaning | undefined {
  // With two interfaces on one segment this machine answers itself.
  if (context.isOwnMac(answer)) return undefined;
  const { address, mac, interface: name } = answer;
  const ownSide = sideOf(context.own, context, answer);
  if (ownSide !== undefined) {
    return answer.kind === "probe" ? undefined : { kind: "twin", input: { kind: "twin", side: ownSide, mac } };
  }
  const peerSide = sideOf(context.peer, context, answer);
  if (peerSide !== undefined) {
    // What the peer says to all proves nothing of the way from here to it.
    if (answer.kind !== "answer") return undefined;
    return { kind: "peer", input: { kind: "peer-answer", side: peerSide, mac } };
  }
  if (context.isNeighbour(answer)) return { kind: "neighbour", interface: name };
  // Who only asks has no address yet.
  if (answer.kind === "probe") return undefined;
  const announced = answer.kind === "announcement" ? { announced: true as const } : {};
  return { kind: "owner", input: { kind: "owner-answer", address, mac, interface: name, ...announced } };
}
