import { beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { requireLab, run } from "../support/lab.ts";

/** Ordinary tables go the quick ways (quick-restore.ts, quick-save.ts, plain-service-list.ts): the same comes of it. */

const PROGRAM = resolve(import.meta.dir, "../../dist/tandem");
/** /tmp is the lab's own. */
const FOLDER = mkdtempSync("/tmp/tandem-large-tables-");
const SERVICES = 60;
const SERVERS = 20;

beforeAll(requireLab);
beforeEach(() => {
  run("ipvsadm", "-C");
});

function tandem(...words: readonly string[]): { stdout: string; stderr: string; exitCode: number } {
  const { stdout, stderr, exitCode } = Bun.spawnSync([PROGRAM, ...words], { env: { PATH: "/usr/sbin:/usr/bin" } });
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
}

/** ipvsadm's own listing, its lines in a fixed order: the kernel's follows from hashes. */
function rules(): string[] {
  return run("ipvsadm", "-Sn")
    .split("\n")
    .filter((line) => line !== "")
    .toSorted();
}

function put(name: string, text: string): string {
  const path = join(FOLDER, name);
  writeFileSync(path, text);
  return path;
}

const LINES = Array.from({ length: SERVICES }, (_, service) => {
  const key = `-t 203.0.113.${service + 1}:80`;
  const servers = Array.from(
    { length: SERVERS },
    (_, server) => `-a ${key} -r 10.0.${service}.${server + 1}:8080 -m -w ${server % 7}`,
  );
  return [`-A ${key} -s wlc`, ...servers];
}).flat();

describe("a large table", () => {
  test("is loaded, listed and saved as ipvsadm has it, and comes back from what was saved", () => {
    const file = put("table.rules", `${LINES.join("\n")}\n`);
    expect(tandem("service", "restore", file)).toEqual({
      stdout: `added ${SERVICES} virtual services and ${SERVICES * SERVERS} real servers\n`,
      stderr: "",
      exitCode: 0,
    });
    expect(rules()).toEqual(LINES.toSorted());
    run("ipvsadm", "-C");
    const loaded = tandem("service", "restore", "--verbose", file);
    expect({ ...loaded, stdout: loaded.stdout.split("\n").slice(0, 2) }).toEqual({
      stdout: [
        "added virtual service tcp://203.0.113.1:80 (wlc)",
        "added real server 10.0.0.1:8080 of tcp://203.0.113.1:80 (nat, weight 0)",
      ],
      stderr: "",
      exitCode: 0,
    });
    expect(loaded.stdout.trimEnd().split("\n")).toHaveLength(LINES.length);
    expect(rules()).toEqual(LINES.toSorted());
    const listed = tandem("service", "list").stdout;
    expect(listed.trimEnd().split("\n")).toHaveLength(LINES.length + 1);
    // With colours the list is put together from objects.
    const painted = tandem("service", "list", "--color", "always").stdout;
    expect(Bun.stripANSI(painted)).toBe(listed);
    const saved = put("table.toml", tandem("service", "save").stdout);
    const savedRules = put("saved.rules", tandem("service", "save", "--format", "ipvsadm").stdout);
    for (const text of [saved, savedRules]) {
      run("ipvsadm", "-C");
      expect(tandem("service", "restore", text).exitCode).toBe(0);
      expect(rules()).toEqual(LINES.toSorted());
      expect(tandem("service", "list").stdout).toBe(listed);
      expect(tandem("service", "restore", text, "--dry-run").stderr).toBe("nothing would change\n");
    }
  });

  test("gets the few changes that make it what a text says, and none when the kernel refuses one", () => {
    tandem("service", "restore", put("before.rules", `${LINES.join("\n")}\n`));
    const [service = "", second = "", ...others] = LINES;
    const changed = [service, second.replace("-w 0", "-w 9"), ...others.slice(0, -SERVERS - 1)];
    const refused = "-a -t 203.0.113.1:80 -r 127.255.255.255:80 -m -w 1";
    const first = changed.slice(0, SERVERS + 1);
    const wrong = [...first, refused, ...changed.slice(SERVERS + 1)];
    const { stderr, exitCode } = tandem("service", "restore", put("wrong.rules", `${wrong.join("\n")}\n`));
    expect({ stderr: stderr.split("\n")[0], exitCode, rules: rules() }).toEqual({
      stderr: "nothing is changed: 2 changes undone",
      exitCode: 1,
      rules: LINES.toSorted(),
    });
    const file = put("changed.rules", `${changed.join("\n")}\n`);
    const edit = "real server 10.0.0.1:8080 of tcp://203.0.113.1:80 (nat, weight 9)";
    const removal = `virtual service tcp://203.0.113.${SERVICES}:80`;
    expect(tandem("service", "restore", "--dry-run", file)).toEqual({
      stdout: `would edit ${edit}\nwould remove ${removal}\n`,
      stderr: "",
      exitCode: 0,
    });
    expect(tandem("service", "restore", file)).toEqual({
      stdout: `changed ${edit}\nremoved ${removal}\n`,
      stderr: "",
      exitCode: 0,
    });
    expect(rules()).toEqual(changed.toSorted());
    expect(tandem("service", "restore", file).stderr).toBe("nothing to change\n");
  });

  test("is not loaded at all when the kernel refuses one of its servers", () => {
    const refused = "-a -t 203.0.113.1:80 -r 127.255.255.255:80 -m -w 1";
    const { stderr, exitCode } = tandem(
      "service",
      "restore",
      put("refused.rules", `${LINES.join("\n")}\n${refused}\n`),
    );
    expect({ stderr: stderr.split("\n")[0], exitCode, rules: rules() }).toEqual({
      // The line belongs to a service further up, so the whole reader has it; a service of its own goes the quick way.
      stderr: `nothing is changed: ${LINES.length} changes undone`,
      exitCode: 1,
      rules: [],
    });
    const [first = ""] = LINES;
    const quick = tandem("service", "restore", put("quick.rules", `${first}\n${refused}\n${LINES[1]}\n`));
    expect({ stderr: quick.stderr.split("\n")[0], exitCode: quick.exitCode, rules: rules() }).toEqual({
      stderr: "nothing is changed: 2 changes undone",
      exitCode: 1,
      rules: [],
    });
  });
});
