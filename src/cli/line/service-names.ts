/** Names of a `[[service]]` in place of virtual services. They are looked up only when a command line has one. */
import { nearest } from "../../lib/nearest.ts";
import { type Parsed, parsed, problem } from "../../lib/parsed.ts";
import type { ServiceKey } from "../../model/virtual-service.ts";
import type { HostNames, NamedValues } from "../spec/spec-types.ts";

/** The virtual services of each `[[service]]` by its name, or why they are not known. */
export type KnownServices = Parsed<ReadonlyMap<string, readonly ServiceKey[]>>;

/** Stands for a name until it is looked up (RFC 5737). */
const PLACEHOLDER: ServiceKey = {
  kind: "address",
  protocol: "tcp",
  address: { family: "inet", text: "192.0.2.1" },
  port: 1,
};

/**
 * Names of `[[service]]` in place of virtual services: `web` for `tcp://203.0.113.10:80`. A command line is read once to
 * hear which names it has, and again when they are known.
 */
export class ServiceNames implements NamedValues {
  /** What they stand for, once that was looked up (service-lookup.ts). */
  known: KnownServices | undefined;
  #isAsked = false;

  /** Whether a name stood where a virtual service may stand. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  configured(name: string): Parsed<readonly ServiceKey[]> {
    this.#isAsked = true;
    if (this.known === undefined) return parsed([PLACEHOLDER]);
    if (!this.known.ok)
      return problem(`no [[service]] ${JSON.stringify(name)} can be looked up: ${this.known.problem}`);
    const names = this.known.value;
    const near = nearest(name, [...names.keys()]);
    const way = near === undefined ? "a virtual service is written tcp://ADDRESS:PORT" : `did you mean ${near}?`;
    const keys = names.get(name);
    return keys === undefined ? problem(`no [[service]] is named ${JSON.stringify(name)}; ${way}`) : parsed(keys);
  }

  /** Together with names of hosts and ports, for `--resolve`. */
  beside(hosts: HostNames): NamedValues {
    return {
      service: (text) => hosts.service(text),
      endpoint: (text) => hosts.endpoint(text),
      configured: (name) => this.configured(name),
    };
  }
}
