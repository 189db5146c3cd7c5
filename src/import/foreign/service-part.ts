/** Virtual services as `[[service]]` tables: the part of a configuration that a saved IPVS table knows of. */
import type { ConfiguredService } from "../../config/keys/config.ts";
import { renderServices } from "../../config/render/render.ts";
import type { WantedService } from "../../model/ipvs-table.ts";
import { FORWARDINGS } from "../../model/real-server.ts";
import { isScheduler } from "../../model/scheduler.ts";
import { formatServiceKey, type ServiceKey } from "../../model/virtual-service.ts";

/** A name that the configuration takes and that tells what it is: `tcp-203.0.113.10-80`, `fwmark-7-inet6`. */
function nameOf(key: ServiceKey): string {
  return formatServiceKey(key)
    .replaceAll(/[^A-Za-z0-9.]+/g, "-")
    .replace(/-$/, "");
}

function configured({ service, servers }: WantedService): ConfiguredService {
  const { persistence } = service;
  const { irregularMask: _mask, ...regular } = persistence ?? { timeoutSeconds: 0, prefixLength: 0 };
  return {
    name: nameOf(service.key),
    listen: [{ ...service, ...(persistence === undefined ? {} : { persistence: regular }) }],
    // An address of this machine is no forwarding of its own: the kernel finds that out again by itself.
    servers: servers.map((server) => ({
      server: FORWARDINGS.some((forward) => forward === server.forward) ? server : { ...server, forward: "direct" },
    })),
    onFailure: "remove",
  };
}

/** What a kernel can have and a configuration can't, as comments above the services. */
function losses({ service }: WantedService): readonly string[] {
  const name = nameOf(service.key);
  const mask = service.persistence?.irregularMask;
  return [
    ...(mask === undefined ? [] : [`# ${name}: the mask ${mask} is no prefix, which is all that prefix can say`]),
    ...(isScheduler(service.scheduler)
      ? []
      : [`# ${name}: there is no scheduler ${service.scheduler} here; wlc stands for it`]),
  ];
}

/**
 * A table of the kernel as the `[[service]]` part of a configuration, with names made of what is listened on and without
 * checks, which the kernel doesn't know. What a configuration can't say stands above it as comments.
 */
export function formatServicePart(services: readonly WantedService[]): string {
  const comments = services.flatMap(losses).map((line) => `${line}\n`);
  return `${comments.join("")}${renderServices(services.map(configured))}`;
}
