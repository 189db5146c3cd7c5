import { createHash, randomBytes } from "node:crypto";
import { type Parsed, parsed, problem } from "../lib/parsed.ts";

/** SHA-256's own size: a longer HMAC key adds nothing (RFC 2104 section 3). */
export const KEY_LENGTH_BYTES = 32;

/** The keys of a pair's heartbeats. */
export interface PairKeys {
  /** The first key of the file: what this router signs with. */
  readonly signing: Uint8Array;
  /** Every key that a heartbeat may be signed with, the signing key first; two during a rotation. */
  readonly accepted: readonly Uint8Array[];
}

/** Tells whether two routers, or two moments, have the same keys: 16 hexadecimal digits that say nothing of the keys. */
export function keysDigest({ accepted }: PairKeys): string {
  const hash = createHash("sha256").update("tandem keys");
  for (const key of accepted) hash.update(key);
  return hash.digest("hex").slice(0, 16);
}

/** The current key and the one it is being replaced with. */
const MAX_KEYS = 2;

function parseKey(line: string): Uint8Array | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(line)) return new Uint8Array(Buffer.from(line, "hex"));
  if (/^[A-Za-z0-9+/]{43}=?$/.test(line)) return new Uint8Array(Buffer.from(line, "base64"));
  return undefined;
}

/**
 * Reads the text of a key file: one key a line, 32 bytes as 64 hexadecimal digits or as base64; `#` begins a comment.
 * The first key signs; a second one is accepted too, which is how a key is changed without a missed heartbeat:
 * add the new one as the second line on both routers, swap the lines on both, then delete the old one on both.
 */
export function parseKeys(text: string): Parsed<PairKeys> {
  const keys: Uint8Array[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const word = (line.split("#")[0] ?? "").trim();
    if (word === "") continue;
    const key = parseKey(word);
    // The line itself is never shown: a mistyped key is still a secret.
    if (key === undefined) return problem(`line ${index + 1} is not a key of 32 bytes, as 64 hex digits or as base64`);
    if (key.length !== KEY_LENGTH_BYTES) return problem(`the key in line ${index + 1} has ${key.length} bytes, not 32`);
    keys.push(key);
  }
  const [signing] = keys;
  if (signing === undefined) return problem("there is no key in it");
  if (keys.length > MAX_KEYS) return problem(`there are ${keys.length} keys in it; it may have two, during a rotation`);
  return parsed({ signing, accepted: keys });
}

/** The text of a new key file, with 32 random bytes from the system. */
export function generateKey(): string {
  return `${randomBytes(KEY_LENGTH_BYTES).toString("hex")}\n`;
}
