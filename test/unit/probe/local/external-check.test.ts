import { describe, expect, test } from "bun:test";
import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { address } from "../../../../src/model/address.ts";
import type { CheckTarget } from "../../../../src/model/health-check.ts";
import { killAbandonedPrograms } from "../../../../src/probe/local/confinement.ts";
import { resolveCommand, runExternal } from "../../../../src/probe/local/external-check.ts";
import { OUTPUT_KEPT_BYTES } from "../../../../src/probe/local/program-output.ts";
import { findUser } from "../../../../src/probe/local/user.ts";

const PATIENT_MS = 10_000;
/** Within it a program must have begun, on a busy machine too; the test takes as long. */
const HASTY_MS = 1_500;
const TARGET: CheckTarget = {
  address: address("10.0.0.11"),
  port: 80,
  serviceAddress: address("203.0.113.10"),
  servicePort: 8080,
};
const isRoot = process.geteuid?.() === 0;

function shell(script: string, timeoutMs = PATIENT_MS) {
  return runExternal({ kind: "external", command: ["/bin/sh", "-c", script], user: "nobody" }, TARGET, timeoutMs);
}

/** Whether a process is there and not a zombie. */
function lives(pid: string): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** The text in quotes in a reason. */
function quoted(reason: string): string {
  return /"(.*)"/.exec(reason)?.[1] ?? "";
}

describe("runExternal()", () => {
  test.each<[string, "success" | "failure", string]>([
    ["exit 0", "success", "the program exited with 0"],
    ["echo fine; exit 0", "success", 'the program exited with 0: "fine"'],
    ["exit 3", "failure", "the program exited with 3"],
    ["echo; echo >&2; exit 3", "failure", "the program exited with 3"],
    ["echo out; echo broken >&2; exit 1", "failure", 'the program exited with 1: "broken"'],
    ["kill -9 $$", "failure", "the program was ended by SIGKILL"],
  ])("takes %p for %s", async (script, result, reason) => {
    const outcome = await shell(script);
    expect([outcome.result, outcome.reason]).toEqual([result, reason]);
  });

  test.each<[string, "success" | "failure", number | undefined]>([
    ["echo 30", "success", 30],
    ["echo 0; echo and a word", "success", 0],
    ["echo 101", "failure", undefined],
    ["echo -1", "failure", undefined],
    ["exit 0", "failure", undefined],
    ["echo 30; exit 1", "failure", undefined],
  ])("takes the weight that %p says: %s, %p", async (script, result, percent) => {
    const command = ["/bin/sh", "-c", script];
    const outcome = await runExternal(
      { kind: "external", command, user: "nobody", weight: "output" },
      TARGET,
      PATIENT_MS,
    );
    const given = outcome.result === "success" ? outcome.weightPercent : undefined;
    expect<unknown>([outcome.result, given]).toEqual([result, percent]);
  });

  test("fails closed when there is no such program", async () => {
    const method = { kind: "external", command: ["/nonexistent/check"], user: "nobody" } as const;
    const outcome = await runExternal(method, TARGET, PATIENT_MS);
    expect([outcome.result, outcome.reason]).toEqual([
      "failure",
      "the program cannot be started: ENOENT: no such file or directory, posix_spawn '/nonexistent/check'",
    ]);
  });

  test.if(isRoot).each([
    ["root", "a check's program does not run as root; give another user"],
    ["nobody-has-this-name", 'there is no user "nobody-has-this-name" in /etc/passwd'],
  ])("fails closed for the user %p", async (user, reason) => {
    const outcome = await runExternal({ kind: "external", command: ["/bin/true"], user }, TARGET, PATIENT_MS);
    expect([outcome.result, outcome.reason]).toEqual(["failure", reason]);
  });

  test.if(isRoot)("runs the program as the user, without any other group", async () => {
    expect((await shell("echo $(id -un) $(id -G)")).reason).toBe('the program exited with 0: "nobody 65534"');
  });

  test("passes nothing of our environment on", async () => {
    process.env["TANDEM_TEST_SECRET"] = "secret";
    const outcome = await shell("env | cut -d= -f1 | sort | tr '\\n' ' '");
    delete process.env["TANDEM_TEST_SECRET"];
    // PWD and others are the shell's own.
    expect(
      quoted(outcome.reason)
        .split(" ")
        .filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name)),
    ).toEqual(["HOME", "LANG", "PATH", "TANDEM_CHECK"]);
  });

  test("kills a program that ignores SIGTERM, with its children, at the limit", async () => {
    const outcome = await shell("trap '' TERM; sleep 1000 & echo $$ $!; wait; sleep 1000", HASTY_MS);
    const pids = quoted(outcome.reason).split(" ");
    expect(outcome.reason).toStartWith(`the program did not end within ${HASTY_MS / 1_000} s and was killed`);
    expect(pids.length).toBe(2);
    while (pids.some(lives)) await new Promise(setImmediate);
  });

  test("kills what a program leaves running in the background", async () => {
    const outcome = await shell("sleep 1000 & echo $!");
    expect(outcome.result).toBe("success");
    while (lives(quoted(outcome.reason))) await new Promise(setImmediate);
  });

  test("keeps a bounded part of an endless output and ends the program", async () => {
    const outcome = await shell("yes 'endless output of a program'", HASTY_MS);
    expect(outcome.reason).toContain("endless output");
    expect(outcome.reason.length).toBeLessThan(OUTPUT_KEPT_BYTES);
  });

  test("an endless output costs little memory meanwhile", async () => {
    // A process of its own: what other tests leave to the collector is not counted.
    const fixture = join(import.meta.dir, "endless-output-fixture.ts");
    const program = Bun.spawn([process.execPath, fixture], { stderr: "inherit" });
    const { grownMiB, said } = JSON.parse(await program.stdout.text()) as { grownMiB: number; said: boolean };
    // It was over 40 MiB while all of it came in as pieces of the engine's; now it is 5.
    expect([said, grownMiB < 20]).toEqual([true, true]);
  });

  test("lets a program say more than is kept, and takes its first words", async () => {
    const outcome = await shell("echo begun; head -c 1000000 /dev/zero; exit 0");
    expect([outcome.result, outcome.reason.includes('"begun')]).toEqual(["success", true]);
  });

  test("has outputs that a program of another user can open by name", async () => {
    expect((await shell("echo out >/dev/stdout; echo broken >/dev/stderr; exit 1")).reason).toBe(
      'the program exited with 1: "broken"',
    );
  });
});

test("killAbandonedPrograms() kills what a checker that is gone has left, and nothing else", async () => {
  const namespace = readlinkSync("/proc/self/ns/pid");
  const gone = Bun.spawn(["true"]);
  await gone.exited;
  const marked = (mark: string) => Bun.spawn(["sleep", "1000"], { env: { PATH: "/usr/bin:/bin", TANDEM_CHECK: mark } });
  const abandoned = marked(`${namespace}:${gone.pid}.7`);
  const others = [
    marked(`${namespace}:${process.pid}.7`),
    marked(`pid:[1]:${gone.pid}.7`),
    marked("whatever"),
    Bun.spawn(["sleep", "1000"]),
  ];
  try {
    killAbandonedPrograms();
    await abandoned.exited;
    expect([abandoned.signalCode, ...others.map(({ pid }) => lives(`${pid}`))]).toEqual([
      "SIGKILL",
      ...[true, true, true, true],
    ]);
  } finally {
    for (const other of [abandoned, ...others]) other.kill("SIGKILL");
  }
});

test("resolveCommand() replaces the tokens and nothing else, each argument for itself", () => {
  const command = [
    "/bin/check",
    "--at={address}:{port}",
    "{service.address}",
    "{service.port}",
    "{other}",
    "$(id); {}",
  ];
  expect(resolveCommand(command, TARGET)).toEqual([
    "/bin/check",
    "--at=10.0.0.11:80",
    "203.0.113.10",
    "8080",
    "{other}",
    "$(id); {}",
  ]);
});

test.each([
  ["nobody", { ok: true, value: { uid: 65534, gid: 65533 } }],
  ["7", { ok: true, value: { uid: 7, gid: 7 } }],
  ["7:8", { ok: true, value: { uid: 7, gid: 8 } }],
  ["odd", { ok: false, problem: 'there is no user "odd" in /etc/passwd' }],
  ["", { ok: false, problem: 'there is no user "" in /etc/passwd' }],
])("findUser() finds %p", (name, expected) => {
  const passwd = "root:x:0:0:root:/root:/bin/bash\nodd:x:a:b:::\nnobody:x:65534:65533:nobody:/:/bin/false\n";
  expect(findUser(name, passwd)).toEqual(expected as ReturnType<typeof findUser>);
});
