import { randomBytes } from "node:crypto";
import { addressBytes, type Endpoint, formatEndpoint } from "../model/address.ts";
import type {
  CheckMethod,
  CheckTarget,
  ConnectMethod,
  ProbeOutcome,
  SecuredMethod,
  TalkMethod,
} from "../model/health-check.ts";
import { connectPing, connectUdp } from "../sys/sockets/datagram-socket.ts";
import type { Route } from "../sys/sockets/route-options.ts";
import { type ExternalMethod, runExternal } from "./local/external-check.ts";
import { type DnsMethod, dnsDialogue } from "./protocols/dns.ts";
import { greetingDialogue } from "./protocols/greeting.ts";
import { grpcDialogue } from "./protocols/grpc.ts";
import { type HttpMethod, httpDialogue } from "./protocols/http.ts";
import { pingDialogue } from "./protocols/ping.ts";
import { radiusDialogue } from "./protocols/radius.ts";
import { readSecret } from "./protocols/secret.ts";
import { sendExpectDialogue } from "./protocols/send-expect.ts";
import { udpDialogue } from "./protocols/udp.ts";
import { type ConverseOptions, converse, knock } from "./transport/connection.ts";
import { exchangeDatagrams } from "./transport/datagram-conversation.ts";
import type { Dialogue } from "./transport/dialogue.ts";
import { failure, localFailure } from "./transport/outcome.ts";
import { tlsSettings } from "./transport/tls-files.ts";
import type { Trace } from "./transport/trace.ts";

/** What a probe takes from its surroundings. */
export interface ProbeSurroundings {
  /** Certificates of authorities, PEM; absent: those of the system. */
  readonly authorities?: string;
  /** Gets what goes over the wire. */
  readonly trace?: Trace;
}

/** One attempt: what is to be tried where, and within which time. */
interface Attempt {
  readonly endpoint: Endpoint;
  readonly route: Route;
  readonly timeoutMs: number;
  readonly surroundings: ProbeSurroundings;
}

/** RFC 7301: what gRPC wants of TLS. */
const HTTP2 = "h2";
/** Enough that nobody else's echo is taken for ours. */
const COOKIE_BYTES = 16;
/** RFC 2865 section 3. */
const AUTHENTICATOR_BYTES = 16;

/** Where a check connects to: the real server's address and port, unless the check has its own. */
export function probeEndpoint(method: Exclude<CheckMethod, ExternalMethod>, target: CheckTarget): Endpoint {
  const port = method.kind === "ping" ? undefined : method.port;
  return { address: method.address ?? target.address, port: port ?? target.port };
}

function routeOf(method: ConnectMethod): Route {
  return {
    ...(method.source === undefined ? {} : { source: addressBytes(method.source) }),
    ...(method.interface === undefined ? {} : { interface: method.interface }),
    ...(method.mark === undefined ? {} : { mark: method.mark }),
  };
}

function options({ route, timeoutMs, surroundings }: Attempt): ConverseOptions {
  return { route, timeoutMs, ...(surroundings.trace === undefined ? {} : { trace: surroundings.trace }) };
}

interface TlsTalk extends Pick<SecuredMethod, "verifyCertificate" | "tls"> {
  readonly host?: string;
}

/** What is agreed on within TLS, and whether that begins where the dialogue asks for it. */
interface TlsManner {
  readonly protocol?: string;
  readonly isTlsLater?: boolean;
}

/** The name in the certificate that a Host field stands for: without the port, and without the brackets of IPv6. */
function certificateName(host: string): string {
  return host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

/** Converses within TLS. */
async function talkSecurely(
  method: TlsTalk,
  attempt: Attempt,
  dialogue: Dialogue,
  { protocol, isTlsLater }: TlsManner = {},
): Promise<ProbeOutcome> {
  const settings = tlsSettings({
    serverName: method.host === undefined ? attempt.endpoint.address.text : certificateName(method.host),
    verify: method.verifyCertificate ?? true,
    tls: method.tls,
    authorities: attempt.surroundings.authorities,
  });
  if (!settings.ok) return failure(0, "local", settings.problem);
  const tls = { ...settings.value, ...(protocol === undefined ? {} : { protocol }) };
  const later = isTlsLater === undefined ? {} : { isTlsLater };
  return await converse(attempt.endpoint, dialogue, { ...options(attempt), tls, ...later });
}

function talk(method: TalkMethod, attempt: Attempt, dialogue: Dialogue, manner: TlsManner = {}): Promise<ProbeOutcome> {
  if (method.transport === "tls") return talkSecurely(method, attempt, dialogue, manner);
  if (method.transport === "starttls") return talkSecurely(method, attempt, dialogue, { ...manner, isTlsLater: true });
  return converse(attempt.endpoint, dialogue, options(attempt));
}

function talkByUdp(attempt: Attempt, dialogue: Dialogue): Promise<ProbeOutcome> {
  const { endpoint, route, timeoutMs, surroundings } = attempt;
  const open = () => connectUdp(addressBytes(endpoint.address), endpoint.port, route);
  return exchangeDatagrams(open, timeoutMs, dialogue, surroundings.trace);
}

async function ping({ endpoint, route, timeoutMs, surroundings }: Attempt): Promise<ProbeOutcome> {
  try {
    const { start, raw } = connectPing(addressBytes(endpoint.address), route);
    const dialogue = pingDialogue({ family: endpoint.address.family, raw, cookie: randomBytes(COOKIE_BYTES) });
    return await exchangeDatagrams(() => start, timeoutMs, dialogue, surroundings.trace);
  } catch (error) {
    return localFailure(error);
  }
}

function askHttp(method: HttpMethod, attempt: Attempt): Promise<ProbeOutcome> {
  const dialogue = httpDialogue(method, attempt.endpoint);
  return method.kind === "https"
    ? talkSecurely(method, attempt, dialogue)
    : converse(attempt.endpoint, dialogue, options(attempt));
}

function sendAndExpect(method: Extract<CheckMethod, { kind: "send-expect" }>, attempt: Attempt): Promise<ProbeOutcome> {
  const { transport, script } = method;
  const dialogue = sendExpectDialogue(method);
  if (transport === "udp") return talkByUdp(attempt, dialogue);
  if (transport === "tls") return talkSecurely(method, attempt, dialogue);
  if (script?.some(({ kind }) => kind === "start-tls") !== true) {
    return converse(attempt.endpoint, dialogue, options(attempt));
  }
  return talkSecurely(method, attempt, dialogue, { isTlsLater: true });
}

function askDns(method: DnsMethod, attempt: Attempt): Promise<ProbeOutcome> {
  const dialogue = dnsDialogue(method, randomBytes(2).readUInt16BE(0));
  if (method.transport === "tls") return talkSecurely(method, attempt, dialogue);
  if (method.transport === "tcp") return converse(attempt.endpoint, dialogue, options(attempt));
  return talkByUdp(attempt, dialogue);
}

async function askRadius(method: Extract<CheckMethod, { kind: "radius" }>, attempt: Attempt): Promise<ProbeOutcome> {
  const secret = readSecret(method.secretFile);
  if (!secret.ok) return failure(0, "local", secret.problem);
  const [identifier = 0, ...authenticator] = randomBytes(1 + AUTHENTICATOR_BYTES);
  const dialogue = radiusDialogue({
    secret: secret.value,
    identifier,
    authenticator: Uint8Array.from(authenticator),
    ...(method.userName === undefined ? {} : { userName: method.userName }),
  });
  return await talkByUdp(attempt, dialogue);
}

function probe(method: Exclude<CheckMethod, ExternalMethod>, attempt: Attempt): Promise<ProbeOutcome> {
  switch (method.kind) {
    case "tcp":
      return knock(attempt.endpoint, options(attempt));
    case "send-expect":
      return sendAndExpect(method, attempt);
    case "http":
    case "https":
      return askHttp(method, attempt);
    case "udp":
      return talkByUdp(attempt, udpDialogue(method.send));
    case "dns":
      return askDns(method, attempt);
    case "radius":
      return askRadius(method, attempt);
    case "ping":
      return ping(attempt);
    case "grpc": {
      const authority = formatEndpoint(attempt.endpoint);
      return talk(method, attempt, grpcDialogue(method.service, authority, method.transport === "tls"), {
        protocol: HTTP2,
      });
    }
    default:
      return talk(method, attempt, greetingDialogue(method.kind, method.transport === "starttls"));
  }
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
  return probe(method, { endpoint: probeEndpoint(method, target), route: routeOf(method), timeoutMs, surroundings });
}
