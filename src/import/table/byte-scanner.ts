/**
 * A text as bytes, read from left to right. Each method takes what it is asked for, or nothing at all. For the readers of
 * ordinary tables, which make no text of what they read.
 */
const LINE_END = 0x0a;
const SPACE = 0x20;
const DIGIT_0 = 0x30;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DOT = 0x2e;
const ASCII_MAX = 0x7e;
/** No number of ours has more: 4294967295. */
const DIGITS_MAX = 10;

/** From this length on a native comparison is faster than a loop that nothing has compiled yet. */
const NATIVE_COMPARE_BYTES = 8;

/** A word as its bytes. */
export function asBytes(word: string): Uint8Array {
  return new TextEncoder().encode(word);
}

export class ByteScanner {
  readonly bytes: Uint8Array;
  readonly #buffer: Buffer;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get isEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  /** The next byte; 0 at the end, which no text of ours contains. */
  get next(): number {
    return this.bytes[this.at] ?? 0;
  }

  accept(word: Uint8Array): boolean {
    const { at, bytes } = this;
    const end = at + word.length;
    if (bytes[at] !== word[0] || end > bytes.length) return false;
    if (word.length >= NATIVE_COMPARE_BYTES) {
      if (this.#buffer.compare(word, 0, word.length, at, end) !== 0) return false;
    } else {
      for (let index = 1; index < word.length; index += 1) if (bytes[at + index] !== word[index]) return false;
    }
    this.at = end;
    return true;
  }

  skipSpaces(): void {
    while (this.next === SPACE) this.at += 1;
  }

  /** Takes the end of the line, or is at the end of the text. */
  lineEnd(): boolean {
    if (this.isEnd) return true;
    if (this.next !== LINE_END) return false;
    this.at += 1;
    return true;
  }

  /** Goes behind the end of the line. */
  skipLine(): void {
    const end = this.bytes.indexOf(LINE_END, this.at);
    this.at = end < 0 ? this.bytes.length : end + 1;
  }

  /** A whole number in decimal digits without a leading zero; -1 where none stands. */
  number(): number {
    const { bytes } = this;
    const start = this.at;
    let at = start;
    let value = 0;
    for (; ; at += 1) {
      const digit = (bytes[at] ?? 0) - DIGIT_0;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const digits = at - start;
    if (digits === 0 || digits > DIGITS_MAX || (digits > 1 && bytes[start] === DIGIT_0)) return -1;
    this.at = at;
    return value;
  }

  /** Goes behind an IPv4 address and gives it as a number of 32 bits; -1 where none stands. */
  ipv4(): number {
    const { bytes } = this;
    let at = this.at;
    let address = 0;
    let value = 0;
    let digits = 0;
    let dots = 0;
    for (; ; at += 1) {
      const byte = bytes[at] ?? 0;
      const digit = byte - DIGIT_0;
      if (digit >= 0 && digit <= 9) {
        if (digits > 0 && value === 0) return -1;
        value = value * 10 + digit;
        if (value > 255) return -1;
        digits += 1;
      } else if (byte === DOT && digits > 0 && dots < 3) {
        address = address * 256 + value;
        value = 0;
        digits = 0;
        dots += 1;
      } else break;
    }
    if (dots < 3 || digits === 0) return -1;
    this.at = at;
    return address * 256 + value;
  }

  /** Text in quotes, of ASCII and without escapes; undefined where none stands. */
  quoted(): string | undefined {
    if (this.next !== QUOTE) return undefined;
    for (let end = this.at + 1; end < this.bytes.length; end += 1) {
      const byte = this.bytes[end] ?? 0;
      if (byte === QUOTE) {
        const text = this.slice(this.at + 1, end);
        this.at = end + 1;
        return text;
      }
      if (byte < SPACE || byte > ASCII_MAX || byte === BACKSLASH) return undefined;
    }
    return undefined;
  }

  /**
   * The text from `start` to `end`; undefined where it is not all ASCII.
   * @param known a text that is, and that is expected there
   */
  ascii(start: number, end: number, known?: string): string | undefined {
    const text = this.slice(start, end);
    if (text === known) return known;
    for (let at = start; at < end; at += 1) {
      const byte = this.bytes[at] ?? 0;
      if ((byte < SPACE || byte > ASCII_MAX) && byte !== LINE_END) return undefined;
    }
    return text;
  }

  /** Up to the next byte of this value, which stays; undefined where the line ends before. */
  upTo(stop: number): string | undefined {
    for (let end = this.at; end < this.bytes.length; end += 1) {
      const byte = this.bytes[end] ?? 0;
      if (byte === stop) {
        const text = this.slice(this.at, end);
        this.at = end;
        return text;
      }
      if (byte < SPACE || byte > ASCII_MAX) return undefined;
    }
    return undefined;
  }

  utf8(start: number, end: number): string {
    return this.#buffer.toString("utf8", start, end);
  }

  slice(start: number, end: number): string {
    return this.#buffer.toString("latin1", start, end);
  }
}
