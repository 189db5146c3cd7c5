import { describe, expect, test } from "bun:test";
import { PAIR_TABLES } from "../support/pair-tables.ts";
import { temporaryFolder } from "./folder.ts";
import { tandem } from "./program.ts";

/** Ten mistakes of ten kinds. */
const TEN_MISTAKES = `[pair]
key_file   = "pair.key"
intervall  = "200ms"
dead_after = "100"
port       = 70000
[pair.primary]
name    = "lvs1"
public  = "203.0.113.2"
private = "10.0.0.300"
[pair.backup]
name    = "lvs2"
public  = "203.0.113.3"
private = "10.0.0.3"
[[vip]]
address   = "203.0.113.10/33"
interface = "eth0"
[[service]]
name      = "web"
listen    = "http://203.0.113.10:80"
scheduler = "wcl"
  [[service.real]]
  address = "10.0.0.11:80"
  weight  = -1
[loging]
level = "info"
`;

describe("config check", () => {
  test("says ten mistakes in ten sentences, each with line and column: exit 2", async () => {
    using folder = temporaryFolder();
    const file = folder.file("tandem.toml");
    await Bun.write(file, TEN_MISTAKES);
    const { stdout, stderr, exitCode } = await tandem("config", "check", file);
    const places = stderr.split("\n").flatMap((line) => {
      const match = /^.*\/tandem\.toml:(\d+):(\d+): /.exec(line);
      return match === null ? [] : [`${match[1]}:${match[2]}`];
    });
    expect({ stdout, places, exitCode }).toEqual({
      stdout: "",
      places: ["2:14", "3:1", "4:14", "5:14", "9:11", "15:13", "19:13", "20:13", "23:13", "24:1"],
      exitCode: 2,
    });
    expect(stderr).toEndWith(`tandem: cannot use the configuration ${file}: it has 10 mistakes\n`);
  });

  test("has the same places in --json", async () => {
    using folder = temporaryFolder();
    const file = folder.file("tandem.toml");
    await Bun.write(file, TEN_MISTAKES);
    const { stdout, stderr, exitCode } = await tandem("config", "check", file, "--json");
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
    const { error } = JSON.parse(stderr);
    const lines = error.issues.map((issue: { line: number }) => issue.line);
    expect({ code: error.code, lines }).toEqual({ code: 2, lines: [2, 3, 4, 5, 9, 15, 19, 20, 23, 24] });
  });

  /** What the machine of this test surely lacks: the two routers' addresses, the interface and the key. */
  function lacking(folder: { file(name: string): string }): string {
    const key = folder.file("none.key");
    return PAIR_TABLES.replace("/etc/tandem/pair.key", key).replace('"eth0"', '"none0"');
  }

  test("is content with a valid file, also by --config, and warns of what this machine lacks", async () => {
    using folder = temporaryFolder();
    const file = folder.file("tandem.toml");
    await Bun.write(file, lacking(folder));
    const { stdout, stderr, exitCode } = await tandem("config", "check", file);
    expect({ stdout, exitCode }).toEqual({ stdout: `${file}: valid, 1 VIP, 0 services, 3 warnings\n`, exitCode: 0 });
    const words = stderr.replace(/\s+/g, " ");
    expect(words).toContain(`${file}:2:12: warning: the key file ${folder.file("none.key")} is of no use`);
    expect(words).toContain(`${file}:3:1: warning: this machine has no address of lvs1`);
    expect(words).toContain(`${file}:13:13: warning: the interface none0 is not on this machine`);
    expect(await tandem("--config", file, "config", "check")).toEqual({ stdout, stderr, exitCode });
  });

  test("with --host refuses what this machine lacks: exit 2", async () => {
    using folder = temporaryFolder();
    const file = folder.file("tandem.toml");
    await Bun.write(file, lacking(folder));
    const { stdout, stderr, exitCode } = await tandem("config", "check", "--host", file);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
    const words = stderr.replace(/\s+/g, " ");
    expect(words).toContain(`${file}:13:13: the interface none0 is not on this machine`);
    expect(words).toContain(
      `tandem: cannot use the configuration ${file}: this machine does not have what it names, in 3 places`,
    );
  });

  test("is told by --router which router this machine is", async () => {
    using folder = temporaryFolder();
    const file = folder.file("tandem.toml");
    await Bun.write(file, lacking(folder));
    const { stderr } = await tandem("config", "check", "--host", "--router", "backup", file);
    const words = stderr.replace(/\s+/g, " ");
    expect(words).toContain(`${file}:9:11: this machine, which is lvs2, does not have its public address 203.0.113.3`);
    expect(words).not.toContain("lvs1 (");
  });

  test("has what this machine lacks in --json, and as issues with --host", async () => {
    using folder = temporaryFolder();
    const file = folder.file("tandem.toml");
    await Bun.write(file, lacking(folder));
    const good = await tandem("config", "check", file, "--json");
    expect(good).toMatchObject({ stderr: "", exitCode: 0 });
    const lines = (list: { line: number }[]) => list.map(({ line }) => line);
    expect(lines(JSON.parse(good.stdout).host)).toEqual([2, 3, 13]);
    const bad = await tandem("config", "check", file, "--json", "--host");
    expect(bad).toMatchObject({ stdout: "", exitCode: 2 });
    expect(lines(JSON.parse(bad.stderr).error.issues)).toEqual([2, 3, 13]);
  });
});

describe("config with include", () => {
  test("checks, shows and places mistakes in the included file", async () => {
    using folder = temporaryFolder();
    const file = folder.file("tandem.toml");
    await Bun.write(file, `include = "conf.d/*.toml"\n${PAIR_TABLES}`);
    const service =
      '[[service]]\nname = "web"\nlisten = "tcp://203.0.113.10:80"\n[[service.real]]\naddress = "10.0.0.11"\n';
    const included = folder.file("conf.d/web.toml");
    await Bun.write(included, `${service}[service.check]\nkind = "external"\ncommand = ["/nonexistent/check"]\n`);
    const checked = await tandem("config", "check", file);
    expect(checked.stdout).toMatch(/: valid, 1 VIP, 1 service, \d+ warnings\n$/);
    expect(checked.stderr.replace(/\s+/g, " ")).toContain(
      `${included}:8:11: warning: the program /nonexistent/check, run as nobody, can't be used`,
    );
    const { host } = JSON.parse((await tandem("config", "check", file, "--json")).stdout);
    expect(host).toContainEqual(expect.objectContaining({ file: included, line: 8, column: 11 }));
    expect((await tandem("config", "show", file)).stdout).toContain('listen          = "tcp://203.0.113.10:80"');
    await Bun.write(included, `${service}weight = -1\n`);
    const wrong = await tandem("config", "check", file);
    expect(wrong.stderr).toStartWith(`${included}:6:10: weight must be a whole number`);
    expect(wrong.exitCode).toBe(2);
  });
});

describe("config show", () => {
  test("prints a file that means the same", async () => {
    using folder = temporaryFolder();
    const file = folder.file("tandem.toml");
    const again = folder.file("again.toml");
    await Bun.write(file, PAIR_TABLES);
    const shown = await tandem("config", "show", file);
    await Bun.write(again, shown.stdout);
    expect(await tandem("config", "show", again)).toEqual(shown);
    expect(shown.stdout).toMatch(/^interval += "200ms"$/m);
  });
});

describe("config example", () => {
  test("prints a file that config check is content with", async () => {
    using folder = temporaryFolder();
    const file = folder.file("tandem.toml");
    const example = await tandem("config", "example");
    await Bun.write(file, example.stdout);
    const { stdout, exitCode } = await tandem("config", "check", file);
    expect(stdout).toContain(": valid, ");
    expect(exitCode).toBe(0);
  });
});

describe("config import", () => {
  test("has one complaint about a file of no format that it knows: exit 2", async () => {
    using folder = temporaryFolder();
    const file = folder.file("haproxy.cfg");
    await Bun.write(file, "global\n  daemon\nfrontend web\n  bind 203.0.113.10:80\n");
    expect(await tandem("config", "import", file)).toEqual({
      stdout: "",
      stderr: `tandem: cannot import ${file}: it is of none of the formats ipvsadm, keepalived, ldirectord, piranha\nhint: if it is one of them, say which with --format\n`,
      exitCode: 2,
    });
  });
});
