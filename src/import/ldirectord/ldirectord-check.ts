/** `checktype` and what belongs to it in ldirectord.cf, as one check of ours. */
import { durationOf, type ForeignNotes, type ForeignTable } from "../foreign/foreign-model.ts";

/** The service of a port when none is named. */
const SERVICE_OF_PORT: Readonly<Record<number, string>> = {
  21: "ftp",
  25: "smtp",
  53: "dns",
  80: "http",
  110: "pop",
  143: "imap",
  389: "ldap",
  443: "https",
  587: "submission",
  636: "ldaps",
  993: "imaps",
  995: "pops",
  1812: "radius",
  3306: "mysql",
  5432: "pgsql",
};

/** Kinds that ours has, with the transport of those within TLS. */
const KINDS: Readonly<Record<string, readonly [kind: string, transport?: string]>> = {
  http: ["http"],
  https: ["https"],
  smtp: ["smtp"],
  submission: ["smtp"],
  dns: ["dns"],
  pop: ["pop3"],
  pops: ["pop3", "tls"],
  imap: ["imap"],
  imaps: ["imap", "tls"],
  ldap: ["ldap"],
  ldaps: ["ldap", "tls"],
  mysql: ["mysql"],
  pgsql: ["postgresql"],
  simpletcp: ["send-expect"],
};

/** `"text"` or text. */
function unquoted(text: string | undefined): string | undefined {
  return text?.replace(/^"(.*)"$/, "$1");
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+/.test(text) ? Number.parseInt(text, 10) : undefined;
}

function timesOf(values: ReadonlyMap<string, string>, isNegotiated: boolean): ForeignTable {
  const interval = numberOf(values.get("checkinterval")) ?? 10;
  const connect = numberOf(values.get("checktimeout"));
  const negotiate = numberOf(values.get("negotiatetimeout"));
  const timeout = isNegotiated ? (negotiate ?? connect ?? 30) : (connect ?? negotiate ?? 5);
  return {
    interval: durationOf(interval),
    // Ours must fit into the interval; there it came on top.
    timeout: durationOf(Math.min(timeout, interval)),
    rise: 1,
    fall: numberOf(values.get("failurecount")) ?? 1,
  };
}

function pageKeys(values: ReadonlyMap<string, string>): ForeignTable {
  const request = unquoted(values.get("request")) ?? "/";
  return {
    path: request.startsWith("/") ? request : `/${request}`,
    host: unquoted(values.get("virtualhost")),
    method: values.get("httpmethod")?.toUpperCase(),
    expect_body_regex: unquoted(values.get("receive")) || undefined,
  };
}

function negotiated(
  values: ReadonlyMap<string, string>,
  port: number,
  line: number,
  notes: ForeignNotes,
): ForeignTable | undefined {
  const service = values.get("service") ?? SERVICE_OF_PORT[port] ?? "none";
  const found = KINDS[service];
  if (found === undefined) {
    const kind = service === "none" ? "nothing to say to it" : `the service ${service}`;
    notes.warn(line, `there is no check here for ${kind}: a connection is enough`);
    return { kind: "tcp" };
  }
  const [kind, transport] = found;
  if (kind === "http" || kind === "https") {
    if (kind === "https") notes.warn(line, "https never verified the certificate: verify = false keeps it so");
    return { kind, ...pageKeys(values), verify: kind === "https" ? false : undefined };
  }
  if (kind === "send-expect") {
    return { kind, send: unquoted(values.get("request")), expect: unquoted(values.get("receive")) };
  }
  if (kind === "dns") return { kind, query: unquoted(values.get("request")) ?? ".", record: "A" };
  if (values.has("login") || values.has("passwd")) notes.warn(line, `a check of ${service} here does without a login`);
  return { kind, transport, verify: transport === undefined ? undefined : false };
}

/** @param port of the service @returns undefined: the servers are not checked */
export function ldirectordCheck(
  values: ReadonlyMap<string, string>,
  port: number,
  line: number,
  notes: ForeignNotes,
): ForeignTable | undefined {
  const type = values.get("checktype") ?? "negotiate";
  const common = { port: numberOf(values.get("checkport")) };
  const times = timesOf(values, type === "negotiate" || /^\d+$/.test(type));
  switch (type) {
    case "on":
      return undefined;
    case "off":
      notes.warn(
        line,
        "checktype=off keeps the servers out for ever, which has no counterpart here: they are not checked",
      );
      return undefined;
    case "connect":
      return { kind: "tcp", ...common, ...times };
    case "ping":
      return { kind: "ping", ...times };
    case "external":
    case "external-perl": {
      if (type === "external-perl") notes.warn(line, "external-perl: the program is run as any other");
      notes.warn(
        line,
        "an external program got VIP, port, address and port as arguments: see the environment it gets here",
      );
      const command = unquoted(values.get("checkcommand")) ?? "/bin/true";
      return { kind: "external", command: command.split(/\s+/), ...times };
    }
    default: {
      const check = negotiated(values, port, line, notes);
      return check === undefined ? undefined : { ...check, ...common, ...times };
    }
  }
}
