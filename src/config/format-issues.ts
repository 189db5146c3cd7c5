import type { ConfigIssue } from "./keys/config.ts";
import { type SourcePlace, tomlTexts } from "./places/places.ts";

/** The width that messages are broken at, and source lines cut at. */
const MAX_COLUMNS = 80;

/** A word that is longer than a line, in parts that fit. */
function pieces(word: string): readonly string[] {
  return word.match(/.{1,70}/gsu) ?? [word];
}

/** `first` and the words of `text`, broken into lines of at most 80 columns; the lines after the first are indented. */
function wrap(first: string, text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = first;
  for (const word of text.split(" ")) {
    for (const [index, piece] of pieces(word).entries()) {
      // Behind the piece before it there would be a blank that the word does not have.
      if (index > 0 || line.length + 1 + piece.length > MAX_COLUMNS) {
        lines.push(line);
        line = `${indent}${piece}`;
      } else {
        line = `${line} ${piece}`;
      }
    }
  }
  return [...lines, line];
}

/** The source line with a caret below the column; a long line is cut to the part around the column. */
function excerpt(source: string, issue: ConfigIssue): string[] {
  if (source.trim() === "") return [];
  const gutter = `  ${issue.line} | `;
  const width = MAX_COLUMNS - gutter.length;
  // Tabs and other control characters take one column each, so that the caret stays where it belongs.
  const line = source.replace(/\p{C}/gu, " ");
  const column = Math.min(issue.column, line.length + 1);
  const start = line.length < width || column <= width - 10 ? 0 : column - Math.floor(width / 2);
  return [
    `${gutter}${line.slice(start, start + width)}`,
    `${" ".repeat(gutter.length - 2)}| ${" ".repeat(column - 1 - start)}^`,
  ];
}

/** `FILE:LINE:COLUMN`. @param path of the main file */
export function formatIssuePlace(path: string, { file = path, line, column }: SourcePlace): string {
  return `${file}:${line}:${column}`;
}

/**
 * Issues as a compiler prints them, at most 80 columns wide: `FILE:LINE:COLUMN: message`, the line with a caret
 * below it, and the hint. Takes the text that was parsed, and the path of its main file. Ends with a newline; empty for
 * no issues.
 */
export function formatIssues(
  text: string,
  path: string,
  issues: readonly ConfigIssue[],
  severity: "error" | "warning" = "error",
): string {
  const sources = new Map(tomlTexts(text).map((one) => [one.path, one.text.split("\n")]));
  const lines: string[] = [];
  for (const issue of issues) {
    const source = sources.get(issue.file) ?? [];
    const mark = severity === "warning" ? "warning: " : "";
    lines.push(...wrap(`${formatIssuePlace(path, issue)}:`, `${mark}${issue.message}`, "  "));
    lines.push(...excerpt((source[issue.line - 1] ?? "").replace(/\r$/, ""), issue));
    if (issue.hint !== undefined) lines.push(...wrap("  hint:", issue.hint, "    "));
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}
