import { keepOrder } from "../../balance/saved/decoders.ts";
import { DecodeError } from "../../lib/errors.ts";
import { type Parsed, parsed, problem } from "../../lib/parsed.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "../../model/address.ts";
import type { KeepOrder } from "../../model/kept-server.ts";
import { WEIGHT_MAX } from "../../model/real-server.ts";
import { formatServiceKey, parseServiceKey, type ServiceKey } from "../../model/virtual-service.ts";

/**
 * The control socket of a running daemon: a UNIX stream socket on which a client writes one request as a line of JSON
 * and reads lines of JSON until one that is final. Both sides treat the other's lines as foreign text.
 */
export const CONTROL_SOCKET_NAME = "control.sock";
/** A request is a few hundred bytes; a longer line is refused. */
export const CONTROL_REQUEST_BYTES_MAX = 64 * 1024;
/** The largest answer is the status of 37,000 servers, about 8 MB. */
export const CONTROL_ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export type ControlRequest =
  | { readonly command: "status" }
  | { readonly command: "checks" }
  | { readonly command: "history" }
  | { readonly command: "heartbeats" }
  | { readonly command: "switch" }
  | { readonly command: "take"; readonly force: boolean }
  | { readonly command: "release" }
  | { readonly command: "hold"; readonly on: boolean }
  | { readonly command: "reload"; readonly force: boolean }
  /** The configuration in force, as its file had it. */
  | { readonly command: "applied" }
  | {
      readonly command: "drain" | "undrain";
      /** Absent: the real server in every service that has it. */
      readonly service?: ServiceKey;
      /** Absent: every real server of the service. One of the two is there. */
      readonly endpoint?: Endpoint;
    }
  | {
      /** The server has this weight instead of the configured one, until it is drained or undrained. */
      readonly command: "weight";
      readonly service?: ServiceKey;
      readonly endpoint?: Endpoint;
      readonly weight: number;
    }
  | { readonly command: "kept" }
  | {
      /** A real server of a configured service is added, changed or removed beside the configuration. */
      readonly command: "keep";
      readonly service: ServiceKey;
      readonly endpoint: Endpoint;
      readonly order: KeepOrder;
    };

type ServerRequest = Extract<ControlRequest, { readonly command: "drain" | "undrain" | "weight" }>;

export const CONTROL_COMMANDS = [
  "status",
  "checks",
  "history",
  "heartbeats",
  "switch",
  "take",
  "release",
  "hold",
  "reload",
  "applied",
  "drain",
  "undrain",
  "weight",
  "kept",
  "keep",
] as const satisfies readonly ControlRequest["command"][];

/** A line of an answer: what happens meanwhile, or the end. `value` depends on the command. */
export type ControlLine =
  | { readonly kind: "progress"; readonly message: string }
  | { readonly kind: "done"; readonly value: unknown }
  | {
      readonly kind: "refused";
      readonly reason: string;
      readonly hint?: string;
      readonly exitCode: 1 | 2 | 3 | 4;
    };

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readJson(line: string): Parsed<Readonly<Record<string, unknown>>> {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? parsed(value) : problem("a line must be a JSON object");
  } catch {
    return problem("a line must be JSON");
  }
}

/**
 * The request as its line of JSON, with the line's end.
 * @param untilMs monotonic milliseconds of this machine: when the client gives a daemon up that has not begun with it
 */
export function encodeControlRequest(request: ControlRequest, untilMs?: number): string {
  if (!("endpoint" in request || "service" in request)) return `${JSON.stringify({ ...request, untilMs })}\n`;
  const service = request.service === undefined ? undefined : formatServiceKey(request.service);
  const endpoint = request.endpoint === undefined ? undefined : formatEndpoint(request.endpoint);
  return `${JSON.stringify({ ...request, endpoint, service, untilMs })}\n`;
}

/** Another time namespace may count otherwise (time_namespaces(7)): a difference like that says nothing. */
const LATENESS_MAX_MS = 3_600_000;

/**
 * Whether the client of a request has given up by now: a daemon that was stopped finds requests that nobody waits for
 * any more, and whoever made them was told that they failed.
 */
export function isTooLate(line: string, nowMs: number): boolean {
  const json = readJson(line);
  const untilMs = json.ok ? json.value["untilMs"] : undefined;
  return typeof untilMs === "number" && nowMs > untilMs && nowMs - untilMs < LATENESS_MAX_MS;
}

function readServerRequest(
  command: ServerRequest["command"],
  record: Readonly<Record<string, unknown>>,
): Parsed<ControlRequest> {
  const { endpoint, service, weight } = record as { endpoint?: unknown; service?: unknown; weight?: unknown };
  if (endpoint === undefined && service === undefined) return problem(`${command} needs a service or a real server`);
  if (endpoint !== undefined && typeof endpoint !== "string") {
    return problem(`${command} needs the address of a real server`);
  }
  const target = endpoint === undefined ? undefined : parseEndpoint(endpoint);
  if (target !== undefined && !target.ok) return target;
  if (service !== undefined && typeof service !== "string") return problem(`the service of ${command} must be text`);
  const key = service === undefined ? undefined : parseServiceKey(service);
  if (key !== undefined && !key.ok) return key;
  const subject = {
    ...(target === undefined ? {} : { endpoint: target.value }),
    ...(key === undefined ? {} : { service: key.value }),
  };
  if (command !== "weight") return parsed({ command, ...subject });
  return typeof weight === "number" && Number.isInteger(weight) && weight >= 0 && weight <= WEIGHT_MAX
    ? parsed({ command, ...subject, weight })
    : problem(`a weight is a whole number from 0 to ${WEIGHT_MAX}`);
}

function readKeepRequest(record: Readonly<Record<string, unknown>>): Parsed<ControlRequest> {
  const { endpoint, service, order } = record;
  if (typeof endpoint !== "string" || typeof service !== "string")
    return problem("keep needs a service and a real server");
  const server = parseEndpoint(endpoint);
  if (!server.ok) return server;
  const key = parseServiceKey(service);
  if (!key.ok) return key;
  try {
    return parsed({ command: "keep", service: key.value, endpoint: server.value, order: keepOrder(order) });
  } catch (error) {
    if (error instanceof DecodeError) return problem(`the order of keep: ${error.message}`);
    throw error;
  }
}

/** Reads a request; whatever else is in the line is ignored, so that newer clients can say more. */
export function decodeControlRequest(line: string): Parsed<ControlRequest> {
  const json = readJson(line);
  if (!json.ok) return json;
  const record = json.value;
  const command = CONTROL_COMMANDS.find((name) => name === record["command"]);
  switch (command) {
    case undefined:
      return problem(`unknown command ${JSON.stringify(record["command"] ?? null)}`);
    case "drain":
    case "undrain":
    case "weight":
      return readServerRequest(command, record);
    case "keep":
      return readKeepRequest(record);
    case "take":
    case "reload":
      return parsed({ command, force: record["force"] === true });
    case "hold":
      return parsed({ command, on: record["on"] !== false });
    default:
      return parsed({ command });
  }
}

/** Reads a line of an answer. */
export function decodeControlLine(line: string): Parsed<ControlLine> {
  const json = readJson(line);
  if (!json.ok) return json;
  const record = json.value;
  switch (record["kind"]) {
    case "progress":
      return parsed({ kind: "progress", message: String(record["message"] ?? "") });
    case "done":
      return parsed({ kind: "done", value: record["value"] });
    case "refused": {
      const code = record["exitCode"];
      return parsed({
        kind: "refused",
        reason: String(record["reason"] ?? ""),
        ...(typeof record["hint"] === "string" ? { hint: record["hint"] } : {}),
        exitCode: code === 2 || code === 3 || code === 4 ? code : 1,
      });
    }
    default:
      return problem("an answer's line has no known kind");
  }
}
