import type { GreetingKind, ScriptStep } from "../model/check.ts";
import type { Dialogue } from "./dialogue.ts";
import { mysqlDialogue } from "./mysql.ts";
import { postgresqlDialogue } from "./postgresql.ts";
import { scriptDialogue } from "./send-expect.ts";

/** RFC 4511: an anonymous bind, version 3, message 1; hexadecimal. */
const LDAP_ANONYMOUS_BIND = "30 0c 02 01 01 60 07 02 01 03 04 00 80 00";
/** RFC 4511: unbind, message 2; the server closes. */
const LDAP_UNBIND = "30 05 02 01 02 42 00";
/** A bind response to message 1 with any result but busy (51) and unavailable (52): a refusal is an answer too. */
const LDAP_BIND_RESPONSE = "^\\x30[\\s\\S]{1,5}\\x02\\x01\\x01\\x61[\\s\\S]{1,5}\\x0a\\x01[^\\x33\\x34]";

/** What is said to a server of each kind, without a login, and a proper farewell where the protocol has one. */
const SCRIPTS: Readonly<Record<Exclude<GreetingKind, "mysql" | "postgresql">, readonly ScriptStep[]>> = {
  // RFC 5321: a server that takes no mail says 421 or 554 at one of the two.
  smtp: [
    { kind: "expect-regex", value: "^220 [^\\n]*\\n" },
    { kind: "send", value: "EHLO tandem.invalid\r\n" },
    { kind: "expect-regex", value: "^250(?: [^\\n]*)?\\n" },
    { kind: "send", value: "QUIT\r\n" },
  ],
  // RFC 9051
  imap: [
    { kind: "expect-regex", value: "^\\* (?:OK|PREAUTH) [^\\n]*\\n" },
    { kind: "send", value: "a LOGOUT\r\n" },
    { kind: "expect-regex", value: "^\\* BYE" },
  ],
  // RFC 1939
  pop3: [
    { kind: "expect-regex", value: "^\\+OK[^\\n]*\\n" },
    { kind: "send", value: "QUIT\r\n" },
    { kind: "expect-regex", value: "^\\+OK" },
  ],
  ldap: [
    { kind: "send-bytes", value: LDAP_ANONYMOUS_BIND },
    { kind: "expect-regex", value: LDAP_BIND_RESPONSE },
    { kind: "send-bytes", value: LDAP_UNBIND },
  ],
  // A server that wants a password works; one that loads its data, or lost its master, says so with another error.
  redis: [
    { kind: "send", value: "PING\r\n" },
    { kind: "expect-regex", value: "^(?:\\+PONG|-NOAUTH |-NOPERM )" },
    { kind: "send", value: "QUIT\r\n" },
  ],
};

/** Whether a server of this kind answers as one that works, without a login. */
export function greetingDialogue(kind: GreetingKind): Dialogue {
  switch (kind) {
    case "mysql":
      return mysqlDialogue();
    case "postgresql":
      return postgresqlDialogue();
    default:
      return scriptDialogue(SCRIPTS[kind]);
  }
}
