/** The stories that kinds of a family have in common: what each way of failing should be called. */

export type Story = Readonly<Record<string, string>>;

const REFUSED = "refused: refused (ECONNREFUSED)";
const RESET = "reset: reset by the server (ECONNRESET)";
/** The first 60 letters of what the endless one says. */
const ENDLESS = "all work and no play makes a dull server\\nall work and no pla…";
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
      "tls: connected after T; the certificate is refused: Hostname/IP does not match certificate's altnames: " +
      "Host: other.test. is not in the cert's altnames: DNS:web.test, IP Address:127.0.0.1",
    "the right name": up,
  };
}
