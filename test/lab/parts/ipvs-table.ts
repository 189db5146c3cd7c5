/** The kernel's table as two programs see it, in one form that can be compared. */

const FORWARDING: Readonly<Record<string, string>> = { Masq: "nat", Route: "direct", Tunnel: "tunnel", Local: "local" };

interface ListedServer {
  readonly server: string;
  readonly forward: string;
  readonly weight: number;
}

interface ListedService {
  readonly service: string;
  readonly scheduler: string;
  readonly servers: readonly ListedServer[];
}

/** `tcp://203.0.113.10:80 wrr` and `tcp://203.0.113.10:80 -> 10.0.0.11:80 nat 3`, sorted. */
function lines(services: readonly ListedService[]): string[] {
  return services
    .flatMap(({ service, scheduler, servers }) => [
      `${service} ${scheduler}`,
      ...servers.map(({ server, forward, weight }) => `${service} -> ${server} ${forward} ${weight}`),
    ])
    .sort();
}

/** Reads what `tandem service list --json` prints. */
export function tandemTable(json: string): string[] {
  return lines((JSON.parse(json) as { services: ListedService[] }).services);
}

/** Reads what `ipvsadm -Ln` prints. */
export function ipvsadmTable(text: string): string[] {
  const services: { service: string; scheduler: string; servers: ListedServer[] }[] = [];
  for (const line of text.split("\n")) {
    const head = /^(TCP|UDP|SCTP|FWM) +(\S+)(?: (IPv6))? (\S+)/.exec(line);
    if (head !== null) {
      const [, kind = "", address = "", ipv6, scheduler = ""] = head;
      const service =
        kind === "FWM"
          ? `fwmark:${address}${ipv6 === undefined ? "" : "/inet6"}`
          : `${kind.toLowerCase()}://${address}`;
      services.push({ service, scheduler, servers: [] });
    }
    const server = /^ {2}-> (\S+) +(Masq|Route|Tunnel|Local) +(\d+) +\d+ +\d+/.exec(line);
    const [, address = "", method = "", weight = ""] = server ?? [];
    const last = services.at(-1);
    if (server !== null && last !== undefined) {
      last.servers.push({ server: address, forward: FORWARDING[method] ?? method, weight: Number(weight) });
    }
  }
  return lines(services);
}
