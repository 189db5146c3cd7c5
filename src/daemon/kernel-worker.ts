/**
 * The kernel thread of the router process: it alone writes to NETLINK_ROUTE. It takes one request after the other, in
 * order, and blocks in the kernel for as long as the kernel wants.
 */

import { AddressClient, kernelPrefixLength, type VipLease } from "../kernel/address-client.ts";
import { IpvsClient } from "../kernel/ipvs-client.ts";
import { LinkClient } from "../kernel/link-client.ts";
import { unreachable } from "../lib/assert.ts";
import { sameAddress } from "../model/address.ts";
import type { SyncDaemon, SyncDaemonState } from "../model/sync-daemon.ts";
import { formatVip, type Vip } from "../model/vip.ts";
import { monotonicMs } from "../sys/clock.ts";
import type { KernelAnswer, KernelOutcome, KernelRequest } from "./kernel-thread-protocol.ts";
import { surveyNetwork } from "./network-survey.ts";

declare const self: Worker;

const addresses = AddressClient.open();
const links = LinkClient.open();
/** How each VIP was set, so that a renewal and a removal mean the same address of the kernel. */
const leases = new Map<string, VipLease>();
/** Leases of addresses that are there under another label. */
const relabelled = new Set<VipLease>();
/** Sync daemons that this process started. */
const started = new Set<SyncDaemonState>();

function failed(error: unknown): KernelOutcome {
  return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
}

function leaseOf(vip: Vip): VipLease {
  const link = links.get(vip.interface);
  if (link === undefined) throw new Error(`there is no interface ${vip.interface}`);
  const known = leases.get(formatVip(vip));
  // An interface that was made anew has another index, and none of the addresses of the one before.
  if (known?.interfaceIndex === link.index && known.vip.label === vip.label) return known;
  const present = addresses.list();
  // What a process before this one set is the address that counts, even if another prefix would be right by now.
  const left = present.find(
    (other) => other.ours && other.interface === vip.interface && sameAddress(other.prefix.address, vip.prefix.address),
  );
  const prefixLength = left?.prefix.prefixLength ?? kernelPrefixLength(vip, present);
  const lease = { vip, interfaceIndex: link.index, kernelPrefixLength: prefixLength };
  // The kernel keeps the label of an address that is there: only one that is set anew gets another.
  if (left !== undefined && left.label !== vip.label) relabelled.add(lease);
  leases.set(formatVip(vip), lease);
  return lease;
}

/** Answers for all VIPs even where some cannot be set: what can be done is done, the rest is told. */
function withLeases(
  vips: readonly Vip[],
  act: (found: readonly VipLease[]) => readonly KernelOutcome[],
): KernelOutcome[] {
  const outcomes = new Array<KernelOutcome>(vips.length);
  const found: VipLease[] = [];
  const places: number[] = [];
  for (const [index, vip] of vips.entries()) {
    try {
      found.push(leaseOf(vip));
      places.push(index);
    } catch (error) {
      outcomes[index] = failed(error);
    }
  }
  let results: readonly KernelOutcome[];
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

function setLeases(request: Extract<KernelRequest, { kind: "lease" }>): KernelOutcome[] {
  return withLeases(request.vips, (found) => {
    const { presentUntilMs } = request;
    // A process that was stopped and goes on, or that waited for the kernel's lock, must not set again what the kernel
    // has dropped meanwhile: the peer may have it by now.
    if (presentUntilMs !== undefined && monotonicMs() >= presentUntilMs) {
      const present = addresses.list();
      const all = found.every(({ vip }) =>
        present.some(
          (other) => other.interface === vip.interface && sameAddress(other.prefix.address, vip.prefix.address),
        ),
      );
      if (!all) return found.map(() => ({ kind: "lapsed" }));
    }
    // One after the other, as near as can be: two addresses that differ in the label only cannot be.
    const old = found.filter((lease) => relabelled.delete(lease));
    if (old.length > 0) addresses.remove(old);
    return addresses
      .lease(found, request.validSeconds)
      .map((outcome) => (outcome.kind === "failed" ? failed(outcome.error) : outcome));
  });
}

function drop(vips: readonly Vip[]): KernelOutcome[] {
  // An interface that is gone took its addresses with it.
  // That of another label is not there any more, since one address has one label.
  const there = vips.filter((vip) => {
    const known = leases.get(formatVip(vip));
    return links.get(vip.interface) !== undefined && (known === undefined || known.vip.label === vip.label);
  });
  const removed = withLeases(there, (found) =>
    addresses.remove(found).map((outcome) => (outcome.kind === "failed" ? failed(outcome.error) : outcome)),
  );
  const outcomes = vips.map((vip): KernelOutcome => removed[there.indexOf(vip)] ?? { kind: "absent" });
  for (const [index, vip] of vips.entries()) {
    if (outcomes[index]?.kind !== "failed" && there.includes(vip)) leases.delete(formatVip(vip));
  }
  return outcomes;
}

/** Whether a running daemon has every setting that is wanted; what is not wanted is the kernel's default. */
function isLike(running: SyncDaemon, wanted: SyncDaemon): boolean {
  const { group, ...rest } = wanted;
  if (group !== undefined && (running.group === undefined || !sameAddress(group, running.group))) return false;
  return Object.entries(rest).every(([key, value]) => running[key as keyof typeof rest] === value);
}

function setSyncDaemons(daemons: readonly SyncDaemon[]): KernelOutcome[] {
  using ipvs = IpvsClient.open();
  for (const state of started) {
    if (daemons.some((daemon) => daemon.state === state)) continue;
    ipvs.stopSyncDaemon(state);
    started.delete(state);
  }
  const running = ipvs.syncDaemons();
  return daemons.map((daemon) => {
    try {
      // One that runs as it should, of ours or of a process before us, is left alone: it has connections to tell of.
      if (running.some((other) => isLike(other, daemon))) {
        started.add(daemon.state);
        return { kind: "started" };
      }
      ipvs.stopSyncDaemon(daemon.state);
      ipvs.startSyncDaemon(daemon);
      started.add(daemon.state);
      return { kind: "started" };
    } catch (error) {
      return failed(error);
    }
  });
}

function answerSurvey(): Pick<KernelAnswer, "outcomes" | "survey"> {
  try {
    return { outcomes: [], survey: surveyNetwork(links, addresses) };
  } catch (error) {
    return { outcomes: [failed(error)] };
  }
}

function perform(request: Exclude<KernelRequest, { kind: "survey" }>): KernelOutcome[] {
  switch (request.kind) {
    case "lease":
      return setLeases(request);
    case "drop":
      return drop(request.vips);
    case "sync":
      try {
        return setSyncDaemons(request.daemons);
      } catch (error) {
        return request.daemons.map(() => failed(error));
      }
    default:
      return unreachable(request);
  }
}

self.onmessage = (event: MessageEvent<KernelRequest>) => {
  const beganMs = monotonicMs();
  const request = event.data;
  const done = request.kind === "survey" ? answerSurvey() : { outcomes: perform(request) };
  const answer: KernelAnswer = { id: request.id, ...done, elapsedMs: monotonicMs() - beganMs };
  self.postMessage(answer);
};
