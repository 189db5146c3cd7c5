/** Tables for people: columns as wide as their cells, and cut to the terminal; text from outside made printable. */
import type { Palette, Tone } from "./palette.ts";

export interface Column {
  readonly header: string;
  /** Numbers stand right. */
  readonly align?: "left" | "right";
  /** In a narrow terminal the column with the highest number goes first; without a number it always stays. */
  readonly dropOrder?: number;
  /** Not shown when no row has a text there. */
  readonly hideEmpty?: boolean;
  /** In a narrow terminal its texts are cut. */
  readonly flexible?: boolean;
  /** Its texts are cut when the columns that always stay don't fit otherwise; the widest one first. */
  readonly cutLast?: boolean;
}

export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface TableLayout {
  readonly palette: Palette;
  /** Undefined: as wide as it needs to be. */
  readonly widthColumns: number | undefined;
}

/** Between columns. */
export const COLUMN_GAP = "  ";
/** A flexible column is not cut below this; rather other columns are dropped. */
const FLEXIBLE_WIDTH_MIN = 16;

/** Most cells of a long table: each character is one column wide, none needs care. The test is far faster than those. */
const PLAIN = /^[\x20-\x7e]*$/;

/** Whether each character is one column wide. */
export function isPlainText(text: string): boolean {
  return PLAIN.test(text);
}

function widthOf(text: string): number {
  return PLAIN.test(text) ? text.length : Bun.stringWidth(text);
}

/** Control characters never reach the terminal: names come from files, the kernel and the peer. */
export function printable(text: string): string {
  if (PLAIN.test(text)) return text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}

function cellText(cell: Cell | undefined): string {
  return printable(typeof cell === "string" ? cell : (cell?.text ?? ""));
}

/** Cuts a text to a width, the last column being an ellipsis. */
function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  for (const character of text) {
    if (Bun.stringWidth(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

function totalWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + COLUMN_GAP.length * Math.max(0, widths.length - 1);
}

/**
 * Which columns fit, by their index, and how wide each is: a flexible column is cut first, then others are dropped, then
 * those that always stay are cut.
 */
function fit(
  columns: readonly Column[],
  candidates: readonly number[],
  natural: readonly number[],
  available: number | undefined,
): { readonly shown: readonly number[]; readonly widths: readonly number[] } {
  if (available === undefined) return { shown: candidates, widths: natural };
  const least = natural.map((width, index) =>
    columns[index]?.flexible === true ? Math.min(width, FLEXIBLE_WIDTH_MIN) : width,
  );
  let shown = candidates;
  const total = () => totalWidth(shown.map((index) => least[index] ?? 0));
  while (total() > available) {
    const droppable = shown.filter((index) => columns[index]?.dropOrder !== undefined);
    const victim = droppable.toSorted((a, b) => (columns[b]?.dropOrder ?? 0) - (columns[a]?.dropOrder ?? 0))[0];
    if (victim === undefined) break;
    shown = shown.filter((index) => index !== victim);
  }
  for (const index of shown.toSorted((a, b) => (least[b] ?? 0) - (least[a] ?? 0))) {
    const excess = total() - available;
    if (excess > 0 && columns[index]?.cutLast === true) {
      least[index] = Math.max(Math.min(FLEXIBLE_WIDTH_MIN, least[index] ?? 0), (least[index] ?? 0) - excess);
    }
  }
  let room = Math.max(0, available - total());
  const widths = [...least];
  for (const index of shown) {
    const more = Math.min(room, (natural[index] ?? 0) - (least[index] ?? 0));
    widths[index] = (least[index] ?? 0) + more;
    room -= more;
  }
  return { shown, widths };
}

interface LaidOut {
  readonly text: string;
  readonly tone: Tone | undefined;
  /** Columns of the terminal that the text takes. */
  readonly width: number;
}

function layOut(cell: Cell | undefined): LaidOut {
  const text = cellText(cell);
  return { text, tone: typeof cell === "object" ? cell.tone : undefined, width: widthOf(text) };
}

/** One cell, cut and padded to its column. Spaces stay unpainted, so that an underlining theme shows no bars. */
function paintCell(cell: LaidOut, width: number, align: "left" | "right", palette: Palette): string {
  const text = cell.width <= width ? cell.text : cut(cell.text, width);
  const space = " ".repeat(Math.max(0, width - (text === cell.text ? cell.width : widthOf(text))));
  const painted = cell.tone === undefined || text === "" ? text : palette(cell.tone, text);
  return align === "right" ? space + painted : painted + space;
}

/**
 * Lines of an aligned table, the header first; no trailing spaces.
 * @param rows cells in the order of the columns; missing ones are empty.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  layout: TableLayout,
): string[] {
  // Each text is looked at once: tables have up to 40,000 rows.
  const cells = rows.map((row) => columns.map((_, index) => layOut(row[index])));
  const headers = columns.map(({ header }) => layOut({ text: header, tone: "strong" }));
  const natural = headers.map(({ width }) => width);
  const filled = new Set<number>();
  for (const row of cells) {
    for (const [index, { width }] of row.entries()) {
      if (width > 0) filled.add(index);
      if (width > (natural[index] ?? 0)) natural[index] = width;
    }
  }
  const candidates = [...columns.keys()].filter((index) => columns[index]?.hideEmpty !== true || filled.has(index));
  const { shown, widths } = fit(columns, candidates, natural, layout.widthColumns);
  const line = (row: readonly LaidOut[]): string => {
    const painted = shown.map((index) => {
      const cell = row[index];
      const align = columns[index]?.align ?? "left";
      return cell === undefined ? "" : paintCell(cell, widths[index] ?? 0, align, layout.palette);
    });
    return painted.join(COLUMN_GAP).trimEnd();
  };
  return [headers, ...cells].map(line);
}
