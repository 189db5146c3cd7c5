import { describe, expect, test } from "bun:test";
import { COMMANDS } from "../../src/cli/spec/command-table.ts";
import { tandem } from "./program.ts";

const COMMAND_WORDS: readonly (readonly string[])[] = [
  [],
  ...COMMANDS.flatMap((noun): string[][] => [
    [noun.name],
    ...(noun.kind === "group" ? Object.keys(noun.verbs).map((verb) => [noun.name, verb]) : []),
  ]),
];

describe("--help", () => {
  test.each(COMMAND_WORDS.map((words) => [words.join(" "), words] as const))(
    "tandem %s --help",
    async (_name, words) => {
      const { stdout, stderr, exitCode } = await tandem(...words, "--help");
      expect(stdout).toMatchSnapshot();
      const wide = stdout.split("\n").filter((line) => Bun.stringWidth(line) > 80 || line !== line.trimEnd());
      expect({ wide, stderr, exitCode }).toEqual({ wide: [], stderr: "", exitCode: 0 });
    },
  );

  test("-h does the same", async () => {
    expect(await tandem("vip", "add", "-h")).toEqual(await tandem("vip", "add", "--help"));
  });

  test("a noun alone shows its help", async () => {
    expect(await tandem("vip")).toEqual(await tandem("vip", "--help"));
  });

  test.each([[[]], [["vip"]], [["vip", "add"]], [["status"]], [["help"]]])(
    "tandem help %j is the same",
    async (words) => {
      expect(await tandem("help", ...words)).toEqual(await tandem(...words, "--help"));
    },
  );

  test("tandem help refuses what is no command, as --help does", async () => {
    for (const words of [["vpi"], ["vip", "ad"]]) {
      const { stdout, stderr, exitCode } = await tandem("help", ...words);
      expect(stdout).toBe("");
      expect(stderr).toContain("did you mean");
      expect(exitCode).toBe(2);
    }
  });

  test("no words at all show the help on standard error, as a failure", async () => {
    const { stdout } = await tandem("--help");
    expect(await tandem()).toEqual({ stdout: "", stderr: stdout, exitCode: 2 });
  });
});

describe("--version", () => {
  test("says version, commit and runtime", async () => {
    const { stdout, stderr, exitCode } = await tandem("--version");
    expect(stdout).toMatch(/^tandem \d+\.\d+\.\d+ \(commit [0-9a-f]{7,}|unknown, bun \d+\.\d+\.\d+\)\n$/);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  });

  test.each([["-V"], ["version"]])("tandem %s is the same", async (word) => {
    expect(await tandem(word)).toEqual(await tandem("--version"));
    expect(await tandem(word, "--json")).toEqual(await tandem("--version", "--json"));
  });

  test("does so as JSON", async () => {
    const { stdout, exitCode } = await tandem("--version", "--json");
    expect(JSON.parse(stdout)).toEqual({
      version: 1,
      tandem: expect.any(String),
      commit: expect.any(String),
      bun: Bun.version,
    });
    expect(exitCode).toBe(0);
  });
});
