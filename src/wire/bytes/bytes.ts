/**
 * Bounds-checked reading and writing of bytes. Reading throws only DecodeError, writing only RangeError.
 *
 * The names say the byte order: `u16` is the machine's, which is little-endian on every machine Bun runs on
 * (x86-64 and arm64), `be16` is the network's. A reader or writer is reused rather than sliced, so that
 * thousands of netlink attributes cost no garbage.
 */
import { DecodeError } from "../../lib/errors.ts";

const LITTLE_ENDIAN = true;

/** Reads values one after another. `field` names the value in the error; inside attributes the schema names it. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;
  #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  /** Bytes left before the end, or before the end of the part entered. */
  get remaining(): number {
    return this.#end - this.#position;
  }

  /** Bytes read so far, counted from the start of the whole input. */
  get position(): number {
    return this.#position;
  }

  u8(field = ""): number {
    return this.#view.getUint8(this.#advance(1, "u8", field));
  }

  u16(field = ""): number {
    return this.#view.getUint16(this.#advance(2, "u16", field), LITTLE_ENDIAN);
  }

  be16(field = ""): number {
    return this.#view.getUint16(this.#advance(2, "be16", field));
  }

  u32(field = ""): number {
    return this.#view.getUint32(this.#advance(4, "u32", field), LITTLE_ENDIAN);
  }

  be32(field = ""): number {
    return this.#view.getUint32(this.#advance(4, "be32", field));
  }

  i32(field = ""): number {
    return this.#view.getInt32(this.#advance(4, "i32", field), LITTLE_ENDIAN);
  }

  u64(field = ""): bigint {
    return this.#view.getBigUint64(this.#advance(8, "u64", field), LITTLE_ENDIAN);
  }

  be64(field = ""): bigint {
    return this.#view.getBigUint64(this.#advance(8, "be64", field));
  }

  /** The next `length` bytes: a view of the input, not a copy. */
  bytes(length: number, field = ""): Uint8Array {
    const start = this.#advance(length, "bytes", field);
    return this.#bytes.subarray(start, start + length);
  }

  /** All bytes that are left: a view of the input, not a copy. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  skip(length: number, field = ""): void {
    this.#advance(length, "padding", field);
  }

  /** Narrows the reader to the next `length` bytes; give the returned value to `leave` after reading them. */
  enter(length: number, field = ""): number {
    if (length > this.remaining) throw new DecodeError(field, `needs ${length} bytes, got ${this.remaining}`);
    const outerEnd = this.#end;
    this.#end = this.#position + length;
    return outerEnd;
  }

  /** Ends what `enter` began. @throws DecodeError when bytes of the part were not read. */
  leave(outerEnd: number, field = ""): void {
    this.finish(field);
    this.#end = outerEnd;
  }

  /** @throws DecodeError when bytes are left. */
  finish(field = ""): void {
    if (this.remaining > 0) throw new DecodeError(field, `${this.remaining} stray bytes at the end`);
  }

  #advance(length: number, what: string, field: string): number {
    const start = this.#position;
    if (length > this.#end - start) {
      throw new DecodeError(field, `${what} needs ${length} bytes, got ${this.#end - start}`);
    }
    this.#position = start + length;
    return start;
  }
}

/** Writes values one after another into a buffer of a fixed size, made once and reused. */
export class Writer {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #position = 0;

  constructor(capacityBytes: number) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get position(): number {
    return this.#position;
  }

  /** What was written so far: a view that the next `reset` makes invalid. */
  written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#position);
  }

  /** Forgets what was written, or all of it after `position`. */
  reset(position = 0): void {
    if (position > this.#position) throw new RangeError(`cannot reset forward, to ${position}`);
    this.#position = position;
  }

  u8(value: number): void {
    checkRange(value, 0xff, "u8");
    this.#view.setUint8(this.#advance(1), value);
  }

  u16(value: number): void {
    checkRange(value, 0xffff, "u16");
    this.#view.setUint16(this.#advance(2), value, LITTLE_ENDIAN);
  }

  be16(value: number): void {
    checkRange(value, 0xffff, "be16");
    this.#view.setUint16(this.#advance(2), value);
  }

  u32(value: number): void {
    checkRange(value, 0xffff_ffff, "u32");
    this.#view.setUint32(this.#advance(4), value, LITTLE_ENDIAN);
  }

  be32(value: number): void {
    checkRange(value, 0xffff_ffff, "be32");
    this.#view.setUint32(this.#advance(4), value);
  }

  i32(value: number): void {
    if (!Number.isInteger(value) || value < -0x8000_0000 || value > 0x7fff_ffff) refuse(value, "i32");
    this.#view.setInt32(this.#advance(4), value, LITTLE_ENDIAN);
  }

  u64(value: bigint): void {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) refuse(value, "u64");
    this.#view.setBigUint64(this.#advance(8), value, LITTLE_ENDIAN);
  }

  be64(value: bigint): void {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) refuse(value, "be64");
    this.#view.setBigUint64(this.#advance(8), value);
  }

  bytes(value: Uint8Array): void {
    this.#bytes.set(value, this.#advance(value.length));
  }

  zeros(length: number): void {
    const start = this.#advance(length);
    this.#bytes.fill(0, start, start + length);
  }

  /** Writes zeros up to the next multiple of `alignment`. */
  align(alignment: number): void {
    const excess = this.#position % alignment;
    if (excess !== 0) this.zeros(alignment - excess);
  }

  /** Overwrites a 16-bit value written before, for lengths known only afterwards. */
  patchU16(position: number, value: number): void {
    checkRange(value, 0xffff, "u16");
    this.#checkWritten(position, 2);
    this.#view.setUint16(position, value, LITTLE_ENDIAN);
  }

  /** Overwrites a 16-bit value in network order written before, for checksums. */
  patchBe16(position: number, value: number): void {
    checkRange(value, 0xffff, "be16");
    this.#checkWritten(position, 2);
    this.#view.setUint16(position, value);
  }

  patchU32(position: number, value: number): void {
    checkRange(value, 0xffff_ffff, "u32");
    this.#checkWritten(position, 4);
    this.#view.setUint32(position, value, LITTLE_ENDIAN);
  }

  #checkWritten(position: number, length: number): void {
    if (position < 0 || position + length > this.#position) throw new RangeError(`nothing was written at ${position}`);
  }

  #advance(length: number): number {
    const start = this.#position;
    if (start + length > this.#bytes.length) {
      throw new RangeError(`the buffer of ${this.#bytes.length} bytes has no room for ${length} more`);
    }
    this.#position = start + length;
    return start;
  }
}

function checkRange(value: number, max: number, name: string): void {
  if (!Number.isInteger(value) || value < 0 || value > max) refuse(value, name);
}

function refuse(value: number | bigint, name: string): never {
  throw new RangeError(`${value} does not fit ${name}`);
}
