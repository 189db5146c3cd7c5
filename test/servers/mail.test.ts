import { beforeAll, describe, expect, test } from "bun:test";
import type { ScriptStep } from "../../src/model/health-check.ts";
import { certificateFiles } from "./support/certificates.ts";
import { certificates, replied, scripted, secured } from "./support/expected.ts";
import { dovecot, MAIL, postfix } from "./support/plans.ts";
import { type Found, liveThrough, type ServerSubjects } from "./support/subjects.ts";

/** Postfix and Dovecot, through every way of failing. */

const valid = certificateFiles("valid");
const tls = { tls: { authoritiesFile: valid.certificate, serverName: "web.test" }, verifyCertificate: true } as const;

const EHLO = "got an answer to EHLO with 250";
const BYE = "got a farewell with * BYE";
const OK = "got a farewell with +OK";
const inTls = (got: string, count: number) =>
  `up: connected after T; TLS after T; ${got} (${count} answers as expected)`;
const plain = (got: string) => `up: connected after T; ${got} (2 answers as expected)`;
const place = (count: number) => `answer 1 of ${count}: `;

const SMTP = { wanted: "a greeting with 220", firstByte: "2" };
const IMAP = { wanted: "a greeting with * OK", firstByte: "*" };
const POP3 = { wanted: "a greeting with +OK", firstByte: "+" };

const SCRIPT: readonly ScriptStep[] = [
  { kind: "expect-regex", value: "^\\* OK .*\\n" },
  { kind: "send", value: "x STARTTLS\r\n" },
  { kind: "expect-regex", value: "^x OK .*\\n" },
  { kind: "start-tls", value: "" },
  { kind: "send", value: "y LOGOUT\r\n" },
  { kind: "expect", value: "* BYE" },
  { kind: "close", value: "" },
];

const SERVERS: readonly ServerSubjects[] = [
  {
    plan: postfix(valid),
    subjects: [
      {
        name: "smtp",
        port: MAIL.smtp,
        method: { kind: "smtp" },
        expected: replied(plain(EHLO), { ...SMTP, place: place(2) }),
      },
      {
        name: "smtp, STARTTLS",
        port: MAIL.smtp,
        method: { kind: "smtp", transport: "starttls", ...tls },
        expected: replied(inTls(EHLO, 4), { ...SMTP, place: place(4) }),
        certificates: certificates(inTls(EHLO, 4)),
      },
      {
        name: "smtp within TLS",
        port: MAIL.smtps,
        method: { kind: "smtp", transport: "tls", ...tls },
        expected: secured(inTls(EHLO, 2)),
        certificates: certificates(inTls(EHLO, 2)),
      },
    ],
  },
  {
    plan: dovecot(valid),
    subjects: [
      {
        name: "imap",
        port: MAIL.imap,
        method: { kind: "imap" },
        expected: replied(plain(BYE), { ...IMAP, place: place(2) }),
      },
      {
        name: "imap, STARTTLS",
        port: MAIL.imap,
        method: { kind: "imap", transport: "starttls", ...tls },
        expected: replied(inTls(BYE, 3), { ...IMAP, place: place(3) }),
        certificates: certificates(inTls(BYE, 3)),
      },
      {
        name: "imap within TLS",
        port: MAIL.imaps,
        method: { kind: "imap", transport: "tls", ...tls },
        expected: secured(inTls(BYE, 2)),
        certificates: certificates(inTls(BYE, 2)),
      },
      {
        name: "send-expect within TLS",
        port: MAIL.imaps,
        method: { kind: "send-expect", send: "", expect: "* OK [", transport: "tls", ...tls },
        expected: secured('up: connected after T; TLS after T; got "* OK ["'),
      },
      {
        name: "a script of an administrator's that changes to TLS",
        port: MAIL.imap,
        method: { kind: "send-expect", send: "", expect: "", script: SCRIPT, ...tls },
        expected: scripted('up: connected after T; TLS after T; got "* BYE", and the server closed', {
          wanted: "/^\\* OK .*\\n/",
          firstByte: "*",
          place: place(4),
        }),
        certificates: certificates('up: connected after T; TLS after T; got "* BYE", and the server closed'),
      },
      {
        name: "pop3",
        port: MAIL.pop3,
        method: { kind: "pop3" },
        expected: replied(plain(OK), { ...POP3, place: place(2) }),
      },
      {
        name: "pop3, STLS",
        port: MAIL.pop3,
        method: { kind: "pop3", transport: "starttls", ...tls },
        expected: replied(inTls(OK, 3), { ...POP3, place: place(3) }),
        certificates: certificates(inTls(OK, 3)),
      },
    ],
  },
];

let found: ReadonlyMap<string, Found>;
beforeAll(async () => {
  found = await liveThrough(SERVERS, valid, certificateFiles("valid", { name: "other.test" }));
});

describe("a mail server goes up, down in each way, and up again", () => {
  const subjects = SERVERS.flatMap((server) => server.subjects);
  test.each(subjects.map((subject) => [subject.name, subject] as const))("%s", (name, subject) => {
    expect(found.get(name)).toEqual({ story: subject.expected, certificates: subject.certificates });
  });
});
