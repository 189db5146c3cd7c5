/** The PostgreSQL protocol, version 3, as far as pg_isready goes: a server that asks for a login, or refuses one, works. */
import { ByteCollector } from "../transport/byte-collector.ts";
import { CONTINUE, type Dialogue, type Judgement, type Step } from "../transport/dialogue.ts";
import { quoteBytes } from "../transport/probe-text.ts";

/** fe-protocol3.c: no message at this stage is longer than 30,000 bytes. */
const ANSWER_LIMIT_BYTES = 30_000;
const PROTOCOL_3_0 = 0x0003_0000;
/** SSLRequest: a length and a version that is none; the answer is the letter S or N. */
const TLS_REQUEST = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);
const TLS_GRANTED = 0x53;
const TLS_DENIED = 0x4e;
const NOTHING = new Uint8Array(0);
const TERMINATE = Uint8Array.of(0x58, 0, 0, 0, 4);
/**
 * errcodes.txt: class 53 (no memory, no room on the disk, too many connections), admin_shutdown, crash_shutdown,
 * cannot_connect_now.
 */
const NOT_WORKING = /^(?:53...|57P0[123])$/;

/** The types of messages: Authentication…, ErrorResponse, NoticeResponse. */
const AUTHENTICATION = 0x52;
const ERROR = 0x45;
const NOTICE = 0x4e;
/** What a server sends once a login is taken: ParameterStatus, BackendKeyData, ReadyForQuery. */
const AT_WORK: readonly number[] = [0x53, 0x4b, 0x5a];

function startup(): Uint8Array {
  const settings = Buffer.from("user\0tandem\0database\0postgres\0application_name\0tandem\0\0", "latin1");
  const head = Buffer.alloc(8);
  head.writeUInt32BE(head.length + settings.length, 0);
  head.writeUInt32BE(PROTOCOL_3_0, 4);
  return Buffer.concat([head, settings]);
}

/** The fields of an ErrorResponse by their letters: S severity, C code, M message. */
function errorFields(payload: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const fields = new Map<string, Uint8Array>();
  let at = 0;
  while (at < payload.length && payload[at] !== 0) {
    const end = payload.indexOf(0, at + 1);
    if (end < 0) break;
    fields.set(String.fromCharCode(payload[at] ?? 0), payload.subarray(at + 1, end));
    at = end + 1;
  }
  return fields;
}

class PostgresqlDialogue implements Dialogue {
  readonly opening: Uint8Array;
  readonly #collected = new ByteCollector(ANSWER_LIMIT_BYTES);
  #asksForTls: boolean;
  /** A login without a password was taken; an error may still follow. */
  #isTaken = false;

  constructor(startsTls: boolean) {
    this.#asksForTls = startsTls;
    this.opening = startsTls ? TLS_REQUEST : startup();
  }

  connected(): Step {
    return CONTINUE;
  }

  secured(): Step {
    this.#asksForTls = false;
    return { kind: "send", bytes: startup() };
  }

  receive(bytes: Uint8Array): Step {
    // One letter alone: whatever came with it would be taken for a part of what is said within TLS.
    if (this.#asksForTls && bytes.length === 1 && (bytes[0] === TLS_GRANTED || bytes[0] === TLS_DENIED)) {
      return bytes[0] === TLS_GRANTED
        ? { kind: "send", bytes: NOTHING, startsTls: true }
        : { kind: "failure", failure: "wrong-answer", detail: "the server offers no TLS" };
    }
    this.#collected.push(bytes);
    for (;;) {
      const step = this.#next();
      if (step !== undefined) return step;
    }
  }

  /** Takes the next message, if it has come; undefined: another one decides. */
  #next(): Step | undefined {
    const given = Buffer.from(this.#collected.bytes);
    const type = given[0];
    if (type === undefined) return CONTINUE;
    if (this.#isTaken && AT_WORK.includes(type)) {
      return { kind: "success", detail: "the server takes a login", farewell: TERMINATE };
    }
    // Nothing but an error comes in the place of the letter.
    const isExpected = this.#asksForTls ? type === ERROR : [AUTHENTICATION, ERROR, NOTICE].includes(type);
    if (!isExpected) return this.#wrong();
    if (given.length < 5) return CONTINUE;
    const length = given.readUInt32BE(1);
    if (length < 4 || length > ANSWER_LIMIT_BYTES) return this.#wrong();
    if (given.length < 1 + length) {
      if (!this.#collected.isFull) return CONTINUE;
      return { kind: "failure", failure: "too-long", detail: "the server's message is too long" };
    }
    const payload = given.subarray(5, 1 + length);
    if (type === ERROR) return this.#refused(payload);
    if (type === AUTHENTICATION) {
      if (payload.length < 4) return this.#wrong();
      if (payload.readUInt32BE(0) !== 0) {
        return { kind: "success", detail: "the server asks for a login", farewell: TERMINATE };
      }
      // AuthenticationOk: what comes next tells.
      this.#isTaken = true;
    }
    this.#collected.drop(1 + length);
    return undefined;
  }

  closed(): Judgement {
    const when = this.#isTaken ? "after it took the login" : "without an answer";
    return { kind: "failure", failure: "closed", detail: `the server closed ${when}` };
  }

  expired(): Judgement {
    const { bytes } = this.#collected;
    const detail = bytes.length === 0 ? "no answer in time" : `the answer did not end in time: ${quoteBytes(bytes)}`;
    return { kind: "failure", failure: "timeout", detail };
  }

  #wrong(): Judgement {
    const detail = `the answer is not PostgreSQL's: ${quoteBytes(this.#collected.bytes)}`;
    return { kind: "failure", failure: "wrong-answer", detail };
  }

  #refused(payload: Uint8Array): Judgement {
    const fields = errorFields(payload);
    const code = Buffer.from(fields.get("C") ?? []).toString("latin1");
    const said = quoteBytes(fields.get("M") ?? new Uint8Array(0));
    if (!this.#asksForTls && /^[0-9A-Z]{5}$/.test(code) && !NOT_WORKING.test(code)) {
      return { kind: "success", detail: `the server answers, refusing this login (${code})` };
    }
    return { kind: "failure", failure: "wrong-answer", detail: `the server says ${code || "an error"}: ${said}` };
  }
}

/** Goes as far as the question for a login; with `startsTls` within TLS, asked for in the clear. */
export function postgresqlDialogue(startsTls = false): Dialogue {
  return new PostgresqlDialogue(startsTls);
}
