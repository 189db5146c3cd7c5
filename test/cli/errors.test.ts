import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { PROGRAM, runCommand, tandem } from "./program.ts";

function lines(...texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}

describe("a wrong command line", () => {
  test.each([
    [
      "an unknown command",
      "serivce list",
      ['tandem: unknown command "serivce"; did you mean service?', "hint: tandem --help lists the commands"],
    ],
    [
      "an unknown command that nothing is near to",
      "frobnicate",
      ['tandem: unknown command "frobnicate"', "hint: tandem --help lists the commands"],
    ],
    [
      "an unknown verb",
      "vip ad",
      ['tandem: vip: unknown verb "ad"; did you mean add?', "hint: the verbs of vip: list, add, del, announce"],
    ],
    [
      "an unknown flag",
      "vip list --interfcae eth0",
      [
        "tandem: vip list: unknown flag --interfcae; did you mean --interface?",
        "hint: tandem vip list --help shows how",
      ],
    ],
    [
      "an unknown global flag",
      "--jsn",
      ["tandem: unknown flag --jsn; did you mean --json?", "hint: tandem --help lists the commands"],
    ],
    [
      "the other case of a letter",
      "-v",
      ["tandem: unknown flag -v; did you mean -V (--version)?", "hint: tandem --help lists the commands"],
    ],
    [
      "a view that would never rest",
      "status --watch --interval 1ms",
      ['tandem: status: --interval: "1ms" is too short; the shortest is 100ms', "hint: tandem status --help shows how"],
    ],
    [
      "a time between views that are not shown",
      "status --interval 2s",
      ["tandem: status: --interval needs --watch", "hint: tandem status --help shows how"],
    ],
    [
      "a flag of another verb",
      "vip list --lease 3s",
      ["tandem: vip list: --lease is a flag of vip add", "hint: tandem vip list --help shows how"],
    ],
    [
      "a flag twice",
      "vip list --interface a --interface b",
      ["tandem: vip list: --interface is given twice", "hint: tandem vip list --help shows how"],
    ],
    [
      "a value for a switch",
      "vip list --json=yes",
      ["tandem: vip list: --json takes no value", "hint: tandem vip list --help shows how"],
    ],
    [
      "a flag without its value",
      "vip list --interface",
      ["tandem: vip list: --interface needs a value: --interface IF", "hint: tandem vip list --help shows how"],
    ],
    [
      "a required flag that is missing",
      "vip add 10.0.0.1/24",
      ["tandem: vip add: --interface IF is missing", "hint: tandem vip add --help shows how"],
    ],
    [
      "an argument that is missing",
      "vip del",
      [
        "tandem: vip del: ADDR[/LEN] is missing (the address; the length is not compared)",
        "hint: tandem vip del --help shows how",
      ],
    ],
    [
      "an argument too many",
      "config example now",
      ['tandem: config example: unexpected "now"', "hint: tandem config example --help shows how"],
    ],
    [
      "a number in another notation",
      "real add tcp://10.0.0.1:80 10.0.0.2 --weight 0x10",
      [
        'tandem: real add: --weight: "0x10" is not a whole number from 0 to 2147483647',
        "hint: tandem real add --help shows how",
      ],
    ],
    [
      "a negative number",
      "real add tcp://10.0.0.1:80 10.0.0.2 --weight -1",
      [
        'tandem: real add: --weight: "-1" is not a whole number from 0 to 2147483647',
        "hint: tandem real add --help shows how",
      ],
    ],
    [
      "a port with a leading zero too many",
      "service add tcp://10.0.0.1:000080",
      [
        'tandem: service add: SERVICE: "000080" is not a port from 0 to 65535',
        "hint: tandem service add --help shows how",
      ],
    ],
    [
      "an address that cac would take for a number",
      "vip del 010",
      ['tandem: vip del: ADDR[/LEN]: "010" is not an IPv4 or IPv6 address', "hint: tandem vip del --help shows how"],
    ],
    [
      "a duration without a unit",
      "status --interval 5",
      [
        'tandem: status: --interval: "5" is not a duration; write a number with a unit, such as "200ms" or "1.5s"',
        "hint: tandem status --help shows how",
      ],
    ],
    [
      "a choice that there is not",
      "completions powershell",
      [
        'tandem: completions: SHELL: "powershell" is not one of bash, zsh, fish',
        "hint: tandem completions --help shows how",
      ],
    ],
    [
      "settings that don't fit together",
      "service add tcp://10.0.0.1:0",
      ["tandem: service add: port 0, any port, needs --persistence TIME", "hint: tandem service add --help shows how"],
    ],
    [
      "a label of another interface",
      "vip add 10.0.0.1/24 --interface eth0 --label eth1:1",
      [
        "tandem: vip add: --label: eth1:1 must begin with the interface's name: eth0:1",
        "hint: tandem vip add --help shows how",
      ],
    ],
  ] as const)("%s: exit 2", async (_name, command, expected) => {
    expect(await tandem(...command.split(" "))).toEqual({ stdout: "", stderr: lines(...expected), exitCode: 2 });
  });

  test("every problem at once", async () => {
    const { stderr, exitCode } = await tandem("service", "add", "tcp://10.0.0:80", "--scheduler", "wcl", "--foo");
    expect(stderr).toBe(
      lines(
        "tandem: service add: unknown flag --foo",
        'tandem: service add: --scheduler: "wcl" is not one of rr, wrr, lc, wlc, lblc, lblcr, dh, sh, sed, nq, mh, fo, ovf, twos',
        "hint: tandem service add --help shows how",
      ),
    );
    expect(exitCode).toBe(2);
  });

  test("with --json: an object on standard error with the same code", async () => {
    const { stdout, stderr, exitCode } = await tandem("vip", "lst", "--json");
    expect(stdout).toBe("");
    expect(JSON.parse(stderr)).toEqual({
      version: 1,
      error: {
        code: 2,
        message: 'cannot run tandem vip: unknown verb "lst"; did you mean list?',
        operation: "run",
        subject: "tandem vip",
        reason: 'unknown verb "lst"; did you mean list?',
        hint: "the verbs of vip: list, add, del, announce",
        problems: ['unknown verb "lst"; did you mean list?'],
      },
    });
    expect(exitCode).toBe(2);
  });
});

describe("the state of the machine", () => {
  test("no daemon: exit 1 with a way out", async () => {
    expect(await tandem("status", "--runtime-dir", "/nonexistent")).toEqual({
      stdout: "",
      stderr: lines(
        "tandem: cannot talk to the daemon /nonexistent/control.sock: no tandem daemon answers there",
        "hint: start one with `tandem run`, or name its directory with --runtime-dir",
      ),
      exitCode: 1,
    });
  });

  test("a plan without a daemon says that it is of the kernel alone", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tandem-plan-"));
    const file = join(folder, "tandem.toml");
    writeFileSync(file, (await tandem("config", "example")).stdout.replace(/\[\[service\]\].*/s, ""));
    const { stderr } = await tandem("config", "plan", file, "--runtime-dir", "/nonexistent");
    rmSync(folder, { recursive: true });
    expect(stderr).toContain("no tandem daemon answers in /nonexistent: compared with what the kernel has now\n");
  });

  test("an interface that there is not: exit 1", async () => {
    const { stderr, exitCode } = await tandem("vip", "list", "--interface", "nosuchif0");
    expect(stderr).toMatch(
      /^tandem: cannot use interface nosuchif0: there is none of that name\nhint: this machine has .*\blo\b.*\n$/,
    );
    expect(exitCode).toBe(1);
  });

  // Asking a kernel for IPVS may load its module, which a test must not do to somebody's machine.
  test.skipIf(existsSync("/proc/net/ip_vs") || existsSync(`/lib/modules/${release()}`))(
    "no IPVS: exit 4 with a way out",
    async () => {
      expect(await tandem("service", "list")).toEqual({
        stdout: "",
        stderr: lines("tandem: cannot use IPVS: this kernel has not loaded it", "hint: run `modprobe ip_vs`"),
        exitCode: 4,
      });
    },
  );

  test("no configuration: exit 2", async () => {
    const { stderr, exitCode } = await tandem("config", "check", "/nonexistent/tandem.toml");
    expect(stderr).toBe(
      lines(
        "tandem: cannot read configuration /nonexistent/tandem.toml: there is no such file (ENOENT)",
        "hint: name the file with --config, or begin with: tandem config example",
      ),
    );
    expect(exitCode).toBe(2);
  });
});

describe("standard output", () => {
  test("a reader that goes away is a success", async () => {
    const script = '"$0" --help | true; exit "$PIPESTATUS"';
    expect(await runCommand(["bash", "-c", script, PROGRAM])).toEqual({ stdout: "", stderr: "", exitCode: 0 });
  });

  test("a full disk is a failure", async () => {
    expect(await runCommand(["bash", "-c", '"$0" --help > /dev/full', PROGRAM])).toEqual({
      stdout: "",
      stderr: "tandem: cannot write to standard output: no space left (ENOSPC)\n",
      exitCode: 1,
    });
  });

  // Bun opens /dev/null in its place; a listing that vanished there was a success (exit 0).
  test.each([
    ["--version", ">&-"],
    ["--help", ">&- <&-"],
    ["config example", ">&-"],
    ["completions bash", ">&- <&-"],
  ])("%s %s: a closed one is a failure", async (words, redirection) => {
    expect(await runCommand(["bash", "-c", `"$0" ${words} ${redirection}`, PROGRAM])).toEqual({
      stdout: "",
      stderr: "tandem: cannot write to standard output: bad file descriptor (EBADF)\n",
      exitCode: 1,
    });
  });

  test("/dev/null is none, whichever way it was opened, and a closed standard error hides notes only", async () => {
    const script = '"$0" --help > /dev/null && "$0" --help <> /dev/null >&0 && "$0" completions fish 2>&- > /dev/null';
    expect(await runCommand(["bash", "-c", script, PROGRAM])).toEqual({ stdout: "", stderr: "", exitCode: 0 });
  });
});

describe("colours", () => {
  const ESCAPE = "\u001b[";

  test.each([
    ["not without a terminal", [], {}, false],
    ["with --color always", ["--color", "always"], {}, true],
    ["with --color=always, also under NO_COLOR", ["--color=always"], { NO_COLOR: "1" }, true],
    ["not with --color never", ["--color", "never"], {}, false],
  ] as const)("%s", async (_name, flags, env, colored) => {
    const { stdout } = await runCommand([PROGRAM, "vip", "--help", ...flags], { env });
    expect(stdout.includes(ESCAPE)).toBe(colored);
  });

  test.each([
    ["on a terminal", {}, true],
    ["not under NO_COLOR", { NO_COLOR: "1" }, false],
    ["not on a dumb terminal", { TERM: "dumb" }, false],
  ] as const)("%s", async (_name, env, colored) => {
    const command = ["script", "-qec", `${PROGRAM} vip --help`, "/dev/null"];
    const { stdout } = await runCommand(command, { env: { TERM: "xterm", ...env } });
    expect(stdout.includes(ESCAPE)).toBe(colored);
  });
});
