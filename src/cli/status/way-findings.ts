/** What only packets prove: who answers for the VIPs, and by which way real servers answer. */
import type { Config } from "../../config/keys/config.ts";
import { AddressClient } from "../../kernel/addresses/address-client.ts";
import { LinkClient } from "../../kernel/addresses/link-client.ts";
import { RouteClient } from "../../kernel/addresses/route-client.ts";
import { proveReturnWays, type ReturnQuestion, type ReturnWay } from "../../kernel/filter/return-way.ts";
import type { Finding } from "../../kernel/machine/preflight.ts";
import { listOtherOwners } from "../../kernel/neighbours/duplicate-probe.ts";
import { TandemError } from "../../lib/errors.ts";
import { coversAddress, type IpAddress, sameAddress } from "../../model/address.ts";
import type { InterfaceAddress } from "../../model/interface-address.ts";
import type { Link } from "../../model/link.ts";

/** Each VIP has a socket of its own while it is asked for; servers beyond so many are like the first ones. */
const VIPS_MAX = 256;
const SERVERS_MAX = 256;
const NAMED_MAX = 3;

/** Others who answer for VIPs, and servers whose answers go astray; nothing where this user may not ask. */
export async function wayFindings(config: Config): Promise<readonly Finding[]> {
  using links = LinkClient.open();
  using addresses = AddressClient.open();
  const [allLinks, own] = [links.list(), addresses.list()];
  try {
    const [ofVips, ofServers] = await Promise.all([
      ownerFindings(config, allLinks, own),
      returnFindings(returnQuestions(config, allLinks, own)),
    ]);
    return [...ofVips, ...ofServers];
  } catch (error) {
    // Whoever may not open raw sockets has been told to be root.
    if (error instanceof TandemError && error.exitCode === 4) return [];
    throw error;
  }
}

function isHeld(own: readonly InterfaceAddress[], address: IpAddress): boolean {
  return own.some(({ prefix }) => sameAddress(prefix.address, address));
}

/** One machine answers for a VIP: this one, or the other router. A second one is too many. */
async function ownerFindings(
  { vips }: Config,
  links: readonly Link[],
  own: readonly InterfaceAddress[],
): Promise<readonly Finding[]> {
  // Two interfaces on one segment both answer for what either of them has.
  const ownMacs = new Set(links.map(({ mac }) => mac));
  const found = await Promise.all(
    vips.slice(0, VIPS_MAX).map(async ({ prefix: { address }, interface: name }): Promise<Finding[]> => {
      const link = links.find((candidate) => candidate.name === name);
      if (link === undefined || link.loopback || !link.carrier) return [];
      const answering = await listOtherOwners(address, link);
      const macs = answering.filter((mac) => !ownMacs.has(mac));
      const isOurs = isHeld(own, address);
      if (macs.length <= (isOurs ? 0 : 1)) return [];
      const who = isOurs
        ? `${macs.join(" and ")} on ${name} as well as this router`
        : `${macs.join(" and ")} on ${name}`;
      return [
        {
          name: "vip-answered",
          severity: "error",
          text: `${address.text} is answered for by ${who}: a second router, or a real server that has it and does not keep silent`,
          mend: "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2   # there, if it is a real server",
        },
      ];
    }),
  );
  return found.flat();
}

/** The real servers whose way back can be proven now: from a VIP that this router has, on another side than theirs. */
function returnQuestions(
  config: Config,
  links: readonly Link[],
  own: readonly InterfaceAddress[],
): readonly ReturnQuestion[] {
  using routes = RouteClient.open();
  const questions = new Map<string, ReturnQuestion>();
  for (const { listen, servers } of config.services) {
    const vip = config.vips.find(
      ({ prefix: { address } }) =>
        isHeld(own, address) && listen.some(({ key }) => key.kind === "address" && sameAddress(key.address, address)),
    );
    if (vip === undefined || vip.prefix.address.family !== "inet") continue;
    const { address, prefixLength } = vip.prefix;
    for (const { server } of servers) {
      const target = server.endpoint.address;
      const isProvable = server.forward === "nat" && !coversAddress(address, prefixLength, target);
      if (!isProvable || questions.has(target.text) || questions.size >= SERVERS_MAX) continue;
      const route = routes.routeTo(target);
      const device = links.find(({ index }) => index === route?.interfaceIndex);
      // On one side with the VIP, or behind another router, its answers may rightly come otherwise.
      if (route?.source === undefined || route.gateway !== undefined) continue;
      if (device === undefined || device.loopback || device.name === vip.interface) continue;
      questions.set(target.text, { server: target, interface: device.name, near: route.source, far: address });
    }
  }
  return [...questions.values()];
}

const PROBLEMS: Readonly<Record<Exclude<ReturnWay, "direct" | "unproven">, (far: string) => string>> = {
  absent: (far) =>
    `answers to this router's near address but not to ${far}: what it answers to clients does not come back here, or it drops echo requests from other networks`,
  elsewhere: (far) =>
    `answers ${far} by another interface than the one that leads to it: its answers to clients go around this router's NAT`,
  indirect: (far) => `answers ${far} through another router: its answers to clients go around this router's NAT`,
};

async function returnFindings(questions: readonly ReturnQuestion[]): Promise<readonly Finding[]> {
  if (questions.length === 0) return [];
  const ways = await proveReturnWays(questions);
  const problems = questions.flatMap((question, index) => {
    const way = ways[index] ?? "unproven";
    return way === "direct" || way === "unproven" ? [] : [{ question, way }];
  });
  const alike = Map.groupBy(problems, ({ question, way }) => `${way} ${question.far.text} ${question.near.text}`);
  return [...alike.values()].flatMap((group): Finding[] => {
    const [first] = group;
    if (first === undefined) return [];
    const names = group.map(({ question }) => question.server.text);
    const more = names.length > NAMED_MAX ? ` (and ${names.length - NAMED_MAX} more)` : "";
    const { far, near } = first.question;
    return [
      {
        name: "way-back",
        severity: "warning",
        text: `NAT needs answers to come back through this router: ${names.slice(0, NAMED_MAX).join(", ")}${more} ${PROBLEMS[first.way](far.text)}`,
        mend: `ip route replace default via ${near.text}   # on the real server; a VIP of its network in place of this address`,
      },
    ];
  });
}
