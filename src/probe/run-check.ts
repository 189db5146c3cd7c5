import type { Endpoint } from "../model/address.ts";
import type { CheckMethod, CheckTarget, ProbeOutcome } from "../model/check.ts";
import { systemAuthorities } from "./authorities.ts";
import { converse, type TlsSettings } from "./connection.ts";
import { type ExternalMethod, runExternal } from "./external.ts";
import { type HttpMethod, httpDialogue } from "./http.ts";
import { sendExpectDialogue } from "./send-expect.ts";
import { tcpDialogue } from "./tcp.ts";

/** What a probe takes from its surroundings. */
export interface ProbeSurroundings {
  /** Certificates of authorities, PEM; absent: those of the system. */
  readonly authorities?: string;
}

/** Where a check connects to: the real server's address and, unless the check has its own, port. */
export function probeEndpoint(method: Exclude<CheckMethod, ExternalMethod>, target: CheckTarget): Endpoint {
  return { address: target.address, port: method.port ?? target.port };
}

function tlsSettings(method: HttpMethod, target: Endpoint, surroundings: ProbeSurroundings): TlsSettings {
  const authorities = surroundings.authorities ?? systemAuthorities();
  // A Host with a port in it names the certificate without the port.
  const serverName = method.host?.replace(/:\d+$/, "") ?? target.address.text;
  return {
    serverName,
    verify: method.verifyCertificate,
    ...(authorities === undefined ? {} : { authorities }),
  };
}

/**
 * One attempt at one server: what `tandem check run` and the balancer call.
 * @param timeoutMs for the whole attempt
 * @returns the outcome; it never rejects and never takes much longer than the timeout.
 */
export function runCheck(
  method: CheckMethod,
  target: CheckTarget,
  timeoutMs: number,
  surroundings: ProbeSurroundings = {},
): Promise<ProbeOutcome> {
  if (method.kind === "external") return runExternal(method, target, timeoutMs);
  const endpoint = probeEndpoint(method, target);
  switch (method.kind) {
    case "tcp":
      return converse(endpoint, timeoutMs, tcpDialogue());
    case "send-expect":
      return converse(endpoint, timeoutMs, sendExpectDialogue(method));
    case "http":
      return converse(endpoint, timeoutMs, httpDialogue(method, endpoint));
    case "https": {
      const tls = tlsSettings(method, endpoint, surroundings);
      return converse(endpoint, timeoutMs, httpDialogue(method, endpoint), tls);
    }
  }
}
