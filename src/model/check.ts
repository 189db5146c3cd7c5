import type { IpAddress } from "./address.ts";

export const CHECK_KINDS = ["tcp", "send-expect", "http", "https", "external"] as const;
export type CheckKind = (typeof CHECK_KINDS)[number];

/** When a check runs and how many of its outcomes make a verdict. */
export interface CheckTiming {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Successes in a row until up, failures in a row until down. */
  readonly rise: number;
  readonly fall: number;
}

/** What a check does; the address and port are those of the real server unless given here. */
export type CheckMethod =
  | { readonly kind: "tcp"; readonly port?: number }
  | {
      readonly kind: "send-expect";
      readonly port?: number;
      /** Bytes to send after connecting, as text with the usual escapes resolved; empty sends nothing. */
      readonly send: string;
      /** Text that must come; empty is content with the connection. */
      readonly expect: string;
    }
  | {
      readonly kind: "http" | "https";
      readonly port?: number;
      readonly method: "GET" | "HEAD";
      readonly path: string;
      readonly host?: string;
      /** Inclusive ranges of status codes that count as success. */
      readonly expectStatus: readonly (readonly [number, number])[];
      /** Text the body must contain; absent: any body. */
      readonly expectBody?: string;
      readonly verifyCertificate: boolean;
    }
  | {
      readonly kind: "external";
      /** Program and arguments; the tokens {service.address} {service.port} {address} {port} are replaced. No shell. */
      readonly command: readonly string[];
      readonly user: string;
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
  | { readonly result: "success"; readonly elapsedMs: number; readonly reason: string }
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
  "local",
] as const;
/** Why a probe failed. `local`: this machine could not even try (no descriptor left, program missing). */
export type ProbeFailure = (typeof PROBE_FAILURES)[number];

/** Up or down after rise and fall; unknown until the first verdict. */
export type Verdict = "up" | "down" | "unknown";
