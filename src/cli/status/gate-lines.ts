/** Gates for people. */
import type { GateStatus } from "../../daemon/status/status-report.ts";
import { formatSpan } from "../../model/duration.ts";
import type { GateState } from "../../model/gate.ts";
import type { Tone } from "../output/palette.ts";
import { type Cell, type Column, renderTable, type TableLayout } from "../output/table.ts";

const COLUMNS: readonly Column[] = [
  { header: "GATE" },
  { header: "STATE" },
  { header: "FOR", dropOrder: 2 },
  { header: "WHEN IT FAILS", dropOrder: 3 },
  { header: "REASON", flexible: true, dropOrder: 1, hideEmpty: true },
];

export const GATE_TONES: Readonly<Record<GateState, Tone>> = { passing: "good", failing: "bad", unknown: "warn" };

function gateRow({ name, state, sinceMs, effect, reason }: GateStatus): Cell[] {
  return [name, { text: state, tone: GATE_TONES[state] }, formatSpan(sinceMs), effect, reason ?? ""];
}

/** The gates of this router as a table. */
export function gateLines(gates: readonly GateStatus[], layout: TableLayout): string[] {
  return renderTable(COLUMNS, gates.map(gateRow), layout);
}
