/** Texts of probe reasons. They quote what a foreign machine said, so nothing in them may control a terminal. */

/** How much of a foreign text is quoted. */
const QUOTE_LENGTH_MAX = 60;

/** `"SSH-2.0-OpenSSH…"`: at most 60 characters of Latin-1 text (or `lengthMax`), with control characters escaped. */
export function quoteBytes(bytes: Uint8Array, lengthMax = QUOTE_LENGTH_MAX): string {
  let text = "";
  for (const byte of bytes.subarray(0, lengthMax)) {
    if (byte === 0x0a) text += "\\n";
    else if (byte === 0x0d) text += "\\r";
    else if (byte === 0x22 || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else if (byte < 0x20 || byte > 0x7e) text += `\\x${byte.toString(16).padStart(2, "0")}`;
    else text += String.fromCharCode(byte);
  }
  return bytes.length > lengthMax ? `"${text}…"` : `"${text}"`;
}

/** The same for a text of ours. */
export function quoteText(text: string): string {
  return quoteBytes(new TextEncoder().encode(text));
}

/** `/^220 .*\\n/`: a pattern as it was written; at most 60 characters of it. */
export function quotePattern(pattern: string): string {
  const bytes = new TextEncoder().encode(pattern.slice(0, QUOTE_LENGTH_MAX));
  // Its backslashes and quotes are its own, not ours.
  const text = Array.from(bytes, (byte) =>
    byte === 0x22 || byte === 0x5c ? String.fromCharCode(byte) : quoteBytes(Uint8Array.of(byte)).slice(1, -1),
  ).join("");
  return pattern.length > QUOTE_LENGTH_MAX ? `/${text}…/` : `/${text}/`;
}

/** `0 ms`, `0.04 ms`, `0.4 ms`, `12 ms`, `1.5 s`. */
export function formatElapsed(ms: number): string {
  if (ms === 0) return "0 ms";
  if (ms < 0.1) return `${ms.toFixed(2)} ms`;
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}
