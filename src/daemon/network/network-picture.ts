/** Links and addresses as the kernel has them, kept up to date by its events. */
import type { InterfaceAddress } from "../../model/interface-address.ts";
import type { Link } from "../../model/link.ts";
import type { MacAddress } from "../../model/mac-address.ts";
import type { NetworkSurvey } from "./network-survey.ts";

/** Changes that are kept while a survey is under way: those of thousands of renewals. */
const MEANWHILE_MAX = 10_000;

/** What the kernel tells addresses apart by: three prefixes of one IPv4 address can stand side by side. */
function identity({ interfaceIndex, prefix, peer }: InterfaceAddress): string {
  return `${interfaceIndex} ${prefix.address.text}/${prefix.prefixLength} ${peer?.text ?? ""}`;
}

/**
 * The links and addresses of this machine as the kernel has told them. Everything is kept by the interface's number: a
 * renamed interface keeps its number and its addresses, and one that is made anew has another number and none.
 */
export class NetworkPicture {
  readonly #links = new Map<number, Link>();
  readonly #byName = new Map<string, Link>();
  /** The MACs that interfaces had before their present ones: an answer may still be on its way from there. */
  readonly #formerMacs = new Map<number, MacAddress>();
  readonly #addresses = new Map<string, InterfaceAddress>();
  /** What was told while a survey is under way: it may be older than this. */
  #meanwhile: (() => void)[] | undefined;

  /** The interface that has this name now. */
  link(name: string): Link | undefined {
    return this.#byName.get(name);
  }

  linkNumbered(index: number): Link | undefined {
    return this.#links.get(index);
  }

  /** Whether an interface of this machine has that MAC, or had it before its present one. */
  hasMac(mac: MacAddress): boolean {
    return [...this.#links.values()].some((link) => link.mac === mac) || [...this.#formerMacs.values()].includes(mac);
  }

  get addresses(): readonly InterfaceAddress[] {
    return [...this.#addresses.values()];
  }

  /** The same address of the same interface as it is known, whatever its lifetime and label. */
  find(address: InterfaceAddress): InterfaceAddress | undefined {
    return this.#addresses.get(identity(address));
  }

  /** A link is new or has changed. */
  setLink(link: Link): void {
    this.#note(() => this.#setLink(link));
  }

  /** A link is gone, and its addresses with it. */
  removeLink(link: Link): void {
    this.#note(() => this.#removeLink(link.index));
  }

  setAddress(address: InterfaceAddress): void {
    this.#note(() => this.#setAddress(address));
  }

  removeAddress(address: InterfaceAddress): void {
    this.#note(() => this.#addresses.delete(identity(address)));
  }

  /** The kernel is being read: what is told from now on counts for more than what is read. */
  beginSurvey(): void {
    this.#meanwhile = [];
  }

  /** The kernel could not be read: what is known stays. */
  abandonSurvey(): void {
    this.#meanwhile = undefined;
  }

  take(survey: NetworkSurvey): void {
    this.#links.clear();
    this.#byName.clear();
    this.#addresses.clear();
    for (const link of survey.links) this.#setLink(link);
    for (const address of survey.addresses) this.#setAddress(address);
    for (const change of this.#meanwhile ?? []) change();
    this.#meanwhile = undefined;
  }

  /** Takes a change over; while a survey is under way again after it. */
  #note(change: () => void): void {
    change();
    if (this.#meanwhile === undefined) return;
    this.#meanwhile.push(change);
    // The oldest are the likeliest to be in the survey already.
    if (this.#meanwhile.length > MEANWHILE_MAX) this.#meanwhile.shift();
  }

  #setLink(link: Link): void {
    const before = this.#links.get(link.index);
    this.#links.set(link.index, link);
    if (before?.mac !== undefined && before.mac !== link.mac) this.#formerMacs.set(link.index, before.mac);
    if (before?.name !== link.name) {
      this.#forgetName(before);
      for (const address of this.#addresses.values()) {
        if (address.interfaceIndex === link.index) this.#setAddress({ ...address, interface: link.name });
      }
    }
    this.#byName.set(link.name, link);
  }

  #removeLink(index: number): void {
    this.#forgetName(this.#links.get(index));
    this.#links.delete(index);
    this.#formerMacs.delete(index);
    for (const [key, address] of this.#addresses) if (address.interfaceIndex === index) this.#addresses.delete(key);
  }

  /** Another interface may have taken the name over. */
  #forgetName(link: Link | undefined): void {
    if (link !== undefined && this.#byName.get(link.name)?.index === link.index) this.#byName.delete(link.name);
  }

  #setAddress(address: InterfaceAddress): void {
    const name = this.#links.get(address.interfaceIndex)?.name ?? address.interface;
    this.#addresses.set(identity(address), name === address.interface ? address : { ...address, interface: name });
  }
}
