import { Reachability } from "../kernel/reachability.ts";
import { StateError } from "../lib/errors.ts";
import type { IpAddress } from "../model/address.ts";
import type { Link } from "../model/link.ts";

/** Whether a neighbour's packets for an address come to this machine. */

/** So often a neighbour is asked, since one packet may be lost. */
const ATTEMPTS = 5;
/** On one segment an answer takes less; a neighbour that has to look for a MAC first may take longer. */
const WAIT_MS = 300;

/**
 * Asks by ICMP echo from the announced address. The neighbour answers to the MAC that it has for it, so that an answer
 * which arrives here proves it; none proves nothing but is no proof either.
 * @returns the round trip in ms.
 * @throws StateError (exit 3) when no answer comes.
 */
export async function verifyAnnouncement(source: IpAddress, target: IpAddress, link: Link): Promise<number> {
  const answered = Promise.withResolvers<number>();
  using reachability = Reachability.open({ onAnswer: ({ roundTripMs }) => answered.resolve(roundTripMs) });
  let refusal: string | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const outcome = reachability.ask({ source, target, interfaceIndex: link.index, tag: attempt });
    if (outcome.kind === "failed") refusal = outcome.errnoName;
    const roundTripMs = await Promise.race([answered.promise, Bun.sleep(WAIT_MS)]);
    if (typeof roundTripMs === "number") return roundTripMs;
  }
  const late = reachability.drain()[0];
  if (late !== undefined) return late.roundTripMs;
  throw new StateError({
    operation: "verify the announcement",
    subject: `of ${source.text}`,
    reason:
      refusal === undefined
        ? `${target.text} does not answer to this machine: it sends what is for ${source.text} elsewhere, or drops echo requests`
        : `no echo request could be sent to ${target.text} (${refusal})`,
    hint:
      refusal === undefined
        ? `on ${target.text}, look at the neighbour entry of ${source.text} and at the filter`
        : `${source.text} must be an address of this machine, and ${target.text} a neighbour on ${link.name}`,
  });
}
