import { expect, test } from "bun:test";
import { ServiceManager } from "../../../../src/daemon/host/service-manager.ts";

test("a service manager that is gone is said once, and harms nobody", () => {
  const problems: string[] = [];
  const environment = { NOTIFY_SOCKET: "/nonexistent/notify", WATCHDOG_USEC: "2000000" };
  const manager = new ServiceManager(environment, (problem) => problems.push(problem));
  expect(manager.watchdogEveryMs).toBe(1_000);
  for (let time = 0; time < 3; time += 1) manager.notify("WATCHDOG=1");
  expect(problems).toEqual(["the service manager cannot be told WATCHDOG=1: ENOENT"]);
});

test("without a service manager there is nobody to tell", () => {
  const problems: string[] = [];
  const manager = new ServiceManager({}, (problem) => problems.push(problem));
  manager.notify("READY=1", "lvs1 is primary");
  expect([manager.watchdogEveryMs, problems]).toEqual([undefined, []]);
});
