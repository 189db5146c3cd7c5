import { differences } from "../failover/drift.ts";
import type { State } from "../failover/state.ts";

/** Settings that a warning names; the status has all of them. */
const NAMED_MAX = 5;

/** In what the configurations differ, in words: `pair.lease, gate proxy, and 2 that only lvs2 has`; undefined: unknown. */
function driftWords(state: State, peer: string): string | undefined {
  const { names = [], missing = 0 } = differences(state) ?? {};
  const more = names.length - NAMED_MAX;
  const rest = [
    ...(more > 0 ? [`${more} more`] : []),
    ...(missing > 0 ? [`${missing} that only ${peer} has`] : []),
  ].join(" and ");
  const shown = names.slice(0, NAMED_MAX).join(", ");
  if (shown === "" || rest === "") return shown + rest || undefined;
  return `${shown}, and ${rest}`;
}

/** A warning where the peer's configuration is another one. */
export function driftWarning(state: State, peer: string): string[] {
  const { settings } = state;
  const theirs = state.peer?.says.configFingerprint;
  if (theirs === undefined || theirs === settings.configFingerprint) return [];
  const what = driftWords(state, peer) ?? `fingerprint ${theirs} there, ${settings.configFingerprint} here`;
  return [`the routers have different configurations: ${what}: compare \`tandem config show\` on both`];
}
