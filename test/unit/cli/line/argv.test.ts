import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type CommandLine, readCommandLine } from "../../../../src/cli/line/argv.ts";
import { routeNoun } from "../../../../src/cli/line/route.ts";
import { CommandLineError } from "../../../../src/cli/output/command-line-error.ts";
import { COMMANDS } from "../../../../src/cli/spec/command-table.ts";

function read(...words: readonly string[]): CommandLine {
  return readCommandLine(words, COMMANDS, routeNoun(words, COMMANDS));
}

/** The values of a command that was read. */
function input(...words: readonly string[]): Readonly<Record<string, unknown>> {
  const line = read(...words);
  return line.kind === "command" ? line.input : { kind: line.kind };
}

const WEB = { kind: "address", protocol: "tcp", address: { family: "inet", text: "10.0.0.1" }, port: 80 };

describe("readCommandLine()", () => {
  test.each([
    ["--weight 5", ["--weight", "5"], 5],
    ["--weight=5", ["--weight=5"], 5],
    // cac reads 010 as 10 by way of a number; here the digits decide.
    ["--weight 010", ["--weight", "010"], 10],
  ])("reads %s", (_name, flags, weight) => {
    const values = input("real", "edit", "tcp://10.0.0.1:80", "10.0.0.2", ...flags);
    expect(values).toMatchObject({ service: WEB, weight });
  });

  test("keeps texts as they were written, also those that look like numbers", () => {
    expect(input("check", "run", "tcp://10.0.0.1:80", "--send", "0x1f", "--expect", "")).toMatchObject({
      send: "0x1f",
      expect: "",
    });
    expect(input("config", "check", "007")).toEqual({ file: "007", host: false });
    expect(input("config", "check", "12345678901234567890")).toEqual({ file: "12345678901234567890", host: false });
  });

  test("takes a word after a switch for a word", () => {
    const line = read("--json", "config", "check", "--dry-run", "080");
    expect(line).toMatchObject({ kind: "command", input: { file: "080" }, globals: { json: true, dryRun: true } });
  });

  test("takes global flags before, between and after the words", () => {
    for (const words of [
      ["-c", "x", "config", "check"],
      ["config", "--config=x", "check"],
      ["config", "check", "--config", "x"],
    ]) {
      expect(read(...words)).toMatchObject({ kind: "command", verb: "check", globals: { config: "x" } });
    }
  });

  test("takes everything after -- for words", () => {
    expect(input("config", "check", "--", "--json")).toEqual({ file: "--json", host: false });
  });

  test("collects what may be given several times", () => {
    const words = ["check", "run", "http://10.0.0.1/", "--expect-status", "200", "--expect-status=300-399"];
    expect(input(...words)).toMatchObject({
      expectStatus: [
        [200, 200],
        [300, 399],
      ],
    });
  });

  test("leaves what was not given undefined, and switches false", () => {
    expect(input("vip", "list")).toEqual({ interface: undefined, all: false, ask: false });
  });

  test.each([
    ["the name of a noun as a value", ["--config", "vip", "status"], "status"],
    ["a verb that is also a noun", ["failover", "status"], "failover"],
    ["a noun's name as an argument", ["config", "check", "vip"], "config"],
  ])("finds the noun with %s", (_name, words, noun) => {
    expect(read(...words)).toMatchObject({ kind: "command", noun: { name: noun } });
  });

  test.each([
    [["vip", "--wait", "list"], ["unknown flag --wait"]],
    [["--wait", "real", "list"], ["unknown flag --wait; did you mean --state-dir?"]],
    [["__proto__"], ['unknown command "__proto__"']],
    [["vip", "constructor"], ['unknown verb "constructor"']],
    [["--", "vp"], ['unknown command "vp"; did you mean vip?']],
  ])("refuses %j", (words, problems) => {
    let found: unknown;
    try {
      read(...words);
    } catch (error) {
      found = error instanceof CommandLineError ? error.problems.map((text) => text.split(";")[0]) : error;
    }
    expect(found).toEqual(problems.map((text) => text.split(";")[0]));
  });

  test("answers any words at all with a command or a CommandLineError", () => {
    const word = fc.oneof(
      fc.constantFrom(
        "vip",
        "list",
        "add",
        "--json",
        "--config",
        "-c",
        "--",
        "-",
        "--weight",
        "=",
        "--interface=",
        "-1",
      ),
      fc.string({ maxLength: 12 }),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (words) => {
        try {
          expect(["help", "version", "command"]).toContain(read(...words).kind);
        } catch (error) {
          expect(error).toBeInstanceOf(CommandLineError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

test("a line that begins with a noun is about that noun for cac too: program.ts does not ask it then", () => {
  const words = fc.array(
    fc.oneof(fc.constantFrom("--json", "-c", "--config", "list", "vip", "--", "-", "--no-json"), fc.string()),
  );
  fc.assert(
    fc.property(fc.constantFrom(...COMMANDS), words, (noun, rest) => {
      expect(routeNoun([noun.name, ...rest], COMMANDS)).toBe(noun);
    }),
    { numRuns: 500 },
  );
});
