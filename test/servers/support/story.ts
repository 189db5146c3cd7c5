/** What a check says of a real server through all of its ways of failing, and when it is back. */
import type { CheckMethod, CheckTarget, ProbeOutcome } from "../../../src/model/health-check.ts";
import { runCheck } from "../../../src/probe/run-check.ts";
import { faultyProxy, type ProxyFault } from "../../support/faulty-proxy.ts";
import { eventually, onPort, type RealServer } from "./server-process.ts";

/** For answers that come: nobody waits so long. */
const PATIENT_MS = 30_000;
/** For silence: shorter than the second that a drip takes, long enough for a first byte on a busy machine. */
const HASTY_MS = 900;

export interface Subject {
  readonly server: RealServer;
  readonly port: number;
  readonly method: CheckMethod;
}

/** `outcome: reason`, without what differs from run to run. */
export function told(outcome: ProbeOutcome): string {
  const warning = outcome.result === "success" && outcome.warning !== undefined ? `; warning: ${outcome.warning}` : "";
  const reason = `${outcome.reason}${warning}`
    .replaceAll(/\d{4}-\d\d-\d\d/g, "DAY")
    .replaceAll(/\d+(\.\d+)? m?s\b/g, "T")
    .replaceAll(/\d+\.\d+\.\d+-MariaDB[\w+~-]*(?: from Debian)?/g, "VERSION");
  // A reset may arrive before the connection was looked at.
  const said =
    outcome.result === "failure" && outcome.failure === "reset" ? reason.replace("connected after T; ", "") : reason;
  return `${outcome.result === "success" ? "up" : outcome.failure}: ${said}`;
}

export async function check(method: CheckMethod, target: CheckTarget, timeoutMs = PATIENT_MS): Promise<string> {
  return told(await runCheck(method, target, timeoutMs));
}

async function throughProxy({ method, port }: Subject, fault: ProxyFault): Promise<string> {
  using proxy = faultyProxy(port, fault);
  const isSilence = fault === "silent" || fault === "drip" || fault === "wrong";
  return await check(method, onPort(proxy.port), isSilence ? HASTY_MS : PATIENT_MS);
}

/** What comes of a server that says something; asked once more with patience where it did not come in time, on a busy machine. */
async function saying(subject: Subject, fault: "drip" | "wrong", silence: Promise<string>): Promise<string> {
  const { method } = subject;
  const first = await throughProxy(subject, fault);
  const isSecure = method.kind === "https" || ("transport" in method && method.transport === "tls");
  // Within TLS a drip is no more than silence.
  if (first !== (await silence) || (isSecure && fault === "drip")) return first;
  using proxy = faultyProxy(subject.port, fault);
  return await check(method, onPort(proxy.port), 4 * HASTY_MS);
}

/** The server is there, and does nothing: its kernel makes the connections. */
async function halfOpen({ server, method, port }: Subject): Promise<string> {
  await server.freeze();
  try {
    return await check(method, onPort(port), HASTY_MS);
  } finally {
    server.thaw();
  }
}

async function refused({ server, method, port }: Subject): Promise<string> {
  await server.stop();
  try {
    // The last of its processes may have the port for a moment more.
    await eventually("the port is closed", async () =>
      (await check({ kind: "tcp" }, onPort(port))).startsWith("refused"),
    );
    return await check(method, onPort(port));
  } finally {
    await server.start();
  }
}

/** Every way of failing after the other, by name; the server is up again afterwards. */
export async function storyOf(subject: Subject): Promise<Readonly<Record<string, string>>> {
  const { method, port } = subject;
  const first = await check(method, onPort(port));
  const silence = throughProxy(subject, "silent");
  const [relayed, silent, reset, drip, endless, closed, other] = await Promise.all([
    throughProxy(subject, "pass"),
    silence,
    throughProxy(subject, "reset"),
    saying(subject, "drip", silence),
    throughProxy(subject, "endless"),
    throughProxy(subject, "half-closed"),
    saying(subject, "wrong", silence),
  ]);
  return {
    first,
    relayed,
    silent,
    reset,
    // A machine that stands still for a moment lets a second byte through.
    "a byte a second": drip.replace(/"(\\x..|.)[^"]*"(?= in time$|$)/, '"$1"'),
    endless,
    "half-closed": closed,
    "another protocol": other,
    "half-open": await halfOpen(subject),
    refused: await refused(subject),
    again: await check(method, onPort(port)),
  };
}

/** What a check within TLS says of certificates that it should not take. */
export async function certificateStory(
  method: CheckMethod,
  port: number,
  files: { readonly authorities: string; readonly otherAuthorities: string },
): Promise<Readonly<Record<string, string>>> {
  const withTls = (authoritiesFile: string | undefined, serverName: string): CheckMethod => ({
    ...method,
    ...{ tls: { serverName, ...(authoritiesFile === undefined ? {} : { authoritiesFile }) } },
  });
  return {
    "the machine's authorities": await check(withTls(undefined, "web.test"), onPort(port)),
    "another authority": await check(withTls(files.otherAuthorities, "web.test"), onPort(port)),
    "another name": await check(withTls(files.authorities, "other.test"), onPort(port)),
    "the right name": await check(withTls(files.authorities, "web.test"), onPort(port)),
  };
}
