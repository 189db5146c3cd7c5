/** RFC 792 and RFC 4443: one echo. */
import { CONTINUE, type Dialogue, type Step } from "../transport/dialogue.ts";

const ECHO_REQUEST = { inet: 8, inet6: 128 } as const;
const ECHO_REPLY = { inet: 0, inet6: 129 } as const;
const HEADER_BYTES = 8;

/** RFC 1071. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export interface EchoOptions {
  readonly family: "inet" | "inet6";
  /** Whether IPv4 answers come with their IP header. */
  readonly raw: boolean;
  /** At least 8 random bytes, by which the answer is known whatever identifier the kernel gives it. */
  readonly cookie: Uint8Array;
}

/** Where the ICMP message begins. */
function messageOf(bytes: Uint8Array, { family, raw }: EchoOptions): Uint8Array {
  return family === "inet" && raw ? bytes.subarray(((bytes[0] ?? 0) & 0xf) * 4) : bytes;
}

function echoRequest({ family, cookie }: EchoOptions): Uint8Array {
  const message = Buffer.concat([
    Uint8Array.of(ECHO_REQUEST[family], 0, 0, 0),
    cookie.subarray(0, 2),
    Uint8Array.of(0, 1),
    cookie,
  ]);
  // The kernel makes that of ICMPv6, which covers a part of the IP header.
  if (family === "inet") message.writeUInt16BE(checksum(message), 2);
  return message;
}

export function pingDialogue(options: EchoOptions): Dialogue {
  const isAnswer = (bytes: Uint8Array): boolean => {
    const message = messageOf(bytes, options);
    const type = message[0];
    return type === ECHO_REPLY[options.family] && Buffer.from(message.subarray(HEADER_BYTES)).equals(options.cookie);
  };
  return {
    opening: echoRequest(options),
    connected: () => CONTINUE,
    receive: (bytes): Step => (isAnswer(bytes) ? { kind: "success", detail: "an echo" } : CONTINUE),
    closed: () => ({ kind: "failure", failure: "closed", detail: "the conversation ended" }),
    expired: () => ({ kind: "failure", failure: "timeout", detail: "no echo in time" }),
  };
}
