import type { GreetingKind } from "../../model/health-check.ts";
import type { Dialogue } from "../transport/dialogue.ts";
import { LDAP_ANONYMOUS_BIND, LDAP_START_TLS, LDAP_UNBIND, ldapBindResponse, ldapStartTlsResponse } from "./ldap.ts";
import { mysqlDialogue } from "./mysql.ts";
import { postgresqlDialogue } from "./postgresql.ts";
import { type DialogueStep, lines, type Reading, type ReplyStep } from "./reply.ts";
import { scriptDialogue } from "./send-expect.ts";

type ScriptedKind = Exclude<GreetingKind, "mysql" | "postgresql">;

const START_TLS: DialogueStep = { kind: "start-tls", value: "" };

function send(value: string): DialogueStep {
  return { kind: "send", value };
}

/** A step that reads lines: `met` is the one wanted, and after `more` others follow; anything else is a refusal. */
function line(shown: string, met: RegExp, more?: RegExp): ReplyStep {
  const judge = (text: string): Reading => (met.test(text) ? "met" : more?.test(text) === true ? "more" : "refused");
  return { kind: "reply", shown, read: lines(judge) };
}

/** RFC 5321 section 4.2: a hyphen behind the code says that lines follow; the text may be missing, and the blank with it. */
const SMTP_LINE = /^(\d{3})(?:$|([ -]))/;

/** @param instead what is tried when the server refuses for good, by a code from 500 on */
function smtpReply(shown: string, code: string, instead?: readonly DialogueStep[]): ReplyStep {
  const judge = (text: string): Reading => {
    const [, given, next] = SMTP_LINE.exec(text) ?? [];
    if (given === undefined) return "refused";
    if (next === "-") return "more";
    if (given === code) return "met";
    return instead !== undefined && given.startsWith("5") ? "instead" : "refused";
  };
  const step: ReplyStep = { kind: "reply", shown, read: lines(judge) };
  return instead === undefined ? step : { ...step, instead };
}

const SMTP_GREETING = smtpReply("a greeting with 220", "220");
const EHLO = send("EHLO tandem.invalid\r\n");
const EHLO_ANSWER = "an answer to EHLO with 250";
/** RFC 5321 section 3.2: a server may know HELO only. */
const HELO = [send("HELO tandem.invalid\r\n"), smtpReply("an answer to HELO with 250", "250")];

/** What is said in the clear until the server is ready for TLS. */
const TLS_REQUESTS: Readonly<Record<Exclude<ScriptedKind, "redis">, readonly DialogueStep[]>> = {
  // RFC 3207: an extension, which there is none of with HELO.
  smtp: [
    SMTP_GREETING,
    EHLO,
    smtpReply(EHLO_ANSWER, "250"),
    send("STARTTLS\r\n"),
    smtpReply("a go-ahead for TLS with 220", "220"),
    START_TLS,
  ],
  // RFC 9051 section 6.2.1; who is logged in already (PREAUTH) can't change any more.
  imap: [
    line("a greeting with * OK", /^\* OK(?: |$)/i),
    send("t STARTTLS\r\n"),
    line("a go-ahead for TLS with OK", /^t OK(?: |$)/i, /^\* (?!BYE(?: |$))/i),
    START_TLS,
  ],
  // RFC 2595 section 4
  pop3: [
    line("a greeting with +OK", /^\+OK/),
    send("STLS\r\n"),
    line("a go-ahead for TLS with +OK", /^\+OK/),
    START_TLS,
  ],
  ldap: [
    { kind: "send-bytes", value: LDAP_START_TLS },
    { kind: "reply", shown: "a go-ahead for TLS", read: ldapStartTlsResponse },
    START_TLS,
  ],
};

/** What is said to a server of each kind, without a login, and a proper farewell where the protocol has one. */
const SCRIPTS: Readonly<Record<ScriptedKind, readonly DialogueStep[]>> = {
  // RFC 5321 section 3.1: a server that takes no mail says so at one of the two.
  smtp: [SMTP_GREETING, EHLO, smtpReply(EHLO_ANSWER, "250", HELO), send("QUIT\r\n")],
  // RFC 9051 sections 7.1 and 6.1.3; its words are in any case.
  imap: [
    line("a greeting with * OK", /^\* (?:OK|PREAUTH)(?: |$)/i),
    send("a LOGOUT\r\n"),
    line("a farewell with * BYE", /^\* BYE(?: |$)/i, /^\* /),
  ],
  // RFC 1939 section 3
  pop3: [line("a greeting with +OK", /^\+OK/), send("QUIT\r\n"), line("a farewell with +OK", /^\+OK/)],
  ldap: [
    { kind: "send-bytes", value: LDAP_ANONYMOUS_BIND },
    { kind: "reply", shown: "an answer to an anonymous bind", read: ldapBindResponse },
    { kind: "send-bytes", value: LDAP_UNBIND },
  ],
  // A server that wants a password works; one that loads its data, or lost its master, says so with another error.
  redis: [send("PING\r\n"), line("an answer to PING", /^(?:\+PONG$|-NOAUTH |-NOPERM )/), send("QUIT\r\n")],
};

/** The same within TLS that was asked for in the clear: no server greets a second time. */
function securedScript(kind: Exclude<ScriptedKind, "redis">): readonly DialogueStep[] {
  const [greeting, ...rest] = SCRIPTS[kind];
  return [...TLS_REQUESTS[kind], ...(greeting?.kind === "reply" ? rest : SCRIPTS[kind])];
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
