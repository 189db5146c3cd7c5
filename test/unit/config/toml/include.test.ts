import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { formatIssues } from "../../../../src/config/format-issues.ts";
import { loadConfig } from "../../../../src/config/load.ts";
import { parseConfig } from "../../../../src/config/parse.ts";
import { joinSources, splitSources } from "../../../../src/config/places/source-text.ts";
import { configFingerprint } from "../../../../src/config/render/fingerprint.ts";
import { renderConfig } from "../../../../src/config/render/render.ts";
import { BASE } from "../base.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-include-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** The base file with this `include`. */
function main(include: string, text = BASE): string {
  return write("tandem.toml", `include = ${include}\n${text}`);
}

function service(name: string, port: number, more = ""): string {
  return `[[service]]\nname = "${name}"\nlisten = "tcp://203.0.113.10:${port}"\n${more}[[service.real]]\naddress = "10.0.0.11"\n`;
}

const PATTERN = '["conf.d/*.toml"]';

/** `FILE:LINE:COLUMN MESSAGE` of each issue, without the folder. */
function issuesOf(path: string): readonly string[] {
  const { result } = loadConfig(path);
  const issues = result.ok ? result.warnings : result.issues;
  return issues.map(({ file = "main", line, column, message }) =>
    `${file}:${line}:${column} ${message}`.replaceAll(`${folder}/`, ""),
  );
}

function namesOf(path: string): readonly string[] {
  const { result } = loadConfig(path);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  const { services, vips, gates } = result.config;
  return [
    ...services.map(({ name }) => name),
    ...vips.map(({ prefix }) => prefix.address.text),
    ...gates.map(({ name }) => name),
  ];
}

describe("include", () => {
  test("adds services, VIPs and gates of other files, in the order of their names", () => {
    write("conf.d/20-mail.toml", service("mail", 25));
    write("conf.d/10-dns.toml", `${service("dns", 53)}[[gate]]\nname = "g"\nprocess = "x"\n`);
    write("conf.d/30-vip.toml", '[[vip]]\naddress = "203.0.113.11/24"\ninterface = "eth0"\n');
    write("conf.d/.hidden.toml", "nothing of this is read");
    write("conf.d/old.toml~", "nor of this");
    const path = main(PATTERN);
    expect(issuesOf(path)).toEqual([]);
    expect(namesOf(path)).toEqual(["web", "dns", "mail", "203.0.113.10", "203.0.113.11", "g"]);
  });

  test("takes a single path, an absolute one, and several of which two mean the same file", () => {
    const extra = write("more/extra.toml", service("extra", 81));
    expect(namesOf(main('"more/extra.toml"'))).toEqual(["web", "extra", "203.0.113.10"]);
    expect(namesOf(main(`["${extra}", "more/e?tra.toml"]`))).toEqual(["web", "extra", "203.0.113.10"]);
  });

  test("is fine with a pattern that matches nothing, and with a folder that is not there", () => {
    mkdirSync(join(folder, "conf.d"));
    expect(issuesOf(main('["conf.d/*.toml", "none.d/*.toml"]'))).toEqual([]);
  });

  test("may give the file all of its VIPs and services", () => {
    const pairOnly = BASE.slice(0, BASE.indexOf("[[vip]]"));
    write("conf.d/all.toml", BASE.slice(BASE.indexOf("[[vip]]")));
    const { result } = loadConfig(main(PATTERN, pairOnly));
    const whole = parseConfig(BASE);
    if (!result.ok || !whole.ok) throw new Error("not valid");
    expect(result.config).toEqual(whole.config);
    expect(configFingerprint(result.config)).toBe(configFingerprint(whole.config));
    expect(parseConfig(renderConfig(result.config))).toMatchObject({ ok: true, config: whole.config });
  });

  test("places each mistake in its file", () => {
    write("conf.d/a.toml", service("a", 81, "scheduler = 7\n"));
    write("conf.d/b.toml", `${service("b", 82)}${service("c", 83, "weight = 1\n")}`);
    write("conf.d/c.toml", '[[vip]]\naddress = "203.0.113.300/24"\ninterface = "eth0"\n');
    const path = main(PATTERN, BASE.replace('"1s"', '"fast"'));
    expect(issuesOf(path)).toEqual([
      expect.stringMatching(/^main:5:14 dead_after: /),
      expect.stringMatching(/^conf.d\/a.toml:4:13 scheduler must be /),
      "conf.d/b.toml:9:1 [[service]] has no key weight",
      expect.stringMatching(/^conf.d\/c.toml:2:11 address: "203.0.113.300" is not an IPv4/),
    ]);
    const { text, result } = loadConfig(path);
    if (result.ok) throw new Error("valid");
    const file = join(folder, "conf.d/b.toml");
    expect(formatIssues(text, path, result.issues)).toContain(
      `${file}:9:1: [[service]] has no key\n  weight\n  9 | weight = 1\n    | ^\n`.replace(
        "key\n  weight",
        "key weight",
      ),
    );
  });

  test("names both files of what is there twice", () => {
    write("conf.d/a.toml", service("web", 81));
    write("conf.d/b.toml", service("b", 81));
    write("conf.d/c.toml", '[[vip]]\naddress = "203.0.113.10/24"\ninterface = "eth0"\n');
    expect(issuesOf(main(PATTERN))).toEqual([
      'conf.d/a.toml:2:8 two services have the name "web"; the first is in line 22 of the main file',
      "conf.d/b.toml:3:10 tcp://203.0.113.10:81 is listened on twice; the first is in line 3 of conf.d/a.toml",
      "conf.d/c.toml:2:11 the VIP 203.0.113.10 is given twice; the first is in line 18 of the main file",
    ]);
  });

  test("allows no other tables, no other include, and no single table where a list belongs", () => {
    write("conf.d/a.toml", 'include = "b.toml"\n[log]\nlevel = "info"\n');
    write("conf.d/b.toml", '[service]\nname = "x"\n');
    const rest = "a file that is included can have [[vip]], [[service]], [[gate]] and nothing else, not";
    expect(issuesOf(main(PATTERN))).toEqual([
      `conf.d/a.toml:1:1 ${rest} include`,
      `conf.d/a.toml:2:1 ${rest} log`,
      "conf.d/b.toml:1:1 service is a list of tables",
    ]);
  });

  test("places mistakes in the syntax, and judges the other files all the same", () => {
    write("conf.d/a.toml", service("a", 81).replace('"a"', '"a'));
    write("conf.d/b.toml", `${service("b", 82)}[[service.real]]\naddress = "10.0.0.11"\nport = [\n`);
    write("conf.d/c.toml", service("c", 83, "scheduler = 7\n"));
    expect(issuesOf(main(PATTERN))).toEqual([
      "conf.d/a.toml:2:8 this is not TOML: the string that begins here is not closed",
      expect.stringMatching(/^conf.d\/b.toml:\d+:\d+ this is not TOML: /),
      expect.stringMatching(/^conf.d\/c.toml:4:13 scheduler must be /),
    ]);
  });

  test("says at the pattern what can't be read", () => {
    write("conf.d/latin1.toml", new Uint8Array([0x23, 0xe4, 0x0a]));
    Bun.spawnSync(["mkfifo", join(folder, "conf.d/pipe.toml")]);
    const path = main('["none.toml", "conf.d/*.toml"]');
    expect(issuesOf(path)).toEqual([
      "main:1:12 include: cannot read configuration none.toml: there is no such file (ENOENT)",
      "main:1:25 include: cannot read configuration conf.d/latin1.toml: it is not UTF-8 text, in line 1",
      "main:1:25 include: cannot read configuration conf.d/pipe.toml: it is not a regular file",
    ]);
  });

  test.each([
    ['"conf.*/x.toml"', '"conf.*/x.toml": wildcards may stand in the name of the file only'],
    ['"conf.d/[a-z].toml"', '"conf.d/[a-z].toml": of wildcards only * and ? are known'],
    ['"conf.d/"', '"conf.d/" names no file; write "conf.d/*.toml"'],
    ['""', '"" names no file; write "conf.d/*.toml"'],
    ['"~/x.toml"', '"~/x.toml" would be taken as it stands: nothing is expanded here; write it out'],
  ])("refuses the pattern %s", (pattern, problem) => {
    expect(issuesOf(main(pattern))).toEqual([`main:1:11 include: ${problem}`]);
  });

  test("has a limit of files", () => {
    for (let index = 0; index <= 1_000; index += 1) write(`conf.d/${index}.toml`, "");
    expect(issuesOf(main(PATTERN))).toEqual([
      "main:1:12 include: cannot follow conf.d/*.toml: there are more than 1000 files",
    ]);
  });
});

describe("loadConfig() knows a configuration again", () => {
  test("while neither its file nor an included one has changed, come or gone", () => {
    const a = write("conf.d/a.toml", service("a", 81));
    const path = main(PATTERN);
    const first = loadConfig(path);
    expect(loadConfig(path, first)).toBe(first);
    writeFileSync(a, service("a", 82));
    const second = loadConfig(path, first);
    expect(second).not.toBe(first);
    write("conf.d/b.toml", service("b", 83));
    const third = loadConfig(path, second);
    expect(third).not.toBe(second);
    const prints = [first, second, third].map(({ result }) => (result.ok ? configFingerprint(result.config) : ""));
    expect(new Set(prints).size).toBe(3);
    rmSync(a);
    expect(loadConfig(path, third)).not.toBe(third);
    // What was kept of it is the whole configuration.
    expect(parseConfig(third.text)).toEqual(third.result);
  });
});

test("splitSources() gives what joinSources() was given, and takes anything else for one file", () => {
  const inclusion = { files: [{ path: "/x\n", text: "a\0b" }], problems: [{ pattern: 0, message: "m" }] };
  expect(splitSources(joinSources("main", inclusion))).toEqual({ main: "main", inclusion });
  for (const tail of ["", "{}", "null", '{"files":[1],"problems":[]}', '{"files":[],"problems":[{}]}', "[[["]) {
    expect(splitSources(`main\0${tail}`)).toEqual({ main: `main\0${tail}` });
    expect(parseConfig(`main\0${tail}`).ok).toBe(false);
  }
});
