import { DecodeError } from "../../lib/errors.ts";
import {
  type Decoder,
  exactly,
  finite,
  list,
  oneOf,
  optional,
  record,
  text,
  union,
  whole,
} from "../../lib/plain-data.ts";
import {
  FILE_STATES,
  GATE_EFFECTS,
  GATE_STATES,
  GATE_TIMES,
  GATES_MAX,
  type Gate,
  type GateSubject,
} from "../../model/gate.ts";
import type { GateView } from "../servers/check-report.ts";
import { ipAddress } from "./address-decoder.ts";
import { checkMethod, checkTiming } from "./check-decoder.ts";

/** The decoders of gates and of how they stand, between router and balancer. They throw only DecodeError. */

/** A list of at most as many as there can be gates. */
export function gateList<T>(item: Decoder<T>): Decoder<readonly T[]> {
  const items = list(item);
  return (value) => {
    if (Array.isArray(value) && value.length > GATES_MAX) {
      throw new DecodeError("", `${value.length} are more than ${GATES_MAX}`);
    }
    return items(value);
  };
}

const target = record({ address: ipAddress, port: whole(0, 65_535) });

const subject: Decoder<GateSubject> = union("kind", {
  check: record({ kind: exactly("check"), method: checkMethod, target: optional(target) }),
  process: record({ kind: exactly("process"), name: text }),
  interface: record({ kind: exactly("interface"), name: text }),
  file: record({ kind: exactly("file"), path: text, state: oneOf(FILE_STATES) }),
});

export const gate: Decoder<Gate> = record({
  name: text,
  effect: oneOf(GATE_EFFECTS),
  when: oneOf(GATE_TIMES),
  subject,
  ...checkTiming,
});

/** How a gate stands, for the failover machine. */
const view = { name: text, state: oneOf(GATE_STATES), sinceMs: finite, detail: optional(text) };
export const gateView: Decoder<GateView> = record(view);
