/**
 * Netlink attributes as declarative schemas: one literal gives the TypeScript type, the encoder and the decoder,
 * so the two cannot disagree. A schema is itself an attribute type, which makes nesting free.
 *
 * Attributes whose id the schema does not know are skipped: newer kernels send more. Everything else that is not
 * as declared is a DecodeError whose path names the attribute.
 */
import { DecodeError } from "../../lib/errors.ts";
import type { Reader, Writer } from "../bytes/bytes.ts";

/** linux/netlink.h: two bits of the type say how the payload is built; the rest is the id. */
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;
/** struct nlattr: u16 length (of header and payload), u16 type; linux/netlink.h. */
const ATTRIBUTE_HEADER_BYTES = 4;
const ATTRIBUTE_ALIGNMENT_BYTES = 4;

/** How one kind of payload is written and read; the header around it is the schema's work. */
export interface AttributeType<T> {
  readonly name: string;
  /** Written with NLA_F_NESTED. */
  readonly nested: boolean;
  /** @throws RangeError when the value does not fit. */
  encode(writer: Writer, value: T): void;
  /** The reader holds exactly the payload. @throws DecodeError */
  decode(reader: Reader): T;
}

/** The attributes of one nest: a name for each, with its id in the header file and its type. */
export type AttributeFields = Readonly<Record<string, readonly [id: number, type: AttributeType<unknown>]>>;

/** What a nest holds: every field may be absent, that is all the wire promises. */
export type AttributeValues<F extends AttributeFields> = {
  readonly [K in keyof F]?: (F[K][1] extends AttributeType<infer T> ? T : never) | undefined;
};

/** The value type of a schema. */
export type Attributes<S> = S extends AttributeType<infer T> ? T : never;

function scalar<T>(name: string, encode: (writer: Writer, value: T) => void, decode: (reader: Reader) => T) {
  return { name, nested: false, encode, decode } satisfies AttributeType<T>;
}

export const u8 = scalar<number>(
  "u8",
  (writer, value) => writer.u8(value),
  (reader) => reader.u8(),
);
export const u16 = scalar<number>(
  "u16",
  (writer, value) => writer.u16(value),
  (reader) => reader.u16(),
);
export const be16 = scalar<number>(
  "be16",
  (writer, value) => writer.be16(value),
  (reader) => reader.be16(),
);
export const u32 = scalar<number>(
  "u32",
  (writer, value) => writer.u32(value),
  (reader) => reader.u32(),
);
export const be32 = scalar<number>(
  "be32",
  (writer, value) => writer.be32(value),
  (reader) => reader.be32(),
);
export const i32 = scalar<number>(
  "i32",
  (writer, value) => writer.i32(value),
  (reader) => reader.i32(),
);
export const u64 = scalar<bigint>(
  "u64",
  (writer, value) => writer.u64(value),
  (reader) => reader.u64(),
);

/** Any bytes, also none. Decoded, they are a view of the input. */
export const bytes = scalar<Uint8Array>(
  "bytes",
  (writer, value) => writer.bytes(value),
  (reader) => reader.rest(),
);

/** An attribute without a payload that says something by being there. */
export const flag = scalar<true>(
  "flag",
  () => undefined,
  () => true,
);

/** Bits and which of them count: struct ip_vs_flags, struct nla_bitfield32. */
export const flagsAndMask = scalar<{ readonly flags: number; readonly mask: number }>(
  "flagsAndMask",
  (writer, value) => {
    writer.u32(value.flags);
    writer.u32(value.mask);
  },
  (reader) => ({ flags: reader.u32(), mask: reader.u32() }),
);

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder();

/** Text with a zero byte at its end. The kernel also takes and sends it without one. */
export const cstring = scalar<string>(
  "cstring",
  (writer, value) => {
    if (value.includes("\0")) throw new RangeError(`${JSON.stringify(value)} has a zero byte inside`);
    writer.bytes(textEncoder.encode(value));
    writer.u8(0);
  },
  (reader) => {
    const payload = reader.rest();
    const end = payload.indexOf(0);
    if (end < 0) return textDecoder.decode(payload);
    for (let index = end; index < payload.length; index += 1) {
      if (payload[index] !== 0) throw new DecodeError("", "cstring has bytes after its end");
    }
    return textDecoder.decode(payload.subarray(0, end));
  },
);

interface Field {
  readonly key: string;
  readonly id: number;
  readonly type: AttributeType<unknown>;
}

class Schema<F extends AttributeFields> implements AttributeType<AttributeValues<F>> {
  readonly name: string;
  readonly nested = true;
  readonly #fields: readonly Field[];
  readonly #byId: readonly (Field | undefined)[];

  constructor(name: string, fields: F) {
    this.name = name;
    this.#fields = Object.entries(fields).map(([key, [id, type]]) => ({ key, id, type }));
    const byId: (Field | undefined)[] = [];
    for (const field of this.#fields) byId[field.id] = field;
    this.#byId = byId;
  }

  encode(writer: Writer, values: AttributeValues<F>): void {
    const record: Readonly<Record<string, unknown>> = values;
    for (const field of this.#fields) {
      const value = record[field.key];
      if (value === undefined) continue;
      const start = writer.position;
      writer.u16(0);
      writer.u16(field.type.nested ? field.id | NLA_F_NESTED : field.id);
      field.type.encode(writer, value);
      writer.patchU16(start, writer.position - start);
      writer.align(ATTRIBUTE_ALIGNMENT_BYTES);
    }
  }

  decode(reader: Reader): AttributeValues<F> {
    const values: Record<string, unknown> = {};
    while (reader.remaining > 0) {
      if (reader.remaining < ATTRIBUTE_HEADER_BYTES) reader.finish();
      const length = reader.u16();
      const id = reader.u16() & NLA_TYPE_MASK;
      const payloadBytes = length - ATTRIBUTE_HEADER_BYTES;
      const field = this.#byId[id];
      const label = field?.key ?? `${this.name} ${id}`;
      if (payloadBytes < 0) throw new DecodeError(label, `an attribute cannot be ${length} bytes long`);
      if (field === undefined) {
        reader.skip(payloadBytes, label);
      } else {
        const outerEnd = reader.enter(payloadBytes, label);
        values[field.key] = decodeField(field, reader);
        reader.leave(outerEnd, label);
      }
      // The last attribute may come without its padding.
      reader.skip(Math.min(-payloadBytes & (ATTRIBUTE_ALIGNMENT_BYTES - 1), reader.remaining));
    }
    return values as AttributeValues<F>;
  }
}

function decodeField(field: Field, reader: Reader): unknown {
  try {
    return field.type.decode(reader);
  } catch (error) {
    throw error instanceof DecodeError ? error.within(field.key) : error;
  }
}

/**
 * A nest of attributes.
 * @param name The prefix of the ids in the kernel's header, for error texts.
 */
export function attributes<const F extends AttributeFields>(
  name: string,
  fields: F,
): AttributeType<AttributeValues<F>> {
  return new Schema(name, fields);
}

/**
 * A nest in which every attribute has the same id, one after another: the values in their order. Other ids are skipped.
 * @param name The prefix of the ids in the kernel's header, for error texts.
 */
export function attributeList<T>(name: string, id: number, element: AttributeType<T>): AttributeType<readonly T[]> {
  return {
    name,
    nested: true,
    encode(writer, values) {
      for (const value of values) {
        const start = writer.position;
        writer.u16(0);
        writer.u16(element.nested ? id | NLA_F_NESTED : id);
        element.encode(writer, value);
        writer.patchU16(start, writer.position - start);
        writer.align(ATTRIBUTE_ALIGNMENT_BYTES);
      }
    },
    decode(reader) {
      const values: T[] = [];
      while (reader.remaining > 0) {
        const length = reader.u16(name);
        const isElement = (reader.u16(name) & NLA_TYPE_MASK) === id;
        const payloadBytes = length - ATTRIBUTE_HEADER_BYTES;
        if (payloadBytes < 0) throw new DecodeError(name, `an attribute cannot be ${length} bytes long`);
        const outerEnd = reader.enter(payloadBytes, name);
        if (isElement) values.push(element.decode(reader));
        else reader.skip(payloadBytes, name);
        reader.leave(outerEnd, name);
        reader.skip(Math.min(-payloadBytes & (ATTRIBUTE_ALIGNMENT_BYTES - 1), reader.remaining));
      }
      return values;
    },
  };
}
