import { DecodeError } from "../../lib/errors.ts";

/** RFC 9112: reading a response that comes in pieces, from a server that may be hostile. */

/** The longest status line and header fields together, over all interim responses; servers' own limits are 8 to 48 KiB. */
export const HTTP_HEAD_LIMIT_BYTES = 64 * 1024;
/** The longest line that tells a chunk's size, with its extensions. */
const CHUNK_LINE_LIMIT_BYTES = 1_024;

/** All lines of chunk sizes together: a body in chunks of single bytes would cost the work of a thousand others. */
const CHUNK_LINES_LIMIT_BYTES = 64 * 1024;

const LF = 0x0a;

const SWITCHING_PROTOCOLS = 101;
/** RFC 9112 section 6.3: answers that have no body, whatever their fields say. */
const BODILESS: readonly number[] = [SWITCHING_PROTOCOLS, 204, 304];

export interface HttpHead {
  readonly status: number;
  readonly reasonPhrase: string;
  readonly fields: ReadonlyMap<string, string>;
}

/** The lines of a response's head as a value. @throws DecodeError when the status line is not one of HTTP/1. */
export function decodeHttpHead(text: string): HttpHead {
  const lines = text.split(/\r?\n/);
  // RFC 9110 section 2.5: a later minor version is read as one that is known.
  const status = /^HTTP\/1\.\d (\d{3})(?: (.*))?$/.exec(lines[0] ?? "");
  if (status === null) throw new DecodeError("status line", "is not one of HTTP/1");
  const fields = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    // RFC 9112 section 5.2: what goes on with a blank is no field of its own.
    if (colon <= 0 || /^[ \t]/.test(line)) continue;
    const [name, value] = [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    const before = fields.get(name);
    // RFC 9110 section 5.3: a name that comes again adds to a list.
    fields.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return { status: Number(status[1]), reasonPhrase: status[2] ?? "", fields };
}

/** Bytes as text, one character each. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
}

/** Collects a line that comes in pieces, up to a limit. */
class LineCollector {
  readonly #limitBytes: number;
  readonly #what: string;
  #begun = "";
  /** Without its end; undefined while that has not come. */
  line: string | undefined;

  constructor(what: string, limitBytes: number) {
    this.#what = what;
    this.#limitBytes = limitBytes;
  }

  /** Takes bytes up to the end of the line. @returns where the next one begins. @throws DecodeError over the limit. */
  take(bytes: Uint8Array, start: number): number {
    const found = bytes.indexOf(LF, start);
    const end = found < 0 ? bytes.length : found;
    if (this.#begun.length + (end - start) > this.#limitBytes) throw new DecodeError(this.#what, "is too long");
    const text = this.#begun + latin1(bytes, start, end);
    this.#begun = found < 0 ? text : "";
    if (found < 0) this.line = undefined;
    else this.line = text.endsWith("\r") ? text.slice(0, -1) : text;
    return found < 0 ? bytes.length : end + 1;
  }
}

type BodyPhase =
  | { readonly kind: "none" }
  | { readonly kind: "length"; left: number }
  | { readonly kind: "until-close" }
  | { readonly kind: "chunk-size" }
  | { readonly kind: "chunk"; left: number }
  | { readonly kind: "chunk-end" };

/** Reads one response; the body is handed on in pieces and not kept. */
export class HttpResponseReader {
  readonly #withBody: boolean;
  readonly #onBody: (bytes: Uint8Array) => void;
  readonly #headLines = new LineCollector("head", HTTP_HEAD_LIMIT_BYTES);
  readonly #chunkLines = new LineCollector("chunk size", CHUNK_LINE_LIMIT_BYTES);
  #lines: string[] = [];
  #headBytes = 0;
  #chunkLineBytes = 0;
  #head: HttpHead | undefined;
  #begun: HttpHead | undefined;
  #body: BodyPhase = { kind: "none" };

  /** @param withBody false for the answer to a HEAD */
  constructor(withBody: boolean, onBody: (bytes: Uint8Array) => void) {
    this.#withBody = withBody;
    this.#onBody = onBody;
  }

  get head(): HttpHead | undefined {
    return this.#head;
  }

  /** The status of the response proper as soon as its line is there; its fields may be yet to come. */
  get status(): Pick<HttpHead, "status" | "reasonPhrase"> | undefined {
    return this.#head ?? this.#begun;
  }

  /** Whether the whole response has been read. */
  get complete(): boolean {
    return this.#head !== undefined && this.#body.kind === "none";
  }

  /** Whether the close of the connection is the proper end of the body. */
  get endsWithClose(): boolean {
    return this.#head !== undefined && this.#body.kind === "until-close";
  }

  /** @throws DecodeError for what is not HTTP, or goes over a limit. */
  push(bytes: Uint8Array): void {
    let offset = 0;
    while (offset < bytes.length && !this.complete) {
      offset = this.#head === undefined ? this.#pushHead(bytes, offset) : this.#pushBody(bytes, offset);
    }
  }

  #pushHead(bytes: Uint8Array, start: number): number {
    for (let offset = start; offset < bytes.length; ) {
      const next = this.#headLines.take(bytes, offset);
      this.#headBytes += next - offset;
      if (this.#headBytes > HTTP_HEAD_LIMIT_BYTES) throw new DecodeError("head", "is too long");
      offset = next;
      const { line } = this.#headLines;
      if (line === undefined) continue;
      if (line !== "") {
        this.#lines.push(line);
        // What does not speak HTTP is told at its first line.
        if (this.#lines.length === 1) this.#takeStatus(decodeHttpHead(line));
      } else if (this.#lines.length > 0 && this.#takeHead()) return offset;
    }
    return bytes.length;
  }

  #takeStatus(line: HttpHead): void {
    // RFC 9110 section 15.2: interim responses come before the final one; 101 is the last one of HTTP.
    if (line.status >= 200 || line.status === SWITCHING_PROTOCOLS) this.#begun = line;
  }

  /** The head is there. @returns whether it is that of the response proper. */
  #takeHead(): boolean {
    const head = decodeHttpHead(this.#lines.join("\n"));
    this.#lines = [];
    if (this.#begun === undefined) return false;
    this.#head = head;
    this.#body = this.#bodyOf(head);
    return true;
  }

  /** RFC 9112 section 6.3. */
  #bodyOf(head: HttpHead): BodyPhase {
    if (!this.#withBody || BODILESS.includes(head.status)) return { kind: "none" };
    const encoding = head.fields.get("transfer-encoding");
    if (encoding !== undefined) {
      return /(^|,)\s*chunked$/i.test(encoding) ? { kind: "chunk-size" } : { kind: "until-close" };
    }
    const length = head.fields.get("content-length");
    if (length === undefined) return { kind: "until-close" };
    // RFC 9112 section 6.3: the same number several times is one, different ones are none.
    const [number = "", ...again] = length.split(/\s*,\s*/);
    if (!/^\d{1,15}$/.test(number)) throw new DecodeError("content-length", "is not a number");
    if (again.some((each) => each !== number)) throw new DecodeError("content-length", "is several numbers");
    const left = Number(number);
    return left === 0 ? { kind: "none" } : { kind: "length", left };
  }

  #pushBody(bytes: Uint8Array, start: number): number {
    const body = this.#body;
    switch (body.kind) {
      case "none":
        return bytes.length;
      case "until-close":
        this.#onBody(bytes.subarray(start));
        return bytes.length;
      case "length":
      case "chunk":
        return this.#pushCounted(body, bytes, start);
      case "chunk-size":
      case "chunk-end":
        return this.#pushChunkLine(body.kind, bytes, start);
    }
  }

  #pushCounted(body: { readonly kind: "length" | "chunk"; left: number }, bytes: Uint8Array, start: number): number {
    const piece = bytes.subarray(start, start + body.left);
    this.#onBody(piece);
    body.left -= piece.length;
    if (body.left === 0) this.#body = body.kind === "chunk" ? { kind: "chunk-end" } : { kind: "none" };
    return start + piece.length;
  }

  #pushChunkLine(kind: "chunk-size" | "chunk-end", bytes: Uint8Array, start: number): number {
    const next = this.#chunkLines.take(bytes, start);
    const { line } = this.#chunkLines;
    this.#chunkLineBytes += next - start;
    if (this.#chunkLineBytes > CHUNK_LINES_LIMIT_BYTES) throw new DecodeError("text of chunk sizes", "is too long");
    if (line === undefined) return next;
    if (kind === "chunk-end" && line !== "") throw new DecodeError("chunk", "is longer than it says");
    this.#body = kind === "chunk-end" ? { kind: "chunk-size" } : this.#chunkOf(line);
    return next;
  }

  #chunkOf(line: string): BodyPhase {
    const size = /^([0-9a-fA-F]{1,12})\s*(;.*)?$/.exec(line);
    if (size === null) throw new DecodeError("chunk size", "is not a hexadecimal number");
    const left = Number.parseInt(size[1] ?? "", 16);
    // The trailer after the last chunk is of no interest.
    return left === 0 ? { kind: "none" } : { kind: "chunk", left };
  }
}
