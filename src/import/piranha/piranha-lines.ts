/** lvs.cf as lines and blocks: `key = value`, with blanks around the sign, and `virtual NAME {` up to `}`. */
import type { ForeignNotes } from "../foreign/foreign-model.ts";

export interface PiranhaLine {
  readonly line: number;
  readonly key: string;
  readonly values: readonly string[];
}

export interface PiranhaBlock {
  readonly kind: string;
  readonly name: string;
  readonly line: number;
  readonly lines: PiranhaLine[];
  readonly blocks: PiranhaBlock[];
}

function wordsOf(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? "",
  );
}

/** Reads the lines; what is wrong goes to `notes`. */
export function readPiranha(text: string, notes: ForeignNotes): PiranhaBlock {
  const root: PiranhaBlock = { kind: "file", name: "", line: 1, lines: [], blocks: [] };
  const open: PiranhaBlock[] = [root];
  if (text.includes("\r\n")) {
    notes.warn(1, "the file has DOS line ends: Piranha did not read it beyond the first line, here it is read");
  }
  for (const [index, whole] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const words = wordsOf(whole);
    const current = open.at(-1) ?? root;
    const [first = "#", second = "", third] = words;
    if (first.startsWith("#")) continue;
    if (first === "}") {
      if (open.length === 1) notes.error(line, "this } closes nothing");
      else open.pop();
    } else if (third === "{" && words.length === 3) {
      const block = { kind: first, name: second, line, lines: [], blocks: [] };
      current.blocks.push(block);
      open.push(block);
    } else if (second === "=" && third !== undefined) current.lines.push({ line, key: first, values: words.slice(2) });
    else notes.error(line, "this is neither KEY = VALUE, with blanks around the sign, nor a block");
  }
  if (open.length > 1) notes.warn(open.at(-1)?.line ?? 1, "the block is not closed at the end of the file");
  return root;
}
