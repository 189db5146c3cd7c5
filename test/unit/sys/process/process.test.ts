import { expect, test } from "bun:test";
import { parentProcessId, processId, signalProcess, signalProcessGroup } from "../../../../src/sys/process/process.ts";

test("processId() and parentProcessId() are those of this process", () => {
  expect([processId(), parentProcessId()]).toEqual([process.pid, process.ppid]);
});

test.each([0, 1, -1, -2, 1.5, 2 ** 32 + 2, Number.NaN])("signals refuse the process id %p", (id) => {
  expect(() => signalProcess(id, 0)).toThrow(RangeError);
  expect(() => signalProcessGroup(id, 0)).toThrow(RangeError);
});

test("signalProcess() says whether there is such a process", async () => {
  await using child = Bun.spawn(["cat"], { stdin: "pipe" });
  expect(signalProcess(child.pid, 0)).toEqual({ kind: "sent" });
  child.stdin.end();
  await child.exited;
  expect(signalProcess(child.pid, 0)).toEqual({ kind: "failed", errnoName: "ESRCH" });
});

test("signalProcessGroup() reaches the children of the group's leader", async () => {
  await using leader = Bun.spawn(["setsid", "--wait", "sh", "-c", "sleep 600 & echo $$; wait"], { stdout: "pipe" });
  const output = leader.stdout.getReader();
  const { value } = await output.read();
  expect(signalProcessGroup(Number(new TextDecoder().decode(value)), 9)).toEqual({ kind: "sent" });
  // The end of the output comes when the last process that could write to it is gone.
  expect((await output.read()).done).toBe(true);
});
