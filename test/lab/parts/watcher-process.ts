/** The process of watcher.ts. Its argument is the order, as JSON. */
import { inNamespace } from "../network-namespace.ts";
import type { Hosts } from "../topology.ts";
import { GapProbe, type GapReport } from "./gap-probe.ts";
import { OwnerSampler } from "./owner-sampler.ts";
import { VipEcho } from "./vip-echo.ts";
import type { WatchAnswer, WatchOrder, WatchRequest } from "./watcher.ts";

/** Answers on their way still count. */
const GRACE_MS = 200;

const order = JSON.parse(process.argv[2] ?? "") as WatchOrder;
const hosts: Hosts = { on: (host, action) => inNamespace(order.namespaces[host] ?? "", action) };
let probes: readonly GapProbe[] = [];
let owners: OwnerSampler | undefined;

function answer(message: WatchAnswer): void {
  process.send?.(message);
}

async function begin(): Promise<void> {
  probes = await Promise.all(order.targets.map((target) => GapProbe.start(hosts, target, order.probeEveryMs)));
  owners = OwnerSampler.start(hosts, order.vips, order.lookEveryMs, order.routers);
  answer({ kind: "begun" });
}

async function end(): Promise<void> {
  if (owners === undefined) throw new Error("nothing has begun");
  const seen = owners.report();
  owners[Symbol.dispose]();
  const gaps = await Promise.all(probes.map((probe) => probe.stop(GRACE_MS)));
  answer({ kind: "report", report: { gap: worstOf(gaps), owners: seen } });
}

/** The report with the longest gap, and what all have sent and lost. */
function worstOf(gaps: readonly GapReport[]): GapReport {
  const [worst] = gaps.toSorted((one, other) => other.longestGapMs - one.longestGapMs);
  if (worst === undefined) throw new Error("nothing is probed");
  const sum = (of: (gap: GapReport) => number) => gaps.reduce((total, gap) => total + of(gap), 0);
  return {
    ...worst,
    sent: sum((gap) => gap.sent),
    lost: sum((gap) => gap.lost),
    longestPauseMs: Math.max(...gaps.map((gap) => gap.longestPauseMs)),
  };
}

function look(how: "lookAway" | "lookAgain"): void {
  owners?.[how]();
  for (const probe of probes) probe[how]();
  answer({ kind: "done" });
}

// Bun throws what an ICMP error says about a datagram at nobody in particular, beside telling the socket's handler.
process.on("uncaughtException", (error: Error & { readonly syscall?: string }) => {
  if (error.syscall === "recv") return;
  process.stderr.write(`watcher: ${error.stack}\n`);
  process.exit(1);
});
process.on("message", (request: WatchRequest) => {
  if (request === "begin") void begin();
  else if (request === "end") void end();
  else if (request === "look-away") look("lookAway");
  else if (request === "look-again") look("lookAgain");
  else answer({ kind: "count", answered: probes.map((probe) => probe.answered) });
});
const echoes = new Map(order.targets.map(({ address, port }) => [`${address} ${port}`, { address, port }]));
for (const { address, port } of order.echo ? echoes.values() : []) {
  await VipEcho.start(hosts, address, port, order.routers);
}
answer({ kind: "ready" });
