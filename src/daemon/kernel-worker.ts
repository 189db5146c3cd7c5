/**
 * The address thread of the router process: it alone writes to NETLINK_ROUTE. It takes one request after the other, in
 * order, and blocks in the kernel for as long as the kernel wants.
 */
import { AddressClient, kernelPrefixLength, type VipLease } from "../kernel/address-client.ts";
import { LinkClient } from "../kernel/link-client.ts";
import type { Vip } from "../model/vip.ts";
import { formatVip } from "../model/vip.ts";
import type { KernelAnswer, AddressOutcome, KernelRequest } from "./kernel-thread-protocol.ts";

declare const self: Worker;

const addresses = AddressClient.open();
const links = LinkClient.open();
/** How each VIP was set, so that a renewal and a removal mean the same address of the kernel. */
const leases = new Map<string, VipLease>();

function failed(error: unknown): AddressOutcome {
  return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
}

/** The lease of a VIP; a renewal keeps the prefix length with which the address was set. */
function leaseOf(vip: Vip, fresh: boolean): VipLease {
  const key = formatVip(vip);
  const known = leases.get(key);
  if (known !== undefined && !fresh) return known;
  const link = links.get(vip.interface);
  if (link === undefined) throw new Error(`there is no interface ${vip.interface}`);
  const lease = {
    vip,
    interfaceIndex: link.index,
    kernelPrefixLength: kernelPrefixLength(vip, addresses.list()),
  };
  leases.set(key, lease);
  return lease;
}

/** Answers for all VIPs even where some cannot be set: what can be done is done, the rest is told. */
function withLeases(
  vips: readonly Vip[],
  fresh: boolean,
  act: (found: readonly VipLease[]) => readonly AddressOutcome[],
): AddressOutcome[] {
  const outcomes = new Array<AddressOutcome>(vips.length);
  const found: VipLease[] = [];
  const places: number[] = [];
  for (const [index, vip] of vips.entries()) {
    try {
      found.push(leaseOf(vip, fresh));
      places.push(index);
    } catch (error) {
      outcomes[index] = failed(error);
    }
  }
  let results: readonly AddressOutcome[];
  try {
    results = found.length === 0 ? [] : act(found);
  } catch (error) {
    results = found.map(() => failed(error));
  }
  for (const [position, index] of places.entries()) {
    outcomes[index] = results[position] ?? { kind: "failed", reason: "the kernel gave no answer" };
  }
  return outcomes;
}

function perform(request: KernelRequest): AddressOutcome[] {
  if (request.kind === "drop") {
    return withLeases(request.vips, false, (found) =>
      addresses.remove(found).map((outcome) => (outcome.kind === "failed" ? failed(outcome.error) : outcome)),
    );
  }
  return withLeases(request.vips, request.kind === "take", (found) =>
    addresses
      .lease(found, request.validSeconds)
      .map((outcome) => (outcome.kind === "failed" ? failed(outcome.error) : outcome)),
  );
}

self.onmessage = (event: MessageEvent<KernelRequest>) => {
  const began = performance.now();
  const outcomes = perform(event.data);
  const answer: KernelAnswer = { id: event.data.id, outcomes, elapsedMs: performance.now() - began };
  self.postMessage(answer);
};
