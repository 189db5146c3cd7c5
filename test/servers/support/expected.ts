/** The stories that kinds of a family have in common: what each way of failing should be called. */

export type Story = Readonly<Record<string, string>>;

const REFUSED = "refused: refused (ECONNREFUSED)";
const RESET = "reset: reset by the server (ECONNRESET)";
/** The first 60 letters of what the endless one says. */
export const ENDLESS = "all work and no play makes a dull server\\nall work and no pla…";
/** The first line of it. */
const ENDLESS_LINE = "all work and no play makes a dull server\\n";
const WRONG = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\\r\\n";

function whole(up: string, faults: Story): Story {
  return { first: up, relayed: up, reset: RESET, refused: REFUSED, again: up, ...faults };
}

/** A conversation by a script: `wanted` as its reason names it, `firstByte` of what the server says. */
export function scripted(
  up: string,
  { wanted, firstByte, place = "" }: { readonly wanted: string; readonly firstByte: string; readonly place?: string },
): Story {
  const expected = `connected after T; ${place}expected ${wanted}`;
  return whole(up, {
    silent: `timeout: ${expected} but got nothing in time`,
    "a byte a second": `wrong-answer: ${expected} but got "${firstByte}" in time`,
    endless: `too-long: ${expected} within 64 KiB but got "${ENDLESS}" and more`,
    "half-closed": `closed: ${expected} but got nothing before the server closed`,
    "another protocol": `wrong-answer: ${expected} but got "${WRONG}" in time`,
    "half-open": `timeout: ${expected} but got nothing in time`,
  });
}

/** A conversation of a protocol that is known: a refusal, or another protocol, is one as soon as it is read. */
export function replied(
  up: string,
  { endless, ...words }: Parameters<typeof scripted>[1] & { readonly endless?: string },
): Story {
  const expected = `connected after T; ${words.place ?? ""}expected ${words.wanted}`;
  return {
    ...scripted(up, words),
    endless: `wrong-answer: ${expected} but got "${endless ?? ENDLESS_LINE}"`,
    "another protocol": `wrong-answer: ${expected} but got "${WRONG}"`,
  };
}

/** Anything within TLS from the first byte on: it goes no further than the handshake. */
export function secured(up: string): Story {
  return whole(up, {
    silent: "timeout: connected after T; no TLS handshake within T",
    "a byte a second": "timeout: connected after T; no TLS handshake within T",
    endless: "tls: connected after T; the TLS handshake failed: WRONG_VERSION_NUMBER",
    "half-closed": "tls: connected after T; the server ended the TLS handshake",
    "another protocol": "tls: connected after T; the TLS handshake failed: WRONG_VERSION_NUMBER",
    "half-open": "timeout: connected after T; no TLS handshake within T",
  });
}

/** The connection alone: whatever is said on it. */
export function connected(): Story {
  const up = "up: connected after T; as wanted";
  const faults = ["silent", "reset", "a byte a second", "endless", "half-closed", "another protocol", "half-open"];
  return whole(up, Object.fromEntries(faults.map((fault) => [fault, up])));
}

/** A dialogue of its own; `drip` is what it says after a first byte, `alien` what it says of another protocol. */
export function spoken(
  up: string,
  words: {
    readonly silence: string;
    readonly drip: string;
    readonly closed: string;
    readonly alien: (quoted: string) => string;
  },
): Story {
  return whole(up, {
    silent: `timeout: connected after T; ${words.silence}`,
    "a byte a second": `timeout: connected after T; ${words.drip}`,
    endless: `wrong-answer: connected after T; ${words.alien(ENDLESS)}`,
    "half-closed": `closed: connected after T; ${words.closed}`,
    "another protocol": `wrong-answer: connected after T; ${words.alien(WRONG)}`,
    "half-open": `timeout: connected after T; ${words.silence}`,
  });
}

/** What is said of certificates, where the right one gives `up`. */
export function certificates(up: string): Story {
  const unknown = "tls: connected after T; the certificate is refused: self signed certificate";
  return {
    "the machine's authorities": unknown,
    "another authority": unknown,
    "another name":
      "tls: connected after T; the certificate is refused: its names are web.test, 127.0.0.1, and other.test is none of them",
    "the right name": up,
  };
}
