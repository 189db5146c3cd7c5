/** What one fault came to on one kernel, and whether that is as it must be. */
import { LAB_KINDS, type LabKind } from "../lab/run-in-lab.ts";
import type { Fault } from "./fault.ts";
import type { Seen } from "./stage.ts";

export interface Row {
  readonly name: string;
  readonly kind: LabKind;
  readonly longestGapMs: number;
  /** The longest pause of the probe itself: a gap that is no longer says nothing. */
  readonly probePauseMs: number;
  readonly sent: number;
  readonly lost: number;
  readonly twoOwnersMs: number;
  readonly samplerPauseMs: number;
  readonly connections: number;
  readonly connectionsLost: number;
  readonly owners: readonly string[];
  /** As `failover history` has it. */
  readonly history: string | null;
  /** What is not as it must be. */
  readonly violations: readonly string[];
}

/** One slow CPU for two routers, three servers and all clients. */
const SLOWNESS_MS = { namespaces: 0, uml: 3000 };
/** What a step of an agreed move takes there. */
const SLOW_STEP_MS = { namespaces: 0, uml: 250 };

export function kindsOf(fault: Fault): readonly LabKind[] {
  return fault.kinds ?? LAB_KINDS;
}

export function rowOf(fault: Fault, kind: LabKind, seen: Seen): Row {
  const { gap, owners } = seen.watched;
  const { transition } = seen;
  const row = {
    name: fault.name,
    kind,
    longestGapMs: gap.longestGapMs,
    probePauseMs: gap.longestPauseMs,
    sent: gap.sent,
    lost: gap.lost,
    twoOwnersMs: Math.max(...Object.values(owners.twoOwnersMs)),
    samplerPauseMs: owners.longestPauseMs,
    connections: seen.connections.opened,
    connectionsLost: seen.connections.lost,
    owners: seen.owners,
    history: transition === undefined ? null : `${transition.from} → ${transition.to}: ${transition.why}`,
  };
  return { ...row, violations: violationsOf(fault, row) };
}

function violationsOf(fault: Fault, row: Omit<Row, "violations">): string[] {
  const { expected } = fault;
  const { owner } = expected;
  const gapMs = expected.gapMs + 2 * row.probePauseMs + SLOWNESS_MS[row.kind];
  // A look that finds both says so until the next one; where none may be, one such look is one too many.
  const overlapMs = row.kind === "uml" ? (expected.twoOwnersSlowMs ?? expected.twoOwnersMs) : expected.twoOwnersMs;
  const twoOwnersMs = overlapMs === undefined ? 0 : overlapMs + 2 * row.samplerPauseMs + SLOW_STEP_MS[row.kind];
  const connectionsLost = expected.connectionsLost ?? 0;
  return [
    ...(row.owners.join() === owner ? [] : [`the VIPs are with ${row.owners.join(" and ") || "nobody"}, not ${owner}`]),
    ...(row.longestGapMs <= gapMs ? [] : [`a gap of ${Math.round(row.longestGapMs)} ms, over ${Math.round(gapMs)}`]),
    ...(row.twoOwnersMs <= twoOwnersMs
      ? []
      : [`two owners for ${row.twoOwnersMs.toFixed(1)} ms, over ${twoOwnersMs.toFixed(1)}`]),
    ...(row.connectionsLost <= connectionsLost
      ? []
      : [`${row.connectionsLost} connections lost, over ${connectionsLost}`]),
  ];
}
