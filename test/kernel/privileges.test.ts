import { expect, test } from "bun:test";

const fixture = (name: string) => `${import.meta.dir}/support/${name}-fixture.ts`;

test.each([
  ["useRealtimeScheduling()", "realtime", "SCHED_FIFO"],
  ["useNiceness()", "niceness", "niceness -10"],
])("%s and lockMemory() work for root, stay small, and leave started programs ordinary", async (_name, word, own) => {
  await using program = Bun.spawn([process.execPath, fixture("privileges"), word], { stdout: "pipe" });
  const report = JSON.parse(await program.stdout.text());
  expect(report).toEqual({
    scheduling: { kind: "done" },
    memory: { kind: "done" },
    // Every thread: an ordinary one that a privileged thread waits for would starve.
    own: [own],
    later: "niceness 0",
    lockedKb: expect.any(Number),
    residentKb: expect.any(Number),
  });
  expect(report.lockedKb).toBeGreaterThan(0);
  // Without MCL_ONFAULT it was 6.5 GB.
  expect(report.residentKb).toBeLessThan(500_000);
});

test("dieWithParent() lets no child survive the SIGKILL of its parent", async () => {
  await using parent = Bun.spawn([process.execPath, fixture("orphan"), "parent"], { stdout: "pipe" });
  const output = parent.stdout.getReader();
  const { value } = await output.read();
  expect(new TextDecoder().decode(value)).toBe("true\n");
  parent.kill("SIGKILL");
  // The child holds the output open as long as it lives.
  expect((await output.read()).done).toBe(true);
});
