/** The process of watcher.ts. Its argument is the order, as JSON. */
import { inNamespace } from "../network-namespace.ts";
import type { Hosts } from "../topology.ts";
import { GapProbe } from "./gap-probe.ts";
import { OwnerSampler } from "./owner-sampler.ts";
import { VipEcho } from "./vip-echo.ts";
import type { WatchAnswer, WatchOrder, WatchRequest } from "./watcher.ts";

/** Answers on their way still count. */
const GRACE_MS = 200;

const order = JSON.parse(process.argv[2] ?? "") as WatchOrder;
const hosts: Hosts = { on: (host, action) => inNamespace(order.namespaces[host] ?? "", action) };
let probe: GapProbe | undefined;
let owners: OwnerSampler | undefined;

function answer(message: WatchAnswer): void {
  process.send?.(message);
}

async function begin(): Promise<void> {
  probe = await GapProbe.start(hosts, order.target, order.probeEveryMs);
  owners = OwnerSampler.start(hosts, order.vips, order.lookEveryMs);
  answer({ kind: "begun" });
}

async function end(): Promise<void> {
  if (probe === undefined || owners === undefined) throw new Error("nothing has begun");
  const seen = owners.report();
  owners[Symbol.dispose]();
  answer({ kind: "report", report: { gap: await probe.stop(GRACE_MS), owners: seen } });
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
  else answer({ kind: "count", answered: probe?.answered ?? 0 });
});
if (order.echo) await VipEcho.start(hosts, order.target.address, order.target.port);
answer({ kind: "ready" });
