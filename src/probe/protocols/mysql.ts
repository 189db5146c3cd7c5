/**
 * The MySQL and MariaDB protocol as far as a probe needs it. A client that goes away after the greeting counts as an
 * error of its host, and after 100 of those (max_connect_errors) the server refuses the host. So a login is tried
 * without a password: its refusal is the answer of a server that works, and does not count.
 */
import { ByteCollector } from "../transport/byte-collector.ts";
import { CONTINUE, type Dialogue, type Judgement, type Step } from "../transport/dialogue.ts";
import { quoteBytes } from "../transport/probe-text.ts";

/** A greeting has some 80 bytes, an error message at most 512. */
const ANSWER_LIMIT_BYTES = 2_048;
const HEADER_BYTES = 4;

const PACKET_OK = 0x00;
/** AuthMoreData: the plugin has something to say, that it wants a password, say. */
const PACKET_MORE = 0x01;
const PACKET_ERROR = 0xff;
const PACKET_SWITCH = 0xfe;
const PROTOCOL_VERSION = 10;

/** CLIENT_LONG_PASSWORD | CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH */
const CAPABILITIES = 0x1 | 0x200 | 0x8000 | 0x80000;
/** CLIENT_SSL */
const CAPABILITY_TLS = 0x800;
/** utf8mb4_general_ci */
const CHARACTER_SET = 45;
const PACKET_SIZE_MAX = 0x100_0000;
const USER = "tandem";
/** COM_QUIT, as the first packet of a command. */
const QUIT = Uint8Array.of(1, 0, 0, 0, 1);

function packet(sequence: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  return Buffer.concat([Uint8Array.of(length & 0xff, (length >> 8) & 0xff, length >> 16, sequence), payload]);
}

function loginHead(capabilities: number): Buffer {
  const head = Buffer.alloc(32);
  head.writeUInt32LE(capabilities, 0);
  head.writeUInt32LE(PACKET_SIZE_MAX, 4);
  head.writeUInt8(CHARACTER_SET, 8);
  return head;
}

/** HandshakeResponse41 for a user without a password. */
function login(sequence: number, capabilities: number): Uint8Array {
  const user = Buffer.from(`${USER}\0\0mysql_native_password\0`, "latin1");
  return packet(sequence, Buffer.concat([loginHead(capabilities), user]));
}

/**
 * Whether a greeting offers TLS. HandshakeV10 after the version's NUL: thread (4), part of the salt (8), filler (1), the
 * lower half of the capabilities (2).
 */
function offersTls(payload: Uint8Array, versionEnd: number): boolean {
  const low = (payload[versionEnd + 14] ?? 0) | ((payload[versionEnd + 15] ?? 0) << 8);
  return (low & CAPABILITY_TLS) !== 0;
}

/** What the header of a packet says of its length. */
function packetBytes(header: Uint8Array): number {
  return (header[0] ?? 0) | ((header[1] ?? 0) << 8) | ((header[2] ?? 0) << 16);
}

interface Packet {
  readonly sequence: number;
  readonly payload: Uint8Array;
}

class MysqlDialogue implements Dialogue {
  readonly opening = new Uint8Array(0);
  readonly #collected = new ByteCollector(ANSWER_LIMIT_BYTES);
  readonly #startsTls: boolean;
  #version: string | undefined;
  #seen = false;
  /** The number of the packet that the greeting is followed by. */
  #sequence = 0;

  constructor(startsTls: boolean) {
    this.#startsTls = startsTls;
  }

  connected(): Step {
    return CONTINUE;
  }

  receive(bytes: Uint8Array): Step {
    this.#seen = true;
    this.#collected.push(bytes);
    const next = this.#next();
    if (next !== undefined) return this.#judge(next);
    const { bytes: seen } = this.#collected;
    if (seen.length < HEADER_BYTES || packetBytes(seen) <= ANSWER_LIMIT_BYTES - HEADER_BYTES) return CONTINUE;
    return { kind: "failure", failure: "wrong-answer", detail: `the answer is not MySQL's: ${quoteBytes(seen)}` };
  }

  secured(): Step {
    return { kind: "send", bytes: login((this.#sequence + 1) & 0xff, CAPABILITIES | CAPABILITY_TLS) };
  }

  closed(): Judgement {
    const when = this.#seen ? "in the middle of its greeting" : "without a greeting";
    return { kind: "failure", failure: "closed", detail: `the server closed ${when}` };
  }

  expired(): Judgement {
    const what = this.#version === undefined ? "no greeting in time" : `MySQL ${this.#version}, no answer to the login`;
    return { kind: "failure", failure: "timeout", detail: what };
  }

  #next(): Packet | undefined {
    const { bytes } = this.#collected;
    if (bytes.length < HEADER_BYTES) return undefined;
    const length = packetBytes(bytes);
    if (bytes.length < HEADER_BYTES + length) return undefined;
    this.#collected.drop(HEADER_BYTES + length);
    return { sequence: bytes[3] ?? 0, payload: bytes.subarray(HEADER_BYTES, HEADER_BYTES + length) };
  }

  #judge({ sequence, payload }: Packet): Step {
    const [type] = payload;
    if (type === PACKET_ERROR) return this.#refused(payload);
    if (this.#version === undefined) return this.#greeted(sequence, payload);
    // Another way to authenticate is wanted: nothing is all that there is to offer.
    if (type === PACKET_SWITCH) return { kind: "send", bytes: packet((sequence + 1) & 0xff, new Uint8Array(0)) };
    if (type === PACKET_OK) return { kind: "success", detail: `MySQL ${this.#version}`, farewell: QUIT };
    if (type === PACKET_MORE) return { kind: "success", detail: `MySQL ${this.#version} wants a login` };
    const detail = `MySQL ${this.#version}, but its answer to the login is none: ${quoteBytes(payload)}`;
    return { kind: "failure", failure: "wrong-answer", detail };
  }

  #greeted(sequence: number, payload: Uint8Array): Step {
    const end = payload.indexOf(0, 1);
    if (payload[0] !== PROTOCOL_VERSION || end < 0) {
      const detail = `the answer is no MySQL greeting: ${quoteBytes(payload)}`;
      return { kind: "failure", failure: "wrong-answer", detail };
    }
    // MariaDB 10 and later says so for old replicas, which take a first digit for the whole.
    this.#version = quoteBytes(payload.subarray(1, end))
      .slice(1, -1)
      .replace(/^5\.5\.5-(?=.*MariaDB)/, "");
    this.#sequence = (sequence + 1) & 0xff;
    if (!this.#startsTls) return { kind: "send", bytes: login(this.#sequence, CAPABILITIES) };
    if (!offersTls(payload, end)) {
      return { kind: "failure", failure: "wrong-answer", detail: `MySQL ${this.#version} offers no TLS` };
    }
    // SSLRequest: the beginning of a login.
    const request = packet(this.#sequence, loginHead(CAPABILITIES | CAPABILITY_TLS));
    return { kind: "send", bytes: request, startsTls: true };
  }

  /** ER_ACCESS_DENIED_ERROR and its like are answers; "too many connections" and a blocked host are not. */
  #refused(payload: Uint8Array): Judgement {
    const code = (payload[1] ?? 0) | ((payload[2] ?? 0) << 8);
    const said = quoteBytes(payload.subarray(3));
    // mysqld_error.h: ER_ACCESS_DENIED_ERROR, ER_NOT_SUPPORTED_AUTH_MODE, ER_ACCESS_DENIED_NO_PASSWORD_ERROR,
    // ER_ACCOUNT_HAS_BEEN_LOCKED, ER_MUST_CHANGE_PASSWORD_LOGIN, ER_SECURE_TRANSPORT_REQUIRED.
    const works = [1045, 1251, 1698, 3118, 1862, 3159].includes(code);
    if (this.#version !== undefined && works) {
      return { kind: "success", detail: `MySQL ${this.#version} refuses a login without a password, as it should` };
    }
    return { kind: "failure", failure: "wrong-answer", detail: `the server says error ${code}: ${said}` };
  }
}

/** Goes as far as the answer to a login without a password; with `startsTls` within TLS, asked for in the clear. */
export function mysqlDialogue(startsTls = false): Dialogue {
  return new MysqlDialogue(startsTls);
}
