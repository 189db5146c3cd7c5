import { bool, type Decoder, finite, list, oneOf, optional, record, text, whole } from "../../lib/plain-data.ts";
import type { KeptServer } from "../../model/kept-server.ts";
import { formatServiceKey, type ServiceKey } from "../../model/virtual-service.ts";
import type { Health } from "../health/verdict.ts";
import { type Drain, MAX_DRAINS } from "../servers/drains.ts";
import { drain, keptServer, serviceKey } from "./decoders.ts";

/** What outlives the balancer's process: verdicts, so that no restart empties a table; orders; and which services are ours. */
export interface SavedState {
  readonly version: 1;
  /** The boot that the times belong to: the monotonic clock begins anew with each. */
  readonly bootId: string;
  readonly verdicts: readonly SavedVerdict[];
  readonly drains: readonly Drain[];
  /** Real servers changed at run time; absent: none. */
  readonly kept?: readonly KeptServer[];
  readonly owned: readonly ServiceKey[];
  /** Keys of the services without their quorum; absent in what an older tandem saved. */
  readonly inquorate?: readonly string[];
}

/** A health without its last attempt. */
export interface SavedVerdict {
  /** Target and method of the probe. */
  readonly subject: string;
  readonly verdict: "up" | "down";
  readonly sinceMs?: number;
  readonly failingSinceMs?: number;
  readonly refused: boolean;
  readonly recoveredMs?: number;
  /** What its program last said of its weight. */
  readonly weightPercent?: number;
}

export const decodeSavedState: Decoder<SavedState> = (value) => {
  const given = record({
    version: whole(1, 1),
    bootId: text,
    verdicts: list(
      record({
        subject: text,
        verdict: oneOf(["up", "down"]),
        sinceMs: optional(finite),
        failingSinceMs: optional(finite),
        refused: bool,
        recoveredMs: optional(finite),
        weightPercent: optional(whole(0, 100)),
      }),
    ),
    drains: list(drain),
    kept: optional(list(keptServer)),
    owned: list(serviceKey),
    inquorate: optional(list(text)),
  })(value);
  return { ...given, version: 1, drains: given.drains.slice(0, MAX_DRAINS) };
};

/** A health as it is saved; undefined while there is no verdict. */
export function savedVerdict(subject: string, health: Health): SavedVerdict | undefined {
  const { verdict, refused, sinceMs, failingSinceMs, recoveredMs, weightPercent } = health;
  if (verdict === "unknown") return undefined;
  return {
    subject,
    verdict,
    refused,
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(failingSinceMs === undefined ? {} : { failingSinceMs }),
    ...(recoveredMs === undefined ? {} : { recoveredMs }),
    ...(weightPercent === undefined ? {} : { weightPercent }),
  };
}

/** The saved healths by subject; their times only where they are of this boot. */
export function restoredHealths(saved: SavedState, bootId: string): Map<string, Health> {
  const healths = new Map<string, Health>();
  for (const { subject, ...health } of saved.verdicts) {
    const { verdict, refused, weightPercent } = health;
    const timeless = { verdict, refused, ...(weightPercent === undefined ? {} : { weightPercent }) };
    healths.set(subject, saved.bootId === bootId ? health : timeless);
  }
  return healths;
}

/** The saved services of ours by the text of their key. */
export function restoredServices(saved: SavedState): Map<string, ServiceKey> {
  return new Map(saved.owned.map((key) => [formatServiceKey(key), key]));
}
