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

/** The same of a text that may be indented, with all lines but the first indented by `hang` columns. */
export function wrapHanging(text: string, width: number, hang: number): string[] {
  const [lead = ""] = /^ */.exec(text) ?? [];
  const indent = Math.max(hang, lead.length);
  const [first = "", ...rest] = wrap(text.slice(lead.length), Math.max(1, width - indent));
  return [lead + first, ...rest.map((line) => " ".repeat(indent) + line)];
}
