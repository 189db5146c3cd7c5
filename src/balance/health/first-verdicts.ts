/**
 * A cold start: nothing was judged, so the services have no server yet. The table is not called complete before each of
 * them has heard of its servers once, since the VIPs would come up in front of an empty table and refuse clients.
 */

import type { Unit } from "../servers/service-units.ts";
import { type HealthOf, serverHealth } from "./combined-health.ts";

/** The default timeout of a check: servers that don't answer within it have nothing to give to the clients that wait. */
export const FIRST_VERDICTS_MS = 1_000;

/** Nobody has the work, and at least one server that may get it was not tried yet. */
function isUntried(unit: Unit, healthOf: HealthOf): boolean {
  const healths = unit.servers.map((server) => serverHealth(server, healthOf));
  if (healths.some((health) => health === undefined || health.verdict === "up")) return false;
  return unit.servers.some(
    ({ probes }, index) =>
      healths[index]?.verdict === "unknown" && probes.some(({ key }) => healthOf(key)?.last === undefined),
  );
}

export class FirstVerdicts {
  /** Keys of the units that are waited for. */
  readonly #untried = new Set<string>();
  #untilMs = Number.NEGATIVE_INFINITY;

  /** Waits for these units, as far as they have to be. */
  begin(units: Iterable<Unit>, healthOf: HealthOf, nowMs: number): void {
    this.#untried.clear();
    for (const unit of units) if (isUntried(unit, healthOf)) this.#untried.add(unit.key);
    this.#untilMs = nowMs + FIRST_VERDICTS_MS;
  }

  /** A server of these units was tried. */
  tried(units: readonly Unit[], healthOf: HealthOf): void {
    if (this.#untried.size === 0) return;
    for (const unit of units) {
      if (this.#untried.has(unit.key) && !isUntried(unit, healthOf)) this.#untried.delete(unit.key);
    }
  }

  /** Whether none has to be waited for any more. */
  isOver(nowMs: number): boolean {
    if (nowMs >= this.#untilMs) this.#untried.clear();
    return this.#untried.size === 0;
  }

  /** When it is over at the latest; undefined: it is. */
  nextMs(): number | undefined {
    return this.#untried.size === 0 ? undefined : this.#untilMs;
  }
}
