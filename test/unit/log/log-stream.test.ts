import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LOG_WAITING_BYTES_MAX, LogStream, type WriteSome } from "../../../src/log/log-stream.ts";

type Answer = { readonly error: Error } | { readonly takes: number };

const FULL = { error: Object.assign(new Error("no"), { code: "ENOSPC" }) };
const BUSY = { error: Object.assign(new Error("no"), { code: "EAGAIN" }) };
const ALL = { takes: Number.POSITIVE_INFINITY };

/** A stream whose writes are answered by hand. */
class Reader {
  taken = "";
  #pending: { readonly bytes: Uint8Array; readonly done: Parameters<WriteSome>[1] } | undefined;

  readonly write: WriteSome = (bytes, done) => {
    if (this.#pending !== undefined) throw new Error("two writes at once");
    this.#pending = { bytes, done };
  };

  get isAsked(): boolean {
    return this.#pending !== undefined;
  }

  /** What the write is answered with. */
  answer(answer: Answer): void {
    const pending = this.#pending;
    if (pending === undefined) throw new Error("nothing is written");
    this.#pending = undefined;
    if ("error" in answer) {
      pending.done(answer.error, 0);
      return;
    }
    const bytes = pending.bytes.subarray(0, answer.takes);
    this.taken += new TextDecoder().decode(bytes);
    pending.done(null, bytes.length);
  }

  /** Answers whatever comes. */
  answerAll(answer: Answer): void {
    while (this.isAsked) this.answer(answer);
  }
}

function open() {
  const reader = new Reader();
  const lossLine = (lines: number, reason: string) => `LOST ${lines}: ${reason}`;
  const stream = new LogStream({ write: reader.write, now: () => 42, lossLine, retryMs: 1 });
  return { reader, stream };
}

describe("LogStream", () => {
  test("writes lines in their order, one write at a time", () => {
    const { reader, stream } = open();
    for (const line of ["a", "b", "c"]) stream.write(line);
    reader.answerAll({ takes: 3 });
    expect(reader.taken).toBe("a\nb\nc\n");
    expect(stream.health).toEqual({ lostLines: 0 });
  });

  test("loses what cannot be written, counts it, and says so when it can write again", () => {
    const { reader, stream } = open();
    stream.write("a");
    reader.answer(FULL);
    expect(stream.health).toEqual({ lostLines: 1, failure: "no space is left (ENOSPC)", lostAtMs: 42 });
    stream.write("b");
    reader.answer(FULL);
    stream.write("c");
    reader.answerAll(ALL);
    expect(reader.taken).toBe("LOST 2: no space is left (ENOSPC)\nc\n");
    expect(stream.health).toEqual({ lostLines: 2, lostAtMs: 42 });
  });

  test("says what was lost also when nothing new is logged", async () => {
    const { reader, stream } = open();
    stream.write("a");
    for (const answer of [FULL, FULL, ALL]) {
      while (!reader.isAsked) await new Promise((resolve) => setImmediate(resolve));
      reader.answer(answer);
    }
    expect(reader.taken).toBe("LOST 1: no space is left (ENOSPC)\n");
    expect(stream.health).toEqual({ lostLines: 1, lostAtMs: 42 });
  });

  test("a stuck reader costs nothing but the lines beyond the limit", () => {
    const { reader, stream } = open();
    const line = "x".repeat(1023);
    const room = LOG_WAITING_BYTES_MAX / 1024;
    for (let count = 0; count < room + 5; count += 1) stream.write(line);
    expect(stream.health).toEqual({ lostLines: 5, failure: "nobody reads it", lostAtMs: 42 });
    reader.answerAll(ALL);
    expect(reader.taken.split("\n").length).toBe(room + 2);
    expect(reader.taken.endsWith("\nLOST 5: nobody reads it\n")).toBe(true);
    expect(stream.health.failure).toBeUndefined();
  });

  test("a stream that somebody made non-blocking is written to later", async () => {
    const { reader, stream } = open();
    stream.write("a");
    reader.answer(BUSY);
    expect(reader.isAsked).toBe(false);
    while (!reader.isAsked) await new Promise((resolve) => setImmediate(resolve));
    reader.answer(ALL);
    expect([reader.taken, stream.health.lostLines]).toEqual(["a\n", 0]);
  });

  test("after a line that was cut off by a full disk the next one begins a line", () => {
    const { reader, stream } = open();
    stream.write("first");
    stream.write("second");
    reader.answer(ALL);
    reader.answer({ takes: 3 });
    reader.answer(FULL);
    stream.write("third");
    reader.answerAll(ALL);
    expect(reader.taken).toBe("first\nsec\nLOST 1: no space is left (ENOSPC)\nthird\n");
  });

  test("settled() waits for what is being written, and not for ever", async () => {
    const { reader, stream } = open();
    await stream.settled(60_000);
    stream.write("a");
    await stream.settled(1);
    const settled = stream.settled(60_000);
    reader.answerAll(ALL);
    await settled;
    expect(reader.taken).toBe("a\n");
  });

  test("each line is written once, in order, or is among those that are said to be lost", () => {
    const answers = fc.oneof(fc.constant(FULL), fc.record({ takes: fc.integer({ min: 1, max: 9 }) }), fc.constant(ALL));
    const steps = fc.array(fc.oneof(fc.constant("write" as const), answers), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (script) => {
        const { reader, stream } = open();
        let written = 0;
        for (const step of script) {
          if (step === "write") {
            stream.write(`line ${written}.`);
            written += 1;
          } else if (reader.isAsked) reader.answer(step);
        }
        reader.answerAll(ALL);
        stream.write("last");
        reader.answerAll(ALL);
        const lines = reader.taken.split("\n");
        const whole = lines.flatMap((line) => /^line (\d+)\.$/.exec(line)?.[1] ?? []).map(Number);
        const lost = lines.flatMap((line) => /^LOST (\d+): .*\)$/.exec(line)?.[1] ?? []).map(Number);
        const { lostLines } = stream.health;
        expect(whole).toEqual([...new Set(whole)].toSorted((a, b) => a - b));
        expect(lost.reduce((sum, count) => sum + count, 0)).toBe(lostLines);
        expect(whole.length + lostLines).toBe(written);
        expect(lines.slice(-2)).toEqual(["last", ""]);
      }),
    );
  });
});
