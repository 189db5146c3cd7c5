/** The command table's entries of `vip`. */
import { ADDRESS_SCOPES } from "../../model/interface-address.ts";
import { CHANGES_JSON } from "./json-shapes.ts";
import { type GroupSpec, oneArgument, requiredFlag, switchFlag, valueFlag, verb } from "./spec-types.ts";
import {
  address,
  addressPrefix,
  choice,
  integer,
  interfaceName,
  label,
  leaseSeconds,
  positiveDuration,
} from "./value-kinds.ts";

export const vipList = verb({
  summary: "list the addresses of this machine, with lease and owner",
  description: [
    "Shows every IPv4 and IPv6 address of the kernel. OWNER is tandem for addresses that carry tandem's mark; LEASE is how long the kernel keeps the address unless somebody renews it.",
  ],
  arguments: {},
  flags: {
    interface: valueFlag(interfaceName, { valueName: "IF", doc: "only addresses of this interface" }),
    all: switchFlag("also addresses of loopback and of link scope"),
    ask: switchFlag("ask on each link who else answers for the address (ARP, neighbour solicitation)"),
  },
  examples: [
    { command: "vip list --interface eth0", doc: "the addresses of one interface" },
    { command: "vip list --ask", doc: "whether another machine has one of them too" },
  ],
  changes: false,
  jsonDoc:
    "{version, addresses: [{address, prefixLength, family, interface, label, owner, leaseSeconds, tentative, duplicate}]}; leaseSeconds is null for ever; with --ask also answeredBy",
});

export const vipAdd = verb({
  summary: "add an address, after asking whether somebody has it, and announce it",
  description: [
    "The address is set with a full prefix (/32, IPv6: /128) where another address of the interface covers its subnet, so that it never owns the subnet's route.",
    "First the neighbours are asked by ARP (IPv6: neighbour solicitation) whether somebody has the address already; then it is announced so that switches and neighbours learn the new place at once.",
  ],
  arguments: { address: oneArgument(addressPrefix, "ADDR/LEN", "the address with the prefix length of its subnet") },
  flags: {
    interface: requiredFlag(interfaceName, { valueName: "IF", doc: "the interface that gets it" }),
    label: valueFlag(label, { valueName: "LABEL", doc: "the address's label, such as eth0:1 (IPv4 only)" }),
    lease: valueFlag(leaseSeconds, {
      valueName: "TIME",
      defaultText: "forever",
      doc: "how long the kernel keeps it without a renewal: 3s, forever",
    }),
    noPrefixRoute: switchFlag("make no route for the address's subnet"),
    scope: valueFlag(choice(ADDRESS_SCOPES), {
      valueName: "SCOPE",
      defaultText: "global",
      doc: "who may know of the address (IPv4 only)",
    }),
    force: switchFlag("add it even though somebody answers for it"),
    noAnnounce: switchFlag("don't tell the neighbours"),
  },
  examples: [
    { command: "vip add 203.0.113.10/24 --interface eth0", doc: "add and announce an address" },
    {
      command: "vip add 203.0.113.10/24 --interface eth0 --label eth0:1 --lease 3s",
      doc: "with a label, gone after 3 s",
    },
  ],
  changes: true,
  jsonDoc: CHANGES_JSON,
  exit3: "another machine answers for the address",
});

export const vipDel = verb({
  summary: "remove an address",
  arguments: { address: oneArgument(addressPrefix, "ADDR[/LEN]", "the address; the length is not compared") },
  flags: {
    interface: valueFlag(interfaceName, { valueName: "IF", doc: "needed when several interfaces have it" }),
    ifExists: switchFlag("succeed when no interface has it"),
    force: switchFlag("remove it also when it is the system's, not one that tandem has set"),
  },
  examples: [{ command: "vip del 203.0.113.10 --interface eth0", doc: "remove an address" }],
  changes: true,
  jsonDoc: CHANGES_JSON,
});

export const vipAnnounce = verb({
  summary: "tell the neighbours that this machine has an address",
  description: [
    "Sends gratuitous ARP, as request and as reply, for IPv6 unsolicited neighbour advertisements with the override flag. Announce only what this machine owns.",
  ],
  arguments: { address: oneArgument(address, "ADDR", "the address to announce") },
  flags: {
    interface: valueFlag(interfaceName, { valueName: "IF", doc: "default: the interface that has the address" }),
    count: valueFlag(integer(1, 1000), { valueName: "N", defaultText: "2", doc: "how often" }),
    interval: valueFlag(positiveDuration, {
      valueName: "TIME",
      defaultText: "1.1s",
      doc: "time between two announcements",
    }),
    form: valueFlag(choice(["request", "reply", "both"]), {
      valueName: "FORM",
      defaultText: "both",
      doc: "which form of gratuitous ARP",
    }),
    verify: valueFlag(address, {
      valueName: "ADDR",
      doc: "then prove that this neighbour sends here what is for the address",
      longDoc:
        "An echo request goes to the neighbour from the announced address. The answer goes to the MAC that the neighbour has for it; when it arrives here, that is this machine's. When none does, another own address is asked from: that tells a neighbour that uses another MAC from one that answers no echo requests.",
    }),
  },
  examples: [
    { command: "vip announce 203.0.113.10 --count 5 --interval 1s", doc: "five announcements in four seconds" },
    { command: "vip announce 203.0.113.10 --verify 203.0.113.1", doc: "and proof that the gateway has learnt it" },
  ],
  changes: true,
  jsonDoc: CHANGES_JSON,
  exit3: "the neighbour of --verify does not answer to this machine",
});

export const vip = {
  kind: "group",
  name: "vip",
  summary: "addresses that move between routers: list, add, remove, announce",
  description: ["Works on the kernel directly; no daemon is needed, and a running daemon puts back what it owns."],
  verbs: { list: vipList, add: vipAdd, del: vipDel, announce: vipAnnounce },
} satisfies GroupSpec;
