import type { IpAddress } from "./address.ts";

/** Kinds that know their protocol and need no login. */
export const GREETING_KINDS = ["smtp", "imap", "pop3", "ldap", "redis", "mysql", "postgresql"] as const;
export type GreetingKind = (typeof GREETING_KINDS)[number];

/** Kinds whose protocol can change to TLS in the middle of a conversation. */
export const STARTTLS_KINDS = ["smtp", "imap", "pop3", "ldap", "mysql", "postgresql"] as const satisfies GreetingKind[];

export const CHECK_KINDS = [
  "tcp",
  "send-expect",
  "http",
  "https",
  "external",
  "udp",
  "ping",
  "dns",
  "grpc",
  "radius",
  ...GREETING_KINDS,
] as const;
export type CheckKind = (typeof CHECK_KINDS)[number];

/** When a check runs and how many of its outcomes make a verdict. */
export interface CheckTiming {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Successes in a row until what was down is up; what was never judged is up with the first one. */
  readonly rise: number;
  /** Failures in a row until down. */
  readonly fall: number;
  /** The interval while the server is down; absent: the same. */
  readonly downIntervalMs?: number;
  /** Absent: a server may come and go as often as rise and fall let it. */
  readonly flap?: FlapDamping;
}

/** A server that went down `limit` times within `windowMs` is up again only after `holdMs` without a failure. */
export interface FlapDamping {
  readonly limit: number;
  readonly windowMs: number;
  readonly holdMs: number;
}

/** Where a check connects to, and from where. What is absent: the real server's own, and what the routes say. */
export interface ConnectMethod {
  readonly port?: number;
  readonly address?: IpAddress;
  /** The local address. */
  readonly source?: IpAddress;
  /** The interface that packets leave by and come in on. */
  readonly interface?: string;
  /** The mark of its packets, for firewall and routing rules (SO_MARK). */
  readonly mark?: number;
}

/** TLS besides whether the certificate is verified. Files are PEM, read at each attempt. */
export interface TlsMethod {
  /** The name in the greeting (SNI) and in the certificate. */
  readonly serverName?: string;
  readonly authoritiesFile?: string;
  /** What the check shows to a server that asks for a certificate; both or none. */
  readonly certificateFile?: string;
  readonly keyFile?: string;
  /** A certificate that ends within so many days is warned of. */
  readonly warnDays?: number;
}

/** A conversation of which at least a part may be held within TLS. */
export interface SecuredMethod extends ConnectMethod {
  /** With TLS; absent: yes. */
  readonly verifyCertificate?: boolean;
  readonly tls?: TlsMethod;
}

/** A conversation in the clear, or within TLS. */
export interface TalkMethod extends SecuredMethod {
  /** Absent: tcp, in the clear. `starttls`: begun in the clear, as STARTTLS_KINDS can. */
  readonly transport?: "tcp" | "tls" | "starttls";
}

export const SCRIPT_STEP_KINDS = [
  "send",
  "send-bytes",
  "expect",
  "expect-bytes",
  "expect-regex",
  "start-tls",
  "close",
] as const;
export type ScriptStepKind = (typeof SCRIPT_STEP_KINDS)[number];

/** One step of a conversation. An expectation looks at what follows the match of the one before it. */
export interface ScriptStep {
  readonly kind: ScriptStepKind;
  /**
   * A text, hexadecimal digits for bytes, a regular expression. Empty for `close`, which waits for the server's close,
   * and for `start-tls`, which goes on within TLS.
   */
  readonly value: string;
  /** How much is read for this expectation. */
  readonly limitBytes?: number;
}

export const DNS_RECORDS = ["A", "AAAA", "NS", "SOA", "MX", "TXT", "SRV", "PTR", "CNAME"] as const;
export type DnsRecord = (typeof DNS_RECORDS)[number];

/** What a check does; the address and port are those of the real server unless given here. */
export type CheckMethod =
  | ({ readonly kind: "tcp" } & ConnectMethod)
  | ({
      readonly kind: "send-expect";
      /** Bytes to send after connecting, as text with the usual escapes resolved; empty sends nothing. */
      readonly send: string;
      /** Text that must come; empty is content with the connection. */
      readonly expect: string;
      /** More than one exchange: then `send` and `expect` are empty. */
      readonly script?: readonly ScriptStep[];
      readonly transport?: "tcp" | "tls" | "udp";
    } & SecuredMethod)
  | ({ readonly kind: GreetingKind } & TalkMethod)
  | ({
      readonly kind: "grpc";
      /** The service asked for; empty: the server as a whole. */
      readonly service: string;
    } & TalkMethod)
  | ({
      readonly kind: "udp";
      /** What to send; only an ICMP message that says there is nobody is a failure. */
      readonly send: string;
    } & ConnectMethod)
  | ({ readonly kind: "ping" } & Omit<ConnectMethod, "port">)
  | ({
      readonly kind: "dns";
      readonly query: string;
      readonly record: DnsRecord;
      /** Texts of records, each of which must be among the answers. */
      readonly expectAnswers?: readonly string[];
      /** Absent: udp. */
      readonly transport?: "udp" | "tcp" | "tls";
    } & SecuredMethod)
  | ({
      readonly kind: "radius";
      /** Holds the secret that client and server share. */
      readonly secretFile: string;
      /** Asks whether this user may come in, and takes any answer; absent: asks for the server's status. */
      readonly userName?: string;
    } & ConnectMethod)
  | ({
      readonly kind: "http" | "https";
      readonly method: "GET" | "HEAD" | "OPTIONS";
      readonly path: string;
      /** `Name: value` each. */
      readonly headers?: readonly string[];
      /** Absent: 1.1. */
      readonly version?: "1.0" | "1.1";
      readonly host?: string;
      /** Inclusive ranges of status codes that count as success. */
      readonly expectStatus: readonly (readonly [number, number])[];
      /** Text the body must contain; absent: any body. */
      readonly expectBody?: string;
      /** A regular expression that must match in the body. */
      readonly expectBodyRegex?: string;
      /** SHA-256 of the whole body, 64 hexadecimal digits. */
      readonly expectDigest?: string;
      /** What the Location field of the answer must begin with. */
      readonly expectLocation?: string;
      readonly verifyCertificate: boolean;
      readonly tls?: TlsMethod;
    } & ConnectMethod)
  | {
      readonly kind: "external";
      /** Program and arguments; the tokens {service.address} {service.port} {address} {port} are replaced. No shell. */
      readonly command: readonly string[];
      readonly user: string;
      /** `output`: the first line of its output is a number from 0 to 100, the percentage of the weight to use. */
      readonly weight?: "output";
    };

export type Check = CheckTiming & { readonly method: CheckMethod };

/** One attempt's subject: a real server of a service. */
export interface CheckTarget {
  readonly address: IpAddress;
  readonly port: number;
  readonly serviceAddress?: IpAddress;
  readonly servicePort?: number;
}

/** What one probe found. `reason` is for people: `connected after 0.4 ms; expected "HTTP/1." but got "SSH-2.0-"`. */
export type ProbeOutcome =
  | {
      readonly result: "success";
      readonly elapsedMs: number;
      readonly reason: string;
      /** Something that will become a failure: a certificate that ends soon. */
      readonly warning?: string;
      /** The part of its weight that the server should have now, as its program said. */
      readonly weightPercent?: number;
    }
  | { readonly result: "failure"; readonly elapsedMs: number; readonly reason: string; readonly failure: ProbeFailure };

export const PROBE_FAILURES = [
  "refused",
  "unreachable",
  "timeout",
  "reset",
  "closed",
  "wrong-answer",
  "too-long",
  "tls",
  "program",
  "state",
  "local",
] as const;
/**
 * Why a probe failed. `state`: something of this machine is not as it should be (a gate's process, interface, file).
 * `local`: this machine could not even try (no descriptor left, program missing).
 */
export type ProbeFailure = (typeof PROBE_FAILURES)[number];

/** Up or down after rise and fall; unknown until the first success, or until so many failures. */
export type Verdict = "up" | "down" | "unknown";
