/** `tandem check run` with a target of any kind: the flags become the keys of a check, which the schema then judges. */
import { parseCheckText } from "../../config/check-text.ts";
import { type Parsed, parsed, problem } from "../../lib/parsed.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "../../model/address.ts";
import { CHECK_KINDS, type CheckKind, type CheckMethod, type CheckTarget } from "../../model/health-check.ts";
import { commandWords, resolveEscapes, type TargetSettings } from "./check-target.ts";

/** The ports that these services usually have; IANA's. */
const USUAL_PORTS: Readonly<Partial<Record<CheckKind, number>>> = {
  http: 80,
  https: 443,
  smtp: 25,
  imap: 143,
  pop3: 110,
  ldap: 389,
  redis: 6379,
  mysql: 3306,
  postgresql: 5432,
  dns: 53,
  radius: 1812,
  // An echo goes to no port.
  ping: 1,
};

/** What the part after the target's port says. */
const PATH_KEYS: Readonly<Partial<Record<CheckKind, string>>> = {
  http: "path",
  https: "path",
  dns: "query",
  grpc: "grpc_service",
};

interface SecureScheme {
  readonly kind: CheckKind;
  readonly port: number;
}

/** What goes by a name and a port of its own when it is held within TLS. */
const SECURE_SCHEMES: Readonly<Record<string, SecureScheme>> = {
  smtps: { kind: "smtp", port: 465 },
  imaps: { kind: "imap", port: 993 },
  pop3s: { kind: "pop3", port: 995 },
  ldaps: { kind: "ldap", port: 636 },
  rediss: { kind: "redis", port: 6379 },
};

function secureScheme(word: string): SecureScheme | undefined {
  return Object.hasOwn(SECURE_SCHEMES, word) ? SECURE_SCHEMES[word] : undefined;
}

/** The schemes: the kinds of check, `tls`, and the names of protocols within TLS. */
function isScheme(word: string): boolean {
  if (word === "tls" || secureScheme(word) !== undefined) return true;
  return CHECK_KINDS.some((kind) => kind === word && kind !== "external" && kind !== "send-expect");
}

function kindOf(scheme: string, settings: TargetSettings): CheckKind {
  const talks = settings.expect !== undefined || settings.set.some((pair) => /^(?:script|expect)=/.test(pair));
  if (settings.command !== undefined) return "external";
  if (scheme === "tls" || (scheme === "udp" && talks)) return "send-expect";
  if (scheme === "tcp") return talks || settings.send !== undefined ? "send-expect" : "tcp";
  return secureScheme(scheme)?.kind ?? CHECK_KINDS.find((kind) => kind === scheme) ?? "tcp";
}

/** A value as TOML: as it stands where it is written like one, else a text with its escapes resolved. */
function tomlValue(text: string): Parsed<string> {
  if (/^(?:\[.*\]|\{.*\}|".*"|'.*'|true|false|\d+)$/s.test(text)) return parsed(text);
  const resolved = resolveEscapes(text);
  return resolved.ok ? parsed(JSON.stringify(resolved.value)) : resolved;
}

function transportOf(scheme: string, kind: CheckKind): string | undefined {
  if (scheme === "tls" || secureScheme(scheme) !== undefined) return "tls";
  return scheme === "udp" && kind === "send-expect" ? "udp" : undefined;
}

function flagPairs(scheme: string, path: string, kind: CheckKind, settings: TargetSettings): [string, string][] {
  const pathKey = PATH_KEYS[kind];
  const ranges = settings.expectStatus.map(([first, last]) => JSON.stringify(`${first}-${last}`));
  const given: [string, string | undefined][] = [
    ["kind", kind],
    [pathKey ?? "path", path === "" ? undefined : kind === "http" || kind === "https" ? path : path.slice(1)],
    ["transport", transportOf(scheme, kind)],
    ["send", settings.send],
    [kind === "dns" ? "expect_answer" : "expect", settings.expect],
    ["expect_status", ranges.length === 0 ? undefined : `[${ranges.join(", ")}]`],
    ["expect_body", settings.expectBody],
    ["host", settings.host],
    ["method", settings.head ? "HEAD" : undefined],
    ["verify", settings.insecure ? "false" : undefined],
    ["user", settings.user],
  ];
  return given.flatMap(([key, value]): [string, string][] => (value === undefined ? [] : [[key, value]]));
}

function tableText(pairs: readonly (readonly [string, string])[]): Parsed<string> {
  const values = new Map<string, string>();
  for (const [key, text] of pairs) {
    const value = tomlValue(text);
    if (!value.ok) return problem(`${key}: ${value.problem}`);
    // A key that is set takes the place of what the target and the flags said.
    values.set(key, value.value);
  }
  return parsed([...values].map(([key, value]) => `${key} = ${value}\n`).join(""));
}

function commandPair({ command }: TargetSettings): Parsed<[string, string][]> {
  if (command === undefined) return parsed([]);
  const words = commandWords(command);
  return words.ok ? parsed([["command", JSON.stringify(words.value)]]) : words;
}

function endpointOf(kind: CheckKind, scheme: string, text: string): Parsed<Endpoint> {
  const endpoint = parseEndpoint(text);
  if (!endpoint.ok || endpoint.value.port !== 0) return endpoint;
  const port = secureScheme(scheme)?.port ?? USUAL_PORTS[kind];
  return port === undefined
    ? problem(`${JSON.stringify(text)} needs a port: ${scheme}://ADDRESS:PORT`)
    : parsed({ ...endpoint.value, port });
}

/** Reads a target of any scheme with its flags and its `--set KEY=VALUE`. */
export function checkOfTarget(
  text: string,
  settings: TargetSettings,
): Parsed<{ readonly target: CheckTarget; readonly method: CheckMethod }> {
  const [, scheme = "", host = "", path = ""] = /^([a-z0-9-]+):\/\/([^/]+)(\/.*)?$/.exec(text) ?? [];
  if (!isScheme(scheme)) {
    const schemes = [...CHECK_KINDS, "tls", ...Object.keys(SECURE_SCHEMES)].filter(isScheme);
    return problem(`${JSON.stringify(text)} is not a target; write SCHEME://ADDRESS:PORT with ${schemes.join(", ")}`);
  }
  const sets = settings.set.map((pair): [string, string] => {
    const at = pair.indexOf("=");
    return at < 1 ? [pair, ""] : [pair.slice(0, at).trim(), pair.slice(at + 1)];
  });
  const wrong = sets.find(([key]) => !/^[a-z_]+$/.test(key));
  if (wrong !== undefined) return problem(`--set ${wrong[0]}: write KEY=VALUE`);
  const kind = kindOf(scheme, settings);
  const endpoint = endpointOf(kind, scheme, host);
  if (!endpoint.ok) return problem(`TARGET: ${endpoint.problem}`);
  if (path !== "" && PATH_KEYS[kind] === undefined)
    return problem(`a ${scheme} target has no path: ${formatEndpoint(endpoint.value)}`);
  const command = commandPair(settings);
  if (!command.ok) return command;
  const keys = tableText([...flagPairs(scheme, path, kind, settings), ...command.value, ...sets]);
  if (!keys.ok) return keys;
  const result = parseCheckText(keys.value);
  if (result.ok) return parsed({ target: endpoint.value, method: result.check.method });
  return problem(
    result.issues.map(({ message, hint }) => (hint === undefined ? message : `${message} (${hint})`)).join("; "),
  );
}
