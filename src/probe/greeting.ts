import type { GreetingKind } from "../model/check.ts";
import type { Dialogue } from "./dialogue.ts";
import type { NamedStep } from "./matcher.ts";
import { mysqlDialogue } from "./mysql.ts";
import { postgresqlDialogue } from "./postgresql.ts";
import { scriptDialogue } from "./send-expect.ts";

/** RFC 4511: an anonymous bind, version 3, message 1; hexadecimal. */
const LDAP_ANONYMOUS_BIND = "30 0c 02 01 01 60 07 02 01 03 04 00 80 00";
/** RFC 4511: unbind, message 2; the server closes. */
const LDAP_UNBIND = "30 05 02 01 02 42 00";
/** A bind response to message 1 with any result but busy (51) and unavailable (52): a refusal is an answer too. */
const LDAP_BIND_RESPONSE = "^\\x30[\\s\\S]{1,5}\\x02\\x01\\x01\\x61[\\s\\S]{1,5}\\x0a\\x01[^\\x33\\x34]";

/** RFC 4511 section 4.14: the extended request 1.3.6.1.4.1.1466.20037 (StartTLS), message 1. */
const LDAP_START_TLS = "30 1d 02 01 01 77 18 80 16 31 2e 33 2e 36 2e 31 2e 34 2e 31 2e 31 34 36 36 2e 32 30 30 33 37";
/** An extended response to message 1 with the result success. */
const LDAP_START_TLS_RESPONSE = "^\\x30[\\s\\S]{1,5}\\x02\\x01\\x01\\x78[\\s\\S]{1,5}\\x0a\\x01\\x00";

type ScriptedKind = Exclude<GreetingKind, "mysql" | "postgresql">;

const START_TLS: NamedStep = { kind: "start-tls", value: "" };

/** What is said in the clear until the server is ready for TLS. */
const TLS_REQUESTS: Readonly<Record<Exclude<ScriptedKind, "redis">, readonly NamedStep[]>> = {
  // RFC 3207
  smtp: [
    { kind: "expect-regex", value: "^220 [^\\n]*\\n", shown: "a greeting with 220" },
    { kind: "send", value: "EHLO tandem.invalid\r\n" },
    { kind: "expect-regex", value: "^250(?: [^\\n]*)?\\n", shown: "an answer to EHLO with 250" },
    { kind: "send", value: "STARTTLS\r\n" },
    { kind: "expect-regex", value: "^220[^\\n]*\\n", shown: "a go-ahead for TLS with 220" },
    START_TLS,
  ],
  // RFC 9051 section 6.2.1
  imap: [
    { kind: "expect-regex", value: "^\\* OK [^\\n]*\\n", shown: "a greeting with * OK" },
    { kind: "send", value: "t STARTTLS\r\n" },
    { kind: "expect-regex", value: "^t OK[^\\n]*\\n", shown: "a go-ahead for TLS with OK" },
    START_TLS,
  ],
  // RFC 2595 section 4
  pop3: [
    { kind: "expect-regex", value: "^\\+OK[^\\n]*\\n", shown: "a greeting with +OK" },
    { kind: "send", value: "STLS\r\n" },
    { kind: "expect-regex", value: "^\\+OK[^\\n]*\\n", shown: "a go-ahead for TLS with +OK" },
    START_TLS,
  ],
  ldap: [
    { kind: "send-bytes", value: LDAP_START_TLS },
    { kind: "expect-regex", value: LDAP_START_TLS_RESPONSE, shown: "a go-ahead for TLS" },
    START_TLS,
  ],
};

/** What is said to a server of each kind, without a login, and a proper farewell where the protocol has one. */
const SCRIPTS: Readonly<Record<ScriptedKind, readonly NamedStep[]>> = {
  // RFC 5321: a server that takes no mail says 421 or 554 at one of the two.
  smtp: [
    { kind: "expect-regex", value: "^220 [^\\n]*\\n", shown: "a greeting with 220" },
    { kind: "send", value: "EHLO tandem.invalid\r\n" },
    { kind: "expect-regex", value: "^250(?: [^\\n]*)?\\n", shown: "an answer to EHLO with 250" },
    { kind: "send", value: "QUIT\r\n" },
  ],
  // RFC 9051
  imap: [
    { kind: "expect-regex", value: "^\\* (?:OK|PREAUTH) [^\\n]*\\n", shown: "a greeting with * OK" },
    { kind: "send", value: "a LOGOUT\r\n" },
    { kind: "expect-regex", value: "^\\* BYE", shown: "a farewell with * BYE" },
  ],
  // RFC 1939
  pop3: [
    { kind: "expect-regex", value: "^\\+OK[^\\n]*\\n", shown: "a greeting with +OK" },
    { kind: "send", value: "QUIT\r\n" },
    { kind: "expect-regex", value: "^\\+OK", shown: "a farewell with +OK" },
  ],
  ldap: [
    { kind: "send-bytes", value: LDAP_ANONYMOUS_BIND },
    { kind: "expect-regex", value: LDAP_BIND_RESPONSE, shown: "an answer to an anonymous bind" },
    { kind: "send-bytes", value: LDAP_UNBIND },
  ],
  // A server that wants a password works; one that loads its data, or lost its master, says so with another error.
  redis: [
    { kind: "send", value: "PING\r\n" },
    { kind: "expect-regex", value: "^(?:\\+PONG|-NOAUTH |-NOPERM )", shown: "an answer to PING" },
    { kind: "send", value: "QUIT\r\n" },
  ],
};

/** The same within TLS that was asked for in the clear: no server greets a second time. */
function securedScript(kind: Exclude<ScriptedKind, "redis">): readonly NamedStep[] {
  const [greeting, ...rest] = SCRIPTS[kind];
  const isGreeted = greeting?.kind.startsWith("expect") === true;
  return [...TLS_REQUESTS[kind], ...(isGreeted ? rest : SCRIPTS[kind])];
}

/**
 * Whether a server of this kind answers as one that works, without a login.
 * @param startsTls whether TLS is asked for in the clear
 */
export function greetingDialogue(kind: GreetingKind, startsTls = false): Dialogue {
  switch (kind) {
    case "mysql":
      return mysqlDialogue(startsTls);
    case "postgresql":
      return postgresqlDialogue(startsTls);
    default:
      return scriptDialogue(startsTls && kind !== "redis" ? securedScript(kind) : SCRIPTS[kind]);
  }
}
