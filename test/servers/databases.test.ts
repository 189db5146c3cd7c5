import { beforeAll, describe, expect, test } from "bun:test";
import { certificateFiles } from "./support/certificates.ts";
import { certificates, replied, secured, spoken } from "./support/expected.ts";
import { DATABASES, mariadb, postgresql, redis } from "./support/plans.ts";
import { type Found, liveThrough, type ServerSubjects } from "./support/subjects.ts";

/** PostgreSQL, MariaDB and Redis, through every way of failing. */

const valid = certificateFiles("valid");
const tls = { tls: { authoritiesFile: valid.certificate, serverName: "web.test" }, verifyCertificate: true } as const;

const inTls = (detail: string) => `up: connected after T; TLS after T; ${detail}`;
const LOGIN = "the server asks for a login";
const REFUSAL = "MySQL VERSION refuses a login without a password, as it should";
const PONG = "got an answer to PING";

const POSTGRESQL = {
  silence: "no answer in time",
  drip: 'the answer did not end in time: "R"',
  closed: "the server closed without an answer",
  alien: (quoted: string) => `the answer is not PostgreSQL's: "${quoted}"`,
};
const MYSQL = {
  silence: "no greeting in time",
  drip: "no greeting in time",
  closed: "the server closed without a greeting",
  alien: (quoted: string) => `the answer is not MySQL's: "${quoted}"`,
};

const SERVERS: readonly ServerSubjects[] = [
  {
    plan: postgresql(valid),
    subjects: [
      {
        name: "postgresql",
        port: DATABASES.postgresql,
        method: { kind: "postgresql" },
        expected: spoken(`up: connected after T; ${LOGIN}`, POSTGRESQL),
      },
      {
        name: "postgresql, TLS by request",
        port: DATABASES.postgresql,
        method: { kind: "postgresql", transport: "starttls", ...tls },
        // The one letter of consent comes at once, and then the handshake drips.
        expected: {
          ...spoken(inTls(LOGIN), POSTGRESQL),
          "a byte a second": "timeout: connected after T; no TLS handshake within T",
        },
        certificates: certificates(inTls(LOGIN)),
      },
    ],
  },
  {
    plan: mariadb(valid),
    subjects: [
      {
        name: "mysql",
        port: DATABASES.mysql,
        method: { kind: "mysql" },
        expected: spoken(`up: connected after T; ${REFUSAL}`, MYSQL),
      },
      {
        name: "mysql, TLS by request",
        port: DATABASES.mysql,
        method: { kind: "mysql", transport: "starttls", ...tls },
        expected: spoken(inTls(REFUSAL), MYSQL),
        certificates: certificates(inTls(REFUSAL)),
      },
    ],
  },
  {
    plan: redis(valid),
    subjects: [
      {
        name: "redis",
        port: DATABASES.redis,
        method: { kind: "redis" },
        expected: replied(`up: connected after T; ${PONG}`, { wanted: "an answer to PING", firstByte: "-" }),
      },
      {
        name: "redis within TLS",
        port: DATABASES.rediss,
        method: { kind: "redis", transport: "tls", ...tls },
        expected: secured(inTls(PONG)),
        certificates: certificates(inTls(PONG)),
      },
    ],
  },
];

let found: ReadonlyMap<string, Found>;
beforeAll(async () => {
  found = await liveThrough(SERVERS, valid, certificateFiles("valid", { name: "other.test" }));
});

describe("a database goes up, down in each way, and up again", () => {
  const subjects = SERVERS.flatMap((server) => server.subjects);
  test.each(subjects.map((subject) => [subject.name, subject] as const))("%s", (name, subject) => {
    expect(found.get(name)).toEqual({ story: subject.expected, certificates: subject.certificates });
  });
});
