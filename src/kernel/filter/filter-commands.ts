import type { FilterPlace } from "../../model/packet-judgement.ts";
import type { RouterFlow } from "./router-flow.ts";

/** iptables over nf_tables makes tables and chains of these names, which it also expects as it made them. */
const IPTABLES_TABLES: ReadonlySet<string> = new Set(["filter", "raw", "mangle", "security"]);
const IPTABLES_CHAINS: ReadonlySet<string> = new Set(["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]);

/** The iptables command for a table, with its table; undefined: it is nft's. */
function iptablesCommand({ source, family, table, base }: FilterPlace): string | undefined {
  const isOne =
    source === "iptables" ||
    ((family === "ip" || family === "ip6") && IPTABLES_TABLES.has(table) && IPTABLES_CHAINS.has(base));
  if (!isOne) return undefined;
  const program = `${family === "ip6" ? "ip6tables" : "iptables"}${source === "iptables" ? "-legacy" : ""}`;
  return table === "filter" ? program : `${program} -t ${table}`;
}

const PROTOCOL_NAMES: Readonly<Record<number, string>> = { 6: "tcp", 17: "udp", 132: "sctp" };

/** What an accepting rule has to ask, as few words as fit all flows. */
interface Accepted {
  readonly inet6: boolean;
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  readonly protocol: string | undefined;
  readonly ports: readonly string[];
}

function distinct(values: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(values.filter((value) => value !== undefined))];
}

/** Of answers and of what is for servers, the server tells enough; of the rest the port counts. */
function acceptedOf(flows: readonly RouterFlow[]): Accepted {
  const [first] = flows;
  const isOfServers = first?.concern === "answers" || first?.concern === "servers";
  const ports = isOfServers ? [] : flows.map(({ destinationPort }) => destinationPort);
  const areKnown = ports.every((port) => port !== undefined);
  const protocol = first?.protocol === undefined || isOfServers ? undefined : PROTOCOL_NAMES[first.protocol];
  const isOutwards = first?.hook === "output";
  return {
    inet6: first?.family === "inet6",
    sources: isOutwards ? [] : distinct(flows.map(({ source }) => source?.text)),
    destinations: distinct(flows.map(({ destination }) => destination?.text)),
    protocol,
    ports: areKnown ? distinct(ports.map(String)) : [],
  };
}

function nftWords({ inet6, sources, destinations, protocol, ports }: Accepted): string[] {
  const ip = inet6 ? "ip6" : "ip";
  const among = (values: readonly string[]) => (values.length === 1 ? values[0] : `{ ${values.join(", ")} }`);
  return [
    ...(sources.length === 0 ? [] : [`${ip} saddr ${among(sources)}`]),
    ...(destinations.length === 0 ? [] : [`${ip} daddr ${among(destinations)}`]),
    ...(protocol === undefined
      ? []
      : [ports.length === 0 ? `meta l4proto ${protocol}` : `${protocol} dport ${among(ports)}`]),
  ];
}

function iptablesWords({ sources, destinations, protocol, ports }: Accepted): string[] {
  const among = ports.length === 1 ? `--dport ${ports[0]}` : `-m multiport --dports ${ports.join(",")}`;
  return [
    ...(sources.length === 0 ? [] : [`-s ${sources.join(",")}`]),
    ...(destinations.length === 0 ? [] : [`-d ${destinations.join(",")}`]),
    ...(protocol === undefined ? [] : [`-p ${protocol}`, ...(ports.length === 0 ? [] : [among])]),
  ];
}

/** RFC 4861: what finds an IPv6 address on a link. */
const NFT_DISCOVERY = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }";
const IP6TABLES_DISCOVERY = "-p icmpv6 --icmpv6-type neighbour-solicitation";

/** Puts a rule that lets these flows through before whatever drops them. The shell reads braces: they are quoted. */
export function acceptingCommand(place: FilterPlace, flows: readonly RouterFlow[]): string {
  const isDiscovery = flows[0]?.concern === "neighbours";
  const isIpv6Discovery = isDiscovery && flows[0]?.family === "inet6";
  const accepted = acceptedOf(flows);
  const command = iptablesCommand(place);
  if (command !== undefined) {
    const words = isIpv6Discovery ? [IP6TABLES_DISCOVERY] : isDiscovery ? [] : iptablesWords(accepted);
    return [command, "-I", place.base, ...words, "-j ACCEPT"].join(" ");
  }
  const words = isIpv6Discovery ? [NFT_DISCOVERY] : isDiscovery ? [] : nftWords(accepted);
  const rule = ["insert rule", place.family, place.table, place.base, ...words, "accept"].join(" ");
  return rule.includes("{") ? `nft '${rule}'` : `nft ${rule}`;
}

/** Shows the rules of the chain. */
export function listingCommand(place: FilterPlace): string {
  const command = iptablesCommand(place);
  if (command !== undefined) return `${command} -S`;
  return `nft -a list table ${place.family} ${place.table}`;
}
