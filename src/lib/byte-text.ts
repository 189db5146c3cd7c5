/**
 * Text written as bytes, in pieces of a fixed length: a list of 40,000 lines costs no string. `take` gets each piece as a
 * view that the next one overwrites.
 */
const DIGIT_0 = 0x30;
const LINE_END = 0x0a;
const ASCII_MAX = 0x7f;
/** So much of a text is written at once; a UTF-16 unit has at most three bytes. */
const SLICE_CHARACTERS = 1_024;
const PIECE_BYTES = 64 * 1024;

const encoder = new TextEncoder();

/** How many digits a whole number has, 0 to 4294967295. */
export function countDigits(value: number): number {
  if (value < 10) return 1;
  let digits = 2;
  for (let limit = 100; value >= limit; limit *= 10) digits += 1;
  return digits;
}

/** Writes a whole number, 0 to 4294967295, so that it ends before `end`. */
export function putDecimal(buffer: Uint8Array, end: number, value: number): void {
  let at = end;
  let rest = value;
  do {
    const next = Math.floor(rest / 10);
    at -= 1;
    buffer[at] = DIGIT_0 + rest - next * 10;
    rest = next;
  } while (rest > 0);
}

export class ByteText {
  readonly #buffer: Uint8Array;
  readonly #take: (piece: Uint8Array) => void;
  #length = 0;

  /** @param take gets what was written, piece by piece, the last one at `end`. */
  constructor(take: (piece: Uint8Array) => void, pieceBytes = PIECE_BYTES) {
    this.#buffer = new Uint8Array(pieceBytes);
    this.#take = take;
  }

  /** Any text; lone surrogates become U+FFFD, as everywhere. */
  text(text: string): void {
    if (text.length > SLICE_CHARACTERS) {
      this.bytes(encoder.encode(text));
      return;
    }
    this.#room(text.length);
    const start = this.#length;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > ASCII_MAX) {
        this.bytes(encoder.encode(text));
        return;
      }
      this.#buffer[start + index] = code;
    }
    this.#length = start + text.length;
  }

  /** Where what is written next goes in `buffer`. */
  get position(): number {
    return this.#length;
  }

  /** For those who write many alike: after `reserve`, bytes from `position` on may be set, and count with `advance`. */
  get buffer(): Uint8Array {
    return this.#buffer;
  }

  /** Makes room for so many bytes, not more than a piece has. */
  reserve(bytes: number): void {
    this.#room(bytes);
  }

  advance(bytes: number): void {
    this.#length += bytes;
  }

  bytes(bytes: Uint8Array): void {
    if (bytes.length <= SLICE_CHARACTERS) {
      this.#room(bytes.length);
      this.#buffer.set(bytes, this.#length);
      this.#length += bytes.length;
      return;
    }
    for (let start = 0; start < bytes.length; start += SLICE_CHARACTERS) {
      const part = bytes.subarray(start, start + SLICE_CHARACTERS);
      this.#room(part.length);
      this.#buffer.set(part, this.#length);
      this.#length += part.length;
    }
  }

  /** A whole number, 0 to 4294967295, in decimal digits. */
  decimal(value: number): void {
    const digits = countDigits(value);
    this.#room(digits);
    this.#length += digits;
    putDecimal(this.#buffer, this.#length, value);
  }

  lineEnd(): void {
    this.#byte(LINE_END);
  }

  /** Hands over what is left. */
  end(): void {
    if (this.#length > 0) this.#take(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }

  #byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  #room(bytes: number): void {
    if (this.#length + bytes > this.#buffer.length) this.end();
  }
}
