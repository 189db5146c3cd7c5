import type {
  Check,
  CheckMethod,
  ConnectMethod,
  SecuredMethod,
  TalkMethod,
  TlsMethod,
} from "../../model/health-check.ts";
import type { CheckFields } from "../keys/check-settings.ts";

/** The inverse of resolve-check.ts: a check as the values of its table. */

type CheckValues = Partial<CheckFields>;

function connectValues(method: ConnectMethod): CheckValues {
  return {
    port: method.port,
    connect_address: method.address,
    bind_address: method.source,
    bind_interface: method.interface,
    mark: method.mark,
  };
}

function tlsValues(tls: TlsMethod | undefined): CheckValues {
  return {
    server_name: tls?.serverName,
    ca_file: tls?.authoritiesFile,
    certificate_file: tls?.certificateFile,
    private_key_file: tls?.keyFile,
    warn_days: tls?.warnDays,
  };
}

function securedValues(method: SecuredMethod): CheckValues {
  return { ...connectValues(method), verify: method.verifyCertificate, ...tlsValues(method.tls) };
}

function talkValues(method: TalkMethod): CheckValues {
  return { ...securedValues(method), transport: method.transport };
}

function httpValues(method: Extract<CheckMethod, { kind: "http" | "https" }>): CheckValues {
  return {
    ...connectValues(method),
    method: method.method,
    path: method.path,
    host: method.host,
    headers: method.headers,
    http_version: method.version,
    expect_status: method.expectStatus,
    expect_body: method.expectBody,
    expect_body_regex: method.expectBodyRegex,
    expect_digest: method.expectDigest,
    expect_location: method.expectLocation,
    ...(method.kind === "https" ? { verify: method.verifyCertificate, ...tlsValues(method.tls) } : {}),
  };
}

function methodValues(method: CheckMethod): CheckValues {
  switch (method.kind) {
    case "tcp":
    case "ping":
      return connectValues(method);
    case "send-expect": {
      const texts = method.script === undefined ? { send: method.send, expect: method.expect } : {};
      return { ...securedValues(method), transport: method.transport, ...texts, script: method.script };
    }
    case "http":
    case "https":
      return httpValues(method);
    case "udp":
      return { ...connectValues(method), send: method.send };
    case "dns":
      return {
        ...securedValues(method),
        transport: method.transport,
        query: method.query,
        record: method.record,
        expect_answer: method.expectAnswers,
      };
    case "radius":
      return { ...connectValues(method), secret_file: method.secretFile, radius_user: method.userName };
    case "grpc":
      return { ...talkValues(method), grpc_service: method.service };
    case "external":
      return { command: method.command, user: method.user, weight_from: method.weight };
    default:
      return talkValues(method);
  }
}

/** A check with every default that matters written out. */
export function checkValues(check: Check): CheckValues {
  return {
    kind: check.method.kind,
    interval: check.intervalMs,
    timeout: check.timeoutMs,
    rise: check.rise,
    fall: check.fall,
    down_interval: check.downIntervalMs,
    flap_limit: check.flap?.limit,
    flap_window: check.flap?.windowMs,
    flap_hold: check.flap?.holdMs,
    ...methodValues(check.method),
  };
}
