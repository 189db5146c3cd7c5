import { expect, test } from "bun:test";
import { historyLines } from "../../../../src/cli/failover/history-view.ts";
import { PLAIN_PALETTE } from "../../../../src/cli/output/palette.ts";

const ENTRY = {
  at: "2026-11-22T19:00:00.000Z",
  agoMs: 4_000,
  from: "standby",
  to: "active",
  term: 2,
  why: "the peer was silent on all paths",
  chain: [
    { beforeMs: 59_900, what: "the peer's kernel gave no answer to 12 questions for 203.0.113.10/24 and 3 more" },
    { beforeMs: 2, what: "takes over in term 2" },
  ],
};

test("a long cause goes on below its beginning", () => {
  const lines = historyLines(ENTRY, { palette: PLAIN_PALETTE, widthColumns: 60 });
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "2026-11-22T19:00:00.000Z  standby → active  term 2, 4s ago
      the peer was silent on all paths
          59.9s before  the peer's kernel gave no answer to 12
                        questions for 203.0.113.10/24 and 3 more
            2ms before  takes over in term 2"
  `);
  expect(lines.filter((line) => Bun.stringWidth(line) > 60)).toEqual([]);
});

test("no line is broken where the output is no terminal", () => {
  expect(historyLines(ENTRY, { palette: PLAIN_PALETTE, widthColumns: undefined })).toHaveLength(4);
});
