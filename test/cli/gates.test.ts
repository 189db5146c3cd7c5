import { describe, expect, test } from "bun:test";
import { PAIR_TABLES } from "../support/pair-tables.ts";
import { temporaryFolder } from "./folder.ts";
import { tandem } from "./program.ts";

/** A file that must be absent, so that the test decides whether it passes. */
function gatesOf(flag: string): string {
  return `${PAIR_TABLES}
[[gate]]
name       = "maintenance"
file       = "${flag}"
file_state = "absent"
[[gate]]
name    = "program"
command = ["/bin/true"]
when    = "active"
effect  = "warn"
`;
}

describe("check run with gates", () => {
  test("tries all, or those named; one that fails: exit 3", async () => {
    using folder = temporaryFolder();
    const [config, flag] = [folder.file("tandem.toml"), folder.file("maintenance")];
    await Bun.write(config, gatesOf(flag));
    // No daemon: a gate of an active router is tried as well.
    const words = ["--config", config, "--runtime-dir", folder.file("none")];
    const all = await tandem("check", "run", ...words);
    expect(all.stdout.split("\n").map((line) => line.split(/ {2,}/).filter((_, index) => index !== 3))).toEqual([
      ["SERVICE", "TARGET", "CHECK", "OUTCOME", "REASON"],
      ["gate maintenance", flag, "file", "success", `there is no ${flag}`],
      ["gate program", "/bin/true", "external", "success", "the program exited with 0"],
      [""],
    ]);
    expect(all.exitCode).toBe(0);
    await Bun.write(flag, "");
    const one = await tandem("check", "run", ...words, "--gate", "maintenance", "--json");
    expect(JSON.parse(one.stdout)).toEqual({
      version: 1,
      ok: false,
      results: [
        {
          ...{ service: null, gate: "maintenance", target: flag, kind: "file", result: "failure", failure: "state" },
          elapsedMs: expect.any(Number),
          reason: `${flag} exists`,
        },
      ],
    });
    expect(one.exitCode).toBe(3);
    expect((await tandem("check", "run", ...words, "--gates")).exitCode).toBe(3);
    expect((await tandem("check", "run", ...words, "--gate", "program")).exitCode).toBe(0);
  });

  test("says what there is when a name is none, and how a gate is told from a service", async () => {
    using folder = temporaryFolder();
    const config = folder.file("tandem.toml");
    await Bun.write(config, gatesOf("/nowhere"));
    const refusal = async (...words: readonly string[]) => {
      const { stderr, exitCode } = await tandem("check", "run", "--config", config, ...words);
      return [stderr.split("\n")[0], exitCode];
    };
    expect(await refusal("--gate", "prog")).toEqual([
      'tandem: check run: the configuration has no gate "prog"; it has maintenance, program',
      2,
    ]);
    expect(await refusal("program")).toEqual([
      'tandem: check run: the configuration has no service "program"; it has none; for the gate of that name: --gate program',
      2,
    ]);
    expect(await refusal("program", "--gates")).toEqual([
      'tandem: check run: --gate and --gates go without "program"',
      2,
    ]);
  });
});

test("check list shows gates without a daemon, and config check counts them", async () => {
  using folder = temporaryFolder();
  const config = folder.file("tandem.toml");
  await Bun.write(config, gatesOf("/nowhere"));
  const words = ["--config", config, "--runtime-dir", folder.file("none")];
  const { stdout } = await tandem("check", "list", ...words);
  expect(stdout).toMatchInlineSnapshot(`
    "SERVICE           TARGET     CHECK     INTERVAL  TIMEOUT  RISE/FALL
    gate maintenance  /nowhere   file            2s       1s        2/3
    gate program      /bin/true  external        2s       1s        2/3
    "
  `);
  const listed = JSON.parse((await tandem("check", "list", ...words, "--json")).stdout);
  expect(listed).toMatchObject({
    source: "configuration",
    checks: [],
    gates: [
      { name: "maintenance", effect: "hand-over", when: "always", state: null },
      { name: "program", effect: "warn", when: "active", state: null },
    ],
  });
  expect((await tandem("config", "check", config)).stdout).toStartWith(`${config}: valid, 1 VIP, 0 services, 2 gates`);
});

test("a mistake in a gate is told with its line and column", async () => {
  using folder = temporaryFolder();
  const config = folder.file("tandem.toml");
  await Bun.write(config, `${PAIR_TABLES}[[gate]]\nname = "g"\nprocess = "/usr/sbin/haproxy"\n`);
  const { stderr, exitCode } = await tandem("config", "check", config);
  expect(stderr).toContain(`${config}:16:11: `);
  expect(exitCode).toBe(2);
});
