import { describe, expect, test } from "bun:test";
import { citationFindings } from "./citation-rules.ts";
import { deadExports, deadFiles, importFindings } from "./import-rules.ts";
import { crowdFindings, FILES_IN_A_ROOM_MAX, roomFindings, sameNameFindings } from "./room-rules.ts";
import { codeOnly, type Finding, type SourceFile } from "./source-text.ts";
import { FUNCTION_LINES_MAX, longFunctions, markdownFindings, textFindings } from "./text-rules.ts";

/** Each rule seen red on a made-up text, so that a green tree means something. */

function source(path: string, ...lines: string[]): SourceFile {
  return { path, text: `${lines.join("\n")}\n` };
}

function messages(findings: readonly Finding[]): string[] {
  return findings.map(({ line, message }) => `${line}: ${message}`);
}

describe("importFindings()", () => {
  test.each([
    [
      "a folder above",
      source("src/kernel/a.ts", 'import { step } from "../failover/failover.ts";'),
      ["1: kernel never imports failover; kernel/ states facts; daemon/ turns them into inputs"],
    ],
    [
      "a type alone",
      source("src/cli/a.ts", "", 'import type { Fd } from "../sys/fd.ts";'),
      ["2: cli never imports sys; use a client in kernel/, which has the types and the errors"],
    ],
    [
      "an import over several lines",
      source("src/failover/a.ts", "import {", "  type Link,", '} from "../kernel/link-client.ts";'),
      ["1: failover never imports kernel; return an effect; daemon/ performs it and feeds back what became of it"],
    ],
    [
      "a re-export",
      source("src/model/a.ts", 'export { attributes } from "../wire/attributes.ts";'),
      ["1: model never imports wire; move what both need down into lib/"],
    ],
    [
      "an import at run time",
      source("src/daemon/a.ts", 'const { runProgram } = await import("../cli/program.ts");'),
      ["1: daemon never imports cli; move what both need down into failover/"],
    ],
    [
      "bun:ffi outside sys",
      source("src/kernel/a.ts", 'import { dlopen } from "bun:ffi";'),
      ["1: only sys/ imports bun:ffi; use a function of sys/, or add one there"],
    ],
    [
      "I/O in a pure folder",
      source("src/balance/a.ts", 'import { readFileSync } from "node:fs";'),
      ["1: balance/ is pure and never imports node:fs; do it in kernel/, probe/ or daemon/"],
    ],
    [
      "main.ts from below",
      source("src/cli/a.ts", 'import "../main.ts";'),
      ["1: cli never imports main.ts; move what both need down into daemon/"],
    ],
  ])("finds %s", (_name, file, found) => {
    expect(messages(importFindings(file))).toEqual(found);
  });

  test("is content with the direction of the folders", () => {
    const lines = ['import { cac } from "cac";', 'import { x } from "../daemon/x.ts";', 'import { y } from "./y.ts";'];
    expect(importFindings(source("src/cli/a.ts", ...lines))).toEqual([]);
  });
});

describe("roomFindings()", () => {
  const rooms = { daemon: ["host", "sync", "."] };

  test.each([
    [
      "a room above",
      source("src/daemon/host/a.ts", 'import { b } from "../sync/b.ts";'),
      ["1: daemon/host never imports daemon/sync, which stands above it; move what both need down"],
    ],
    [
      "the folder's own file above",
      source("src/daemon/sync/a.ts", "", 'import type { B } from "../b.ts";'),
      ["2: daemon/sync never imports daemon/., which stands above it; move what both need down"],
    ],
    [
      "a room that the table lacks",
      source("src/daemon/other/a.ts"),
      ["1: src/daemon has no room other; add it to ROOMS, in its order"],
    ],
    [
      "a room in a folder without any",
      source("src/lib/other/a.ts"),
      ["1: src/lib has no room other; add it to ROOMS, in its order"],
    ],
  ])("finds %s", (_name, file, found) => {
    expect(messages(roomFindings(file, rooms))).toEqual(found);
  });

  test("is content with its own room, those below, and other folders", () => {
    const lines = ['import "./b.ts";', 'import "../host/c.ts";', 'import "../../lib/d.ts";', 'import "node:fs";'];
    expect(roomFindings(source("src/daemon/sync/a.ts", ...lines), rooms)).toEqual([]);
    expect(roomFindings(source("src/daemon/a.ts", 'import "./sync/b.ts";'), rooms)).toEqual([]);
  });
});

describe("crowdFindings()", () => {
  const hall = (count: number) => Array.from({ length: count }, (_, index) => source(`src/cli/${index}.ts`));

  test("finds a folder with too many files side by side, and a room without any", () => {
    expect(crowdFindings(hall(FILES_IN_A_ROOM_MAX + 1), {}).map(({ path }) => path)).toEqual(["src/cli"]);
    expect(crowdFindings(hall(1), { cli: [".", "vip"] }).map(({ path }) => path)).toEqual(["src/cli/vip"]);
  });

  test("is content with a full one", () => {
    expect(crowdFindings(hall(FILES_IN_A_ROOM_MAX), { cli: ["."] })).toEqual([]);
  });
});

describe("sameNameFindings()", () => {
  test("names the second of two files of one name, and the first", () => {
    const files = [source("src/cli/vip.ts"), source("src/cli/real.ts"), source("src/model/vip.ts")];
    expect(sameNameFindings(files)).toEqual([
      { path: "src/model/vip.ts", line: 1, message: "src/cli/vip.ts has the same name; say what this one holds" },
    ]);
  });
});

describe("citationFindings()", () => {
  const paths = ["src/failover/rules/takeover.ts", "docs/glossary.md"];

  test.each([
    ["a document beside the project", source("src/a.ts", `/** As ${"plan"}.md says. */`), ["1: plan.md"]],
    [
      "a source that has moved",
      source("docs/a.md", "# A", "", "See `src/failover/takeover.ts`."),
      ["3: src/failover/takeover.ts"],
    ],
    ["a link", source("README.md", "[words](docs/words.md#a)"), ["1: docs/words.md"]],
  ])("finds %s", (_name, file, found) => {
    const said = found.map((text) =>
      text.replace(": ", ": no file ").concat(" is in the project; say here what it says"),
    );
    expect(messages(citationFindings(file, paths))).toEqual(said);
  });

  test("is content with what is there, by its path or its name, and with code", () => {
    const lines = [
      "// takeover.ts and ../rules/takeover.ts",
      'import { x } from "./gone.ts";',
      "// https://example.org/a.md",
    ];
    expect(citationFindings(source("src/failover/rules/a.ts", ...lines), paths)).toEqual([]);
    expect(citationFindings(source("docs/a.md", "[words](glossary.md#lease), `docs/glossary.md`"), paths)).toEqual([]);
  });
});

describe("deadExports()", () => {
  test("finds what neither another file nor its own uses", () => {
    const files = [
      source(
        "src/a.ts",
        "export const used = 1;",
        "export function unused() {}",
        "export type Own = string;",
        "let x: Own;",
      ),
      source("src/b.ts", 'import { used } from "./a.ts";'),
    ];
    expect(messages(deadExports(files, []))).toEqual(["2: nothing uses unused; use it or delete it"]);
    expect(deadExports(files, [source("test/a.test.ts", "unused();")])).toEqual([]);
  });
});

describe("deadFiles()", () => {
  test("finds files that no entry point leads to, also when they import each other", () => {
    const files = [
      source("src/main.ts", 'import "./used.ts";', 'new URL("./worker.ts", import.meta.url);'),
      source("src/used.ts"),
      source("src/worker.ts"),
      source("src/dead.ts", 'import "./deader.ts";'),
      source("src/deader.ts", 'import "./dead.ts";'),
    ];
    expect(deadFiles(files, ["src/main.ts"]).map(({ path }) => path)).toEqual(["src/dead.ts", "src/deader.ts"]);
  });
});

describe("textFindings()", () => {
  test.each([
    ["src/cli/a.ts", "console.log(1);", "console is banned, use the Logger of log/ (daemon) or the Output of cli/"],
    [
      "src/cli/a.ts",
      "process.exit(1);",
      "process.exit is banned outside main.ts, return an exit code or throw a TandemError",
    ],
    ["src/wire/a.ts", "const at = Date.now();", "a pure folder reads no clock, take nowMs as an argument"],
    ["src/model/a.ts", "const at = new Date(0);", "a pure folder reads no clock, take nowMs as an argument"],
    ["src/failover/a.ts", "setTimeout(step, 5);", "a pure folder has no timers, return the next deadline"],
    ["src/balance/a.ts", "setInterval(step, 5);", "a pure folder has no timers, return the next deadline"],
    ["src/failover/a.ts", "Math.random();", "a pure folder draws no random number, take it as an argument"],
    [
      "src/balance/a.ts",
      "await probe();",
      "a pure folder waits for nothing, return an effect and take its outcome as an input",
    ],
    [
      "src/daemon/a.ts",
      "const at = Date.now();",
      "the wall clock jumps, use monotonicMs of sys/libc/clock.ts (new Date() to print)",
    ],
    ["src/daemon/a.ts", "function f(value: any) {}", "any is banned, use unknown and check"],
    ["test/unit/a.test.ts", "const list = value as any[];", "any is banned, use unknown and check"],
    ["src/daemon/a.ts", `// ${"TO"}DO later`, `${"TO"}DO is banned, do it now or file an issue`],
  ])("finds in %s: %s", (path, line, message) => {
    expect(messages(textFindings(source(path, "", line)))).toEqual([`2: ${message}`]);
  });

  test("does not take comments and literals for code", () => {
    const lines = [
      "// console.log",
      'const a = "process.exit(1)";',
      "const b = `any: any`;",
      "const d = /setInterval\\(/;",
    ];
    expect(textFindings(source("src/failover/a.ts", ...lines))).toEqual([]);
  });

  test("lets main.ts end the process", () => {
    expect(textFindings(source("src/main.ts", "process.exit(0);"))).toEqual([]);
  });
});

describe("longFunctions()", () => {
  const body = Array.from({ length: FUNCTION_LINES_MAX + 1 }, () => "  step();");

  test.each([
    ["a function", "export async function f(a: string): Promise<void> {", "}"],
    ["an arrow function", "const f = (a: string): void => {", "};"],
    ["a function whose head takes lines", ") {", "}"],
    ["a method", "  #turn(input: Input): void {", "  }"],
  ])("finds %s", (_name, head, end) => {
    const file = source("src/cli/a.ts", head, ...body, end);
    expect(messages(longFunctions(file))).toEqual([
      "1: this function has 61 lines, the limit is 60; give its parts names",
    ]);
  });

  test.each([
    ["a function at the limit", "function f() {", body.slice(1)],
    ["a block", "if (a) {", body],
    ["a literal", "const table = {", body],
  ])("lets %s be", (_name, head, lines) => {
    expect(longFunctions(source("src/cli/a.ts", head, ...lines, "}"))).toEqual([]);
  });
});

describe("markdownFindings()", () => {
  test.each([
    ["a second title", ["# One", "", "# Two"], ["3: a Markdown file has one title, use ## below it"]],
    ["no title", ["Text"], ["1: the first line is the title"]],
  ])("finds %s", (_name, lines, found) => {
    expect(messages(markdownFindings(source("README.md", ...lines)))).toEqual(found);
  });

  test("does not take a shell's comment for a title", () => {
    expect(markdownFindings(source("README.md", "# One", "```sh", "# a comment", "```"))).toEqual([]);
  });
});

describe("codeOnly()", () => {
  test("keeps lines where they are", () => {
    expect(codeOnly('a; // b\nc("d");\n/* e\nf */ g;')).toBe("a;     \nc(   );\n    \n     g;");
  });
});
