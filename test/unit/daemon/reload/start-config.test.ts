import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey } from "../../../../src/config/key-file.ts";
import { type AppliedConfig, loadApplied, readApplied } from "../../../../src/daemon/reload/applied-config.ts";
import { ConfigurationFile, textDigest } from "../../../../src/daemon/reload/configuration.ts";
import { startConfig } from "../../../../src/daemon/reload/start-config.ts";
import { formatVip } from "../../../../src/model/vip.ts";
import { formatServiceKey } from "../../../../src/model/virtual-service.ts";
import { BASE } from "../../config/base.ts";

const AT = "2026-12-01T04:00:00.000Z";
let folder = "";
let path = "";
let base = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-start-"));
  path = join(folder, "tandem.toml");
  const key = join(folder, "pair.key");
  writeFileSync(key, generateKey(), { mode: 0o600 });
  base = BASE.replace("/etc/tandem/pair.key", key);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function applied(text: string, beside?: string): AppliedConfig {
  return { path, text, digest: textDigest(text), at: AT, ...(beside === undefined ? {} : { beside }) };
}

function start(text: string, last?: AppliedConfig, hasOwnVips = true) {
  writeFileSync(path, text);
  return startConfig(new ConfigurationFile(path), last, () => hasOwnVips);
}

describe("a router starts with", () => {
  test("its file", () => {
    const { usable, atStart, former } = start(base, applied(base));
    expect([usable.text, atStart.outcome, former]).toEqual([base, "applied", { vips: [], services: [] }]);
  });

  test("what was in force last where the file has a mistake, and says so with its place", () => {
    const { usable, atStart } = start(base.replace("[[vip]]", "[[vipp]]"), applied(base));
    expect(usable.text).toBe(base);
    expect(atStart).toMatchObject({
      outcome: "refused",
      findings: expect.arrayContaining([`${path}:16:1: the file has no key vipp`]),
    });
    expect(atStart.text).toContain(`this router goes on with the configuration of ${AT}, which was in force last`);
  });

  test("nothing where neither is of use: no record, that of another file, one that was damaged", () => {
    const broken = base.replace("[[vip]]", "[[vipp]]");
    expect(() => start(broken)).toThrow("mistake");
    expect(() => start(broken, { ...applied(base), path: "/etc/other.toml" })).toThrow("mistake");
    expect(() => start(broken, applied("nonsense = 1\n"))).toThrow("mistake");
  });

  test("what was in force last where the file takes all VIPs away from a machine that has some", () => {
    const without = `vip = []\n${base.replace(/\[\[vip\]\][^[]*/, "")}`;
    const { usable, atStart } = start(without, applied(base));
    expect([usable.text, atStart.outcome]).toEqual([base, "refused"]);
    expect(atStart.text).toContain("would take away all VIPs");
    // On a machine that has none of ours there is nothing to lose.
    expect(start(without, applied(base), false).usable.text).toBe(without);
  });

  test("the knowledge of what a killed process may have left: of what was in force, and of what was being tried", () => {
    const tried = `${base}
[[vip]]
address = "203.0.113.20/24"
interface = "eth0"

[[service]]
name = "mail"
listen = "tcp://203.0.113.20:25"
check = false
[[service.real]]
address = "10.0.0.11:25"
`;
    const { former } = start(base, applied(base, tried));
    expect(former.vips.map(formatVip)).toEqual(["203.0.113.20/24 on eth0"]);
    expect(former.services.map(formatServiceKey)).toEqual(["tcp://203.0.113.20:25"]);
    expect(start(tried, applied(base, tried)).former).toEqual({ vips: [], services: [] });
  });
});

describe("the record of the configuration in force", () => {
  test("is read as it was written, and not where it was damaged", () => {
    const problems: string[] = [];
    const read = (value: unknown) => readApplied(value, (problem) => problems.push(problem));
    expect(read({ version: 1, ...applied(base, "x") })).toEqual(applied(base, "x"));
    expect([read(undefined), problems]).toEqual([undefined, []]);
    const bad = [null, 7, [], {}, { ...applied(base), text: 7 }, { ...applied(base), digest: "0" }];
    for (const value of bad) expect(read(value)).toBeUndefined();
    expect(problems).toEqual([
      ...Array.from({ length: 5 }, () => "it is no record of a configuration"),
      "it was damaged: its text is not the one that was kept",
    ]);
  });

  test("is nothing where there is no directory, and nothing to complain about", () => {
    const problems: string[] = [];
    expect(loadApplied(join(folder, "absent"), (problem) => problems.push(problem))).toBeUndefined();
    expect(problems).toEqual([]);
  });

  test.each([
    ["cut off", '{"version":1,"pa', /JSON/],
    ["of another form", "[1]", /no record/],
    ["damaged", JSON.stringify({ path: "a", text: "b", digest: "c", at: "d" }), /damaged/],
  ])("that is %s is said to be left aside, with what is done instead", (_, text, reason) => {
    writeFileSync(join(folder, "applied.json"), text);
    const problems: string[] = [];
    expect(loadApplied(folder, (problem) => problems.push(problem))).toBeUndefined();
    const said = expect.stringMatching(/is left aside: .*; .* this start has the configuration's file alone$/);
    expect(problems).toEqual([said]);
    expect(problems[0]).toMatch(reason);
  });
});
