import type { StoredState } from "../failover/effect.ts";
import { DecodeError } from "../lib/errors.ts";
import { bool, type Decoder, finite, list, optional, parsedText, record, text, whole } from "../lib/plain-data.ts";
import { parseMacAddress } from "../model/mac-address.ts";
import type { TransitionStatus } from "./status-report.ts";

/** Terms rise by one with each takeover: more than this is no term. */
const term = whole(0, Number.MAX_SAFE_INTEGER);

const storedState: Decoder<StoredState> = record({
  term,
  lastActiveTerm: term,
  hold: bool,
  peerMacs: list(record({ interface: text, mac: parsedText(parseMacAddress) })),
  failbackStableMs: optional(finite),
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

/** The transitions of former processes, oldest first. */
export function readStoredHistory(value: unknown, onProblem: (problem: string) => void): readonly TransitionStatus[] {
  return readAs(storedHistory, value, onProblem)?.transitions ?? [];
}
