/** The state files read back, each value checked. */
import { endpoint, keptChange, serviceKey } from "../../balance/saved/decoders.ts";
import type { StoredState } from "../../failover/machine/effect.ts";
import { FAILBACK_STABLE_LIMIT_MS, TERM_LIMIT } from "../../failover/machine/settings.ts";
import { DecodeError } from "../../lib/errors.ts";
import {
  bool,
  type Decoder,
  exactly,
  finite,
  list,
  oneOf,
  optional,
  parsedText,
  record,
  text,
  union,
  whole,
} from "../../lib/plain-data.ts";
import { parseMacAddress } from "../../model/mac-address.ts";
import { WEIGHT_MAX } from "../../model/real-server.ts";
import type { ServerOrder, SharedEntry } from "../../model/shared-entry.ts";
import type { TransitionStatus } from "./status-report.ts";

/** Terms rise by one with each takeover: more than this is no term. */
const term = whole(0, TERM_LIMIT);

/** One for each interface that ever carried a VIP. */
const PEER_MACS_MAX = 256;
const anyPeerMacs = list(record({ interface: text, mac: parsedText(parseMacAddress) }));

const peerMacs: Decoder<StoredState["peerMacs"]> = (value) => {
  const macs = anyPeerMacs(value);
  if (macs.length > PEER_MACS_MAX) throw new DecodeError("", `${macs.length} MACs are too many`);
  return macs;
};

const storedState: Decoder<StoredState> = record({
  term,
  lastActiveTerm: term,
  hold: bool,
  abstaining: optional(bool),
  peerMacs,
  failbackStableMs: optional(whole(0, FAILBACK_STABLE_LIMIT_MS)),
});

const transition: Decoder<TransitionStatus> = record({
  at: text,
  agoMs: finite,
  from: text,
  to: text,
  term,
  reason: optional(text),
  why: text,
  chain: list(record({ beforeMs: finite, what: text })),
});

const storedHistory = record({ transitions: list(transition) });

function readAs<T>(decode: Decoder<T>, value: unknown, onProblem: (problem: string) => void): T | undefined {
  if (value === undefined) return undefined;
  try {
    return decode(value);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    onProblem(error.message);
    return undefined;
  }
}

/** What `persist` wrote before; undefined when there is none that can be read. */
export function readStoredState(value: unknown, onProblem: (problem: string) => void): StoredState | undefined {
  return readAs(storedState, value, onProblem);
}

/** A state file is not the network, but a revision that cannot be would stay for ever all the same. */
const REVISION_MAX = 2 ** 31;
const ENTRIES_MAX = 20_000;
const stamp = { revision: whole(0, REVISION_MAX), by: oneOf(["primary", "backup"]) };

const serverOrder: Decoder<ServerOrder> = union("kind", {
  none: record({ kind: exactly("none") }),
  drain: record({ kind: exactly("drain") }),
  weight: record({ kind: exactly("weight"), weight: whole(0, WEIGHT_MAX) }),
});

const sharedEntry: Decoder<SharedEntry> = union("kind", {
  hold: record({ kind: exactly("hold"), held: bool, ...stamp }),
  server: record({
    kind: exactly("server"),
    service: serviceKey,
    server: endpoint,
    order: serverOrder,
    ...stamp,
  }),
  kept: record({ kind: exactly("kept"), service: serviceKey, server: endpoint, change: keptChange, ...stamp }),
});

const sharedEntries = record({ entries: list(sharedEntry) });

/** What `persist-shared` wrote before; undefined when there is none that can be read. */
export function readSharedEntries(
  value: unknown,
  onProblem: (problem: string) => void,
): readonly SharedEntry[] | undefined {
  return readAs(sharedEntries, value, onProblem)?.entries.slice(0, ENTRIES_MAX);
}

/** The transitions of former processes, oldest first. */
export function readStoredHistory(value: unknown, onProblem: (problem: string) => void): readonly TransitionStatus[] {
  return readAs(storedHistory, value, onProblem)?.transitions ?? [];
}
