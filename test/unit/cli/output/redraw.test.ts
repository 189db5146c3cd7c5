import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { fitPage } from "../../../../src/cli/output/redraw.ts";
import { Person } from "../../../support/person.ts";

const FIXTURE = join(import.meta.dir, "watch-fixture.ts");
describe("fitPage()", () => {
  const LINES = ["a", "b", "c", "d"];
  test.each([
    [5, ["a", "b", "c", "d"]],
    [4, ["a", "b", "… 2 more lines"]],
    [3, ["a", "… 3 more lines"]],
    [2, ["… 4 more lines"]],
    [1, ["… 4 more lines"]],
    [0, ["… 4 more lines"]],
  ])("a window of %d rows", (rows, shown) => {
    expect(fitPage(LINES, rows)).toEqual(shown);
  });

  test("one line too many is one that is said to be missing, with the one that makes room for that", () => {
    expect(fitPage(["a", "b"], 2)).toEqual(["… 2 more lines"]);
    expect(fitPage(["a", "b", "c"], 3)).toEqual(["a", "… 2 more lines"]);
    expect(fitPage([], 2)).toEqual([]);
  });
});

function watch(lines: number, failures = 0): Person {
  return new Person([process.execPath, FIXTURE, String(lines), String(failures)]);
}

describe("a view that is shown again and again", () => {
  test("says what the window has no room for", async () => {
    await using person = watch(12);
    await person.until(() => person.seen.includes("more line"));
    expect(person.seen).toContain("line 3");
    expect(person.seen).toContain("… 9 more lines");
    expect(person.seen).not.toContain("line 4");
  });

  test("shows what fails after the first page in its place, and tries it again until it succeeds", async () => {
    await using person = watch(2, 3);
    await person.until(() => person.seen.includes("silence"));
    const told = person.seen.length;
    expect(person.seen.indexOf("line 2")).toBeLessThan(person.seen.indexOf("tandem: cannot read the lines:"));
    await person.until(() => person.seen.includes("hint: wait"));
    await person.until(() => person.seen.slice(told).includes("line 2"));
    person.type("q");
    expect(await person.ended()).toEqual({ exitCode: 0, signal: null });
  });

  test("gives up when the first page fails", async () => {
    await using person = watch(2, -1);
    expect(await person.ended()).toEqual({ exitCode: 1, signal: null });
    await person.until(() => person.seen.includes("silence"));
    expect(person.isUsual).toBe(true);
  });

  test("is ended by q, and leaves the terminal as it was", async () => {
    await using person = watch(2);
    await person.until(() => !person.isUsual);
    person.type("xq");
    expect(await person.ended()).toEqual({ exitCode: 0, signal: null });
    expect(person.isUsual).toBe(true);
    expect(person.seen).not.toContain("x");
  });

  test.each([
    ["Ctrl-C", "SIGINT", (person: Person) => person.type("\u0003")],
    ["Ctrl-\\", "SIGQUIT", (person: Person) => person.type("\u001c")],
    ["a kill", "SIGTERM", (person: Person) => person.signal("SIGTERM")],
    ["its terminal's end", "SIGHUP", (person: Person) => person.signal("SIGHUP")],
  ])("is ended by %s as by %s, and leaves the terminal as it was", async (_how, signal, act) => {
    await using person = watch(2);
    await person.until(() => !person.isUsual);
    act(person);
    expect(await person.ended()).toEqual({ exitCode: null, signal });
    expect(person.isUsual).toBe(true);
  });

  test("touches no terminal of which it has only the input, as with a pager, and ends with its reader", async () => {
    await using person = new Person(["sh", "-c", `"$0" "$1" 3 | head -n 2; stty -a`, process.execPath, FIXTURE]);
    expect(await person.ended()).toMatchObject({ exitCode: 0 });
    // What was written last is read a moment after the end.
    await person.until(() => / icanon .* echo /s.test(person.seen));
    expect(person.seen).not.toContain("-icanon");
  });
});
