/**
 * What is the same for the search: two moments from which the real machines, their kernels and the wires go on alike. The
 * machine's whole state is walked, so that a field that a new rule brings counts by itself; times count as their distance
 * from now, in steps and up to a limit, and left out is what only numbers, words or repeats something.
 */
import type { State } from "../../../src/failover/machine/state.ts";
import type { RouterId } from "../../../src/model/pair.ts";
import { PATHS } from "../../../src/model/pair.ts";
import { ROUTERS, type World } from "../../simulation/world.ts";
import { wiresText } from "./faults.ts";

/** Moments that lie less than this apart are one. */
export const STEP_MS = 500;
/** Beyond this a distance means nothing any more: rule 6 remembers the peer for 10 s. */
const FAR_MS = 10_500;

/** Fields by their names: numbers and words that decide nothing, and periodic work that goes on whatever happens. */
const LEFT_OUT = new Set([
  ..."settings timing seed drawn session peerMacs ownMacs trail history nextNumber sendNumber nextBatch batch".split(
    " ",
  ),
  ..."startedAtMs dueAtMs tickedAtMs sentAtMs announcing verification failback shared surroundings".split(" "),
  ..."linkSinceMs thirdEvidence routesHad heardAgeMs fitness sides attempt askedAtMs undoneBatch".split(" "),
  ..."drift settingDigests calibration confirmedAtMs renewAtMs confirmedUntilMs defendedAtMs conflicts configFingerprint software".split(
    " ",
  ),
  ..."rounds missed hook addresses dueAtMs openedAtMs retryMoveAtMs lateTime gatesSinceMs".split(" "),
]);

/** Distances that mean nothing beyond less. */
const LIMITS_MS: Readonly<Record<string, number>> = {
  sinceMs: 1_000,
  carrierSinceMs: 1_000,
  awakeSinceMs: 1_500,
  listeningSinceMs: 1_500,
  graceUntilMs: 500,
  peerFrameAtMs: 5_000,
  lastAnswerAtMs: 5_000,
  firstAnswerAtMs: 7_000,
  bothStandbySinceMs: 2_500,
  holdingSinceMs: 4_500,
  goneSinceMs: 2_000,
};

/** Counts that mean nothing beyond this. */
const COUNT_LIMIT = 3;

function distance(ms: number, limitMs: number): string {
  if (ms >= limitMs) return "far";
  return ms <= -limitMs ? "-far" : `${Math.floor(ms / STEP_MS + 0.02)}`;
}

class Walk {
  readonly #nowMs: number;
  readonly #baseTerm: number;
  readonly words: string[] = [];

  constructor(nowMs: number, baseTerm: number) {
    this.#nowMs = nowMs;
    this.#baseTerm = baseTerm;
  }

  value(key: string, value: unknown): void {
    if (LEFT_OUT.has(key) || value === undefined || value === false) return;
    if (typeof value === "number") this.#number(key, value);
    else if (typeof value !== "object" || value === null) this.words.push(`${key}=${String(value)}`);
    else if (value instanceof Map) this.words.push(`${key}#${[...value.keys()].toSorted().join()}`);
    else if (value instanceof Set) this.words.push(`${key}#${[...value].toSorted().join()}`);
    else if (Array.isArray(value)) this.words.push(`${key}#${value.length}`);
    else {
      this.words.push(`${key}{`);
      for (const name of Object.keys(value).toSorted()) this.value(name, (value as Record<string, unknown>)[name]);
      this.words.push("}");
    }
  }

  #number(key: string, value: number): void {
    if (/^(term|lastActiveTerm)$/.test(key)) this.words.push(`${key}=${value === 0 ? "none" : value - this.#baseTerm}`);
    else if (key === "kernelAnsweredAtMs") return;
    else if (key.endsWith("AtMs") || key.endsWith("SinceMs") || key === "sinceMs" || key.endsWith("UntilMs")) {
      this.words.push(`${key}=${distance(this.#nowMs - value, LIMITS_MS[key] ?? FAR_MS)}`);
    } else if (key.endsWith("Ms")) this.words.push(`${key}=${distance(value, LIMITS_MS[key] ?? FAR_MS)}`);
    else this.words.push(`${key}=${Math.min(value, COUNT_LIMIT)}`);
  }
}

/** What its kernel last told counts only against what the peer last said. */
function derived(state: State, nowMs: number): string {
  const { query, peer, settings, addresses, sides, session } = state;
  const heardAtMs = Math.max(peer?.heardAtMs ?? -Infinity, state.listeningSinceMs);
  const isLate = (query?.kernelAnsweredAtMs ?? -Infinity) > heardAtMs + settings.deadAfterMs;
  const seen = PATHS.map((path) => {
    const { lastFrameAtMs = -Infinity, lastNeighbourAtMs = -Infinity } = sides[path];
    return distance(nowMs - Math.max(lastFrameAtMs, lastNeighbourAtMs), 1_500);
  });
  const heard = PATHS.map((path) => {
    const { acceptedAtMs = -Infinity, bothWaysAtMs = -Infinity, seenAtMs = -Infinity } = session.paths[path];
    return [acceptedAtMs, bothWaysAtMs, seenAtMs].map((atMs) => distance(nowMs - atMs, 1_500)).join();
  });
  const { confirmedUntilMs = -Infinity, confirmedAtMs = -Infinity } = addresses;
  const lease = nowMs - confirmedAtMs < 1_500 ? "fresh" : distance(confirmedUntilMs - nowMs, 3_500);
  const work = [addresses.leases.length > 0, addresses.removals.length > 0, addresses.possible.size];
  const unprovable = [...state.calibration.unprovable.keys()].toSorted();
  return [isLate, ...seen, ...heard, lease, ...work, ...unprovable].join(" ");
}

function routerText(world: World, router: RouterId, offsetMs: number, baseTerm: number): string {
  const { powered, process, kernel, disk } = world.hosts[router];
  const nowMs = world.clock.now;
  const held = world.settings.vips.map(({ vip }) => {
    const endsAtMs = kernel.endsAtMs(vip.prefix.address.text);
    if (endsAtMs === undefined) return "-";
    // A daemon that runs and is active renews it.
    return process?.frozen === false && process.state.phase.kind === "active" ? "+" : distance(endsAtMs - nowMs, 9_000);
  });
  const words = [powered ? "on" : "off", ...held];
  if (process === undefined) {
    const { term = 0, lastActiveTerm = 0 } = disk ?? {};
    return [...words, term - baseTerm, lastActiveTerm - baseTerm].join(" ");
  }
  const other = world.hosts[router === "primary" ? "backup" : "primary"].process?.state.session;
  const { session } = process.state;
  const knows = session.peer !== undefined && session.peer.bootId === other?.bootId;
  const nonce = knows && session.peer?.nonce === other?.nonce;
  const walk = new Walk(nowMs + offsetMs, baseTerm);
  walk.value("state", process.state);
  const waits = process.frozen ? `frozen ${Math.min(1, process.inbox.length)}` : "runs";
  return [...words, waits, knows, nonce, derived(process.state, nowMs + offsetMs), ...walk.words].join(" ");
}

/** @param offsetMs by which the routers' clocks are ahead of the world's. */
export function digestOf(world: World, offsetMs: number): string {
  const terms = ROUTERS.flatMap((router) => {
    const { process, disk } = world.hosts[router];
    const { term = 0, lastActiveTerm = 0 } = process?.state ?? disk ?? {};
    return [term, lastActiveTerm].filter((number) => number > 0);
  });
  const baseTerm = Math.min(...terms, Infinity);
  const routers = ROUTERS.map((router) =>
    routerText(world, router, offsetMs, Number.isFinite(baseTerm) ? baseTerm : 0),
  );
  return [wiresText(world), ...routers].join("\n");
}
