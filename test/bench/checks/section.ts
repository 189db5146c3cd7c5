import { dateText, machineText } from "../../support/machine.ts";

/** The tables of the parts as they were printed; undefined for a part that did not run. */
export interface Tables {
  readonly lab: string | undefined;
  readonly host: string | undefined;
  readonly deaths: string | undefined;
}

const COLUMNS_TEXT = `Every server is checked once a second. CPU: of the process that checks, with all its threads. Probes: how much longer than a
second it took from one connection to the next, as tcpdump saw them. By its own account: against tandem's schedule.
Heartbeats: how much longer than 200 ms from one of the router's to the next, and beside it the same of a program that does
nothing but send a datagram every 200 ms: what any program has to live with then. The CPU of the router is that of tandem's
other process, which sends them.`;

const LAB_TEXT = `### Beside keepalived, in the lab's kernel

Each product by itself, one after the other, with an IPVS table of these servers; they answer from the same machine and the
same single processor, which is emulated: a page touched for the first time and a switch between processes cost ten to a
hundred times what they cost elsewhere, and its scheduler counts time in units of 10 ms: whoever runs when one ends has used
all of it. A program that only wakes twenty times a second was charged 6 % there, the router as much more as it wakes.`;

const HOST_TEXT = `### On this machine's own kernel

In namespaces, without IPVS, which tandem's checks can do without and keepalived's can't.`;

const DEATHS_TEXT = `### From a server's death to its removal from the table

In the lab's kernel; each product's defaults, nothing of intervals or timeouts set; from the first to the last of three
servers, which die at once. Refused: the program is killed. Silent:
the way back from the machine is cut. Stopped: SIGSTOP, so that its kernel goes on accepting connections; checked by
HTTP, since no check that only connects can see it (ldirectord: \`negotiate\`; for the other two \`connect\` and its like).`;

function part(text: string, table: string | undefined): string {
  return table === undefined ? "" : `${text}\n\n${table.trim()}\n`;
}

/** The section of docs/benchmarks.md. */
export function section({ lab, host, deaths }: Tables): string {
  return [
    `## Checks beside keepalived and ldirectord

Written by \`npm run bench:checks\` on ${dateText()}: keepalived 2.2.7 and ldirectord of Debian. ${machineText()}.

${COLUMNS_TEXT}
`,
    part(LAB_TEXT, lab),
    part(HOST_TEXT, host),
    part(DEATHS_TEXT, deaths),
  ]
    .filter((text) => text !== "")
    .join("\n");
}
