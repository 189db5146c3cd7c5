/** The warning that two routers have different configurations, with the settings that differ. */
import { differences, differencesText, hasDrift } from "../../failover/evidence/config-drift.ts";
import type { State } from "../../failover/machine/state.ts";

/** A warning where the peer's configuration is another one. */
export function driftWarning(state: State, peer: string): string[] {
  if (!hasDrift(state)) return [];
  const found = differences(state);
  const prints = `fingerprint ${state.peer?.says.configFingerprint} there, ${state.settings.configFingerprint} here`;
  const what = found === undefined ? prints : differencesText(found, peer) || prints;
  return [`the routers have different configurations: ${what}: compare \`tandem config show\` on both`];
}
