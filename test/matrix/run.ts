/**
 * `npm run matrix -- [--kind namespaces|uml] [--keep FILE] [--binary FILE] [TEXT]…`: each fault on a pair of its own, each
 * in a lab of its own; prints the rows and writes docs/fault-matrix.md. Exit status 1 when a row is not as it must be.
 * With TEXT (or `--row TEXT`) only the faults whose names contain one of the texts. With `--keep` the rows are kept in a
 * file, and the document is written from all of it, the last run of each row. With `--binary` another build is tried, and
 * the document stays as it is; what such a run kept in test/matrix/before.jsonl stands beside the figures of this build.
 */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../../src/build/binary.ts";
import { exitStatus, LAB_KINDS, type LabKind, runInLab } from "../lab/run-in-lab.ts";
import { matrixDocument } from "./document.ts";
import { FAULTS } from "./faults/all.ts";
import { failedRow, kindsOf, type Row } from "./row.ts";

const ROOT = resolve(import.meta.dir, "../..");
const DOCUMENT = join(ROOT, "docs/fault-matrix.md");
/** Figures of an earlier build. */
const BEFORE = join(import.meta.dir, "before.jsonl");
const ROW_LIMIT_MS = 240_000;

interface Options {
  readonly kinds: readonly LabKind[];
  readonly rows: readonly string[];
  readonly keep: string | undefined;
  readonly binary: string | undefined;
}

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: {
      kind: { type: "string" },
      row: { type: "string", multiple: true },
      keep: { type: "string" },
      binary: { type: "string" },
    },
  });
  const kinds = LAB_KINDS.filter((kind) => values.kind === undefined || kind === values.kind).toReversed();
  if (kinds.length === 0) throw new Error(`no such kind: ${values.kind}; there are ${LAB_KINDS.join(", ")}`);
  const binary = values.binary === undefined ? undefined : resolve(values.binary);
  return { kinds, rows: [...(values.row ?? []), ...positionals], keep: values.keep, binary };
}

interface Binary {
  readonly file: string;
  /** It may be older than the rows. */
  readonly isOther: boolean;
}

/** This build, made anew unless TANDEM_BINARY names it, or another one; undefined when it cannot be built. */
function chooseBinary(other: string | undefined): Binary | undefined {
  if (other !== undefined) return { file: other, isOther: true };
  const given = process.env["TANDEM_BINARY"];
  const file = given ?? join(ROOT, "dist/tandem");
  return given !== undefined || build(file) === 0 ? { file, isOther: false } : undefined;
}

/** What a binary says that it is. */
function softwareOf(binary: string): string {
  const asked = Bun.spawnSync([binary, "--version"], { stderr: "inherit" });
  if (!asked.success) throw new Error(`${binary} --version ended with ${asked.exitCode}`);
  return asked.stdout.toString().trim();
}

async function runRow(place: number, kind: LabKind, folder: string, binary: Binary): Promise<Row> {
  const name = FAULTS[place]?.name ?? "";
  const file = join(folder, `${kind}-${place}.json`);
  const outcome = await runInLab([process.execPath, "test/matrix/inside.ts", String(place), file], {
    kind,
    directory: ROOT,
    environment: { TANDEM_BINARY: binary.file, ...(binary.isOther ? { TANDEM_OTHER_BUILD: "1" } : {}) },
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

async function main({ kinds, rows: wanted, keep, binary: other }: Options): Promise<number> {
  const binary = chooseBinary(other);
  if (binary === undefined) return 1;
  const software = softwareOf(binary.file);
  const folder = mkdtempSync(join(tmpdir(), "tandem-matrix-"));
  const rows: Row[] = [];
  try {
    for (const kind of kinds) {
      for (const [place, fault] of FAULTS.entries()) {
        const named = wanted.length === 0 || wanted.some((text) => fault.name.includes(text));
        if (!named || !kindsOf(fault).includes(kind)) continue;
        const row = { ...(await runRow(place, kind, folder, binary)), software };
        tell(row);
        rows.push(row);
        if (keep !== undefined) appendFileSync(keep, `${JSON.stringify(row)}\n`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const kept = keep === undefined ? rows : readRows(keep);
  if (!binary.isOther && (keep !== undefined || (wanted.length === 0 && kinds.length === LAB_KINDS.length))) {
    writeFileSync(DOCUMENT, matrixDocument(newestRows(kept), FAULTS, newestRows(readRows(BEFORE))));
  }
  return rows.every((row) => row.violations.length === 0) ? 0 : 1;
}

function readRows(file: string): Row[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Row]));
}

process.exit(await main(readOptions()));
