/** The balancer's calls to the kernel's IPVS table, each answered with a value or with why it could not be asked. */
import type { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import { openLoadedIpvs } from "../../kernel/ipvs/ipvs-module.ts";
import { TandemError } from "../../lib/errors.ts";
import type { IpvsChange, ObservedService } from "../../model/ipvs-table.ts";
import type { ConnectionTimeouts } from "../../model/sync-daemon.ts";
import { formatServiceKey, type ServiceKey } from "../../model/virtual-service.ts";

/** What a call to the kernel gave: a value, or why it could not be asked. */
export type KernelAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

/** The part of an IPVS client that the balancer uses. */
export type TableClient = Pick<IpvsClient, "services" | "service" | "apply" | "close" | "setConnectionTimeouts">;

/**
 * The kernel's table as the balancer needs it: opened at the first use, since a configuration without services needs no
 * IPVS, and again after an error that leaves the connection in doubt. Calls are synchronous; their failures are values.
 */
export class BalancerKernel {
  readonly #open: () => TableClient;
  #client: TableClient | undefined;

  constructor(open: () => TableClient = openLoadedIpvs) {
    this.#open = open;
  }

  /** The keys of all services. */
  list(): KernelAnswer<readonly string[]> {
    return this.#ask((client) => client.services().map((observed) => formatServiceKey(observed.service.key)));
  }

  /** These services with their servers. */
  read(keys: readonly ServiceKey[]): KernelAnswer<ReadonlyMap<string, ObservedService | undefined>> {
    return this.#ask((client) => new Map(keys.map((key) => [formatServiceKey(key), client.service(key)])));
  }

  /** For each change why it was refused, or undefined. */
  apply(changes: readonly IpvsChange[]): KernelAnswer<readonly (string | undefined)[]> {
    return this.#ask((client) => client.apply(changes).map((error) => error?.message));
  }

  /** Sets how long the kernel keeps idle connections; 0 leaves a timeout as it is. */
  setTimeouts(timeouts: ConnectionTimeouts): KernelAnswer<void> {
    return this.#ask((client) => client.setConnectionTimeouts(timeouts));
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  #ask<T>(call: (client: TableClient) => T): KernelAnswer<T> {
    try {
      this.#client ??= this.#open();
      return { ok: true, value: call(this.#client) };
    } catch (error) {
      this.close();
      // A number that the kernel has no room for comes as RangeError; a bug must not stop the checks either.
      const hint = error instanceof TandemError && error.hint !== undefined ? `; ${error.hint}` : "";
      return { ok: false, reason: `${error instanceof Error ? error.message : String(error)}${hint}` };
    }
  }
}
