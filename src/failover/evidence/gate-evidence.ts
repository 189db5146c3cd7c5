/** Gates: what an administrator has named as a condition of serving (rule 17). The balancer runs them, the peers compare. */
import { createHash } from "node:crypto";
import type { GateState, GateWord } from "../../wire/heartbeat/heartbeat.ts";
import type { State } from "../machine/state.ts";
import type { GateReport } from "../machine/surroundings.ts";
import type { Turn } from "../machine/turn.ts";

const DIGEST_DIGITS = 6;

/** How a gate is called in heartbeats: names can be long. Six hexadecimal digits. */
export function gateDigest(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, DIGEST_DIGITS);
}

export function isDeciding(gate: GateReport): boolean {
  return gate.effect === "hand-over";
}

/** The balancer's account is in the log already: here it is a cause of what follows. */
export function onGates(turn: Turn, gates: readonly GateReport[]): void {
  const before = new Map(turn.state.gates.map((gate) => [gate.name, gate]));
  turn.set({ gates });
  for (const gate of gates) {
    const known = before.get(gate.name)?.state;
    const detail = gate.detail === undefined ? "" : `: ${gate.detail}`;
    if (gate.state === "failing" && known !== "failing") {
      turn.cause("gate-failing", `gate ${gate.name} fails${detail}`);
      turn.tell = true;
    } else if (gate.state === "passing" && known === "failing") {
      turn.cause("gate-passing", `gate ${gate.name} passes again`);
      turn.tell = true;
    }
  }
}

/** What the peer says of this gate, and since when; undefined: it has none of that name, or says nothing. */
export function peerGate(
  { peer }: State,
  name: string,
): { readonly state: GateState; readonly sinceMs?: number | undefined } | undefined {
  const digest = gateDigest(name);
  const state = peer?.says.fitness?.gates.find((word) => word.digest === digest)?.state;
  return state === undefined ? undefined : { state, sinceMs: peer?.gatesSinceMs?.get(digest) };
}

/** Gates that fail here and have passed for long enough there; and the other way round. */
export function gateBalance(
  state: State,
  theirs: readonly GateWord[],
): { readonly here: readonly string[]; readonly there: readonly string[] } {
  const states = new Map<string, GateState>(theirs.map(({ digest, state: word }) => [digest, word]));
  const common = state.gates.filter((gate) => isDeciding(gate) && states.has(gateDigest(gate.name)));
  const fails = common.filter((gate) => gate.state === "failing");
  return {
    here: fails.filter((gate) => states.get(gateDigest(gate.name)) === "passing").map((gate) => gate.name),
    there: common
      .filter((gate) => gate.state === "passing" && states.get(gateDigest(gate.name)) === "failing")
      .map((gate) => gate.name),
  };
}
