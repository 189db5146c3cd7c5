import { DecodeError } from "../../lib/errors.ts";
import type { Endpoint } from "../../model/address.ts";
import type { CheckMethod } from "../../model/health-check.ts";
import { CONTINUE, type Dialogue, type Judgement, type Step } from "../transport/dialogue.ts";
import { quoteBytes, quoteText } from "../transport/probe-text.ts";
import { BodyJudge } from "./http-body.ts";
import { type HttpHead, HttpResponseReader } from "./http-response.ts";

export type HttpMethod = Extract<CheckMethod, { kind: "http" | "https" }>;

/** RFC 9110 section 4.2: the ports that a Host field need not name. */
const DEFAULT_PORTS = { http: 80, https: 443 };

/** The value of the Host field: as configured, else the server's address. */
export function httpHost(method: HttpMethod, target: Endpoint): string {
  if (method.host !== undefined) return method.host;
  const address = target.address.family === "inet" ? target.address.text : `[${target.address.text}]`;
  return target.port === DEFAULT_PORTS[method.kind] ? address : `${address}:${target.port}`;
}

function formatRanges(ranges: HttpMethod["expectStatus"]): string {
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(" or ");
}

/** The request. A header of the check's own takes the place of ours of the same name. */
function requestText(method: HttpMethod, target: Endpoint): string {
  const own = method.headers ?? [];
  const names = new Set(own.map((line) => line.slice(0, line.indexOf(":")).toLowerCase()));
  const ours = [`Host: ${httpHost(method, target)}`, "User-Agent: tandem", "Accept: */*", "Connection: close"];
  const kept = ours.filter((line) => !names.has(line.slice(0, line.indexOf(":")).toLowerCase()));
  return [`${method.method} ${method.path} HTTP/${method.version ?? "1.1"}`, ...kept, ...own, "", ""].join("\r\n");
}

/** The requests of each method by their targets' texts: a check asks the same a thousand times an hour. */
const requests = new WeakMap<HttpMethod, Map<string, Uint8Array>>();
/** Servers with one check; more are asked with requests made each time. */
const REQUESTS_KEPT_MAX = 1_024;

function requestBytes(method: HttpMethod, target: Endpoint): Uint8Array {
  const known = requests.get(method) ?? new Map<string, Uint8Array>();
  requests.set(method, known);
  const key = `${target.address.text} ${target.port}`;
  const kept = known.get(key);
  if (kept !== undefined) return kept;
  const made = new TextEncoder().encode(requestText(method, target));
  if (known.size < REQUESTS_KEPT_MAX) known.set(key, made);
  return made;
}

/** One request and the judgement on its response. */
class HttpDialogue implements Dialogue {
  readonly opening: Uint8Array;
  readonly #method: HttpMethod;
  readonly #body: BodyJudge;
  readonly #reader: HttpResponseReader;
  #head: Uint8Array = new Uint8Array(0);

  constructor(method: HttpMethod, target: Endpoint) {
    this.#method = method;
    this.#body = new BodyJudge(method);
    this.#reader = new HttpResponseReader(method.method !== "HEAD", (bytes) => this.#body.push(bytes));
    this.opening = requestBytes(method, target);
  }

  connected(): Step {
    return CONTINUE;
  }

  receive(bytes: Uint8Array): Step {
    // 64: a little more than a report quotes (probe-text.ts).
    if (this.#head.length === 0) this.#head = bytes.subarray(0, 64);
    else if (this.#head.length < 64) {
      this.#head = Buffer.concat([this.#head, bytes.subarray(0, 64 - this.#head.length)]);
    }
    try {
      this.#reader.push(bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return this.#malformed(error);
    }
    const { head, status } = this.#reader;
    const refusal = status === undefined ? undefined : this.#refusal(status);
    return refusal ?? (head === undefined ? CONTINUE : this.#judge(head));
  }

  closed(): Judgement {
    const head = this.#reader.head;
    if (head !== undefined) {
      return this.#reader.endsWithClose ? this.#body.judgeWhole(`status ${head.status}`) : this.#cut(head);
    }
    return this.#head.length === 0
      ? { kind: "failure", failure: "closed", detail: "the server closed without an answer" }
      : { kind: "failure", failure: "closed", detail: `the server closed after ${quoteBytes(this.#head)}` };
  }

  expired(): Judgement {
    if (this.#head.length === 0) return { kind: "failure", failure: "timeout", detail: "no answer in time" };
    const head = this.#reader.head;
    const detail = head === undefined ? "the head of the answer did not end in time" : "the body did not end in time";
    return { kind: "failure", failure: "timeout", detail };
  }

  #malformed(error: DecodeError): Judgement {
    if (error.detail === "is too long") return { kind: "failure", failure: "too-long", detail: `the ${error.message}` };
    const detail = `the answer is not HTTP (${error.message}): ${quoteBytes(this.#head)}`;
    return { kind: "failure", failure: "wrong-answer", detail };
  }

  /** A status that is not wanted: nothing that follows could mend it. */
  #refusal({ status, reasonPhrase }: Pick<HttpHead, "status" | "reasonPhrase">): Judgement | undefined {
    const { expectStatus } = this.#method;
    if (expectStatus.some(([first, last]) => status >= first && status <= last)) return undefined;
    const phrase = reasonPhrase === "" ? "" : ` ${quoteText(reasonPhrase)}`;
    const detail = `expected status ${formatRanges(expectStatus)} but got ${status}${phrase}`;
    return { kind: "failure", failure: "wrong-answer", detail };
  }

  #judge(head: HttpHead): Step {
    const { expectLocation } = this.#method;
    const location = head.fields.get("location");
    if (expectLocation !== undefined && location?.startsWith(expectLocation) !== true) {
      const got = location === undefined ? "none" : quoteText(location);
      const detail = `status ${head.status}; expected a Location that begins ${quoteText(expectLocation)} but got ${got}`;
      return { kind: "failure", failure: "wrong-answer", detail };
    }
    const status = `status ${head.status}${location === undefined ? "" : ` to ${quoteText(location)}`}`;
    return this.#body.judge(status, this.#reader.complete);
  }

  #cut(head: HttpHead): Judgement {
    const detail = `status ${head.status}, but the server closed before the body's end`;
    return { kind: "failure", failure: "closed", detail };
  }
}

/** Sends one request and judges status and body. */
export function httpDialogue(method: HttpMethod, target: Endpoint): Dialogue {
  return new HttpDialogue(method, target);
}
