import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HookRunner } from "../../../../src/daemon/host/hooks.ts";
import type { Role } from "../../../../src/model/pair.ts";

function hooks(active: readonly string[], standby: readonly string[] = [], timeoutMs = 5_000): HookRunner {
  return new HookRunner({ active, standby, timeoutMs });
}

function run(
  runner: HookRunner,
  name: Role | "verdict" | "quorum",
  environment: Readonly<Record<string, string>> = {},
) {
  return new Promise<{ readonly ok: boolean; readonly detail: string }>((resolve) =>
    runner.run({ name, environment, done: (ok, detail) => resolve({ ok, detail }) }),
  );
}

test("HookRunner runs the program of the transition with its variables and nothing of ours", async () => {
  const runner = hooks(["/bin/sh", "-c", 'echo "$TANDEM_ROLE $TANDEM_TERM $USER$npm_config_cache" >&2']);
  expect(await run(runner, "active", { TANDEM_ROLE: "active", TANDEM_TERM: "7" })).toEqual({
    ok: true,
    detail: 'exit code 0: "active 7"',
  });
});

test("HookRunner runs the program for a change of verdict", async () => {
  const verdict = ["/bin/sh", "-c", 'echo "$TANDEM_SERVER $TANDEM_VERDICT"'];
  const runner = new HookRunner({ active: [], standby: [], verdict, timeoutMs: 5_000 });
  const environment = { TANDEM_SERVER: "10.0.0.11:80", TANDEM_VERDICT: "down" };
  expect(await run(runner, "verdict", environment)).toEqual({ ok: true, detail: 'exit code 0: "10.0.0.11:80 down"' });
});

test("HookRunner runs the program for a quorum lost or regained", async () => {
  const quorum = ["/bin/sh", "-c", 'echo "$TANDEM_SERVICE $TANDEM_QUORUM"'];
  const runner = new HookRunner({ active: [], standby: [], quorum, timeoutMs: 5_000 });
  const environment = { TANDEM_SERVICE: "web", TANDEM_QUORUM: "lost" };
  expect(await run(runner, "quorum", environment)).toEqual({ ok: true, detail: 'exit code 0: "web lost"' });
});

test("HookRunner says that there is nothing to run", async () => {
  expect(await run(hooks(["/bin/true"]), "standby")).toEqual({ ok: true, detail: "no hook configured" });
});

test("HookRunner tells of a failure with what the program said", async () => {
  const runner = hooks(["/bin/sh", "-c", "echo no route >&2; exit 3"]);
  expect(await run(runner, "active")).toEqual({ ok: false, detail: 'exit code 3: "no route"' });
});

test("HookRunner kills a program and its children at the limit", async () => {
  const runner = hooks(["/bin/sh", "-c", "trap '' TERM; sleep 600 & sleep 600"], [], 50);
  expect(await run(runner, "active")).toEqual({ ok: false, detail: "killed after 50ms" });
});

test("HookRunner says what is wrong with a script without an interpreter", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tandem-hooks-"));
  const script = join(folder, "script");
  writeFileSync(script, "echo hello\n", { mode: 0o755 });
  const { ok, detail } = await run(hooks([script]), "active");
  rmSync(folder, { recursive: true });
  expect({ ok, detail }).toEqual({
    ok: false,
    detail: `cannot be started: ENOEXEC: exec format error: neither a program for this machine nor a script with #!, posix_spawn '${script}'`,
  });
});

test("HookRunner goes on after a program that is not there", async () => {
  const runner = hooks(["/nonexistent/program"], ["/bin/true"]);
  const first = await run(runner, "active");
  expect(first.ok).toBe(false);
  expect(first.detail).toStartWith("cannot be started");
  expect(await run(runner, "standby")).toEqual({ ok: true, detail: "exit code 0" });
});

test("HookRunner runs one at a time, in order", async () => {
  const runner = hooks(["/bin/sh", "-c", "echo a >&2"], ["/bin/sh", "-c", "echo s >&2"]);
  const ends: string[] = [];
  await Promise.all(
    (["active", "standby", "active"] as const).map((name) => run(runner, name).then(({ detail }) => ends.push(detail))),
  );
  expect(ends).toEqual(['exit code 0: "a"', 'exit code 0: "s"', 'exit code 0: "a"']);
});
