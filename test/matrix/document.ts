/** docs/fault-matrix.md from the rows of a run. */
import type { LabKind } from "../lab/run-in-lab.ts";
import { dateText, machineText } from "../support/machine.ts";
import type { Fault } from "./fault.ts";
import type { Row } from "./row.ts";

function milliseconds(value: number): string {
  if (value === 0) return "0";
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

function cells(values: readonly string[]): string {
  return `| ${values.map((value) => value.replaceAll("|", "\\|")).join(" | ")} |`;
}

function table(rows: readonly Row[], kind: LabKind, noteOf: (row: Row) => string): string {
  const services = kind === "uml";
  const heads = ["fault", "longest gap", "probe's pause", "two owners", ...(services ? ["connections lost"] : [])];
  const lines = rows.map((row) =>
    cells([
      `${row.violations.length === 0 ? "" : "**✗** "}${row.name}${noteOf(row)}`,
      milliseconds(row.longestGapMs),
      milliseconds(row.probePauseMs),
      milliseconds(row.twoOwnersMs),
      ...(services ? [row.connections === 0 ? "-" : `${row.connectionsLost} of ${row.connections}`] : []),
      row.history ?? "none",
    ]),
  );
  const head = [...heads, "`tandem failover history`"];
  return [cells(head), cells(head.map(() => "---")), ...lines].join("\n");
}

interface Note {
  readonly text: string;
  /** The faults that have it. */
  readonly names: readonly string[];
}

function notesOf(faults: readonly Fault[]): readonly Note[] {
  const byText = Map.groupBy(
    faults.filter(({ note }) => note !== undefined),
    ({ note }) => note ?? "",
  );
  return [...byText].map(([text, of]) => ({ text, names: of.map(({ name }) => name) }));
}

/** Gap, two owners, and who has the VIPs in the end. */
function briefly(row: Row): readonly string[] {
  const mark = row.violations.length === 0 ? "" : "**✗** ";
  if (row.sent === 0) return [`${mark}no figures`, "-", "-"];
  const owners = row.owners.join(" and ") || "nobody";
  return [`${mark}${milliseconds(row.longestGapMs)}`, milliseconds(row.twoOwnersMs), owners];
}

/** The rows that an earlier build was tried with too, side by side. */
function beforeAndAfter(before: readonly Row[], after: readonly Row[]): string {
  const pairs = before.flatMap((old) => {
    const now = after.find((row) => row.name === old.name && row.kind === old.kind);
    return now === undefined ? [] : [{ old, now }];
  });
  const [first] = before;
  if (first === undefined || pairs.length === 0) return "";
  const name = ({ name, kind }: Row) => (kind === "uml" ? `${name} (with services)` : name);
  const lines = pairs.map(({ old, now }) => cells([name(now), ...briefly(old), ...briefly(now)]));
  const heads = ["longest gap", "two owners", "VIPs in the end"];
  const head = ["fault", ...heads.map((one) => `before: ${one}`), ...heads.map((one) => `now: ${one}`)];
  return `## Before and now

The same rows with an earlier build, ${first.software ?? "of unknown version"}. What should have come was waited for no longer than
20 s (60 s with services), and a second owner is watched for 6 s after a blip: figures of that size mean "for as long as
one looked". Tables of the configuration that it does not know were left out.

${[cells(head), cells(head.map(() => "---")), ...lines].join("\n")}

`;
}

/**
 * @param faults every fault of the matrix, for its note
 * @param before rows of an earlier build
 */
export function matrixDocument(rows: readonly Row[], faults: readonly Fault[], before: readonly Row[] = []): string {
  const notes = notesOf(faults);
  const number = (name: string) => notes.findIndex(({ names }) => names.includes(name)) + 1;
  const noteOf = (row: Row) => (number(row.name) === 0 ? "" : ` [${number(row.name)}]`);
  const of = (kind: LabKind) => rows.filter((row) => row.kind === kind);
  const bad = rows.filter((row) => row.violations.length > 0);
  const verdict =
    bad.length === 0
      ? `All ${rows.length} rows are as they must be.`
      : `${bad.length} of ${rows.length} rows are **not** as they must be:\n\n${bad
          .flatMap((row) => row.violations.map((violation) => `- ${row.name} (${row.kind}): ${violation}`))
          .join("\n")}`;
  return `# The fault matrix

Written by \`npm run matrix\` on ${dateText()}: real daemons, real kernels, real cuts, each row with a pair of its own and
the default settings (heartbeats every 200 ms, \`dead_after\` 1 s, leases of 3 s). The machine: ${machineText()}.

- **longest gap**: the longest time between two datagrams that were answered, of one every ms (every 10 ms in the second
  table). **probe's pause**: the longest time in which the probe itself sent nothing; a gap no longer than that says
  nothing.
- **two owners**: how long both kernels had a VIP, looked at every ms (every 5 ms in the second table, and in rows with
  several moments, which are tried at once on as many pairs; such a row has the worst of them). An agreed move
  may overlap by 20 ms: the old owner drops the VIPs when a neighbour has answered the new one and it was told so, that is
  after two changes in the kernel, a round trip to a neighbour and a heartbeat. No overlap would be a gap.
- **connections lost**: of 50 that were open and spoke ten times a second: reset, closed, or silent for good.
- The last column is the newest line of the router that has the VIPs in the end; \`none\`: nothing moved.

${verdict}

## VIPs on this machine's own kernel

${table(of("namespaces"), "namespaces", noteOf)}

## With services, on the lab's kernel

User-mode Linux with IPVS: one slow processor for both routers, three real servers and all clients. Each step of an
agreed move waits for it, so that the two owners may overlap by 270 ms here, and gaps are judged with 3 s to spare. The
same moves on two processors are in the first table.

${table(of("uml"), "uml", noteOf)}

${beforeAndAfter(before, rows)}## Notes

${notes.map(({ names, text }, index) => `${index + 1}. ${names.length === 1 ? `${names[0]}: ` : ""}${text}.`).join("\n")}
`;
}
