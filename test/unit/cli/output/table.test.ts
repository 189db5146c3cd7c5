import { describe, expect, test } from "bun:test";
import { type Cell, type Column, renderTable } from "../../../../src/cli/output/table.ts";

const COLUMNS: readonly Column[] = [
  { header: "NAME" },
  { header: "COUNT", align: "right" },
  { header: "NOTE", dropOrder: 1, hideEmpty: true },
  { header: "REASON", flexible: true },
];

const ROWS: readonly Cell[][] = [
  ["web", "5", "new", "connected after 0.4 ms"],
  ["database", "12345", "", { text: "refused", tone: "bad" }],
];

function render(widthColumns: number | undefined, rows: readonly (readonly Cell[])[] = ROWS): string {
  return renderTable(COLUMNS, rows, {
    palette: (tone, text) => (tone === "bad" ? `<${text}>` : text),
    widthColumns,
  }).join("\n");
}

describe("renderTable()", () => {
  test("aligns columns, numbers to the right, without trailing spaces", () => {
    expect(render(undefined)).toMatchInlineSnapshot(`
      "NAME      COUNT  NOTE  REASON
      web           5  new   connected after 0.4 ms
      database  12345        <refused>"
    `);
  });

  test("cuts the flexible column in a narrow terminal", () => {
    expect(render(40)).toMatchInlineSnapshot(`
      "NAME      COUNT  NOTE  REASON
      web           5  new   connected after …
      database  12345        <refused>"
    `);
  });

  test("then drops columns", () => {
    expect(render(33)).toMatchInlineSnapshot(`
      "NAME      COUNT  REASON
      web           5  connected after…
      database  12345  <refused>"
    `);
  });

  test("cuts the columns that always stay when nothing else helps, the widest first", () => {
    const columns: readonly Column[] = [
      { header: "SERVICE", cutLast: true },
      { header: "REAL SERVER", cutLast: true },
      { header: "WEIGHT", align: "right" },
      { header: "IDLE", align: "right", dropOrder: 1 },
    ];
    const rows = [["udp://[2001:db8:1111::6666]:65535", "[2001:db8::7777]:65535", "100", "7"]];
    const lines = (widthColumns: number) => renderTable(columns, rows, { palette: (_, text) => text, widthColumns });
    expect([...lines(60), ...lines(44), ...lines(10)]).toEqual([
      "SERVICE                       REAL SERVER             WEIGHT",
      "udp://[2001:db8:1111::6666]…  [2001:db8::7777]:65535     100",
      "SERVICE           REAL SERVER         WEIGHT",
      "udp://[2001:db8…  [2001:db8::7777]:…     100",
      "SERVICE           REAL SERVER       WEIGHT",
      "udp://[2001:db8…  [2001:db8::7777…     100",
    ]);
  });

  test("never cuts where there is no terminal", () => {
    expect(render(undefined, [["web", "1", "", "x".repeat(300)]])).toContain("x".repeat(300));
  });

  test("hides a column that may be empty and is", () => {
    expect(render(undefined, [["web", "1", "", "up"]])).toMatchInlineSnapshot(`
      "NAME  COUNT  REASON
      web       1  up"
    `);
  });

  test("counts the columns of wide characters", () => {
    expect(
      render(undefined, [
        ["日本", "1", "", "up"],
        ["ab", "2", "", "up"],
      ]),
    ).toMatchInlineSnapshot(`
      "NAME  COUNT  REASON
      日本      1  up
      ab        2  up"
    `);
  });

  test("lets no control character through to the terminal", () => {
    expect(render(undefined, [["a\u001b[2Jb\n", "1", "", ""]])).toContain("a?[2Jb?");
  });
});
