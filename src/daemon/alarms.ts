import type { ServiceView } from "../balance/report.ts";
import { isSecondOwnerSeen } from "../failover/owner-watch.ts";
import { isPeerAlive } from "../failover/peer.ts";
import type { SidedVip } from "../failover/settings.ts";
import type { State } from "../failover/state.ts";
import { sameAddress } from "../model/address.ts";
import { otherRouter } from "../model/pair.ts";
import type { WarningFacts } from "./warnings.ts";

/** Kinds of an alarm, for scripts; kinds are added, never renamed. */
export type AlarmKind = "two-owners" | "no-owner" | "unserved-service";

/** What clients notice now: `tandem status` ends with 3 while there is one. */
export interface Alarm {
  readonly kind: AlarmKind;
  readonly text: string;
}

/** Two own a VIP, nobody owns one, or a service has nobody left to serve it, as far as this router knows. */
export function currentAlarms(state: State, facts: WarningFacts): readonly Alarm[] {
  return [...twoOwners(state, facts), ...noOwner(state, facts), ...unserved(facts.views)];
}

function twoOwners(state: State, { config, nowMs }: WarningFacts): Alarm[] {
  const { foreign, phase, peer, settings, acceptance, move, rival } = state;
  const name = config.pair[otherRouter(settings.router)].name;
  const alarms: string[] = [];
  if (isSecondOwnerSeen(state))
    alarms.push(`${name} is not heard, but its kernel has VIPs too: both routers have them`);
  const isMoving = acceptance !== undefined || move?.offeredAtMs !== undefined;
  if (phase.kind === "active" && rival && !isMoving && isPeerAlive(state, nowMs)) {
    const held = peer?.says.vips.filter((vip) => vip.held).map(({ address }) => address.text) ?? [];
    if (held.length > 0) alarms.push(`both routers have ${held.join(", ")}`);
  }
  for (const text of phase.kind === "standby" ? foreign.left : []) {
    alarms.push(`this standby has ${text}, which somebody set: it was left, and answers beside the active`);
  }
  return alarms.map((text) => ({ kind: "two-owners", text }));
}

/** A VIP of a pair with an active that is on neither router. */
function noOwner(state: State, { nowMs }: WarningFacts): Alarm[] {
  const { phase, peer, addresses, move, acceptance } = state;
  if (move !== undefined || acceptance !== undefined) return [];
  const isAlive = isPeerAlive(state, nowMs);
  if (phase.kind !== "active" && !(isAlive && peer?.says.role === "active")) return [];
  const isHeldHere = ({ vip }: SidedVip) =>
    [...addresses.possible.values()].some((own) => sameAddress(own.prefix.address, vip.prefix.address));
  const isHeldThere = ({ vip }: SidedVip) => {
    const report = peer?.says.vips.find((entry) => sameAddress(entry.address, vip.prefix.address));
    // With very many VIPs a heartbeat does not list each.
    return isAlive && (report === undefined ? peer?.says.role === "active" : report.held);
  };
  return state.settings.vips
    .filter((sided) => sided.optional !== true && !isHeldHere(sided) && !isHeldThere(sided))
    .map(({ vip }) => ({ kind: "no-owner", text: `no router has ${vip.prefix.address.text} (${vip.interface})` }));
}

function unserved(views: readonly ServiceView[]): Alarm[] {
  return views
    .filter(({ work }) => work === "none")
    .map(({ service }) => ({
      kind: "unserved-service",
      text: `${service}: no real server is up, and nothing takes its place`,
    }));
}
