/** The real servers that an order is for, and where they are. */
import type { CheckReport } from "../../balance/servers/check-report.ts";
import type { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import { TandemError } from "../../lib/errors.ts";
import { type Endpoint, formatEndpoint, parseEndpoint, sameAddress } from "../../model/address.ts";
import type { ObservedServer } from "../../model/ipvs-table.ts";
import { realServerKey } from "../../model/real-server.ts";
import { formatServiceKey, type ServiceKey } from "../../model/virtual-service.ts";
import { withServicePort } from "../line/service-port.ts";

export interface Target {
  readonly services: readonly ServiceKey[] | "all";
  readonly server: Endpoint | "all";
}

/** A real server of a service in the kernel's table. */
export interface Found {
  readonly key: ServiceKey;
  readonly observed: ObservedServer;
}

/** Its name among all real servers of all services. */
export function foundName({ key, observed }: Found): string {
  return `${formatServiceKey(key)} ${realServerKey(observed.server)}`;
}

export function checkName({ listen, server }: CheckReport): string {
  return `${listen} ${server}`;
}

function hasService({ services }: Target, listen: string): boolean {
  return services === "all" || services.some((key) => formatServiceKey(key) === listen);
}

/** The real servers that are meant, in the kernel's table. */
export function look(client: IpvsClient, target: Target): Found[] {
  const { server } = target;
  return client.table("skipped").flatMap(({ service: { key }, servers }): Found[] => {
    if (!hasService(target, formatServiceKey(key))) return [];
    const wanted = server === "all" ? undefined : formatEndpoint(withServicePort(key, server));
    return servers
      .filter((observed) => wanted === undefined || realServerKey(observed.server) === wanted)
      .map((observed) => ({ key, observed }));
  });
}

/** Those that are meant, among those of the daemon's configuration. */
export function matching(checks: readonly CheckReport[], target: Target): CheckReport[] {
  const { server: wanted } = target;
  return checks.filter(({ listen, server }) => {
    if (!hasService(target, listen)) return false;
    if (wanted === "all") return true;
    const endpoint = parseEndpoint(server);
    if (!endpoint.ok || !sameAddress(endpoint.value.address, wanted.address)) return false;
    return wanted.port === 0 || wanted.port === endpoint.value.port;
  });
}

export function servicesText({ services }: Target): string {
  return services === "all" ? "every service" : services.map(formatServiceKey).join(" and ");
}

export function targetText(target: Target): string {
  const { server } = target;
  const what = server === "all" ? "every real server" : `real server ${formatEndpoint(server)}`;
  return `${what} of ${servicesText(target)}`;
}

/** @param hint where those that there are can be seen */
export function notFound(target: Target, hint: string): TandemError {
  const { services, server } = target;
  if (server === "all") {
    const operation = "find real servers";
    return new TandemError({ operation, subject: `of ${servicesText(target)}`, reason: "there are none", hint });
  }
  const have = services !== "all" && services.length > 1 ? "have" : "has";
  const reason = services === "all" ? "no virtual service has it" : `${servicesText(target)} ${have} no such server`;
  return new TandemError({ operation: "find real server", subject: formatEndpoint(server), reason, hint });
}
