/** Virtual services between the model and the attributes of IPVS. */
import { DecodeError } from "../../lib/errors.ts";
import { addressBits, addressBytes, addressFromBytes, type Family, parseAddress } from "../../model/address.ts";
import {
  type Persistence,
  PROTOCOLS,
  SCHEDULER_FLAGS,
  type ServiceKey,
  serviceFamily,
  type VirtualService,
} from "../../model/virtual-service.ts";
import { familyNumber, familyOf, readInetAddress, required } from "../bytes/inet-address.ts";
import {
  IP_PROTOCOLS,
  IP_VS_SVC_F_ONEPACKET,
  IP_VS_SVC_F_PERSISTENT,
  IP_VS_SVC_F_SCHEDULER,
  type ServiceAttributes,
} from "./ipvs-numbers.ts";

/** All bits count: what is not set is cleared. The kernel keeps its own bit (HASHED) by itself. */
const EVERY_FLAG = 0xffff_ffff;

/** What names a service to the kernel: enough for a look-up, a deletion, and for its servers. */
export function serviceKeyAttributes(key: ServiceKey): ServiceAttributes {
  if (key.kind === "fwmark") return { family: familyNumber(key.family), fwmark: key.mark };
  return {
    family: familyNumber(key.address.family),
    protocol: IP_PROTOCOLS[key.protocol],
    address: addressBytes(key.address),
    port: key.port,
  };
}

/** Everything about a service. The kernel takes an edit only whole: what is left out here is reset there. */
export function virtualServiceAttributes(service: VirtualService): ServiceAttributes {
  const { key, persistence } = service;
  return {
    ...serviceKeyAttributes(key),
    scheduler: service.scheduler,
    flags: { flags: serviceFlags(service), mask: EVERY_FLAG },
    timeoutSeconds: persistence?.timeoutSeconds ?? 0,
    netmask: netmaskOf(serviceFamily(key), persistence),
    persistenceEngine: persistence?.engine,
  };
}

function serviceFlags(service: VirtualService): number {
  let flags = service.persistence === undefined ? 0 : IP_VS_SVC_F_PERSISTENT;
  if (service.onePacket) flags |= IP_VS_SVC_F_ONEPACKET;
  for (const [index, bit] of IP_VS_SVC_F_SCHEDULER.entries()) {
    const name = SCHEDULER_FLAGS[index];
    if (name !== undefined && service.schedulerFlags.includes(name)) flags |= bit;
  }
  return flags;
}

/** A 32-bit number with its bytes in the other order. */
function swapBytes(value: number): number {
  return (((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0) as number;
}

/** The `netmask` attribute as a be32: see its declaration. Without persistence, the whole address counts. */
function netmaskOf(family: Family, persistence: Persistence | undefined): number {
  const bits = persistence?.prefixLength ?? addressBits(family);
  if (family === "inet6") return swapBytes(bits);
  if (persistence?.irregularMask !== undefined) return irregularMaskNumber(persistence.irregularMask);
  return ipv4Mask(bits);
}

function ipv4Mask(prefixLength: number): number {
  // A shift by 32 does nothing in JavaScript.
  return prefixLength === 0 ? 0 : (0xffff_ffff << (32 - prefixLength)) >>> 0;
}

function irregularMaskNumber(text: string): number {
  const mask = parseAddress(text);
  if (!mask.ok || mask.value.family !== "inet") throw new RangeError(`${text} is not an IPv4 mask`);
  return new DataView(addressBytes(mask.value).buffer).getUint32(0);
}

/** @throws DecodeError that names the attribute which is missing or makes no sense. */
export function toServiceKey(attributes: ServiceAttributes): ServiceKey {
  const family = familyOf(required(attributes.family, "family"), "family");
  if (attributes.fwmark !== undefined && attributes.fwmark !== 0) {
    return { kind: "fwmark", mark: attributes.fwmark, family };
  }
  const number = required(attributes.protocol, "protocol");
  const protocol = PROTOCOLS.find((name) => IP_PROTOCOLS[name] === number);
  if (protocol === undefined) throw new DecodeError("protocol", `${number} is neither tcp, udp nor sctp`);
  const address = readInetAddress(family, required(attributes.address, "address"), "address");
  return { kind: "address", protocol, address, port: required(attributes.port, "port") };
}

/** @throws DecodeError that names the attribute which is missing or makes no sense. */
export function toVirtualService(attributes: ServiceAttributes): VirtualService {
  const key = toServiceKey(attributes);
  const { flags } = required(attributes.flags, "flags");
  const schedulerFlags = SCHEDULER_FLAGS.filter((_, index) => (flags & (IP_VS_SVC_F_SCHEDULER[index] ?? 0)) !== 0);
  return {
    key,
    // A service whose scheduler's module was removed has none; the kernel then says "none" (ip_vs_ctl.c).
    scheduler: attributes.scheduler ?? "none",
    schedulerFlags,
    ...((flags & IP_VS_SVC_F_PERSISTENT) === 0 ? {} : { persistence: toPersistence(key, attributes) }),
    onePacket: (flags & IP_VS_SVC_F_ONEPACKET) !== 0,
  };
}

function toPersistence(key: ServiceKey, attributes: ServiceAttributes): Persistence {
  const engine = attributes.persistenceEngine;
  return {
    timeoutSeconds: required(attributes.timeoutSeconds, "timeoutSeconds"),
    ...toPrefix(serviceFamily(key), required(attributes.netmask, "netmask")),
    ...(engine === undefined || engine === "" ? {} : { engine }),
  };
}

function toPrefix(family: Family, netmask: number): Pick<Persistence, "prefixLength" | "irregularMask"> {
  if (family === "inet6") {
    const prefixLength = swapBytes(netmask);
    if (prefixLength > 128) throw new DecodeError("netmask", `${prefixLength} is not a prefix length from 0 to 128`);
    return { prefixLength };
  }
  const prefixLength = countOnes(netmask);
  if (netmask === ipv4Mask(prefixLength)) return { prefixLength };
  const bytes = Uint8Array.of(netmask >>> 24, netmask >>> 16, netmask >>> 8, netmask);
  return { prefixLength, irregularMask: addressFromBytes(bytes).text };
}

function countOnes(value: number): number {
  let ones = 0;
  for (let bit = 0; bit < 32; bit += 1) ones += (value >>> bit) & 1;
  return ones;
}
