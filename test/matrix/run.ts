/**
 * `npm run matrix [--kind namespaces|uml] [--row TEXT]… [--keep FILE]`: each fault on a pair of its own, each in a lab of
 * its own; prints the rows and writes docs/fault-matrix.md. Exit status 1 when a row is not as it must be.
 * With `--row` only the faults whose names contain the text. With `--keep` the rows are kept in a file, and the
 * document is written from all of it, the last run of each row.
 */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../../src/build/binary.ts";
import { exitStatus, LAB_KINDS, type LabKind, runInLab } from "../lab/run-in-lab.ts";
import { matrixDocument } from "./document.ts";
import { FAULTS } from "./faults/all.ts";
import { kindsOf, type Row } from "./row.ts";

const ROOT = resolve(import.meta.dir, "../..");
const DOCUMENT = join(ROOT, "docs/fault-matrix.md");
const ROW_LIMIT_MS = 240_000;

interface Options {
  readonly kinds: readonly LabKind[];
  readonly rows: readonly string[];
  readonly keep: string | undefined;
}

function readOptions(): Options {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: { kind: { type: "string" }, row: { type: "string", multiple: true }, keep: { type: "string" } },
  });
  const kinds = LAB_KINDS.filter((kind) => values.kind === undefined || kind === values.kind).toReversed();
  if (kinds.length === 0) throw new Error(`no such kind: ${values.kind}; there are ${LAB_KINDS.join(", ")}`);
  return { kinds, rows: values.row ?? [], keep: values.keep };
}

function failedRow(name: string, kind: LabKind, reason: string): Row {
  const nothing = { longestGapMs: 0, probePauseMs: 0, sent: 0, lost: 0, twoOwnersMs: 0, samplerPauseMs: 0 };
  const violations = [`the row did not come to its end: ${reason}`];
  return { name, kind, ...nothing, connections: 0, connectionsLost: 0, owners: [], history: null, violations };
}

async function runRow(place: number, kind: LabKind, folder: string): Promise<Row> {
  const name = FAULTS[place]?.name ?? "";
  const file = join(folder, `${kind}-${place}.json`);
  const outcome = await runInLab([process.execPath, "test/matrix/inside.ts", String(place), file], {
    kind,
    directory: ROOT,
    writableDirectories: [folder],
    timeLimitMs: ROW_LIMIT_MS,
  });
  if (outcome.kind === "interrupted") throw new Error("interrupted: the document stays as it was");
  if (!existsSync(file)) return failedRow(name, kind, `exit ${exitStatus(outcome)}`);
  return JSON.parse(readFileSync(file, "utf8")) as Row;
}

function tell(row: Row): void {
  const connections = row.connections === 0 ? "" : `, ${row.connectionsLost} of ${row.connections} connections lost`;
  const text =
    `${row.violations.length === 0 ? "✓" : "✗"} ${row.kind.padEnd(10)} ${row.name}\n` +
    `    gap ${row.longestGapMs.toFixed(1)} ms (probe's pause ${row.probePauseMs.toFixed(1)}), ` +
    `lost ${row.lost} of ${row.sent}, two owners ${row.twoOwnersMs.toFixed(1)} ms${connections}\n` +
    `    ${row.history ?? "no transition"}\n${row.violations.map((one) => `    ✗ ${one}\n`).join("")}`;
  process.stdout.write(text);
}

/** The last run of each row, in the order of the table. */
function newestRows(rows: readonly Row[]): Row[] {
  return FAULTS.flatMap((fault) =>
    LAB_KINDS.flatMap((kind) => rows.findLast((row) => row.name === fault.name && row.kind === kind) ?? []),
  );
}

async function main({ kinds, rows: wanted, keep }: Options): Promise<number> {
  if (process.env["TANDEM_BINARY"] === undefined && build(join(ROOT, "dist/tandem")) !== 0) return 1;
  const folder = mkdtempSync(join(tmpdir(), "tandem-matrix-"));
  const rows: Row[] = [];
  try {
    for (const kind of kinds) {
      for (const [place, fault] of FAULTS.entries()) {
        const named = wanted.length === 0 || wanted.some((text) => fault.name.includes(text));
        if (!named || !kindsOf(fault).includes(kind)) continue;
        const row = await runRow(place, kind, folder);
        tell(row);
        rows.push(row);
        if (keep !== undefined) appendFileSync(keep, `${JSON.stringify(row)}\n`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const kept = keep === undefined ? rows : readRows(keep);
  if (keep !== undefined || (wanted.length === 0 && kinds.length === LAB_KINDS.length)) {
    writeFileSync(DOCUMENT, matrixDocument(newestRows(kept), FAULTS));
  }
  return rows.every((row) => row.violations.length === 0) ? 0 : 1;
}

function readRows(file: string): Row[] {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Row);
}

process.exit(await main(readOptions()));
