/**
 * Where the string begins that is still open at the end of this text, which is the beginning of a TOML text; undefined:
 * none is. One that its own line does not close ends there, as far as what follows is concerned.
 */
export function openStringStart(text: string): number | undefined {
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (character === "#") at = endOfLine(text, at);
    else if (character === '"' || character === "'") {
      const end = endOfString(text, at, character);
      if (end === undefined) return at;
      at = end;
    } else at += 1;
  }
  return undefined;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

/** Behind the quotes that close the string which begins here; undefined when the text ends before them. */
function endOfString(text: string, start: number, quote: '"' | "'"): number | undefined {
  const isLong = text.startsWith(quote.repeat(3), start);
  const marks = isLong ? quote.repeat(3) : quote;
  let at = start + marks.length;
  while (at < text.length) {
    if (text.startsWith(marks, at)) return at + marks.length;
    if (!isLong && text.charAt(at) === "\n") return at;
    at += quote === '"' && text.charAt(at) === "\\" ? 2 : 1;
  }
  return undefined;
}
