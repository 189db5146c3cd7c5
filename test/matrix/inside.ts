/** One row of the fault matrix, inside a lab. Arguments: the place of the fault in the list, and a file for the row. */
import { appendFileSync } from "node:fs";
import { LAB_KINDS, type LabKind } from "../lab/run-in-lab.ts";
import type { Fault } from "./fault.ts";
import { FAULTS } from "./faults/all.ts";
import { failedRow, type Row, rowOf, worstRow } from "./row.ts";
import { Stage } from "./stage.ts";

/** A pair with everything that the fault needs. */
async function stageFor(fault: Fault, kind: LabKind, stages: AsyncDisposableStack): Promise<Stage> {
  const stage = stages.use(await Stage.prepare(kind, fault.staging));
  if (fault.routers !== "down") await stage.start();
  return stage;
}

async function rowFor(fault: Fault, kind: LabKind): Promise<Row> {
  const moments = fault.momentsMs ?? [0];
  await using stages = new AsyncDisposableStack();
  const ready = await Promise.all(
    moments.map(async (momentMs) => ({ momentMs, stage: await stageFor(fault, kind, stages) })),
  );
  const rows = await Promise.all(
    ready.map(async ({ momentMs, stage }) => {
      const row = rowOf(fault, kind, await stage.measure(() => fault.act(stage, momentMs)));
      if (row.violations.length > 0) process.stderr.write(`${stage.lab.pair.logs()}\n`);
      const violations = row.violations.map((text) => (moments.length > 1 ? `at ${momentMs} ms: ${text}` : text));
      return { ...row, violations };
    }),
  );
  return worstRow(rows);
}

async function main(place: string, file: string): Promise<number> {
  const kind = LAB_KINDS.find((name) => name === process.env["TANDEM_LAB_KIND"]);
  const fault = FAULTS[Number(place)];
  if (kind === undefined || fault === undefined) throw new Error(`no such row here: ${place}`);
  const row = await rowFor(fault, kind).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    const [reason = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return failedRow(fault.name, kind, reason);
  });
  appendFileSync(file, `${JSON.stringify(row)}\n`);
  return 0;
}

process.exit(await main(process.argv[2] ?? "", process.argv[3] ?? ""));
