/** Whether a neighbour's packets for an address come to this machine. */
import { Reachability } from "../../kernel/filter/reachability.ts";
import { StateError } from "../../lib/errors.ts";
import { coversAddress, type IpAddress, sameAddress } from "../../model/address.ts";
import type { InterfaceAddress } from "../../model/interface-address.ts";
import type { Link } from "../../model/link.ts";

/** So often a neighbour is asked, since one packet may be lost. */
const ATTEMPTS = 5;
/** On one segment an answer takes less; a neighbour that has to look for a MAC first may take longer. */
const WAIT_MS = 300;

type EchoOutcome =
  | { readonly kind: "answered"; readonly roundTripMs: number }
  | { readonly kind: "silent" }
  | { readonly kind: "refused"; readonly errnoName: string };

/** Asks by ICMP echo from an own address. The answer goes to the MAC that the neighbour has for that address. */
async function askFrom(source: IpAddress, target: IpAddress, link: Link): Promise<EchoOutcome> {
  const answered = Promise.withResolvers<number>();
  using reachability = Reachability.open({ onAnswer: ({ roundTripMs }) => answered.resolve(roundTripMs) });
  let refusal: string | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const outcome = reachability.ask({ source, target, interfaceIndex: link.index, tag: attempt });
    if (outcome.kind === "failed") refusal = outcome.errnoName;
    const roundTripMs = await Promise.race([answered.promise, Bun.sleep(WAIT_MS)]);
    if (typeof roundTripMs === "number") return { kind: "answered", roundTripMs };
  }
  const late = reachability.drain()[0];
  if (late !== undefined) return { kind: "answered", roundTripMs: late.roundTripMs };
  return refusal === undefined ? { kind: "silent" } : { kind: "refused", errnoName: refusal };
}

/** Another own address on the link from which the neighbour can be asked: does it answer echo requests at all? */
function otherAddress(
  source: IpAddress,
  target: IpAddress,
  link: Link,
  own: readonly InterfaceAddress[],
): IpAddress | undefined {
  return own.find(
    ({ interfaceIndex, prefix: { address, prefixLength } }) =>
      interfaceIndex === link.index && !sameAddress(address, source) && coversAddress(address, prefixLength, target),
  )?.prefix.address;
}

function refused(source: IpAddress, target: IpAddress, link: Link, errnoName: string): StateError {
  return new StateError({
    operation: "verify the announcement",
    subject: `of ${source.text}`,
    reason: `no echo request could be sent to ${target.text} (${errnoName})`,
    hint: `${source.text} must be an address of this machine, and ${target.text} a neighbour on ${link.name}`,
  });
}

/**
 * Asks by ICMP echo from the announced address: an answer that arrives here proves that the neighbour has this machine's
 * MAC for it. Where none comes, another own address tells a neighbour that uses another MAC from one that never answers.
 * @param own the addresses of this machine
 * @returns the round trip in ms.
 * @throws StateError (exit 3) when no answer comes.
 */
export async function verifyAnnouncement(
  source: IpAddress,
  target: IpAddress,
  link: Link,
  own: readonly InterfaceAddress[],
): Promise<number> {
  const outcome = await askFrom(source, target, link);
  if (outcome.kind === "answered") return outcome.roundTripMs;
  if (outcome.kind === "refused") throw refused(source, target, link, outcome.errnoName);
  const other = otherAddress(source, target, link, own);
  const answersOther = other !== undefined && (await askFrom(other, target, link)).kind === "answered";
  const facts = { operation: "verify the announcement", subject: `of ${source.text}` };
  if (answersOther) {
    throw new StateError({
      ...facts,
      reason: `${target.text} answers ${other.text} but not ${source.text}: it sends what is for ${source.text} to another machine`,
      hint: `it ignores announcements, or has a fixed entry: look at the neighbour entry of ${source.text} there`,
    });
  }
  throw new StateError({
    ...facts,
    reason: `${target.text} does not answer to this machine: it sends what is for ${source.text} elsewhere, or drops echo requests`,
    hint: `on ${target.text}, look at the neighbour entry of ${source.text} and at the filter`,
  });
}
