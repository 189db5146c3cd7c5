import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { address } from "../../../src/model/address.ts";
import type { FileState, Gate, GateSubject } from "../../../src/model/gate.ts";
import { FileLook } from "../../../src/probe/local/file-state.ts";
import { GateProber } from "../../../src/probe/run-gate.ts";

const PATIENT_MS = 10_000;
const folder = mkdtempSync(join(tmpdir(), "tandem-gate-"));
afterAll(() => rmSync(folder, { recursive: true }));

const prober = new GateProber();

function gate(subject: GateSubject): Gate {
  const times = { intervalMs: 1_000, timeoutMs: 500, rise: 1, fall: 1 };
  return { name: "g", effect: "hand-over", when: "always", subject, ...times };
}

/** `success` or the kind of the failure, and why. */
async function attempt(subject: GateSubject, timeoutMs = PATIENT_MS): Promise<readonly [string, string]> {
  const outcome = await prober.run(gate(subject), timeoutMs);
  return [outcome.result === "success" ? "success" : outcome.failure, outcome.reason];
}

describe("a gate about a process", () => {
  const name = `tdgate${process.pid}`;

  test("passes while one of that name runs, and fails when it has ended, though a zombie of it is left", async () => {
    const program = join(folder, name);
    copyFileSync("/bin/sleep", program);
    expect(await attempt({ kind: "process", name })).toEqual(["state", `no process ${name} runs`]);
    // Its parent never asks how it ended: what is left of it is a zombie.
    const zombieMaker = ["/bin/sh", "-c", `${program} 600 & echo $!; exec sleep 600`];
    await using parent = Bun.spawn(zombieMaker, { stdout: "pipe" });
    const { value } = await parent.stdout.getReader().read();
    const pid = Number(new TextDecoder().decode(value));
    // Until it is sleep(1) it is a shell, which asks how its children ended before it becomes anything else.
    const parentName = () => Bun.file(`/proc/${parent.pid}/comm`).text();
    for (const deadline = Date.now() + PATIENT_MS; (await parentName()) !== "sleep\n"; await Bun.sleep(2)) {
      expect(Date.now()).toBeLessThan(deadline);
    }
    expect(await until(() => attempt({ kind: "process", name }), "success")).toEqual([
      "success",
      `process ${pid} runs`,
    ]);
    process.kill(pid, "SIGKILL");
    expect(await until(() => attempt({ kind: "process", name }), "state")).toEqual([
      "state",
      `no process ${name} runs`,
    ]);
    expect((await Bun.file(`/proc/${pid}/stat`).text()).split(") ")[1]?.charAt(0)).toBe("Z");
    parent.kill("SIGKILL");
  });

  test("finds another one of that name when the one it knew has gone", async () => {
    const twin = `${name}b`;
    const program = join(folder, twin);
    copyFileSync("/bin/sleep", program);
    const start = () => Bun.spawn([program, "600"]);
    await using first = start();
    await until(() => attempt({ kind: "process", name: twin }), "success");
    await using second = start();
    first.kill("SIGKILL");
    await first.exited;
    const [, reason] = await until(() => attempt({ kind: "process", name: twin }), "success");
    expect(reason).toBe(`process ${second.pid} runs`);
    second.kill("SIGKILL");
  });

  test("knows a program by its file when it goes by another name", async () => {
    const file = `${name}c`;
    const program = join(folder, file);
    copyFileSync("/bin/sh", program);
    const script = "printf another > /proc/$$/comm; echo; read never";
    await using child = Bun.spawn([program, "-c", script], { stdin: "pipe", stdout: "pipe" });
    await child.stdout.getReader().read();
    expect(await Bun.file(`/proc/${child.pid}/comm`).text()).toBe("another\n");
    expect(await attempt({ kind: "process", name: file })).toEqual(["success", `process ${child.pid} runs`]);
    rmSync(program);
    expect((await attempt({ kind: "process", name: file }))[0]).toBe("success");
    child.kill("SIGKILL");
  });

  test("compares as much of a longer name as the kernel shows", async () => {
    const long = `${name}-much-longer`;
    const program = join(folder, long);
    copyFileSync("/bin/sleep", program);
    await using child = Bun.spawn([program, "600"]);
    await until(() => attempt({ kind: "process", name: long }), "success");
    expect((await attempt({ kind: "process", name: `${long}-still` }))[0]).toBe("success");
    expect((await attempt({ kind: "process", name: long.slice(0, 15) }))[0]).toBe("success");
    expect((await attempt({ kind: "process", name: long.slice(0, 14) }))[0]).toBe("state");
    child.kill("SIGKILL");
  });
});

describe("a gate about a file", () => {
  const file = (content?: string): string => {
    const path = join(folder, crypto.randomUUID());
    if (content !== undefined) writeFileSync(path, content);
    return path;
  };
  const isGood = async (path: string, state: FileState) => (await attempt({ kind: "file", path, state }))[0];

  test.each<[FileState, boolean, string]>([
    ["present", true, "success"],
    ["present", false, "state"],
    ["absent", true, "state"],
    ["absent", false, "success"],
  ])("%s, and it is there: %p", async (state, isThere, expected) => {
    expect(await isGood(file(isThere ? "-1" : undefined), state)).toBe(expected);
  });

  // The number, and whether it is as `zero`, `not-negative` and `not-positive` want it.
  test.each<[string | undefined, boolean, boolean, boolean]>([
    ["0\n", true, true, true],
    ["-0", true, true, true],
    [undefined, true, true, true],
    ["", true, true, true],
    ["\n7", true, true, true],
    [" 12 \nmore", false, true, false],
    ["+3", false, true, false],
    ["-7\n", false, false, true],
    ["x", false, false, false],
    ["1.5", false, false, false],
    ["0x10", false, false, false],
    ["1".repeat(40), false, false, false],
  ])("%p", async (content, zero, notNegative, notPositive) => {
    const path = file(content);
    const states = ["zero", "not-negative", "not-positive"] as const;
    const found = await Promise.all(states.map((state) => new FileLook().run("g", path, state, PATIENT_MS)));
    expect(found.map(({ result }) => result === "success")).toEqual([zero, notNegative, notPositive]);
  });

  test("says what it found", async () => {
    const path = file("-7 drained\n");
    const reason = async (state: FileState, of = path) => (await attempt({ kind: "file", path: of, state }))[1];
    expect(await reason("zero")).toBe(`${path} has no whole number in its first line but "-7 drained"`);
    expect(await reason("absent")).toBe(`${path} exists`);
    const minus = file("-7");
    expect(await reason("not-negative", minus)).toBe(`${minus} says -7, which is negative`);
    const none = file();
    expect(await reason("present", none)).toBe(`there is no ${none}`);
    expect(await reason("zero", none)).toBe(`${none} says nothing, which counts as 0`);
  });

  test("takes no pipe, folder or loop of links for a number, and waits for none of them", async () => {
    const pipe = join(folder, "pipe");
    Bun.spawnSync(["mkfifo", pipe]);
    const inner = join(folder, "inner");
    mkdirSync(inner);
    const loop = join(folder, "loop");
    symlinkSync(loop, loop);
    const dangling = join(folder, "dangling");
    symlinkSync(join(folder, "nowhere"), dangling);
    expect(
      await Promise.all([pipe, inner, loop].map((path) => new FileLook().run("g", path, "zero", PATIENT_MS))),
    ).toEqual(
      [pipe, inner, loop].map((path) =>
        expect.objectContaining({ failure: "state", reason: expect.stringContaining(`cannot look at ${path}: `) }),
      ),
    );
    expect(await isGood(dangling, "present")).toBe("state");
    expect(await isGood(join(file("0"), "below"), "absent")).toBe("success");
    // Whether it is there cannot be told, which is no reason to say that it is not.
    expect(await isGood(loop, "absent")).toBe("state");
  });
});

describe("a gate about a program or a target", () => {
  test("runs the program without a target, its tokens untouched", async () => {
    const echo = (command: readonly string[]): GateSubject => {
      return { kind: "check", method: { kind: "external", command, user: "nobody" } };
    };
    expect(await attempt(echo(["/bin/echo", "{address}"]))).toEqual([
      "success",
      'the program exited with 0: "{address}"',
    ]);
    expect((await attempt(echo(["/bin/false"])))[0]).toBe("program");
    expect((await attempt(echo([join(folder, "nothing")])))[0]).toBe("local");
  });

  test("checks the target", async () => {
    using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
    const target = { address: address("127.0.0.1"), port: server.port };
    expect((await attempt({ kind: "check", target, method: { kind: "tcp" } }))[0]).toBe("success");
    server.stop(true);
    expect((await attempt({ kind: "check", target, method: { kind: "tcp" } }))[0]).toBe("refused");
    expect((await attempt({ kind: "check", method: { kind: "tcp" } }))[0]).toBe("local");
  });
});

test("a gate about an interface that is not there fails", async () => {
  expect(await attempt({ kind: "interface", name: "tdnowhere0" })).toEqual([
    "state",
    "there is no interface tdnowhere0",
  ]);
});

/** Attempts until one gives that: a program that was started takes a moment to be what it is. */
async function until(
  act: () => Promise<readonly [string, string]>,
  wanted: string,
): Promise<readonly [string, string]> {
  for (;;) {
    const found = await act();
    if (found[0] === wanted) return found;
    await new Promise<void>((go) => setImmediate(go));
  }
}
