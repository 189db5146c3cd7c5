/** Configurations for the pair of the lab; `KEY_FILE` is filled in by `Pair.prepare`. */
import { PRIVATE_VIP, PUBLIC_VIP, ROUTERS } from "../topology.ts";

export interface PairConfigOptions {
  /** Lines for `[pair]` beside the key. */
  readonly pair?: readonly string[];
  /** Public VIPs beside the first one. */
  readonly extraVips?: readonly string[];
  /** Whole `[[service]]` texts. */
  readonly services?: readonly string[];
  /** Further texts, such as `[sync]`. */
  readonly more?: readonly string[];
}

/** On a busy machine a router of the lab may sleep for a second or two, which is none of most tests' concern. */
export const PATIENT_PAIR = ['dead_after = "4s"', 'lease = "6s"'];

/** The configuration of the two routers with one public VIP and the real servers' gateway. */
export function pairConfig(options: PairConfigOptions = {}): string {
  const [primary, backup] = ROUTERS;
  const router = (table: string, one: (typeof ROUTERS)[number]) =>
    `[pair.${table}]\nname = "${one.name}"\npublic = "${one.public}"\nprivate = "${one.private}"\n`;
  return [
    `[pair]\nkey_file = "KEY_FILE"\n${(options.pair ?? []).map((line) => `${line}\n`).join("")}`,
    router("primary", primary),
    router("backup", backup),
    `[[vip]]\naddress = "${PUBLIC_VIP}/24"\ninterface = "eth0"\n`,
    ...(options.extraVips ?? []).map((vip) => `[[vip]]\naddress = "${vip}/24"\ninterface = "eth0"\n`),
    `[[vip]]\naddress = "${PRIVATE_VIP}/24"\ninterface = "eth1"\n`,
    ...(options.services ?? []),
    ...(options.more ?? []),
  ].join("\n");
}

export interface ServiceTextOptions {
  readonly name: string;
  readonly listen: string | readonly string[];
  readonly scheduler: string;
  /** `10.0.0.11:80`, each with a weight and a way of forwarding. */
  readonly servers: readonly { readonly address: string; readonly weight?: number; readonly forward?: string }[];
  /** Lines of the check; without them the servers aren't checked. */
  readonly check?: readonly string[];
}

/** One `[[service]]`. */
export function serviceText(options: ServiceTextOptions): string {
  const check = options.check === undefined ? ["check = false"] : ["[service.check]", ...options.check];
  const servers = options.servers.flatMap((server) => [
    "[[service.real]]",
    `address = "${server.address}"`,
    `weight = ${server.weight ?? 1}`,
    ...(server.forward === undefined ? [] : [`forward = "${server.forward}"`]),
  ]);
  const head = [
    `name = "${options.name}"`,
    `listen = ${JSON.stringify(options.listen)}`,
    `scheduler = "${options.scheduler}"`,
  ];
  return ["[[service]]", ...head, ...check, ...servers, ""].join("\n");
}

const HTTP_CHECK = ['kind = "send-expect"', 'send = "GET / HTTP/1.0\\r\\n\\r\\n"', 'expect = "HTTP/1.0 200"'];

/** A check that a busy CPU doesn't fool: the server is in the same process as much else that takes its time. */
export const PATIENT_CHECK = [...HTTP_CHECK, 'interval = "2s"', 'timeout = "2s"', "rise = 2", "fall = 3"];

/** A check that finds out within two seconds. */
export const QUICK_CHECK = [...HTTP_CHECK, 'interval = "500ms"', 'timeout = "500ms"', "rise = 2", "fall = 3"];
