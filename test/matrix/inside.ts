/** One row of the fault matrix, inside a lab. Arguments: the place of the fault in the list, and a file for the row. */
import { appendFileSync } from "node:fs";
import { LAB_KINDS } from "../lab/run-in-lab.ts";
import { FAULTS } from "./faults/all.ts";
import { rowOf } from "./row.ts";
import { Stage } from "./stage.ts";

async function main(place: string, file: string): Promise<number> {
  const kind = LAB_KINDS.find((name) => name === process.env["TANDEM_LAB_KIND"]);
  const fault = FAULTS[Number(place)];
  if (kind === undefined || fault === undefined) throw new Error(`no such row here: ${place}`);
  await using stage = await Stage.prepare(kind);
  if (fault.routers !== "down") await stage.start();
  const row = rowOf(fault, kind, await stage.measure(() => fault.act(stage)));
  appendFileSync(file, `${JSON.stringify(row)}\n`);
  if (row.violations.length > 0) process.stderr.write(`${stage.lab.pair.logs()}\n`);
  return 0;
}

process.exit(await main(process.argv[2] ?? "", process.argv[3] ?? ""));
