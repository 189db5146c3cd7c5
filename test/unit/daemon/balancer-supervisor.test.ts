import { expect, test } from "bun:test";
import { BalancerSupervisor } from "../../../src/daemon/balancer-supervisor.ts";

test("BalancerSupervisor goes on when the system cannot start the process now", () => {
  const lines: string[] = [];
  const supervisor = new BalancerSupervisor(
    ["/nonexistent/tandem"],
    "/nonexistent",
    { services: [] },
    { onMessage: () => {}, onLog: (level, message) => lines.push(`${level} ${message}`) },
    () => 0,
  );
  supervisor.start();
  supervisor.stop();
  expect(lines).toEqual([
    expect.stringMatching(/^error the balancer cannot be started \(.*\/nonexistent\/tandem.*in 400 ms$/),
  ]);
});

test("BalancerSupervisor refuses questions while there is nobody to answer them", () => {
  const supervisor = new BalancerSupervisor(
    ["/nonexistent/tandem"],
    "/nonexistent",
    { services: [] },
    { onMessage: () => {}, onLog: () => {} },
    () => 0,
  );
  const replies: unknown[] = [];
  supervisor.query({ kind: "checks" }, (reply) => replies.push(reply));
  expect(replies).toEqual([{ kind: "refused", reason: "the balancer is starting; try again in a moment" }]);
});
