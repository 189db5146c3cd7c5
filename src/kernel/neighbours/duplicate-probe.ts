/** Who else has an address, asked of everybody. */
import type { IpAddress } from "../../model/address.ts";
import type { Link } from "../../model/link.ts";
import type { MacAddress } from "../../model/mac-address.ts";
import { type OwnerAnswer, OwnerProbe } from "./owner-probe.ts";

export interface DuplicateProbeOptions {
  /** How often everybody is asked. RFC 5227 says 3. */
  readonly attempts?: number;
  /** How long each answer is waited for. RFC 5227 says 1 to 2 s; on today's networks answers come within milliseconds. */
  readonly waitMs?: number;
}

const ATTEMPTS = 3;
const WAIT_MS = 100;

/**
 * Asks everybody on a link whether somebody has the address, without touching their caches (RFC 5227, RFC 4862).
 * The first answer ends it.
 * @returns the other owner, or one that is about to take the address; undefined when nobody answered, which is also so
 *   where nobody can be asked (no carrier, no Ethernet).
 * @throws SyscallError (EPERM, exit code 4).
 */
export async function findOtherOwner(
  address: IpAddress,
  link: Link,
  options: DuplicateProbeOptions = {},
): Promise<OwnerAnswer | undefined> {
  const found = Promise.withResolvers<OwnerAnswer>();
  using probe = OwnerProbe.open({ watched: [{ link, addresses: [address] }], onAnswer: found.resolve });
  for (let attempt = 0; attempt < (options.attempts ?? ATTEMPTS); attempt += 1) {
    probe.ask(address, link, undefined, undefined);
    const answer = await Promise.race([found.promise, Bun.sleep(options.waitMs ?? WAIT_MS)]);
    if (answer !== undefined) return answer;
  }
  return probe.drain()[0];
}

/**
 * All others on a link that say that they have the address, by their MACs; asked as by `findOtherOwner`, and waited for
 * to the end. @throws SyscallError (EPERM, exit code 4).
 */
export async function listOtherOwners(
  address: IpAddress,
  link: Link,
  options: DuplicateProbeOptions = {},
): Promise<readonly MacAddress[]> {
  const found = new Set<MacAddress>();
  const take = ({ kind, mac }: OwnerAnswer) => {
    if (kind !== "probe") found.add(mac);
  };
  using probe = OwnerProbe.open({ watched: [{ link, addresses: [address] }], onAnswer: take });
  for (let attempt = 0; attempt < (options.attempts ?? ATTEMPTS); attempt += 1) {
    probe.ask(address, link, undefined, undefined);
    await Bun.sleep(options.waitMs ?? WAIT_MS);
  }
  for (const answer of probe.drain()) take(answer);
  return [...found];
}
