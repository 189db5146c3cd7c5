/** What of a firewall's rules would eat a router's packets, as findings with commands. */
import { firstNames } from "../../lib/first-names.ts";
import { addressBytes } from "../../model/address.ts";
import { ADDRESS_TYPE, CONNTRACK_STATE, type FilterHook } from "../../model/packet-filter.ts";
import { FilterJudge, type FilterPlace, type JudgedPacket } from "../../model/packet-judgement.ts";
import type { Finding } from "../machine/preflight.ts";
import { acceptingCommand, listingCommand } from "./filter-commands.ts";
import { type FilterPicture, readPacketFilter } from "./packet-filter-client.ts";
import type { FlowConcern, FlowInterface, RouterFlow } from "./router-flow.ts";

/** The hooks that packets of each kind go through. */
const HOOKS: Readonly<Record<RouterFlow["hook"], readonly FilterHook[]>> = {
  input: ["ingress", "prerouting", "input"],
  forward: ["ingress", "prerouting", "forward", "postrouting"],
  output: ["output", "postrouting"],
};
/** Where the interface by which a packet leaves, or came, is known. */
const WITH_OUT: ReadonlySet<FilterHook> = new Set(["forward", "output", "postrouting"]);
const WITH_IN: ReadonlySet<FilterHook> = new Set(["ingress", "prerouting", "input", "forward"]);

/** linux/netfilter.h: NFPROTO_*; linux/if_ether.h: ETH_P_* */
const FAMILY_NUMBERS = { inet: 2, arp: 3, inet6: 10 } as const;
const ETHER_TYPES = { inet: [0x08, 0x00], arp: [0x08, 0x06], inet6: [0x86, 0xdd] } as const;
const NAME_BYTES = 16;

function nameBytes(name: string): Uint8Array {
  const bytes = new Uint8Array(NAME_BYTES);
  bytes.set(new TextEncoder().encode(name).subarray(0, NAME_BYTES));
  return bytes;
}

function nativeU32(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}

function portBytes(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 0xff);
}

/** One value, or none known. */
function one<T>(value: T | undefined, bytes: (value: T) => Uint8Array): readonly Uint8Array[] | undefined {
  return value === undefined ? undefined : [bytes(value)];
}

type Fields = JudgedPacket["fields"];

function interfaceFields(flow: RouterFlow, hook: FilterHook): Fields {
  const none = [{ name: "", index: 0 }];
  const inside = WITH_IN.has(hook) ? flow.in : none;
  const outside = WITH_OUT.has(hook) ? flow.out : none;
  return {
    ...known("in-interface", "in-index", inside),
    ...known("out-interface", "out-index", outside),
  };
}

function known(name: keyof Fields, index: keyof Fields, links: readonly FlowInterface[]): Fields {
  if (links.length === 0) return {};
  return { [name]: links.map((link) => nameBytes(link.name)), [index]: links.map((link) => nativeU32(link.index)) };
}

function defined(field: keyof Fields, values: readonly Uint8Array[] | undefined): Fields {
  return values === undefined ? {} : { [field]: values };
}

/** The packet of a flow at one hook. */
export function packetAt(flow: RouterFlow, hook: FilterHook): JudgedPacket {
  const { family, protocol, conntrack, destinationType } = flow;
  const type = destinationType === undefined ? undefined : ADDRESS_TYPE[destinationType];
  const state = conntrack === undefined ? undefined : CONNTRACK_STATE[conntrack];
  return {
    family,
    hook,
    devices: flow.in.map(({ name }) => name),
    fields: {
      family: [Uint8Array.of(FAMILY_NUMBERS[family])],
      "ether-type": [Uint8Array.from(ETHER_TYPES[family])],
      ...defined(
        "protocol",
        one(protocol, (value) => Uint8Array.of(value)),
      ),
      ...defined("source", one(flow.source, addressBytes)),
      ...defined("destination", one(flow.destination, addressBytes)),
      ...defined("source-port", one(flow.sourcePort, portBytes)),
      ...defined("destination-port", one(flow.destinationPort, portBytes)),
      ...defined("conntrack-state", one(state, nativeU32)),
      ...defined("destination-type", one(type, nativeU32)),
      ...interfaceFields(flow, hook),
    },
  };
}

interface Verdict {
  readonly kind: "dropped" | "unclear";
  readonly place: FilterPlace;
  readonly flow: RouterFlow;
}

/** The first hook that is in the way; one that surely is comes first. */
function judgeFlow(judge: FilterJudge, flow: RouterFlow): Verdict[] {
  const verdicts = HOOKS[flow.hook].flatMap((hook): Verdict[] => {
    const judgement = judge.judge(packetAt(flow, hook));
    return judgement.kind === "passes" ? [] : [{ ...judgement, flow }];
  });
  const worst = verdicts.find(({ kind }) => kind === "dropped") ?? verdicts[0];
  return worst === undefined ? [] : [worst];
}

const SUBJECTS: Readonly<Record<FlowConcern, (labels: string) => string>> = {
  answers: (labels) => `the answers of real servers behind NAT (${labels})`,
  clients: (labels) => `what clients send to ${labels}`,
  servers: (labels) => `what is for real servers (${labels})`,
  heartbeats: (labels) => `heartbeats ${labels}`,
  sync: (labels) => `connection synchronisation ${labels}`,
  neighbours: (labels) => `the questions for VIPs on ${labels}`,
};

/** What is not served at all without it, and what only a failover needs. */
const SEVERITIES: Readonly<Record<FlowConcern, Finding["severity"]>> = {
  answers: "error",
  clients: "error",
  servers: "error",
  heartbeats: "error",
  sync: "warning",
  neighbours: "error",
};

function placeText({ source, family, table, chain, rule }: FilterPlace): string {
  const where = `chain ${chain} in table ${family} ${table}`;
  if (rule === undefined) return `the policy of ${where} is drop`;
  // As `nft -a` and `iptables --line-numbers` show them.
  return source === "nf_tables" ? `the rule with handle ${rule} of ${where} drops` : `rule ${rule} of ${where} drops`;
}

function toFinding(verdicts: readonly Verdict[]): Finding[] {
  const [first] = verdicts;
  if (first === undefined) return [];
  const { kind, place, flow } = first;
  const flows = verdicts.map((verdict) => verdict.flow);
  const subject = SUBJECTS[flow.concern](firstNames(flows.map(({ label }) => label)));
  if (kind === "dropped") {
    const end = place.rule === undefined ? ", and no rule lets them through" : " them";
    return [
      {
        name: `firewall-${flow.concern}`,
        severity: SEVERITIES[flow.concern],
        text: `the firewall drops ${subject}: ${placeText(place)}${end}`,
        mend: acceptingCommand(place, flows),
      },
    ];
  }
  return [
    {
      name: `firewall-${flow.concern}`,
      severity: "note",
      text: `cannot judge whether the firewall lets ${subject} through: ${placeText(place)}, and rules before it that are not understood may accept them`,
      mend: listingCommand(place),
    },
  ];
}

/** Flows that one rule would let through are told of together. */
function groupKey({ kind, place, flow }: Verdict): string {
  return JSON.stringify([kind, flow.concern, place, flow.family, flow.concern === "clients" ? flow.protocol : 0]);
}

/** What of the packet filter would eat what the router needs. */
export function filterFindings(flows: readonly RouterFlow[], picture: FilterPicture): Finding[] {
  const judge = new FilterJudge(picture.tables);
  const verdicts = flows.flatMap((flow) => judgeFlow(judge, flow));
  return [
    ...[...Map.groupBy(verdicts, groupKey).values()].flatMap(toFinding),
    ...picture.unread.map(
      (why): Finding => ({
        name: "firewall-unread",
        severity: "note",
        text: `cannot judge the whole firewall: ${why}`,
        mend: "nft list ruleset",
      }),
    ),
  ];
}

/** As `filterFindings`, for this host's packet filter. @throws SyscallError */
export function ownFilterFindings(flows: readonly RouterFlow[]): Finding[] {
  return flows.length === 0 ? [] : filterFindings(flows, readPacketFilter());
}
