/** What the clients notice while something happens to the routers. */
import { GapProbe } from "../parts/gap-probe.ts";
import type { HeldConnections } from "../parts/held-connections.ts";
import { OwnerSampler } from "../parts/owner-sampler.ts";
import { RequestStream, type RequestTarget } from "../parts/requests.ts";
import { PRIVATE_VIP, PUBLIC_VIP, type Topology } from "../topology.ts";

export interface Measurement {
  readonly what: string;
  readonly longestGapMs: number;
  /** The longest pause of the probe itself: a gap that is no longer says nothing. */
  readonly probePauseMs: number;
  readonly sent: number;
  readonly lost: number;
  readonly connections: number;
  readonly connectionsLost: number;
  readonly twoOwnersMs: number;
}

/** The user-mode kernel has one slow CPU: this is what it can spare for the measuring. */
const PROBE_EVERY_MS = 10;
const REQUEST_EVERY_MS = 100;
const LOOK_EVERY_MS = 5;
/** Connections that say nothing for a while may still be alive: TCP sends again. */
const SETTLE_MS = 1200;

/**
 * Probes with datagrams and requests while `action` runs; it resolves when the VIPs are where they should be.
 * `action` gets the sampler that says who has them.
 */
export async function measure(
  what: string,
  lab: {
    readonly topology: Topology;
    readonly echo: RequestTarget;
    readonly web: RequestTarget;
    readonly connections?: HeldConnections | undefined;
  },
  action: (owners: OwnerSampler) => Promise<void>,
): Promise<Measurement> {
  using owners = OwnerSampler.start(lab.topology, [PUBLIC_VIP, PRIVATE_VIP], LOOK_EVERY_MS);
  const probe = await GapProbe.start(lab.topology, lab.echo, PROBE_EVERY_MS);
  const stream = new RequestStream(lab.topology, lab.web, REQUEST_EVERY_MS);
  try {
    await action(owners);
  } finally {
    await Bun.sleep(SETTLE_MS);
  }
  const [gap, requests] = await Promise.all([probe.stop(), stream.stop()]);
  const held = lab.connections?.report();
  return {
    what,
    longestGapMs: gap.longestGapMs,
    probePauseMs: gap.longestPauseMs,
    sent: requests.sent,
    lost: requests.lost,
    connections: held?.opened ?? 0,
    connectionsLost: held === undefined ? 0 : held.broken + held.stalled,
    twoOwnersMs: Math.max(...Object.values(owners.report().twoOwnersMs)),
  };
}
