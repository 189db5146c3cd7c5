import type { CheckMethod, ConnectMethod, SecuredMethod, TalkMethod, TlsMethod } from "../../model/health-check.ts";
import { CHECK_SCHEMA } from "../keys/check-schema.ts";
import type { CheckFields, CheckSettings } from "../keys/check-settings.ts";
import { whole } from "../keys/table-type.ts";

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** The parts that are there. */
function present<T extends object>(parts: T): Present<T> {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as Present<T>;
}

function connect(fields: CheckFields): ConnectMethod {
  return present({
    port: fields.port,
    address: fields.connect_address,
    source: fields.bind_address,
    interface: fields.bind_interface,
    mark: fields.mark,
  });
}

function tls(fields: CheckFields): { readonly tls?: TlsMethod } {
  const found: TlsMethod = present({
    serverName: fields.server_name,
    authoritiesFile: fields.ca_file,
    certificateFile: fields.certificate_file,
    keyFile: fields.private_key_file,
    warnDays: fields.warn_days,
  });
  return Object.keys(found).length === 0 ? {} : { tls: found };
}

function secured(fields: CheckFields): SecuredMethod {
  return { ...connect(fields), verifyCertificate: fields.verify ?? CHECK_SCHEMA.verify.fallback, ...tls(fields) };
}

/** A conversation's settings; those of TLS only where it is used. */
function talk(fields: CheckFields): TalkMethod {
  const { transport } = fields;
  return transport === "tls" || transport === "starttls" ? { ...secured(fields), transport } : connect(fields);
}

function http(kind: "http" | "https", fields: CheckFields): CheckMethod {
  const headers = fields.headers ?? CHECK_SCHEMA.headers.fallback;
  return {
    kind,
    ...connect(fields),
    method: fields.method ?? CHECK_SCHEMA.method.fallback,
    path: fields.path ?? CHECK_SCHEMA.path.fallback,
    expectStatus: fields.expect_status ?? CHECK_SCHEMA.expect_status.fallback,
    verifyCertificate: fields.verify ?? CHECK_SCHEMA.verify.fallback,
    ...present({
      host: fields.host,
      headers: headers.length === 0 ? undefined : headers,
      version: fields.http_version === "1.0" ? fields.http_version : undefined,
      expectBody: fields.expect_body,
      expectBodyRegex: fields.expect_body_regex,
      expectDigest: fields.expect_digest,
      expectLocation: fields.expect_location,
    }),
    ...(kind === "https" ? tls(fields) : {}),
  };
}

function sendExpect(fields: CheckFields): CheckMethod {
  const texts = {
    kind: "send-expect",
    send: fields.send ?? CHECK_SCHEMA.send.fallback,
    expect: fields.expect ?? CHECK_SCHEMA.expect.fallback,
    ...present({ script: fields.script }),
  } as const;
  if (fields.transport === "udp") return { ...texts, ...connect(fields), transport: "udp" };
  if (fields.transport === "tls") return { ...texts, ...secured(fields), transport: "tls" };
  const startsTls = fields.script?.some(({ kind }) => kind === "start-tls") ?? false;
  return { ...texts, ...(startsTls ? secured(fields) : connect(fields)) };
}

function dns(fields: CheckFields): CheckMethod | undefined {
  const parts = whole({ query: fields.query });
  if (parts === undefined) return undefined;
  const { transport } = fields;
  return {
    kind: "dns",
    ...(transport === "tls" ? secured(fields) : connect(fields)),
    ...parts,
    record: fields.record ?? CHECK_SCHEMA.record.fallback,
    ...present({ expectAnswers: fields.expect_answer }),
    ...(transport === "tcp" || transport === "tls" ? { transport } : {}),
  };
}

/** What a check does; undefined when something that it needs is missing, which is reported. */
export function checkMethod({ kind, fields }: CheckSettings): CheckMethod | undefined {
  switch (kind) {
    case "tcp":
      return { kind, ...connect(fields) };
    case "send-expect":
      return sendExpect(fields);
    case "http":
    case "https":
      return http(kind, fields);
    case "udp":
      return { kind, ...connect(fields), send: fields.send ?? CHECK_SCHEMA.send.fallback };
    case "ping": {
      const { port: _none, ...rest } = connect(fields);
      return { kind, ...rest };
    }
    case "dns":
      return dns(fields);
    case "radius": {
      const parts = whole({ secretFile: fields.secret_file });
      const user = present({ userName: fields.radius_user });
      return parts === undefined ? undefined : { kind, ...connect(fields), ...parts, ...user };
    }
    case "grpc":
      return { kind, ...talk(fields), service: fields.grpc_service ?? CHECK_SCHEMA.grpc_service.fallback };
    case "external": {
      const parts = whole({ command: fields.command });
      const user = fields.user ?? CHECK_SCHEMA.user.fallback;
      return parts === undefined ? undefined : { kind, ...parts, user, ...present({ weight: fields.weight_from }) };
    }
    default:
      return { kind, ...talk(fields) };
  }
}
