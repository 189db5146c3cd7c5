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
  /** What `tandem --version` said. */
  readonly software?: string;
}

/** One slow CPU for two routers, three servers and all clients. */
const SLOWNESS_MS = { namespaces: 0, uml: 3000 };
/** What a step of an agreed move takes there. */
const SLOW_STEP_MS = { namespaces: 0, uml: 250 };

export function kindsOf(fault: Fault): readonly LabKind[] {
  return fault.kinds ?? LAB_KINDS;
}

/** A row without figures. */
export function failedRow(name: string, kind: LabKind, reason: string): Row {
  const nothing = { longestGapMs: 0, probePauseMs: 0, sent: 0, lost: 0, twoOwnersMs: 0, samplerPauseMs: 0 };
  const violations = [`the row did not come to its end: ${reason}`];
  return { name, kind, ...nothing, connections: 0, connectionsLost: 0, owners: [], history: null, violations };
}

/** The row with the worst figures of all: the history is that of the longest time of two owners, or gap. */
export function worstRow(rows: readonly Row[]): Row {
  const [worst] = rows.toSorted(
    (one, other) => other.twoOwnersMs - one.twoOwnersMs || other.longestGapMs - one.longestGapMs,
  );
  if (worst === undefined) throw new Error("no rows");
  const most = (of: (row: Row) => number) => Math.max(...rows.map(of));
  const sum = (of: (row: Row) => number) => rows.reduce((total, row) => total + of(row), 0);
  return {
    ...worst,
    longestGapMs: most((row) => row.longestGapMs),
    probePauseMs: most((row) => row.probePauseMs),
    sent: sum((row) => row.sent),
    lost: sum((row) => row.lost),
    samplerPauseMs: most((row) => row.samplerPauseMs),
    violations: rows.flatMap((row) => row.violations),
  };
}

export function rowOf(fault: Fault, kind: LabKind, seen: Seen): Row {
  const { gap, owners } = seen.watched;
  const { transition } = seen;
  const atOnce = fault.expected.twoOwnersAtOnceMs !== undefined;
  const row = {
    name: fault.name,
    kind,
    longestGapMs: gap.longestGapMs,
    probePauseMs: gap.longestPauseMs,
    sent: gap.sent,
    lost: gap.lost,
    twoOwnersMs: Math.max(...Object.values(atOnce ? owners.longestTwoOwnersMs : owners.twoOwnersMs)),
    samplerPauseMs: owners.longestPauseMs,
    connections: seen.connections.opened,
    connectionsLost: seen.connections.lost,
    owners: seen.owners,
    history: transition === undefined ? null : `${transition.from} → ${transition.to}: ${transition.why}`,
  };
  return { ...row, violations: [...(seen.problem === undefined ? [] : [seen.problem]), ...violationsOf(fault, row)] };
}

/** How long two may own. A look that finds both says so until the next one; where none may be, one is one too many. */
function overlapMs({ expected }: Fault, row: Omit<Row, "violations">): number {
  const slowMs = row.kind === "uml" ? expected.twoOwnersSlowMs : undefined;
  const boundMs = expected.twoOwnersAtOnceMs ?? slowMs ?? expected.twoOwnersMs ?? 0;
  return boundMs === 0 ? 0 : boundMs + 2 * row.samplerPauseMs + SLOW_STEP_MS[row.kind];
}

function violationsOf(fault: Fault, row: Omit<Row, "violations">): string[] {
  const { expected } = fault;
  const { owner } = expected;
  const gapMs = expected.gapMs + 2 * row.probePauseMs + SLOWNESS_MS[row.kind];
  const twoOwnersMs = overlapMs(fault, row);
  const connectionsLost = expected.connectionsLost ?? 0;
  const owned = owner === "either" ? row.owners.length === 1 : row.owners.join() === owner;
  const wanted = owner === "either" ? "one router" : owner;
  return [
    ...(owned ? [] : [`the VIPs are with ${row.owners.join(" and ") || "nobody"}, not ${wanted}`]),
    ...(row.longestGapMs <= gapMs ? [] : [`a gap of ${Math.round(row.longestGapMs)} ms, over ${Math.round(gapMs)}`]),
    ...(row.twoOwnersMs <= twoOwnersMs
      ? []
      : [`two owners for ${row.twoOwnersMs.toFixed(1)} ms, over ${twoOwnersMs.toFixed(1)}`]),
    ...(row.connectionsLost <= connectionsLost
      ? []
      : [`${row.connectionsLost} connections lost, over ${connectionsLost}`]),
  ];
}
