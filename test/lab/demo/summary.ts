/** The table at the end: what was measured. */
import type { Measurement } from "./measurement.ts";
import { milliseconds } from "./screen.ts";
import type { Stage } from "./stage.ts";

export function summary(stage: Stage): void {
  const { screen } = stage;
  screen.chapter("What was measured, seen from the client");
  screen.line(
    screen.paint("dim", "                        longest gap   requests lost   connections lost   two owners"),
  );
  for (const row of stage.measurements) screen.line(rowText(row));
  const pause = Math.max(0, ...stage.measurements.map((row) => row.probePauseMs));
  screen.line(
    screen.paint("dim", `    The probe itself, on the lab's one slow CPU, paused for up to ${milliseconds(pause)}.`),
  );
}

function rowText(row: Measurement): string {
  const lost = `${row.lost} of ${row.sent}`;
  const connections = row.connections === 0 ? "-" : `${row.connectionsLost} of ${row.connections}`;
  return [
    `    ${row.what.padEnd(18)}`,
    milliseconds(row.longestGapMs).padStart(13),
    lost.padStart(16),
    connections.padStart(19),
    milliseconds(row.twoOwnersMs).padStart(13),
  ].join("");
}
