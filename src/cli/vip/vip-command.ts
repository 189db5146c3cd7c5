/** `tandem vip`: addresses listed, added, removed and announced, on the kernel directly. */
import { checkVip } from "../../config/keys/address-types.ts";
import { AddressClient } from "../../kernel/addresses/address-client.ts";
import { LinkClient } from "../../kernel/addresses/link-client.ts";
import { Announcer } from "../../kernel/neighbours/announcer.ts";
import { findOtherOwner } from "../../kernel/neighbours/duplicate-probe.ts";
import { type ExitCode, TandemError } from "../../lib/errors.ts";
import { formatAddressPrefix, type IpAddress } from "../../model/address.ts";
import type { InterfaceAddress } from "../../model/interface-address.ts";
import type { Link } from "../../model/link.ts";
import { type ReportedChange, reportChanges } from "../changes/changes.ts";
import type { Runner, Runners } from "../line/context.ts";
import { CommandLineError } from "../output/command-line-error.ts";
import { counted } from "../output/figures.ts";
import { type Cell, type Column, renderTable } from "../output/table.ts";
import type { vip as spec } from "../spec/vip-spec.ts";
import { mustFindLink, placesOf } from "./host-addresses.ts";
import { dropAddresses, takeVips } from "./own-vips.ts";
import { verifyAnnouncement } from "./vip-verify.ts";

type Verbs = (typeof spec)["verbs"];

const COLUMNS: readonly Column[] = [
  { header: "ADDRESS" },
  { header: "INTERFACE" },
  { header: "LABEL", dropOrder: 1, hideEmpty: true },
  { header: "OWNER" },
  { header: "LEASE", align: "right" },
  { header: "STATE", dropOrder: 2, hideEmpty: true },
  { header: "ANSWERED BY", hideEmpty: true },
];

function answererCell(text: string): Cell {
  return text.startsWith("also") ? { text, tone: "bad" } : text;
}

function stateCell(address: InterfaceAddress): Cell {
  if (address.dadFailed) return { text: "duplicate", tone: "bad" };
  if (address.tentative) return { text: "tentative", tone: "warn" };
  return address.secondary ? "secondary" : "";
}

function row(address: InterfaceAddress): Cell[] {
  const lease = address.validSeconds === "forever" ? "for ever" : `${address.validSeconds}s`;
  return [
    formatAddressPrefix(address.prefix),
    address.interface,
    address.label ?? "",
    address.ours ? { text: "tandem", tone: "good" } : "system",
    lease,
    stateCell(address),
  ];
}

function addressJson(address: InterfaceAddress): Record<string, unknown> {
  return {
    address: address.prefix.address.text,
    prefixLength: address.prefix.prefixLength,
    family: address.prefix.address.family,
    interface: address.interface,
    label: address.label ?? null,
    owner: address.ours ? "tandem" : "system",
    leaseSeconds: address.validSeconds === "forever" ? null : address.validSeconds,
    scope: address.scope,
    tentative: address.tentative,
    duplicate: address.dadFailed,
  };
}

/** Who besides this machine answers for each address on its link, all asked at once. */
async function askAnswerers(shown: readonly InterfaceAddress[]): Promise<Map<InterfaceAddress, string>> {
  using links = LinkClient.open();
  const byIndex = new Map(links.list().map((link) => [link.index, link]));
  const answers = await Promise.all(
    shown.slice(0, ASKED_MAX).map(async (address): Promise<readonly [InterfaceAddress, string]> => {
      const link = byIndex.get(address.interfaceIndex);
      if (link === undefined || link.loopback || !link.carrier) return [address, "nobody to ask"];
      const answer = await findOtherOwner(address.prefix.address, link);
      return [address, answer === undefined ? "this machine only" : `also ${answer.mac}`];
    }),
  );
  return new Map(answers);
}

/** Each address that is asked for has a socket of its own. */
const ASKED_MAX = 256;

const list: Runner<Verbs["list"]> = async ({ interface: name, all, ask }, { output }): Promise<ExitCode> => {
  using addresses = AddressClient.open();
  if (name !== undefined) {
    using links = LinkClient.open();
    mustFindLink(links, name);
  }
  const shown = addresses
    .list()
    .filter((address) => name === undefined || address.interface === name)
    // A VIP may be link-local; otherwise such addresses are each interface's own, and there are many.
    .filter(({ scope, ours }) => all || ours || name !== undefined || (scope !== "host" && scope !== "link"));
  const answerers = ask ? await askAnswerers(shown) : new Map<InterfaceAddress, string>();
  if (output.json) {
    const answers = (address: InterfaceAddress) => (ask ? { answeredBy: answerers.get(address) ?? null } : {});
    output.printJson({ addresses: shown.map((address) => ({ ...addressJson(address), ...answers(address) })) });
  } else if (shown.length === 0) output.note("no addresses");
  else {
    const rows = shown.map((address): Cell[] => [...row(address), answererCell(answerers.get(address) ?? "")]);
    output.lines(renderTable(COLUMNS, rows, output));
  }
  return 0;
};

/** The kernel keeps the label of an address that it has, whatever a renewal says (tried). */
function refuseOtherLabel(address: IpAddress, interfaceName: string, label: string): void {
  using addresses = AddressClient.open();
  const [present] = placesOf(addresses, address, interfaceName);
  if (present === undefined || label === (present.label ?? interfaceName)) return;
  throw new TandemError({
    operation: "label address",
    subject: `${address.text} as ${label}`,
    reason: `${interfaceName} has it already, ${present.label === undefined ? "without a label" : `labelled ${present.label}`}`,
    hint: `tandem vip del ${address.text}, and add it again`,
  });
}

const add: Runner<Verbs["add"]> = async (input, context) => {
  const { address, interface: name, label } = input;
  if (label !== undefined && address.address.family === "inet6") {
    throw new CommandLineError("vip add", ["--label: only IPv4 addresses have labels"]);
  }
  if (label !== undefined && label !== name && !label.startsWith(`${name}:`)) {
    throw new CommandLineError("vip add", [`--label: ${label} must begin with the interface's name: ${name}:1`]);
  }
  const usable = checkVip(address);
  if (!usable.ok) throw new CommandLineError("vip add", [`ADDR/LEN: ${usable.problem}`]);
  if (input.scope !== undefined && address.address.family === "inet6") {
    throw new CommandLineError("vip add", ["--scope: an IPv6 address has its scope by its number"]);
  }
  if (label !== undefined) refuseOtherLabel(address.address, name, label);
  const vip = { prefix: address, interface: name, ...(label === undefined ? {} : { label }) };
  const changes = await takeVips([vip], {
    validSeconds: input.lease ?? "forever",
    force: input.force,
    announce: !input.noAnnounce,
    noPrefixRoute: input.noPrefixRoute,
    ...(input.scope === undefined ? {} : { scope: input.scope }),
    dryRun: context.globals.dryRun,
  });
  return reportChanges(changes, context);
};

const del: Runner<Verbs["del"]> = ({ address, interface: name, ifExists, force }, context) => {
  using addresses = AddressClient.open();
  const places = placesOf(addresses, address.address, name);
  const text = address.address.text;
  if (places.length === 0 && ifExists) {
    const absent: ReportedChange = {
      do: "remove",
      subject: `address ${text}`,
      outcome: { kind: "unchanged", reason: "it is not there" },
    };
    return reportChanges([absent], context);
  }
  if (places.length === 0) {
    const where = name === undefined ? "this machine does not have it" : `${name} does not have it`;
    throw new TandemError({ operation: "remove address", subject: text, reason: where, hint: "tandem vip list --all" });
  }
  if (places.length > 1 && name === undefined) {
    const names = places.map((place) => place.interface).join(" and ");
    throw new CommandLineError("vip del", [`${text} is on ${names}; say which one with --interface`]);
  }
  const foreign = places.find(({ ours }) => !ours);
  if (foreign !== undefined && !force) {
    throw new TandemError({
      operation: "remove address",
      subject: text,
      reason: `it is an address of the system on ${foreign.interface}, not one that tandem has set`,
      hint: "--force removes it all the same; those who reach this machine by it lose it",
    });
  }
  return reportChanges(dropAddresses(places, context.globals.dryRun), context);
};

/** The interface to announce an address on. */
function announcingLink(
  input: { readonly address: { readonly text: string } },
  name: string | undefined,
  links: LinkClient,
  places: readonly InterfaceAddress[],
): Link {
  if (name !== undefined) return mustFindLink(links, name);
  const [place, ...others] = places;
  if (place === undefined) {
    throw new TandemError({
      operation: "announce",
      subject: input.address.text,
      reason: "this machine does not have it",
      hint: "name an interface with --interface to announce it all the same",
    });
  }
  if (others.length > 0) {
    const names = places.map((candidate) => candidate.interface).join(" and ");
    throw new CommandLineError("vip announce", [
      `${input.address.text} is on ${names}; say which one with --interface`,
    ]);
  }
  return mustFindLink(links, place.interface);
}

function formatMs(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}

/** A neighbour of the other family, or this machine itself, would prove nothing. */
function checkVerified(announced: IpAddress, verify: IpAddress | undefined, addresses: AddressClient): void {
  if (verify === undefined) return;
  if (verify.family !== announced.family) {
    const problem = `--verify: ${verify.text} and ${announced.text} are of different address families`;
    throw new CommandLineError("vip announce", [problem]);
  }
  if (placesOf(addresses, verify).length > 0) {
    throw new CommandLineError("vip announce", [`--verify: ${verify.text} is an address of this machine itself`]);
  }
}

/** How often and how far apart when nothing is said: some switches drop what comes right after another. */
const ANNOUNCE_COUNT = 2;
const ANNOUNCE_INTERVAL_MS = 1100;

const announce: Runner<Verbs["announce"]> = async (input, context) => {
  using addresses = AddressClient.open();
  using links = LinkClient.open();
  checkVerified(input.address, input.verify, addresses);
  const link = announcingLink(input, input.interface, links, placesOf(addresses, input.address));
  const subject = `${input.address.text} on ${link.name}`;
  const count = input.count ?? ANNOUNCE_COUNT;
  if (context.globals.dryRun) {
    return reportChanges(
      [{ do: "announce", subject, detail: `${count} times`, outcome: { kind: "planned" } }],
      context,
    );
  }
  using announcer = Announcer.open();
  let sentFrames = 0;
  const failures = new Set<string>();
  for (let turn = 0; turn < count; turn += 1) {
    if (turn > 0) await Bun.sleep(input.interval ?? ANNOUNCE_INTERVAL_MS);
    const outcome = announcer.announce(input.address, link, input.form ?? "both");
    sentFrames += outcome.sentFrames;
    for (const failure of outcome.failures) failures.add(failure);
  }
  if (sentFrames === 0) {
    const reason = `no frame could be sent (${[...failures].join(", ")})`;
    const hint = failures.has("ENETDOWN")
      ? `ip link set ${link.name} up`
      : "only Ethernet links have neighbours to tell";
    throw new TandemError({ operation: "announce", subject, reason, hint });
  }
  const { verify } = input;
  const proof =
    verify === undefined
      ? ""
      : `, answered by ${verify.text} after ${formatMs(await verifyAnnouncement(input.address, verify, link, addresses.list()))}`;
  const detail = `${counted(sentFrames, "frame")}${proof}`;
  return reportChanges([{ do: "announce", subject, detail, outcome: { kind: "done" } }], context);
};

export const runners: Runners<typeof spec> = { list, add, del, announce };
