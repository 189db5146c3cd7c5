/** Sets and removes VIPs by hand, without a daemon: `vip add`, `vip del`, `failover take` and `release`. */
import { AddressClient, kernelPrefixLength, type VipLease } from "../../kernel/addresses/address-client.ts";
import { LinkClient } from "../../kernel/addresses/link-client.ts";
import { Announcer } from "../../kernel/neighbours/announcer.ts";
import { findOtherOwner } from "../../kernel/neighbours/duplicate-probe.ts";
import { NeighbourClient } from "../../kernel/neighbours/neighbour-client.ts";
import { StateError, TandemError } from "../../lib/errors.ts";
import { formatAddressPrefix, type IpAddress, sameAddress } from "../../model/address.ts";
import type { AddressScope, InterfaceAddress } from "../../model/interface-address.ts";
import type { Link } from "../../model/link.ts";
import type { MacAddress } from "../../model/mac-address.ts";
import type { Vip } from "../../model/vip.ts";
import type { Change, ReportedChange } from "../changes/changes.ts";
import { counted } from "../output/figures.ts";
import { mustFindLink } from "./host-addresses.ts";

export interface TakeOptions {
  readonly validSeconds: number | "forever";
  /** Take them even though somebody answers. */
  readonly force: boolean;
  readonly announce: boolean;
  readonly dryRun: boolean;
  readonly noPrefixRoute?: boolean;
  /** IPv4 only. */
  readonly scope?: AddressScope;
}

interface PlannedVip {
  readonly lease: VipLease;
  readonly link: Link;
  /** As it is there already, with our mark. */
  readonly present: InterfaceAddress | undefined;
}

function subject(lease: VipLease): string {
  const prefix = { address: lease.vip.prefix.address, prefixLength: lease.kernelPrefixLength };
  const label = lease.vip.label === undefined ? "" : `, label ${lease.vip.label}`;
  return `address ${formatAddressPrefix(prefix)} on ${lease.vip.interface}${label}`;
}

/** @throws TandemError when the machine has the address for itself. */
function plan(vip: Vip, links: LinkClient, present: readonly InterfaceAddress[]): PlannedVip {
  const link = mustFindLink(links, vip.interface);
  const same = present.find((other) => sameAddress(other.prefix.address, vip.prefix.address));
  if (same !== undefined && (!same.ours || same.interface !== vip.interface)) {
    throw new TandemError({
      operation: "add address",
      subject: vip.prefix.address.text,
      reason: `this machine has it already, as ${formatAddressPrefix(same.prefix)} on ${same.interface}`,
      hint: same.ours
        ? `tandem vip del ${vip.prefix.address.text}`
        : "an address that moves must not be the machine's own",
    });
  }
  const prefixLength = same?.prefix.prefixLength ?? kernelPrefixLength(vip, present);
  return { lease: { vip, interfaceIndex: link.index, kernelPrefixLength: prefixLength }, link, present: same };
}

/** Asks on the wire who has the addresses, all at once. @throws StateError (exit 3) when somebody has one. */
async function refuseOtherOwners(planned: readonly PlannedVip[]): Promise<void> {
  const wanted = planned.filter(({ present, link }) => present === undefined && link.carrier && !link.loopback);
  const answers = await Promise.all(wanted.map(({ lease, link }) => findOtherOwner(lease.vip.prefix.address, link)));
  const answer = answers.find((candidate) => candidate !== undefined);
  if (answer === undefined) return;
  throw new StateError({
    operation: "add address",
    subject: answer.address.text,
    reason:
      answer.kind === "probe"
        ? `${answer.mac} on ${answer.interface} is about to take it`
        : `${answer.mac} on ${answer.interface} has it`,
    hint: "--force adds it all the same",
  });
}

/** Neighbours that the kernel has spoken to on that interface: told by unicast, since switches may filter broadcasts. */
function knownNeighbours(link: Link): { readonly address: IpAddress; readonly mac: MacAddress }[] {
  using client = NeighbourClient.open();
  return client
    .list()
    .filter((neighbour) => neighbour.interfaceIndex === link.index)
    .filter(({ state }) => state === "reachable" || state === "stale" || state === "delay" || state === "permanent")
    .slice(0, NEIGHBOURS_TOLD_MAX);
}

/** A segment of thousands of hosts is told by broadcast only. */
const NEIGHBOURS_TOLD_MAX = 64;

function announceAll(planned: readonly PlannedVip[]): ReportedChange[] {
  using announcer = Announcer.open();
  return planned
    .filter(({ link }) => !link.loopback)
    .map(({ lease, link }): ReportedChange => {
      const address = lease.vip.prefix.address;
      const { sentFrames, failures } = announcer.announce(address, link, "both", knownNeighbours(link));
      const change: Change = {
        do: "announce",
        subject: `${address.text} on ${link.name}`,
        detail: counted(sentFrames, "frame"),
      };
      if (sentFrames > 0) return { ...change, outcome: { kind: "done" } };
      return { ...change, outcome: { kind: "unchanged", reason: `not announced (${failures.join(", ")})` } };
    });
}

function plannedChanges(planned: readonly PlannedVip[], options: TakeOptions): ReportedChange[] {
  const outcome = { kind: "planned" } as const;
  const adds = planned.map(({ lease, present }): ReportedChange => {
    return {
      do: present === undefined ? "add" : "renew",
      subject: subject(lease),
      detail: leaseText(options),
      outcome,
    };
  });
  if (!options.announce) return adds;
  const told = planned.filter(({ link }) => !link.loopback);
  return [
    ...adds,
    ...told.map(({ lease, link }): ReportedChange => {
      return { do: "announce", subject: `${lease.vip.prefix.address.text} on ${link.name}`, outcome };
    }),
  ];
}

function leaseText(options: TakeOptions): string {
  return options.validSeconds === "forever" ? "for ever" : `for ${options.validSeconds}s`;
}

/**
 * Sets VIPs and announces them; asks first whether somebody else has one of them, and then sets none.
 * @throws StateError (exit 3), TandemError, NetlinkError
 */
export async function takeVips(vips: readonly Vip[], options: TakeOptions): Promise<ReportedChange[]> {
  using addresses = AddressClient.open();
  using links = LinkClient.open();
  const present = addresses.list();
  const { noPrefixRoute = false, scope = "global" } = options;
  const planned = vips.map((vip): PlannedVip => {
    const made = plan(vip, links, present);
    return { ...made, lease: { ...made.lease, noPrefixRoute, scope } };
  });
  if (!options.force) await withoutRights(options.dryRun, () => refuseOtherOwners(planned));
  if (options.dryRun) return plannedChanges(planned, options);
  const outcomes = addresses.lease(
    planned.map(({ lease }) => lease),
    options.validSeconds,
  );
  const changes = planned.map(({ lease }, index): ReportedChange => {
    const outcome = outcomes[index];
    const change: Change = {
      do: outcome?.kind === "renewed" ? "renew" : "add",
      subject: subject(lease),
      detail: leaseText(options),
    };
    return { ...change, outcome: outcome?.kind === "failed" ? outcome : { kind: "done" } };
  });
  const set = planned.filter((_, index) => outcomes[index]?.kind !== "failed");
  return options.announce && set.length > 0 ? [...changes, ...announceAll(set)] : changes;
}

/** A plan may be asked for by a user who must not open raw sockets: then nobody is asked on the wire. */
async function withoutRights(dryRun: boolean, ask: () => Promise<void>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    const notPermitted = error instanceof TandemError && error.exitCode === 4;
    if (!dryRun || !notPermitted) throw error;
  }
}

/** Removes addresses as the kernel has them. @throws TandemError */
export function dropAddresses(present: readonly InterfaceAddress[], dryRun: boolean): ReportedChange[] {
  const leases = present.map((address): VipLease => {
    const vip = { prefix: address.prefix, interface: address.interface };
    return { vip, interfaceIndex: address.interfaceIndex, kernelPrefixLength: address.prefix.prefixLength };
  });
  if (dryRun) {
    return leases.map((lease) => ({ do: "remove", subject: subject(lease), outcome: { kind: "planned" } }));
  }
  using addresses = AddressClient.open();
  const outcomes = addresses.remove(leases);
  return leases.map((lease, index): ReportedChange => {
    const outcome = outcomes[index];
    const change: Change = { do: "remove", subject: subject(lease) };
    if (outcome?.kind === "failed") return { ...change, outcome };
    return {
      ...change,
      outcome: outcome?.kind === "absent" ? { kind: "unchanged", reason: "it is not there" } : { kind: "done" },
    };
  });
}

/** Which of the VIPs this machine has now. */
export function presentVips(vips: readonly Vip[], present: readonly InterfaceAddress[]): InterfaceAddress[] {
  return present.filter((address) =>
    vips.some((vip) => vip.interface === address.interface && sameAddress(vip.prefix.address, address.prefix.address)),
  );
}
