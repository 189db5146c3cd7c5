import { type Endpoint, formatEndpoint } from "./address.ts";
import { type KeptChange, keptText } from "./kept-server.ts";
import type { RouterId } from "./pair.ts";
import { formatServiceKey, type ServiceKey } from "./virtual-service.ts";

/** What an operator ordered for a real server of a virtual service; `none`: an order was taken back. */
export type ServerOrder =
  | { readonly kind: "none" }
  | { readonly kind: "drain" }
  | { readonly kind: "weight"; readonly weight: number };

/**
 * Something that an operator said at run time and that both routers keep. The higher revision is the newer word, of
 * equal ones the primary's. What was taken back stays as an entry, so that the other router learns that too.
 */
export type SharedEntry = SharedSubject & {
  readonly revision: number;
  readonly by: RouterId;
};

export type SharedSubject =
  | { readonly kind: "hold"; readonly held: boolean }
  | {
      readonly kind: "server";
      readonly service: ServiceKey;
      readonly server: Endpoint;
      readonly order: ServerOrder;
    }
  | {
      /** A server itself: added to a configured service, changed, or taken out of it. */
      readonly kind: "kept";
      readonly service: ServiceKey;
      readonly server: Endpoint;
      readonly change: KeptChange;
    };

/** There is one entry per key. */
export function sharedKey(subject: SharedSubject): string {
  if (subject.kind === "hold") return "hold";
  const server = `${formatServiceKey(subject.service)} ${formatEndpoint(subject.server)}`;
  return subject.kind === "kept" ? `kept ${server}` : server;
}

/** Nothing but that something was taken back. */
export function isTakenBack(subject: SharedSubject): boolean {
  if (subject.kind === "hold") return !subject.held;
  return (subject.kind === "kept" ? subject.change : subject.order).kind === "none";
}

/** What is ordered, in words: `held`, `not held`, `drain`, `weight 3`, `none`, `removed`, `nat, weight 1`. */
export function orderText(subject: SharedSubject): string {
  if (subject.kind === "hold") return subject.held ? "held" : "not held";
  if (subject.kind === "kept") return keptText(subject.change);
  const { order } = subject;
  return order.kind === "weight" ? `weight ${order.weight}` : order.kind;
}
