/** `--resolve`: names of hosts and ports in place of numbers. Without it nothing is ever looked up. */
import { parseHostAndPort } from "../../import/words/ipvsadm-values.ts";
import type { NameLookup } from "../../import/words/name-lookup.ts";
import { TandemError } from "../../lib/errors.ts";
import type { Parsed } from "../../lib/parsed.ts";
import { type Endpoint, type Family, type IpAddress, parseAddress } from "../../model/address.ts";
import { PROTOCOLS, type Protocol, parseServiceKey, type ServiceKey } from "../../model/virtual-service.ts";
import type { HostNames } from "../spec/spec-types.ts";
import { portNames } from "./port-names.ts";

/** How many names are asked for at once: each takes a thread of the C library's resolver. */
const ASKED_AT_ONCE_MAX = 32;
/** Stands for a name until it is looked up (RFC 5737). */
const PLACEHOLDERS: Readonly<Record<Family, IpAddress>> = {
  inet: { family: "inet", text: "192.0.2.1" },
  inet6: { family: "inet6", text: "2001:db8::1" },
};

/** The codes of Bun's errors; their names are those of netdb.h, EAI_AGAIN and EAI_NONAME. */
const REASONS: Readonly<Record<string, string>> = {
  DNS_ENOTFOUND: "no host has that name",
  DNS_EAI_AGAIN: "no name server answers",
};

interface Question {
  readonly name: string;
  /** Undefined: IPv4 where the name has such an address, else IPv6. */
  readonly family: Family | undefined;
}

function failure({ name, family }: Question, reason: string, hint: string, cause?: unknown): TandemError {
  const version = family === "inet6" ? " as an IPv6 address" : "";
  return new TandemError({ operation: "look up", subject: `the host ${name}${version}`, reason, hint, cause });
}

async function addressesOf(question: Question): Promise<IpAddress[]> {
  try {
    // The C library's resolver, since that obeys nsswitch.conf and /etc/hosts as every other program does.
    const found = await Bun.dns.lookup(question.name, { backend: "libc" });
    const texts = new Set(found.map(({ address }) => address));
    return [...texts].flatMap((text) => {
      const result = parseAddress(text);
      return result.ok ? [result.value] : [];
    });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    const reason = REASONS[code] ?? `the name service failed (${code})`;
    throw failure(question, reason, `\`getent ahosts ${question.name}\` asks the same question`, cause);
  }
}

/** The one address that a name stands for. @throws TandemError when it has none, or several. */
async function lookUp(question: Question): Promise<IpAddress> {
  const all = await addressesOf(question);
  const wanted = question.family ?? (all.some(({ family }) => family === "inet") ? "inet" : "inet6");
  const fitting = all.filter(({ family }) => family === wanted);
  const [only, ...others] = fitting;
  if (only === undefined) throw failure(question, "it has no such address", "write the address itself");
  if (others.length > 0) {
    const texts = fitting.map(({ text }) => text).join(", ");
    throw failure(question, `it has ${fitting.length} addresses: ${texts}`, "write the one that is meant");
  }
  return only;
}

function keyOf(question: Question): string {
  return `${question.family ?? "any"} ${question.name}`;
}

class Names implements NameLookup, HostNames {
  readonly #questions = new Map<string, Question>();
  readonly #answers = new Map<string, IpAddress>();
  readonly #ports = portNames();

  host(name: string, family?: Family): IpAddress {
    const question = { name, family };
    const key = keyOf(question);
    const answer = this.#answers.get(key);
    if (answer === undefined) this.#questions.set(key, question);
    return answer ?? PLACEHOLDERS[family ?? "inet"];
  }

  port(name: string, protocol: Protocol): number | undefined {
    return this.#ports.port(name, protocol);
  }

  endpoint(text: string): Parsed<Endpoint> {
    return parseHostAndPort(text, "tcp", this);
  }

  service(text: string): Parsed<ServiceKey> {
    const [scheme = "", rest = ""] = text.split("://");
    const protocol = PROTOCOLS.find((name) => name === scheme);
    if (protocol === undefined) return parseServiceKey(text);
    const endpoint = parseHostAndPort(rest, protocol, this);
    return endpoint.ok ? { ok: true, value: { kind: "address", protocol, ...endpoint.value } } : endpoint;
  }

  /** Finds every host that was asked for. @throws TandemError for the first that is not found. */
  async lookUpAll(): Promise<void> {
    const open = [...this.#questions.values()];
    while (open.length > 0) {
      const batch = open.splice(0, ASKED_AT_ONCE_MAX);
      const answers = await Promise.all(batch.map(lookUp));
      for (const [index, question] of batch.entries()) {
        const answer = answers[index];
        if (answer !== undefined) this.#answers.set(keyOf(question), answer);
      }
    }
  }
}

/**
 * Calls a function that reads a text twice: first to hear which names the text has, then with what they stand for.
 * @param read has no effects; what it throws the first time counts for nothing.
 * @throws TandemError when a name is not found or stands for several addresses
 */
export async function withNames<T>(read: (names: NameLookup & HostNames) => T): Promise<T> {
  const names = new Names();
  try {
    read(names);
  } catch {
    // It will throw again below, once the names are known.
  }
  await names.lookUpAll();
  return read(names);
}
