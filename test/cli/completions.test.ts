import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { runCommand, tandem } from "./program.ts";

const FOLDER = join(import.meta.dir, "..", "..", "completions");

/** What bash offers for these words, the last of which is being written. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const script = `
    source "$1"; shift
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    _tandem
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const ran = await runCommand(["bash", "-c", script, "bash", join(FOLDER, "tandem.bash"), "tandem", ...words]);
  expect({ stderr: ran.stderr, exitCode: ran.exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return ran.stdout.split("\n").filter((line) => line !== "");
}

describe("completion in bash", () => {
  test.each([
    ["a command's beginning", ["s"], ["status", "service"]],
    ["the verbs of a noun", ["vip", ""], ["list", "add", "del", "announce"]],
    ["a verb's beginning", ["real", "un"], ["undrain"]],
    ["a verb's flags", ["vip", "add", "--l"], ["--label", "--lease"]],
    ["a global flag", ["vip", "add", "--dr"], ["--dry-run"]],
    ["a flag's choices", ["service", "add", "--scheduler", "w"], ["wrr", "wlc"]],
    [
      "a flag's choices after the equals sign, which bash makes a word",
      ["status", "--color", "=", "a"],
      ["auto", "always"],
    ],
    ["nothing for free text", ["vip", "add", "--label", ""], []],
    ["an argument's choices", ["completions", ""], ["bash", "zsh", "fish"]],
    ["verbs after a global flag with its value", ["--config", "x", "failover", "h"], ["hold", "history"]],
    ["files after a switch that takes a value elsewhere", ["config", "check", "--host", "--j"], ["--json"]],
    ["nothing for its value there", ["check", "run", "--host", "--j"], []],
    ["a command that is no noun of verbs", ["status", "--w"], ["--watch"]],
  ])("offers %s", async (_name, words, expected) => {
    expect(await offered(...words)).toEqual(expected);
  });

  test("offers the interfaces of this machine", async () => {
    expect(await offered("vip", "add", "--interface", "l")).toContain("lo");
  });

  test("offers files", async () => {
    expect(await offered("config", "check", `${FOLDER}/tandem.b`)).toEqual([`${FOLDER}/tandem.bash`]);
  });
});

describe("tandem completions", () => {
  test.each([
    ["bash", "tandem.bash"],
    ["zsh", "_tandem"],
    ["fish", "tandem.fish"],
  ])("%s prints the script that is in the package", async (shell, file) => {
    const stdout = await Bun.file(join(FOLDER, file)).text();
    expect(await tandem("completions", shell)).toEqual({ stdout, stderr: "", exitCode: 0 });
  });

  test.each([
    ["bash", "tandem.bash"],
    ["zsh", "_tandem"],
    ["fish", "tandem.fish"],
  ])("the script is right for %s, where there is one", async (shell, file) => {
    const path = Bun.which(shell);
    if (path === null) return;
    const { stderr, exitCode } = await runCommand([path, "-n", join(FOLDER, file)]);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  });

  // It called _arguments, which no shell can do outside of a completion.
  test.skipIf(Bun.which("zsh") === null)("zsh can source it too", async () => {
    const script = 'autoload -Uz compinit && compinit -D -u && source "$0" && print $_comps[tandem]';
    const ran = await runCommand(["zsh", "-fc", script, join(FOLDER, "_tandem")]);
    expect(ran).toEqual({ stdout: "_tandem\n", stderr: "", exitCode: 0 });
  });
});
