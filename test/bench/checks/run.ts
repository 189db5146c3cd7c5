/**
 * `npm run bench:checks`: builds tandem; lets tandem and keepalived check the same servers in the lab, one after the other,
 * then tandem alone on this machine's own kernel (as root), then measures how long a dead server stays in the table at the
 * defaults of tandem, ldirectord and keepalived. A quarter of an hour at the most. Prints Markdown and writes it into
 * docs/benchmarks.md.
 *
 * Words: `lab`, `host`, `deaths` for these parts only, and KIND:RATE (`tcp:2000`) for these loads only; `short` for
 * shorter windows and two loads. With words nothing is written, but for `write`.
 */
import { join, resolve } from "node:path";
import { build } from "../../../src/build/binary.ts";
import { type LabKind, runInLab } from "../../lab/run-in-lab.ts";
import { writeSection } from "../../support/document-section.ts";
import { section } from "./section.ts";

const ROOT = resolve(import.meta.dir, "../../..");
const DOCUMENT = join(ROOT, "docs/benchmarks.md");
const LOADS = ["tcp:500", "tcp:2000", "tcp:5000", "http:500", "http:2000", "http:5000"];
const SHORT_LOADS = ["tcp:500", "http:2000"];

/** The parts and the seconds that each may take. */
const PARTS = {
  lab: { program: "inside.ts", seconds: 440 },
  host: { program: "inside.ts", seconds: 190, kind: "namespaces" },
  deaths: { program: "deaths.ts", seconds: 270 },
} as const satisfies Readonly<Record<string, { program: string; seconds: number; kind?: LabKind }>>;
type Part = keyof typeof PARTS;
/** A part that does not end by itself is ended this long after its time. */
const GRACE_MS = 30_000;

interface Wanted {
  readonly parts: ReadonlySet<Part>;
  readonly loads: readonly string[];
  readonly isShort: boolean;
  readonly isWritten: boolean;
}

function isPart(word: string): word is Part {
  return Object.hasOwn(PARTS, word);
}

function read(words: readonly string[]): Wanted {
  const parts = words.filter(isPart);
  const loads = words.filter((word) => word.includes(":"));
  const rest = words.filter((word) => !(isPart(word) || word.includes(":")));
  const unknown = rest.filter((word) => word !== "short" && word !== "write");
  if (unknown.length > 0) throw new Error(`what is ${unknown.join(" ")}? lab, host, deaths, short, write or KIND:RATE`);
  const isShort = rest.includes("short");
  const usual = isShort ? SHORT_LOADS : LOADS;
  return {
    parts: new Set(parts.length > 0 ? parts : (Object.keys(PARTS) as Part[])),
    loads: loads.length > 0 ? loads : usual,
    isShort,
    isWritten: words.length === 0 || rest.includes("write"),
  };
}

/** @returns what the part printed; undefined when it is not wanted or printed nothing */
async function runPart(part: Part, wanted: Wanted): Promise<string | undefined> {
  if (!wanted.parts.has(part)) return undefined;
  const { program, seconds, ...place }: { program: string; seconds: number; kind?: LabKind } = PARTS[part];
  const words = part === "deaths" ? [] : [wanted.isShort ? "short" : "whole", ...wanted.loads];
  const text: string[] = [];
  const decoder = new TextDecoder();
  const outcome = await runInLab([process.execPath, `test/bench/checks/${program}`, `${seconds}`, ...words], {
    ...place,
    directory: ROOT,
    timeLimitMs: seconds * 1_000 + GRACE_MS,
    onOutput: (stream, bytes) => {
      process[stream].write(bytes);
      if (stream === "stdout") text.push(decoder.decode(bytes, { stream: true }));
    },
  });
  if (outcome.kind === "interrupted") throw new Error("interrupted: the document stays as it was");
  if (outcome.kind !== "ended" || outcome.status !== 0) {
    text.push(`\nThe rest is missing: ${outcome.kind === "ended" ? `status ${outcome.status}` : outcome.kind}.\n`);
    process.exitCode = 1;
  }
  return text.join("").replaceAll("\r", "");
}

async function main(wanted: Wanted): Promise<void> {
  const lab = await runPart("lab", wanted);
  const host = await runPart("host", wanted);
  const deaths = await runPart("deaths", wanted);
  const text = section({ lab, host, deaths });
  process.stdout.write(`\n${text}`);
  if (wanted.isWritten) writeSection(DOCUMENT, "Benchmarks", "checks", text);
}

const built = build(join(ROOT, "dist/tandem"));
if (built === 0) await main(read(process.argv.slice(2)));
process.exit(built === 0 ? process.exitCode : built);
