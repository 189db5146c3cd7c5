import type { Family, IpAddress } from "../../model/address.ts";
import type { Protocol } from "../../model/virtual-service.ts";

/** How names in an imported file become addresses and ports; a file written with numbers needs none. */
export interface NameLookup {
  /** @param family only an address of this family will do */
  host(name: string, family?: Family): IpAddress | undefined;
  port(name: string, protocol: Protocol): number | undefined;
}

/** For files without names. */
export const NO_NAMES: NameLookup = { host: () => undefined, port: () => undefined };

/**
 * Looks port names up in the text of services(5): `http 80/tcp www`. Names of hosts stay unknown.
 * A protocol that has no entry of its own takes that of tcp, as many services files leave sctp out.
 */
export function lookupIn(servicesFile: string): NameLookup {
  const ports = new Map<string, number>();
  for (const line of servicesFile.split("\n")) {
    const [name, entry = "", ...aliases] = (line.split("#")[0] ?? "").split(/\s+/);
    const match = /^(\d{1,5})\/([a-z]+)$/.exec(entry);
    const port = Number(match?.[1] ?? 0);
    if (name === undefined || name === "" || match === null || port > 65_535) continue;
    for (const known of [name, ...aliases]) {
      const key = `${known}/${match[2]}`;
      if (known !== "" && !ports.has(key)) ports.set(key, port);
    }
  }
  return {
    host: () => undefined,
    port: (name, protocol) => ports.get(`${name}/${protocol}`) ?? ports.get(`${name}/tcp`),
  };
}
