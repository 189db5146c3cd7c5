/** Lines of at most `width` columns, broken at spaces; a longer word gets a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && Bun.stringWidth(line) + 1 + Bun.stringWidth(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** The same of a text behind a lead, under which all lines but the first begin. */
export function wrapHanging(lead: string, text: string, width: number): string[] {
  const indent = Bun.stringWidth(lead);
  const [first = "", ...rest] = wrap(text, Math.max(1, width - indent));
  return [lead + first, ...rest.map((line) => " ".repeat(indent) + line)];
}

const INDENT = "  ";

/** The same of a sentence among others: the lines after its first are indented. */
export function wrapIndented(text: string, width: number): string[] {
  const [first = "", ...rest] = wrap(text, Math.max(1, width - INDENT.length));
  return [first, ...rest.map((line) => INDENT + line)];
}
