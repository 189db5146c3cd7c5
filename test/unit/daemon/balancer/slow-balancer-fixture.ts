/** In the place of the balancer: answers the first question for the table when the second one comes, and then that one. */
import type { ToBalancer } from "../../../../src/daemon/balancer/balancer-protocol.ts";

const asked: number[] = [];

process.on("message", (message: ToBalancer) => {
  if (message.kind === "stop") process.exit(0);
  if (message.kind !== "table-needed") return;
  asked.push(message.id);
  if (asked.length === 2) for (const id of asked) process.send?.({ kind: "table-complete", id });
});
