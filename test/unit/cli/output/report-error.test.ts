import { expect, test } from "bun:test";
import { join } from "node:path";
import { wrapHanging } from "../../../../src/cli/output/wrap.ts";
import { Person } from "../../../support/person.ts";

const FIXTURE = join(import.meta.dir, "error-fixture.ts");
const CHANGES_FIXTURE = join(import.meta.dir, "changes-fixture.ts");

test.each([
  ["", "a short one", 20, ["a short one"]],
  ["- ", "one two three four", 10, ["- one two", "  three", "  four"]],
  ["hint:   ", "deep and deeper", 16, ["hint:   deep and", "        deeper"]],
  ["x: ", "/a/path/without/a/blank is long", 12, ["x: /a/path/without/a/blank", "   is long"]],
])("wrapHanging(%p, %p, %d)", (lead, text, width, lines) => expect(wrapHanging(lead, text, width)).toEqual(lines));

test("an error on a terminal is broken at spaces, its findings as well", async () => {
  await using person = new Person([process.execPath, FIXTURE]);
  await person.ended();
  await person.until(() => person.seen.includes("hint:"));
  expect(person.seen.trimEnd().split("\r\n")).toEqual([
    "a note that is longer than a line of",
    "this terminal has room for",
    "tandem: cannot reload: the file has 1",
    "        mistake",
    "tandem:   /etc/tandem.toml:3:9: lease",
    "          must be a duration from one",
    "          second to one hour",
    "hint: tandem config check",
  ]);
});

test("changes on a terminal are broken at spaces, and elsewhere a line each", async () => {
  await using person = new Person([process.execPath, CHANGES_FIXTURE]);
  await person.ended();
  await person.until(() => person.seen.includes("to 3s)"));
  expect(person.seen.trimEnd().split("\r\n")).toEqual([
    "would add VIP 203.0.113.20/24 on",
    "  an-interface",
    "would edit pair.lease (from 2s to 3s)",
  ]);
  const piped = Bun.spawnSync([process.execPath, CHANGES_FIXTURE]).stdout.toString().trimEnd().split("\n");
  expect(piped).toEqual(["would add VIP 203.0.113.20/24 on an-interface", "would edit pair.lease (from 2s to 3s)"]);
});

test("JSON on a terminal is not broken, nor is anything elsewhere", async () => {
  await using person = new Person([process.execPath, FIXTURE, "--json"]);
  await person.ended();
  await person.until(() => person.seen.includes("}}"));
  const json = person.seen.slice(person.seen.indexOf("{"));
  expect(JSON.parse(json)).toMatchObject({ version: 1, error: { code: 1, hint: "tandem config check" } });
  const piped = Bun.spawnSync([process.execPath, FIXTURE]).stderr.toString().trimEnd().split("\n");
  expect(piped.map((line) => line.slice(0, 20))).toEqual([
    "a note that is longe",
    "tandem: cannot reloa",
    "tandem:   /etc/tande",
    "hint: tandem config ",
  ]);
});
