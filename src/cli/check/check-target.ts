/**
 * A target of `tandem check run`, such as `https://10.0.0.11/health`, with its flags as one check of the configuration.
 */
import { type Parsed, parsed, problem } from "../../lib/parsed.ts";
import { type Endpoint, parseEndpoint } from "../../model/address.ts";
import type { CheckMethod, CheckTarget } from "../../model/health-check.ts";

/** `tandem check run TARGET`: a target with its flags as one check. */
export interface TargetSettings {
  readonly send: string | undefined;
  readonly expect: string | undefined;
  readonly expectStatus: readonly (readonly [number, number])[];
  readonly expectBody: string | undefined;
  readonly host: string | undefined;
  readonly head: boolean;
  readonly insecure: boolean;
  readonly command: string | undefined;
  readonly user: string | undefined;
  /** `KEY=VALUE` each: keys of `[service.check]`. */
  readonly set: readonly string[];
}

interface TargetCheck {
  readonly target: CheckTarget;
  readonly method: CheckMethod;
}

const ESCAPES: Readonly<Record<string, string>> = { r: "\r", n: "\n", t: "\t", "0": "\0", "\\": "\\" };

/** Text with `\r \n \t \0 \xHH \\` resolved; any other backslash is a problem. */
export function resolveEscapes(text: string): Parsed<string> {
  let wrong: string | undefined;
  const resolved = text.replace(/\\(?:x([0-9a-fA-F]{2})|(.?))/gs, (whole, hex: string | undefined, letter: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    const value = ESCAPES[letter];
    if (value === undefined) wrong ??= whole;
    return value ?? "";
  });
  if (wrong === undefined) return parsed(resolved);
  return problem(`${JSON.stringify(wrong)} is no escape; there are \\r \\n \\t \\0 \\xHH \\\\`);
}

/** Which flags each scheme takes. */
const FLAGS_OF = {
  tcp: ["send", "expect", "command", "user"],
  http: ["expectStatus", "expectBody", "host", "head"],
  https: ["expectStatus", "expectBody", "host", "head", "insecure"],
} as const satisfies Readonly<Record<string, readonly (keyof TargetSettings)[]>>;

type Scheme = keyof typeof FLAGS_OF;

function isGiven(value: TargetSettings[keyof TargetSettings]): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}

/** The flags that say how a target is checked, as they are written; empty when the checks can be the configured ones. */
export function targetFlags(settings: TargetSettings): string[] {
  const keys = new Set([...Object.values(FLAGS_OF).flat(), "set" as const]);
  return [...keys].filter((key) => isGiven(settings[key])).map((key) => `--${flagName(key)}`);
}

function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A flag that means nothing for the scheme would be silently without effect. */
function strayFlag(scheme: Scheme, settings: TargetSettings): string | undefined {
  const allowed: readonly string[] = FLAGS_OF[scheme];
  const known = new Set(Object.values(FLAGS_OF).flat());
  const stray = [...known].find((key) => isGiven(settings[key]) && !allowed.includes(key));
  return stray === undefined ? undefined : flagName(stray);
}

/** The words of `--command`. There is no shell: quotes would be handed to the program as they are. */
export function commandWords(command: string): Parsed<string[]> {
  if (!/["'\\]/.test(command)) return parsed(command.split(/ +/).filter((word) => word !== ""));
  const instead = `--set 'command=["/bin/sh", "-c", "exit 0"]'`;
  return problem(`--command is split at its spaces, without a shell; for arguments with spaces or quotes: ${instead}`);
}

function tcpMethod(settings: TargetSettings): Parsed<CheckMethod> {
  const { command, send, expect, user } = settings;
  if (command !== undefined) {
    if (send !== undefined || expect !== undefined) return problem("--command goes without --send and --expect");
    const words = commandWords(command);
    return words.ok ? parsed({ kind: "external", command: words.value, user: user ?? "nobody" }) : words;
  }
  if (user !== undefined) return problem("--user needs --command");
  if (send === undefined && expect === undefined) return parsed({ kind: "tcp" });
  const sent = resolveEscapes(send ?? "");
  if (!sent.ok) return problem(`--send: ${sent.problem}`);
  const expected = resolveEscapes(expect ?? "");
  if (!expected.ok) return problem(`--expect: ${expected.problem}`);
  return parsed({ kind: "send-expect", send: sent.value, expect: expected.value });
}

/** RFC 9110: 2xx is success; a redirect is an answer of a working server. */
const GOOD_STATUS = [[200, 399]] as const;

function httpMethod(scheme: "http" | "https", path: string, settings: TargetSettings): CheckMethod {
  const { host, expectBody } = settings;
  return {
    kind: scheme,
    method: settings.head ? "HEAD" : "GET",
    path,
    ...(host === undefined ? {} : { host }),
    expectStatus: settings.expectStatus.length > 0 ? settings.expectStatus : GOOD_STATUS,
    ...(expectBody === undefined ? {} : { expectBody }),
    verifyCertificate: !settings.insecure,
  };
}

function endpointOf(scheme: Scheme, text: string): Parsed<Endpoint> {
  const endpoint = parseEndpoint(text);
  if (!endpoint.ok || endpoint.value.port !== 0) return endpoint;
  if (scheme === "tcp") return problem(`${JSON.stringify(text)} needs a port: tcp://ADDRESS:PORT`);
  return parsed({ ...endpoint.value, port: scheme === "http" ? 80 : 443 });
}

/** Reads a target such as `https://10.0.0.11:8443/healthz` with its flags. */
export function methodOfTarget(text: string, settings: TargetSettings): Parsed<TargetCheck> {
  const match = /^(tcp|http|https):\/\/([^/]+)(\/.*)?$/.exec(text);
  const scheme = match?.[1] as Scheme | undefined;
  if (match === null || scheme === undefined) {
    return problem(
      `${JSON.stringify(text)} is not a target; write tcp://ADDRESS:PORT, http://ADDRESS/PATH or https://…`,
    );
  }
  const [, , host = "", path] = match;
  const endpoint = endpointOf(scheme, host);
  if (!endpoint.ok) return problem(`TARGET: ${endpoint.problem}`);
  const stray = strayFlag(scheme, settings);
  if (stray !== undefined) return problem(`--${stray} means nothing for a ${scheme} target`);
  if (scheme === "tcp" && path !== undefined) return problem(`a tcp target has no path: ${JSON.stringify(path)}`);
  const method = scheme === "tcp" ? tcpMethod(settings) : parsed(httpMethod(scheme, path ?? "/", settings));
  return method.ok ? parsed({ target: endpoint.value, method: method.value }) : method;
}
