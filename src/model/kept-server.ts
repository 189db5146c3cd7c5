import type { Endpoint } from "./address.ts";
import type { Forwarding, RealServer } from "./real-server.ts";
import type { ServerSettings } from "./server-settings.ts";
import type { ServiceKey } from "./virtual-service.ts";

/**
 * Real servers that an operator has added to a configured service at run time, changed or taken out of it. Both routers
 * keep that beside their configurations: it lasts over reload, restart and failover until it is reset.
 */

/** All settings of a server that is kept; its address is that of the entry. */
export interface KeptSettings extends Omit<RealServer, "endpoint" | "forward"> {
  readonly forward: Forwarding;
}

/** What holds for a server instead of the configuration; `none`: the configuration again. */
export type KeptChange =
  | { readonly kind: "none" }
  | { readonly kind: "absent" }
  | { readonly kind: "present"; readonly settings: KeptSettings };

/** A change that holds. */
export interface KeptServer {
  readonly service: ServiceKey;
  /** With its port, but for services that have none. */
  readonly server: Endpoint;
  readonly change: Exclude<KeptChange, { kind: "none" }>;
}

/** What an operator orders: `real add`, `edit` and `del` with --keep, and `real reset`. */
export type KeepOrder =
  | { readonly kind: "add"; readonly settings: ServerSettings; readonly orEdit: boolean }
  | { readonly kind: "edit"; readonly settings: ServerSettings }
  | { readonly kind: "del"; readonly ifExists: boolean }
  | { readonly kind: "reset" };

/** `nat, weight 3`, `removed`, `as configured`. */
export function keptText(change: KeptChange): string {
  if (change.kind === "none") return "as configured";
  if (change.kind === "absent") return "removed";
  const { forward, weight, upperThreshold: upper, lowerThreshold: lower, tunnel } = change.settings;
  const through = tunnel === undefined ? "" : ` ${tunnel.type} port ${tunnel.port} checksum ${tunnel.checksum}`;
  const thresholds = upper === 0 && lower === 0 ? "" : `, thresholds ${lower} to ${upper}`;
  return `${forward}${through}, weight ${weight}${thresholds}`;
}
