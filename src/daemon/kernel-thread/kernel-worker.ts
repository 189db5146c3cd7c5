/**
 * The kernel thread of the router process: it alone writes to NETLINK_ROUTE. It takes one request after the other, in
 * order, and blocks in the kernel for as long as the kernel wants.
 */

import { AddressClient, type VipLease } from "../../kernel/addresses/address-client.ts";
import { LinkClient } from "../../kernel/addresses/link-client.ts";
import { RouteClient } from "../../kernel/addresses/route-client.ts";
import { openLoadedIpvs } from "../../kernel/ipvs/ipvs-module.ts";
import { readSysctl, writeSysctl } from "../../kernel/machine/sysctl.ts";
import { unreachable } from "../../lib/assert.ts";
import { addressBits, sameAddress } from "../../model/address.ts";
import type { SyncDaemon, SyncDaemonState } from "../../model/sync-daemon.ts";
import type { Vip } from "../../model/vip.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import { surveyNetwork } from "../network/network-survey.ts";
import { Promotion } from "../settings/promotion.ts";
import type { KernelAnswer, KernelOutcome, KernelRequest } from "./kernel-thread-protocol.ts";
import { VipLeases } from "./vip-leases.ts";
import { VipRemoval } from "./vip-removal.ts";

declare const self: Worker;

const addresses = AddressClient.open();
const links = LinkClient.open();
const routes = RouteClient.open();
const leases = new VipLeases({
  link: (name) => links.get(name),
  addresses: () => addresses.list(),
  now: monotonicMs,
});
const nameOf = (index: number) => links.get(index)?.name;
const promotion = new Promotion({ read: readSysctl, write: writeSysctl, nameOf });
const removal = new VipRemoval(leases, promotion, {
  addresses: () => addresses.listNumbered(),
  nameOf,
  remove: (going) => addresses.remove(going),
  removeFound: (going) => addresses.removeFound(going),
});
/** Sync daemons that this process started. */
const started = new Set<SyncDaemonState>();

function failed(error: unknown): KernelOutcome {
  return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
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
      found.push(leases.of(vip));
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
  leases.changed();
  for (const [position, index] of places.entries()) {
    outcomes[index] = results[position] ?? { kind: "failed", reason: "the kernel gave no answer" };
  }
  return outcomes;
}

/** Before an address with a network of its own is set or renewed: its end must not be that of others. */
function protectOthers(found: readonly VipLease[]): void {
  const own = found.filter(({ vip, kernelPrefixLength }) => {
    return vip.prefix.address.family === "inet" && kernelPrefixLength < addressBits("inet");
  });
  for (const index of new Set(own.map(({ interfaceIndex }) => interfaceIndex))) promotion.ensure(index);
}

/** Whether every one of the leases is still in the kernel. */
function areThere(found: readonly VipLease[]): boolean {
  const present = addresses.listNumbered();
  return found.every(({ vip, interfaceIndex }) =>
    present.some(
      (other) => other.interfaceIndex === interfaceIndex && sameAddress(other.prefix.address, vip.prefix.address),
    ),
  );
}

function setLeases(request: Extract<KernelRequest, { kind: "lease" }>): KernelOutcome[] {
  return withLeases(request.vips, (found) => {
    const { presentUntilMs } = request;
    // A process that was stopped and goes on, or that waited for the kernel's lock, must not set again what the kernel
    // has dropped meanwhile: the peer may have it by now.
    if (presentUntilMs !== undefined && monotonicMs() >= presentUntilMs && !areThere(found)) {
      return found.map(() => ({ kind: "lapsed" }));
    }
    protectOthers(found);
    // One after the other, as near as can be.
    const obstacles = leases.takeObstacles(found);
    if (obstacles.length > 0) addresses.removeFound(obstacles);
    return addresses
      .lease(found, request.validSeconds)
      .map((outcome) => (outcome.kind === "failed" ? failed(outcome.error) : outcome));
  });
}

function drop(request: Extract<KernelRequest, { kind: "drop" }>): KernelOutcome[] {
  const outcomes = removal.remove({ vips: request.vips, leaseOnly: new Set(request.leaseOnly ?? []) });
  leases.changed();
  return outcomes;
}

function prepare(vips: readonly Vip[]): KernelOutcome[] {
  try {
    leases.prepare(vips);
    return vips.map(() => ({ kind: "prepared" }));
  } catch (error) {
    return vips.map(() => failed(error));
  }
}

/** Whether a running daemon has every setting that is wanted; what is not wanted is the kernel's default. */
function isLike(running: SyncDaemon, wanted: SyncDaemon): boolean {
  const { group, ...rest } = wanted;
  if (group !== undefined && (running.group === undefined || !sameAddress(group, running.group))) return false;
  return Object.entries(rest).every(([key, value]) => running[key as keyof typeof rest] === value);
}

function setSyncDaemons(daemons: readonly SyncDaemon[]): KernelOutcome[] {
  // Without services IPVS is none of ours.
  if (daemons.length === 0 && started.size === 0) return [];
  using ipvs = openLoadedIpvs();
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

type Reading = Extract<KernelRequest, { kind: "survey" | "routes" }>;

function isReading(request: KernelRequest): request is Reading {
  return request.kind === "survey" || request.kind === "routes";
}

function read(request: Reading): Omit<KernelAnswer, "id" | "elapsedMs"> {
  try {
    if (request.kind === "routes") return { outcomes: [], routes: routes.survey() };
    return { outcomes: [], survey: surveyNetwork(links, addresses) };
  } catch (error) {
    return { outcomes: [failed(error)] };
  }
}

function perform(request: Exclude<KernelRequest, Reading>): KernelOutcome[] {
  switch (request.kind) {
    case "lease":
      return setLeases(request);
    case "drop":
      return drop(request);
    case "prepare":
      return prepare(request.vips);
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
  const done = isReading(request) ? read(request) : { outcomes: perform(request) };
  const settings = promotion.takeChanged();
  const answer: KernelAnswer = {
    id: request.id,
    ...done,
    ...(settings.length === 0 ? {} : { settings }),
    elapsedMs: monotonicMs() - beganMs,
  };
  self.postMessage(answer);
};
