import { formatDuration } from "../../model/duration.ts";
import { type Check, type CheckKind, type FlapDamping, STARTTLS_KINDS } from "../../model/health-check.ts";
import { CHECK_SCHEMA, kindsOfKey } from "../keys/check-schema.ts";
import type { CheckFields, CheckSettings, CheckTable } from "../keys/check-settings.ts";
import { named } from "../keys/table-type.ts";
import { quotedList } from "../keys/value-type.ts";
import { checkMethod } from "./resolve-method.ts";

const NOTHING: CheckFields = Object.fromEntries(
  Object.keys(CHECK_SCHEMA).map((key) => [key, undefined]),
) as CheckFields;

/** The settings that don't depend on the kind. */
function timing(fields: CheckFields): CheckFields {
  const { interval, timeout, rise, fall, down_interval, flap_limit, flap_window, flap_hold } = fields;
  return { ...NOTHING, interval, timeout, rise, fall, down_interval, flap_limit, flap_window, flap_hold };
}

function checkKinds(table: CheckTable, kind: CheckKind): void {
  for (const key of table.given) {
    const kinds = kindsOfKey(key);
    if (kinds === undefined || kinds.includes(kind)) continue;
    const hint = `${key} belongs to the kind ${quotedList(kinds)}`;
    table.place.key(key).keyError(`a check of the kind "${kind}" has no ${key}`, hint);
  }
}

function checkTimes(table: CheckTable, fields: CheckFields): void {
  const interval = fields.interval ?? CHECK_SCHEMA.interval.fallback;
  const { timeout } = fields;
  if (timeout === undefined || timeout <= interval) return;
  const key = table.given.has("timeout") ? "timeout" : "interval";
  const place = table.given.has(key) ? table.place.key(key) : table.place;
  place.error(
    `timeout (${formatDuration(timeout)}) must not be longer than ${named(table, "interval", formatDuration(interval))}`,
    "an attempt must have ended before the next one begins",
  );
}

function checkTexts(table: CheckTable, kind: CheckKind, fields: CheckFields): void {
  for (const key of ["send", "expect"] as const) {
    if (!table.given.has(key) || !/\\[rnt]/.test(fields[key] ?? "")) continue;
    const hint = 'write it in double quotes ("…") if a line end is meant';
    table.place.key(key).warn(`${key} has a backslash with a letter after it, as two characters`, hint);
  }
  if (fields.method === "HEAD" && fields.expect_body !== undefined) {
    const key = table.given.has("expect_body") ? "expect_body" : "method";
    table.place.key(key).error('expect_body needs the method "GET", since an answer to "HEAD" has no body');
  }
  checkProtocol(table, kind, fields);
  if (kind === "external" && fields.command === undefined && !table.given.has("command")) {
    table.place.missing(
      'a check of the kind "external" needs the key command',
      `such as: command = ${CHECK_SCHEMA.command.example}`,
    );
  }
}

/** What belongs together within one kind. */
function checkProtocol(table: CheckTable, kind: CheckKind, fields: CheckFields): void {
  if (kind === "dns" && fields.query === undefined && !table.given.has("query")) {
    table.place.missing(
      'a check of the kind "dns" needs the key query',
      `such as: query = ${CHECK_SCHEMA.query.example}`,
    );
  }
  if (kind === "radius" && fields.secret_file === undefined && !table.given.has("secret_file")) {
    table.place.missing(
      'a check of the kind "radius" needs the key secret_file',
      `such as: secret_file = ${CHECK_SCHEMA.secret_file.example}`,
    );
  }
  checkTransport(table, kind, fields);
  if (fields.script !== undefined && (fields.send !== undefined || fields.expect !== undefined)) {
    const key = table.given.has("script") ? "script" : table.given.has("send") ? "send" : "expect";
    table.place.key(key).keyError("script takes the place of send and expect", "make them steps of the script");
  }
  if ((fields.certificate_file === undefined) !== (fields.private_key_file === undefined)) {
    const key = fields.certificate_file === undefined ? "private_key_file" : "certificate_file";
    table.place.key(key).keyError("certificate_file and private_key_file go together");
  }
  const wantsBody = fields.expect_body_regex !== undefined || fields.expect_digest !== undefined;
  if (fields.method === "HEAD" && wantsBody) {
    table.place.error('expect_body_regex and expect_digest need another method than "HEAD", whose answer has no body');
  }
}

const BY_UDP: readonly CheckKind[] = ["send-expect", "dns"];

function checkTransport(table: CheckTable, kind: CheckKind, fields: CheckFields): void {
  const { transport, script } = fields;
  const place = table.place.key(table.given.has("transport") ? "transport" : "script");
  if (transport === "udp" && !BY_UDP.includes(kind) && table.given.has("transport")) {
    place.error(`a check of the kind "${kind}" can't be held over udp`, 'use "tcp" or "tls"');
  }
  if (transport === "starttls" && !STARTTLS_KINDS.some((known) => known === kind) && table.given.has("transport")) {
    const hint = kind === "send-expect" ? "make { start_tls = true } a step of a script" : `use "tcp" or "tls"`;
    place.error(`a check of the kind "${kind}" can't change to TLS by itself`, hint);
  }
  const begins = script?.filter((step) => step.kind === "start-tls").length ?? 0;
  if (begins > 1) place.error("a script can change to TLS only once");
  if (begins > 0 && (transport === "tls" || transport === "udp")) {
    place.error(`a script that changes to TLS begins over tcp, not over ${transport}`);
  }
}

/**
 * What a check's table says, together with what it inherits from `base`: everything when the kind is the same, else
 * the timing. Reports what doesn't fit together.
 */
export function checkSettings(table: CheckTable, base?: CheckSettings): CheckSettings {
  const kind = table.fields.kind ?? base?.kind ?? CHECK_SCHEMA.kind.fallback;
  const inherited = base === undefined ? NOTHING : base.kind === kind ? base.fields : timing(base.fields);
  const fields = { ...inherited };
  for (const [key, value] of Object.entries(table.fields)) {
    if (value !== undefined) Object.assign(fields, { [key]: value });
  }
  // With a wrong kind nothing can be said about the keys that belong to kinds.
  if (table.fields.kind !== undefined || !table.given.has("kind")) {
    checkKinds(table, kind);
    checkTexts(table, kind, fields);
  }
  checkTimes(table, fields);
  return { kind, fields };
}

function flapDamping(fields: CheckFields): FlapDamping | undefined {
  const { flap_limit: limit = CHECK_SCHEMA.flap_limit.fallback } = fields;
  if (limit === 0) return undefined;
  return {
    limit,
    windowMs: fields.flap_window ?? CHECK_SCHEMA.flap_window.fallback,
    holdMs: fields.flap_hold ?? CHECK_SCHEMA.flap_hold.fallback,
  };
}

/** The check with its defaults; undefined when it has no command, which is reported. */
export function resolveCheck(settings: CheckSettings): Check | undefined {
  const { fields } = settings;
  const intervalMs = fields.interval ?? CHECK_SCHEMA.interval.fallback;
  const found = checkMethod(settings);
  const flap = flapDamping(fields);
  if (found === undefined) return undefined;
  return {
    intervalMs,
    timeoutMs: fields.timeout ?? Math.min(CHECK_SCHEMA.timeout.fallback, intervalMs),
    rise: fields.rise ?? CHECK_SCHEMA.rise.fallback,
    fall: fields.fall ?? CHECK_SCHEMA.fall.fallback,
    ...(fields.down_interval === undefined ? {} : { downIntervalMs: fields.down_interval }),
    ...(flap === undefined ? {} : { flap }),
    method: found,
  };
}

/** The check of a service that says nothing about checks: can it be connected to? */
export function defaultCheck(): CheckSettings {
  return { kind: CHECK_SCHEMA.kind.fallback, fields: NOTHING };
}
