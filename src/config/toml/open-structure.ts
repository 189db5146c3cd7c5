/** Something in a TOML text that begins and has to end. */
export interface Opening {
  readonly offset: number;
  /** What closes it. */
  readonly closing: string;
}

const CLOSING: Readonly<Record<string, string>> = { "[": "]", "{": "}" };

/**
 * The innermost string, list or inline table that is still open at the end of this text, which is the beginning of a TOML
 * text; undefined: none is. A string that its own line does not close ends there, as far as what follows is concerned.
 */
export function openAtEnd(text: string): Opening | undefined {
  const open: Opening[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (character === "#") at = endOfLine(text, at);
    else if (character === '"' || character === "'") {
      const marks = text.startsWith(character.repeat(3), at) ? character.repeat(3) : character;
      const end = endOfString(text, at, marks);
      if (end === undefined) return { offset: at, closing: marks };
      at = end;
    } else {
      const closing = CLOSING[character];
      if (closing !== undefined) open.push({ offset: at, closing });
      else if (character === open.at(-1)?.closing) open.pop();
      at += 1;
    }
  }
  return open.at(-1);
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

/** Behind the quotes that close the string which begins here; undefined when the text ends before them. */
function endOfString(text: string, start: number, marks: string): number | undefined {
  let at = start + marks.length;
  while (at < text.length) {
    if (text.startsWith(marks, at)) return at + marks.length;
    if (marks.length === 1 && text.charAt(at) === "\n") return at;
    at += marks.startsWith('"') && text.charAt(at) === "\\" ? 2 : 1;
  }
  return undefined;
}
