/**
 * The addresses of this machine's interfaces, and the lease of VIPs: addresses with a kernel lifetime.
 */
import type { NetlinkError } from "../../lib/errors.ts";
import { addressBits, coversAddress, formatAddressPrefix, sameAddress } from "../../model/address.ts";
import { type AddressScope, formatInterfaceAddress, type InterfaceAddress } from "../../model/interface-address.ts";
import type { Vip } from "../../model/vip.ts";
import type { Writer } from "../../wire/bytes/bytes.ts";
import {
  beginMessage,
  endMessage,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
} from "../../wire/netlink/netlink-message.ts";
import { RTM } from "../../wire/rtnetlink/rtnetlink.ts";
import {
  IFA_F_NODAD,
  IFA_F_NOPREFIXROUTE,
  isInternetAddress,
  readAddress,
  toInterfaceAddress,
  type WantedAddress,
  writeAddress,
  writeAddressDumpRequest,
  writeAddressRemoval,
  writeFoundRemoval,
} from "../../wire/rtnetlink/rtnetlink-address.ts";
import { readLink, toLink, writeLinkRequest } from "../../wire/rtnetlink/rtnetlink-link.ts";
import { NetlinkConnection, type Refusal, understood } from "../netlink/netlink-connection.ts";
import { netlinkError } from "../netlink/netlink-failure.ts";

export type { InterfaceAddress } from "../../model/interface-address.ts";

/** asm-generic/errno-base.h and errno.h */
const EEXIST = 17;
const ENODEV = 19;
const EADDRNOTAVAIL = 99;

/** RT_SCOPE_* of linux/rtnetlink.h. */
const SCOPE_NUMBERS = { global: 0, site: 200, link: 253, host: 254 } as const satisfies Record<AddressScope, number>;

/** A VIP as it is to be in the kernel. */
export interface VipLease {
  readonly vip: Vip;
  readonly interfaceIndex: number;
  /** From `kernelPrefixLength`; the same for a renewal and a removal as for the first time. */
  readonly kernelPrefixLength: number;
  /** Makes no route for the subnet, where the prefix would bring one. */
  readonly noPrefixRoute?: boolean;
  /** IPv4 only; absent: global. */
  readonly scope?: AddressScope;
}

/** `created`: it was not there before. For a renewal that means that it had been lost. */
export type LeaseOutcome =
  | { readonly kind: "created" }
  | { readonly kind: "renewed" }
  | { readonly kind: "failed"; readonly error: NetlinkError };

export type RemovalOutcome =
  | { readonly kind: "removed" }
  | { readonly kind: "absent" }
  | { readonly kind: "failed"; readonly error: NetlinkError };

/**
 * The prefix length with which a VIP is set: the full one where another address of the interface covers its subnet,
 * since a second address with a short prefix can take the first one with it when it expires; else the configured one.
 * VIPs of ours do not count: the answer must be the same before and after they are set.
 * @param present What `AddressClient.list` returned.
 */
export function kernelPrefixLength(vip: Vip, present: readonly InterfaceAddress[]): number {
  const { address, prefixLength } = vip.prefix;
  const covered = present.some(
    (other) =>
      !other.ours &&
      other.interface === vip.interface &&
      other.prefix.prefixLength <= prefixLength &&
      !sameAddress(other.prefix.address, address) &&
      coversAddress(other.peer ?? other.prefix.address, other.prefix.prefixLength, address),
  );
  return covered ? addressBits(address.family) : prefixLength;
}

export class AddressClient {
  readonly #connection: NetlinkConnection;

  private constructor(connection: NetlinkConnection) {
    this.#connection = connection;
  }

  /** @throws SyscallError when the kernel gives no socket. */
  static open(): AddressClient {
    return new AddressClient(NetlinkConnection.open("route"));
  }

  /** All addresses of all interfaces. @throws NetlinkError, TandemError */
  list(): InterfaceAddress[] {
    const names = this.#interfaceNames();
    return this.#list((index) => names.get(index));
  }

  /**
   * The same in half the time: `interface` is a number, and a label is given also where it is the interface's name.
   * @throws NetlinkError, TandemError
   */
  listNumbered(): InterfaceAddress[] {
    return this.#list(() => undefined);
  }

  #list(nameOf: (index: number) => string | undefined): InterfaceAddress[] {
    const reply = this.#connection.dump({ type: RTM.getAddress, write: writeAddressDumpRequest });
    if (reply.refusal !== undefined) throw netlinkError(reply.refusal, { operation: "list the addresses" });
    return understood(() =>
      reply.messages
        .filter((message) => message.type === RTM.newAddress)
        .map((message) => readAddress(message.payload))
        .filter(isInternetAddress)
        .map((message) => toInterfaceAddress(message, nameOf)),
    );
  }

  /**
   * Sets the VIPs where they are absent and renews them where they are present, all in one batch.
   *
   * Created and renewed are told apart by two messages for each: one that may only create (NLM_F_EXCL, refused with
   * EEXIST where the address is) and one that replaces. The kernel's echo would not do: its stamps of creation and
   * renewal are equal too for a renewal within 10 ms of the creation, and of IPv6 addresses it sends none.
   * @param validSeconds Whole seconds, at least 1.
   * @returns one outcome for each, in order.
   * @throws SyscallError, TandemError when the kernel does not answer; addresses may be set then.
   */
  lease(leases: readonly VipLease[], validSeconds: number | "forever"): LeaseOutcome[] {
    const wanted = leases.map((lease) => wantedAddress(lease, validSeconds));
    const refusals = this.#connection.batch(wanted.length * 2, (writer, index, sequence) => {
      const address = wanted[index >> 1];
      if (address === undefined) return;
      const flags = index % 2 === 0 ? NLM_F_CREATE | NLM_F_EXCL : NLM_F_CREATE | NLM_F_REPLACE;
      writeMessage(writer, RTM.newAddress, flags, sequence, () => writeAddress(writer, address));
    });
    return leases.map((lease, index) => leaseOutcome(lease, refusals[index * 2], refusals[index * 2 + 1]));
  }

  /**
   * Removes the VIPs, all in one batch.
   * @returns one outcome for each, in order.
   * @throws SyscallError, TandemError when the kernel does not answer.
   */
  remove(leases: readonly VipLease[]): RemovalOutcome[] {
    const refusals = this.#connection.batch(leases.length, (writer, index, sequence) => {
      const lease = leases[index];
      if (lease === undefined) return;
      writeMessage(writer, RTM.deleteAddress, 0, sequence, () =>
        writeAddressRemoval(writer, kernelPrefix(lease), lease.interfaceIndex),
      );
    });
    return leases.map((lease, index) => removalOutcome(subjectOf(lease), refusals[index]));
  }

  /**
   * Removes addresses as they were read: by interface, prefix length, other end and label, whoever has set them.
   * `absent` proves only that none was just like this; who wants to know whether an address is gone reads again.
   * @returns one outcome for each, in order.
   * @throws SyscallError, TandemError when the kernel does not answer.
   */
  removeFound(found: readonly InterfaceAddress[]): RemovalOutcome[] {
    const refusals = this.#connection.batch(found.length, (writer, index, sequence) => {
      const address = found[index];
      if (address === undefined) return;
      writeMessage(writer, RTM.deleteAddress, 0, sequence, () => writeFoundRemoval(writer, address));
    });
    return found.map((address, index) => removalOutcome(formatInterfaceAddress(address), refusals[index]));
  }

  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #interfaceNames(): Map<number, string> {
    const reply = this.#connection.dump({ type: RTM.getLink, write: (writer) => writeLinkRequest(writer) });
    if (reply.refusal !== undefined) throw netlinkError(reply.refusal, { operation: "list the interfaces" });
    const links = reply.messages.filter((message) => message.type === RTM.newLink);
    return understood(
      () =>
        new Map(
          links.map((message) => {
            const { index, name } = toLink(readLink(message.payload));
            return [index, name];
          }),
        ),
    );
  }
}

function writeMessage(writer: Writer, type: number, flags: number, sequence: number, writePayload: () => void): void {
  const start = beginMessage(writer, type, NLM_F_REQUEST | flags, sequence);
  writePayload();
  endMessage(writer, start);
}

function kernelPrefix(lease: VipLease): Vip["prefix"] {
  return { address: lease.vip.prefix.address, prefixLength: lease.kernelPrefixLength };
}

/**
 * IPv6: no duplicate-address detection, which would keep the VIP unused for a second and more; a preferred lifetime of
 * 0, so that it is never the source of new connections; no route where the full prefix says that another address
 * brings it. IPv4 has neither detection nor source selection by lifetime, and makes no route for a /32.
 */
function wantedAddress(lease: VipLease, validSeconds: number | "forever"): WantedAddress {
  const { label, prefix } = lease.vip;
  const base = { prefix: kernelPrefix(lease), interfaceIndex: lease.interfaceIndex, validSeconds };
  if (prefix.address.family === "inet") {
    const flags = lease.noPrefixRoute === true ? IFA_F_NOPREFIXROUTE : 0;
    const scope = SCOPE_NUMBERS[lease.scope ?? "global"];
    return { ...base, preferredSeconds: validSeconds, flags, scope, ...(label === undefined ? {} : { label }) };
  }
  const withoutRoute = lease.kernelPrefixLength === 128 || lease.noPrefixRoute === true;
  const flags = withoutRoute ? IFA_F_NODAD | IFA_F_NOPREFIXROUTE : IFA_F_NODAD;
  return { ...base, preferredSeconds: 0, flags };
}

function leaseOutcome(lease: VipLease, creation: Refusal | undefined, renewal: Refusal | undefined): LeaseOutcome {
  // Whatever was said of the creation, the address is right only if the second message was taken.
  if (renewal !== undefined) return { kind: "failed", error: setFailure(lease, renewal) };
  if (creation === undefined) return { kind: "created" };
  if (creation.errno === EEXIST) return { kind: "renewed" };
  return { kind: "failed", error: setFailure(lease, creation) };
}

function removalOutcome(subject: string, refusal: Refusal | undefined): RemovalOutcome {
  if (refusal === undefined) return { kind: "removed" };
  // An interface that is gone has taken its addresses with it.
  if (refusal.errno === EADDRNOTAVAIL || refusal.errno === ENODEV) return { kind: "absent" };
  return { kind: "failed", error: netlinkError(refusal, { operation: "remove the address", subject }) };
}

function subjectOf(lease: VipLease): string {
  return `${formatAddressPrefix(kernelPrefix(lease))} on ${lease.vip.interface}`;
}

function setFailure(lease: VipLease, refusal: Refusal): NetlinkError {
  return netlinkError(refusal, {
    operation: "set the address",
    subject: subjectOf(lease),
    ...failureMeaning(refusal.errno, lease.vip),
  });
}

function failureMeaning(errno: number, vip: Vip): { readonly reason?: string; readonly hint?: string } {
  if (errno === ENODEV) return { reason: `the interface ${vip.interface} is gone` };
  const isIpv6 = vip.prefix.address.family === "inet6";
  // The kernel says EACCES (13) for an interface on which IPv6 is disabled (addrconf.c), and EOPNOTSUPP without IPv6.
  if (isIpv6 && (errno === 13 || errno === 95)) {
    return { reason: "IPv6 is disabled there", hint: `sysctl -w net/ipv6/conf/${vip.interface}/disable_ipv6=0` };
  }
  return {};
}
