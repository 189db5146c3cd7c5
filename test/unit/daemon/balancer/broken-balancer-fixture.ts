/** In the place of the balancer: one with a planted bug, which breaks an invariant when it is asked for its table. */
import { Balancer } from "../../../../src/balance/balancer.ts";
import type { BalancerEffect, BalancerInput } from "../../../../src/balance/balancer-input.ts";
import { runBalancer } from "../../../../src/daemon/balancer/balancer-process.ts";
import { InvariantError } from "../../../../src/lib/invariant-error.ts";

const { step } = Balancer.prototype;
Balancer.prototype.step = function (input: BalancerInput, nowMs: number): readonly BalancerEffect[] {
  if (input.kind === "table-needed") throw new InvariantError("planted", "a bug", { input });
  return step.call(this, input, nowMs);
};

process.exit(await runBalancer(process.argv.at(-1) ?? ""));
