/** The real servers of a benchmark: addresses of this machine itself, and the same services in each product's words. */

export const SERVER_PORT = 80;
/** All of it is local to the lab (`ip route add local`). */
export const SERVERS_NETWORK = "10.64.0.0/10";
const SERVERS_PER_SERVICE = 100;
/** Ports of the services, from which on. */
const FIRST_SERVICE_PORT = 10_000;

export const CHECK_KINDS = ["tcp", "http"] as const;
export type CheckKind = (typeof CHECK_KINDS)[number];

/** So many servers, each checked once a second. */
export interface Load {
  readonly kind: CheckKind;
  readonly servers: number;
}

/** The default of `[pair] interval`. */
export const HEARTBEAT_MS = 200;

/** Every server is checked this often, by either product. */
export const INTERVAL_MS = 1_000;

/** `10.64.3.21`, without the zeros at the end that some take for a network. */
export function serverAddress(index: number): string {
  return `10.64.${Math.floor(index / 250)}.${1 + (index % 250)}`;
}

/** An IPv4 address as a number, as captured packets have it. */
export function addressNumber(text: string): number {
  return text.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

function services(servers: number): { readonly port: number; readonly servers: readonly string[] }[] {
  return Array.from({ length: Math.ceil(servers / SERVERS_PER_SERVICE) }, (_, index) => {
    const first = index * SERVERS_PER_SERVICE;
    const count = Math.min(SERVERS_PER_SERVICE, servers - first);
    return {
      port: FIRST_SERVICE_PORT + index,
      servers: Array.from({ length: count }, (_each, offset) => serverAddress(first + offset)),
    };
  });
}

/** `[[service]]` tables. */
export function tandemServices(load: Load, vip: string): string {
  const check = [`kind = "${load.kind}"`, `interval = "${INTERVAL_MS}ms"`, 'timeout = "1s"', "rise = 1", "fall = 3"];
  return services(load.servers)
    .map(({ port, servers }) =>
      [
        `[[service]]\nname = "s${port}"\nlisten = "tcp://${vip}:${port}"\n[service.check]\n${check.join("\n")}`,
        ...servers.map((address) => `[[service.real]]\naddress = "${address}:${SERVER_PORT}"`),
      ].join("\n"),
    )
    .join("\n");
}

/** `virtual_server` blocks. Without warm-up: keepalived's checks begin at random times of their interval by themselves. */
export function keepalivedServices(load: Load, vip: string): string {
  const check =
    load.kind === "tcp"
      ? "TCP_CHECK {\n connect_timeout 1\n retry 2\n}"
      : "HTTP_GET {\n url {\n path /\n status_code 200\n }\n connect_timeout 1\n retry 2\n}";
  const head = `delay_loop ${INTERVAL_MS / 1_000}\n lvs_sched wlc\n lvs_method NAT\n protocol TCP\n`;
  return services(load.servers)
    .map(({ port, servers }) => {
      const blocks = servers.map((address) => `real_server ${address} ${SERVER_PORT} {\n weight 1\n ${check}\n}\n`);
      return `virtual_server ${vip} ${port} {\n ${head}${blocks.join("")}}\n`;
    })
    .join("");
}
